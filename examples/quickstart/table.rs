//! The aligned table of what was sent, expected and got.

use std::time::{Duration, Instant};

struct Row {
    sent: String,
    expected: String,
    got: String,
    took: Duration,
}

impl Row {
    fn is_right(&self) -> bool {
        self.expected == self.got
    }
}

#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
}

impl Table {
    /// Runs one scene and notes how it ended and how long it took.
    pub(crate) async fn row(
        &mut self,
        sent: impl Into<String>,
        expected: impl Into<String>,
        got: impl Future<Output = String>,
    ) {
        let start = Instant::now();
        let got = got.await;
        let row = Row {
            sent: sent.into(),
            expected: expected.into(),
            got,
            took: start.elapsed(),
        };
        if !row.is_right() {
            eprintln!("{}: expected {}, got {}", row.sent, row.expected, row.got);
        }
        self.rows.push(row);
    }

    /// Prints everything, the summary last, and tells whether every row is right.
    pub(crate) fn print(&self) -> bool {
        let width = |cell: fn(&Row) -> &str, title: &str| {
            let cells = self.rows.iter().map(|row| cell(row).chars().count());
            cells.max().unwrap_or(0).max(title.len())
        };
        let sent = width(|row| &row.sent, "sent");
        let expected = width(|row| &row.expected, "expected");
        let got = width(|row| &row.got, "got");
        let line = |a: &str, b: &str, c: &str, d: &str| {
            println!("{a:sent$}  {b:expected$}  {c:got$}  {d:>9}");
        };
        line("sent", "expected", "got", "took");
        let dashes = |width| "-".repeat(width);
        line(&dashes(sent), &dashes(expected), &dashes(got), &dashes(9));
        for row in &self.rows {
            let took = format!("{:.2} ms", row.took.as_secs_f64() * 1e3);
            let mark = if row.is_right() { "" } else { "  <-- differs" };
            line(&row.sent, &row.expected, &row.got, &(took + mark));
        }
        let right = self.rows.iter().filter(|row| row.is_right()).count();
        println!("\n{right} of {} as expected", self.rows.len());
        right == self.rows.len()
    }
}
