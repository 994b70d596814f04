//! Rates and latencies over the number of connections, as SVG.

use std::path::Path;

use plotters::prelude::*;
use tower_nylas_kit::inbox::load::{Error, Measured};

/// A receiver's name, and what was measured with how many connections.
pub(crate) type Curve = (&'static str, Vec<(usize, Measured)>);

type Value = fn(&Measured) -> f64;

const COLOURS: [RGBColor; 4] = [
    RGBColor(0x25, 0x63, 0xeb),
    RGBColor(0x16, 0xa3, 0x4a),
    RGBColor(0x94, 0xa3, 0xb8),
    RGBColor(0xf5, 0x9e, 0x0b),
];

pub(crate) fn write(path: &Path, curves: &[Curve]) -> Result<(), Error> {
    let area = SVGBackend::new(path, (900, 420)).into_drawing_area();
    area.fill(&WHITE)?;
    let (left, right) = area.split_horizontally(450);
    let (high, low) = (
        SeriesLabelPosition::UpperLeft,
        SeriesLabelPosition::LowerRight,
    );
    draw(&left, "accepted a second", low, curves, Measured::rate)?;
    draw(&right, "p99, ms", high, curves, |measured| {
        measured.percentile(99)
    })?;
    area.present()?;
    Ok(())
}

fn draw(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    title: &str,
    legend: SeriesLabelPosition,
    curves: &[Curve],
    value: Value,
) -> Result<(), Error> {
    let points = || curves.iter().flat_map(|(_, points)| points);
    let most = points()
        .map(|(connections, _)| *connections)
        .max()
        .unwrap_or(1);
    let values = || points().map(|(_, measured)| value(measured));
    let highest = values().fold(1.0, f64::max);
    let lowest = values().fold(highest, f64::min).max(0.01);
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(60)
        .build_cartesian_2d(
            (1..most).log_scale(),
            (lowest / 1.2..highest * 1.2).log_scale(),
        )?;
    chart
        .configure_mesh()
        .x_desc("connections")
        .light_line_style(TRANSPARENT)
        .y_label_formatter(&|value| value.to_string())
        .draw()?;
    for ((name, points), colour) in curves.iter().zip(COLOURS) {
        let line = points
            .iter()
            .map(|(connections, measured)| (*connections, value(measured)));
        let series = LineSeries::new(line, colour.stroke_width(2));
        chart
            .draw_series(series)?
            .label(*name)
            .legend(move |(x, y)| {
                PathElement::new(vec![(x, y), (x + 16, y)], colour.stroke_width(2))
            });
    }
    chart
        .configure_series_labels()
        .position(legend)
        .background_style(WHITE)
        .border_style(BLACK)
        .draw()?;
    Ok(())
}
