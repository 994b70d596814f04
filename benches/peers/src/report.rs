//! The same figures for the terminal, for Markdown and for a spreadsheet.

use std::{
    fmt::{self, Write as _},
    fs,
    time::Duration,
};

use crate::{
    args::{Compare, Size},
    cores::Cores,
    results::{Figures, OverRounds, Results},
    server::Server,
};

/// How and where it was measured.
pub(crate) struct Setup {
    pub(crate) sizes: Vec<Size>,
    pub(crate) servers: Vec<Server>,
    pub(crate) seconds: Duration,
    pub(crate) warm_up: Duration,
    pub(crate) rounds: u16,
    pub(crate) connections: u16,
    pub(crate) cores: Option<Cores>,
    pub(crate) node: Option<String>,
    pub(crate) notes: Vec<String>,
    pub(crate) smoke: bool,
}

impl Setup {
    pub(crate) fn new(args: &Compare) -> Self {
        let (warm_up, seconds, rounds) = if args.smoke {
            (Duration::from_millis(100), Duration::from_millis(200), 1)
        } else {
            (args.warm_up, args.seconds, args.rounds)
        };
        let mut setup = Self {
            sizes: without_repetitions(&args.sizes),
            servers: without_repetitions(&args.only),
            seconds,
            warm_up,
            rounds,
            connections: args.connections,
            cores: None,
            node: None,
            notes: Vec::new(),
            smoke: args.smoke,
        };
        if args.smoke {
            setup.note("a smoke run: the figures mean nothing");
        }
        setup
    }

    /// Something that whoever reads the figures must know: shown at once, and again in the end.
    pub(crate) fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        println!("note: {note}");
        self.notes.push(note);
    }

    pub(crate) fn rounds_in_words(&self) -> String {
        match self.rounds {
            1 => "one round".to_owned(),
            rounds => format!("{rounds} rounds"),
        }
    }

    /// In the order of the tables.
    pub(crate) fn servers_with(
        &self,
        results: &Results,
        size: Size,
    ) -> impl Iterator<Item = (Server, OverRounds)> {
        self.servers.iter().filter_map(move |&server| {
            let rate = results.over_rounds(size, server, |f| Some(f.requests_per_second))?;
            Some((server, rate))
        })
    }
}

impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} keep-alive connections; {} of {} s after {} s of warm-up; {}",
            self.connections,
            self.rounds_in_words(),
            self.seconds.as_secs_f64(),
            self.warm_up.as_secs_f64(),
            processor(),
        )?;
        if let Some(Cores { server, load }) = self.cores {
            write!(f, "; servers on core {server}, load on core {load}")?;
        }
        if let Some(node) = &self.node {
            write!(f, "; Node {node}")?;
        }
        Ok(())
    }
}

fn without_repetitions<T: Copy + PartialEq>(given: &[T]) -> Vec<T> {
    let mut kept = Vec::new();
    for one in given {
        if !kept.contains(one) {
            kept.push(*one);
        }
    }
    kept
}

/// What one line of progress says about a turn.
pub(crate) fn progress(figures: &Figures) -> String {
    let mut text = format!(
        "{:>9} req/s  p99 {:>7} µs  CPU {:>6} µs  server {:>5}  load {:>5}",
        whole(figures.requests_per_second),
        whole(figures.p99),
        or_dash(figures.cpu_per_request, |v| format!("{v:.1}")),
        or_dash(figures.server_share, percent),
        or_dash(figures.load_share, percent),
    );
    if figures.is_disturbed() {
        let _ = write!(
            text,
            "  OTHERS {:>5}",
            or_dash(figures.others_share, percent)
        );
    }
    text
}

const HEADER: [&str; 11] = [
    "server",
    "req/s",
    "spread",
    "p50 µs",
    "p99 µs",
    "p99.9 µs",
    "CPU µs/req",
    "over floor",
    "peak MB",
    "server busy",
    "load busy",
];

pub(crate) fn tables(setup: &Setup, results: &Results) -> String {
    let mut text = String::new();
    for &size in &setup.sizes {
        let rows = rows(setup, results, size);
        let widths: [usize; HEADER.len()] = std::array::from_fn(|column| {
            let cells = rows.iter().map(|row| row[column].chars().count());
            cells.fold(HEADER[column].chars().count(), usize::max)
        });
        let _ = writeln!(text, "{size} per notification");
        let mut line = |cells: [&str; HEADER.len()]| {
            let mut line = String::new();
            for (column, (cell, width)) in cells.into_iter().zip(widths).enumerate() {
                let _ = if column == 0 {
                    write!(line, "{cell:<width$}")
                } else {
                    write!(line, "  {cell:>width$}")
                };
            }
            let _ = writeln!(text, "{line}");
        };
        line(HEADER);
        for row in &rows {
            line(row.each_ref().map(String::as_str));
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text
}

pub(crate) fn markdown(setup: &Setup, results: &Results, failures: &[String]) -> String {
    let mut text = format!(
        "# tower-nylas and its peers, end to end\n\n{setup}.\n\n\
         Medians over the rounds. The spread is half the distance from the slowest to the fastest \
         round. *CPU* is the server's, in user and kernel mode; *over floor* is what it needs \
         beyond axum that only reads the body. Latencies are those of a server that is never idle.\n"
    );
    for note in &setup.notes {
        let _ = writeln!(text, "\n**Note:** {note}.");
    }
    for failure in failures {
        let _ = writeln!(text, "\n**Failed:** {failure}.");
    }
    text.push_str("\n![Requests per second](plot.svg)\n");
    for &size in &setup.sizes {
        let _ = writeln!(text, "\n## {size} per notification\n");
        let mut line = |cells: [&str; HEADER.len()]| {
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        };
        line(HEADER);
        line(std::array::from_fn(|column| {
            if column == 0 { "---" } else { "---:" }
        }));
        for row in rows(setup, results, size) {
            line(row.each_ref().map(String::as_str));
        }
    }
    text
}

fn rows(setup: &Setup, results: &Results, size: Size) -> Vec<[String; HEADER.len()]> {
    let floor = cpu(results, size, Server::AxumBare);
    let rows = setup.servers_with(results, size).map(|(server, rate)| {
        let median = |figure: fn(&Figures) -> Option<f64>| {
            let over_rounds = results.over_rounds(size, server, figure);
            over_rounds.map(|over_rounds| over_rounds.median)
        };
        let cpu = cpu(results, size, server);
        let over_floor = cpu.zip(floor).map(|(cpu, floor)| cpu - floor);
        [
            server.title().to_owned(),
            whole(rate.median),
            or_dash(rate.spread(), |v| format!("±{v:.1} %")),
            or_dash(median(|f| Some(f.p50)), whole),
            or_dash(median(|f| Some(f.p99)), whole),
            or_dash(median(|f| Some(f.p999)), whole),
            or_dash(cpu, |v| format!("{v:.1}")),
            or_dash(over_floor.filter(|_| server != Server::AxumBare), |v| {
                format!("{v:+.1}")
            }),
            or_dash(median(|f| f.peak_memory), |v| format!("{v:.1}")),
            or_dash(median(|f| f.server_share), percent),
            or_dash(median(|f| f.load_share), percent),
        ]
    });
    rows.collect()
}

/// Every turn, for those who want to reckon in another way.
pub(crate) fn csv(results: &Results) -> String {
    let mut text = String::from(
        "body_bytes,round,server,requests_per_second,p50_us,p99_us,p999_us,cpu_us_per_request,\
         peak_mb,server_share,load_share,others_share\n",
    );
    for turn in &results.0 {
        let f = &turn.figures;
        let optional = |value: Option<f64>| value.map(|v| format!("{v:.4}")).unwrap_or_default();
        let _ = writeln!(
            text,
            "{},{},{},{:.1},{:.1},{:.1},{:.1},{},{},{},{},{}",
            turn.size.0,
            turn.round,
            turn.server.name(),
            f.requests_per_second,
            f.p50,
            f.p99,
            f.p999,
            optional(f.cpu_per_request),
            optional(f.peak_memory),
            optional(f.server_share),
            optional(f.load_share),
            optional(f.others_share),
        );
    }
    text
}

/// The last line.
pub(crate) fn summary(
    setup: &Setup,
    results: &Results,
    failures: &[String],
    took: Duration,
) -> String {
    let mut text = format!("{} turns in {:.0} s", results.0.len(), took.as_secs_f64());
    let rate = |size, server| {
        let rates = results.over_rounds(size, server, |f| Some(f.requests_per_second));
        rates.map(|rates| rates.median)
    };
    let peers = [
        (Server::AxumBare, "bare axum"),
        (Server::ByHandUsual, "by hand"),
        (Server::Express, "Express"),
    ];
    let mut begin = "; req/s of tower-nylas on axum:";
    for &size in &setup.sizes {
        let Some(ours) = rate(size, Server::OursAxum) else {
            continue;
        };
        let times = peers.into_iter().filter_map(|(server, name)| {
            let times = ours / rate(size, server)?;
            Some(format!("{times:.2}× {name}"))
        });
        let times: Vec<String> = times.collect();
        if !times.is_empty() {
            let _ = write!(text, "{begin} {} at {size}", times.join(", "));
            begin = ";";
        }
    }
    let _ = match failures.len() {
        0 => write!(text, "; every answer was 200"),
        failed => write!(text, "; {failed} turns FAILED"),
    };
    if setup.smoke {
        text.push_str(" (smoke run: not to be quoted)");
    }
    text
}

pub(crate) fn cpu(results: &Results, size: Size, server: Server) -> Option<f64> {
    let cpu = results.over_rounds(size, server, |f| f.cpu_per_request)?;
    Some(cpu.median)
}

/// With a comma between the thousands.
pub(crate) fn whole(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

fn or_dash(value: Option<f64>, show: impl Fn(f64) -> String) -> String {
    value.map_or_else(|| "–".to_owned(), show)
}

/// Whether SHA-256 has instructions of its own decides much of what is measured here.
fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let mut lines = info.lines().filter_map(|line| line.split_once(':'));
        let (_, value) = lines.find(|(key, _)| key.trim() == name)?;
        Some(value.trim())
    };
    let model = field("model name").unwrap_or("unknown processor");
    let features = field("flags")
        .or_else(|| field("Features"))
        .unwrap_or_default();
    let sha = features
        .split(' ')
        .any(|feature| matches!(feature, "sha_ni" | "sha2"));
    format!(
        "{model} {} SHA instructions",
        if sha { "with" } else { "without" }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_thousands() {
        assert_eq!(whole(0.4), "0");
        assert_eq!(whole(999.0), "999");
        assert_eq!(whole(1_000.0), "1,000");
        assert_eq!(whole(1_234_567.2), "1,234,567");
    }
}
