//! The table in the upper part of a terminal, as lines.

use std::{collections::VecDeque, net::SocketAddr, time::Duration};

use crate::{
    perform::{Sandbox, clock},
    watch::News,
};

/// How many deliveries it shows.
const ROWS: usize = 8;
const DESTINATIONS: usize = 3;
/// Two lines above, the destinations, two titles, the deliveries, and the line below.
pub(crate) const HEIGHT: usize = 2 + DESTINATIONS + 1 + ROWS + 1;

#[derive(Default)]
pub(crate) struct Table {
    rows: VecDeque<String>,
}

impl Table {
    pub(crate) fn add(&mut self, news: &[News]) {
        let skipped = news.len().saturating_sub(ROWS);
        for it in &news[skipped..] {
            self.rows.push_back(row(it));
        }
        while self.rows.len() > ROWS {
            self.rows.pop_front();
        }
    }

    /// As many lines as its height.
    pub(crate) fn lines(
        &self,
        sandbox: &Sandbox,
        address: SocketAddr,
        totals: &str,
    ) -> Vec<String> {
        let mut lines = vec![format!(
            "Nylas on http://{address}  {}  {}× time  {totals}  {} faults",
            seconds(sandbox.nylas.elapsed()),
            sandbox.speed,
            sandbox.fault_count(),
        )];
        lines.push(sandbox.runs.progress().join("; "));
        let all = sandbox.nylas.destinations();
        let shown = all.iter().take(DESTINATIONS);
        lines.extend(
            shown.map(|it| format!("{}  {:7}  {}", it.id, it.status.to_string(), it.webhook_url)),
        );
        if let (Some(last), true) = (lines.last_mut(), all.len() > DESTINATIONS) {
            *last = format!("… and {} destinations more", all.len() + 1 - DESTINATIONS);
        }
        lines.resize(2 + DESTINATIONS, String::new());
        lines.push(format!(
            "{:12}  {:26}  {:26}  {}  to: answer",
            "time", "trigger", "id", "#"
        ));
        lines.extend(self.rows.iter().cloned());
        lines.resize(HEIGHT - 1, String::new());
        lines.push("─".repeat(79));
        lines
    }
}

/// A time since the start, without its milliseconds.
fn seconds(time: Duration) -> String {
    let mut text = clock(time);
    text.truncate(text.rfind('.').unwrap_or(text.len()));
    text
}

/// One line of the table, and of the output where there is no terminal.
pub(crate) fn row(it: &News) -> String {
    let News {
        trigger,
        id,
        attempt,
        to,
        answer,
        ..
    } = it;
    let at = clock(it.at);
    if id.is_empty() {
        return format!("{at}  {to}: {answer}");
    }
    format!("{at}  {trigger:26}  {id:26}  {attempt}  {to}: {answer}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_whole_also_after_more_than_100_hours() {
        for (shown, secs) in [
            ("00:00:07", 7),
            ("99:59:59", 359_999),
            ("100:00:00", 360_000),
            ("1000:01:01", 3_600_061),
        ] {
            let time = Duration::from_millis(secs * 1000 + 250);
            assert_eq!(seconds(time), shown);
        }
    }
}
