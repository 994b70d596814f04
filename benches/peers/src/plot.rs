//! The requests per second as bars.

use std::path::Path;

use plotters::{
    coord::Shift,
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

use crate::{
    Result,
    args::Size,
    report::{self, Setup, whole},
    results::{OverRounds, Results},
    server::Server,
};

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

const WIDTH: i32 = 900;
const TITLE: i32 = 78;
const PANEL_TITLE: i32 = 34;
const ROW: i32 = 32;
const BAR: i32 = 20;
const PANEL_GAP: i32 = 14;
/// Where the bars begin, behind the servers' names, and where the longest ends, before its figures.
const BARS: std::ops::Range<i32> = 200..680;

const INK: RGBColor = RGBColor(0x1f, 0x29, 0x37);
const FAINT: RGBColor = RGBColor(0x6b, 0x72, 0x80);
const OURS: RGBColor = RGBColor(0x25, 0x63, 0xeb);
const FLOOR: RGBColor = RGBColor(0xcb, 0xd5, 0xe1);
const BY_HAND: RGBColor = RGBColor(0x94, 0xa3, 0xb8);
const EXPRESS: RGBColor = RGBColor(0xf5, 0x9e, 0x0b);

/// One panel per size, each with a scale of its own.
pub(crate) fn write(path: &Path, setup: &Setup, results: &Results) -> Result<()> {
    let panels: Vec<(Size, Vec<(Server, OverRounds)>)> = setup
        .sizes
        .iter()
        .map(|&size| (size, setup.servers_with(results, size).collect()))
        .collect();
    let height = |bars: usize| PANEL_TITLE + ROW * i32::try_from(bars).unwrap_or(0) + PANEL_GAP;
    let whole_height = TITLE
        + panels
            .iter()
            .map(|(_, bars)| height(bars.len()))
            .sum::<i32>();

    let size = (WIDTH.unsigned_abs(), whole_height.unsigned_abs());
    let area = SVGBackend::new(path, size).into_drawing_area();
    area.fill(&WHITE)?;
    text(
        &area,
        "Requests per second on one core",
        (20, 26),
        22,
        INK,
        HPos::Left,
    )?;
    let mut how = format!(
        "{} connections; median of {}, the thin line from the slowest to the fastest",
        setup.connections,
        setup.rounds_in_words(),
    );
    if setup.smoke {
        "A smoke run: the figures mean nothing".clone_into(&mut how);
    }
    text(&area, &how, (20, 52), 14, FAINT, HPos::Left)?;

    let mut top = TITLE;
    for (size, bars) in &panels {
        panel(&area, top, *size, bars, results)?;
        top += height(bars.len());
    }
    area.present()?;
    Ok(())
}

fn panel(
    area: &Area<'_>,
    top: i32,
    size: Size,
    bars: &[(Server, OverRounds)],
    results: &Results,
) -> Result<()> {
    let title = format!("{size} per notification");
    text(
        area,
        &title,
        (20, top + PANEL_TITLE / 2),
        17,
        INK,
        HPos::Left,
    )?;
    let fastest = bars.iter().map(|(_, rate)| rate.max).fold(1.0, f64::max);
    let x = |rate: f64| {
        let length = f64::from(BARS.end - BARS.start) * rate / fastest;
        #[expect(clippy::cast_possible_truncation, reason = "at most the longest bar")]
        let length = length.round() as i32;
        BARS.start + length
    };
    for (row, (server, rate)) in bars.iter().enumerate() {
        let y = top + PANEL_TITLE + ROW * i32::try_from(row)? + ROW / 2;
        text(
            area,
            server.title(),
            (BARS.start - 10, y),
            15,
            INK,
            HPos::Right,
        )?;
        area.draw(&Rectangle::new(
            [(BARS.start, y - BAR / 2), (x(rate.median), y + BAR / 2)],
            color(*server).filled(),
        ))?;
        if rate.spread().is_some() {
            let line = |from, to| PathElement::new([from, to], INK.stroke_width(1));
            area.draw(&line((x(rate.min), y), (x(rate.max), y)))?;
            for end in [x(rate.min), x(rate.max)] {
                area.draw(&line((end, y - 4), (end, y + 4)))?;
            }
        }
        let mut figures = whole(rate.median);
        if let Some(cpu) = report::cpu(results, size, *server) {
            figures = format!("{figures}  ·  {cpu:.1} µs CPU each");
        }
        text(area, &figures, (x(rate.max) + 10, y), 15, INK, HPos::Left)?;
    }
    Ok(())
}

fn color(server: Server) -> RGBColor {
    match server {
        _ if server.is_ours() => OURS,
        Server::AxumBare => FLOOR,
        Server::Express => EXPRESS,
        _ => BY_HAND,
    }
}

fn text(
    area: &Area<'_>,
    text: &str,
    at: (i32, i32),
    size: i32,
    color: RGBColor,
    edge: HPos,
) -> Result<()> {
    let style = ("sans-serif", size)
        .into_font()
        .color(&color)
        .pos(Pos::new(edge, VPos::Center));
    area.draw(&Text::new(text.to_owned(), at, style))?;
    Ok(())
}
