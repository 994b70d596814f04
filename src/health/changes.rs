//! What has changed from one status to the next.

use super::{Cause, Finding, Level, Status};

/// A finding that is new, or whose level is another one, or that is gone.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) destination: Option<String>,
    pub(super) cause: Cause,
    pub(super) from: Level,
    pub(super) to: Level,
    /// Of the finding, unless it is gone.
    pub(super) text: Option<String>,
}

pub(super) fn changes(before: &Status, now: &Status) -> Vec<Change> {
    let risen = now.all_findings().filter_map(|(destination, finding)| {
        let from = level_in(before, destination, finding.cause);
        (from != finding.level).then(|| Change {
            destination: destination.map(str::to_owned),
            cause: finding.cause,
            from,
            to: finding.level,
            text: Some(finding.text.clone()),
        })
    });
    let gone = before.all_findings().filter_map(|(destination, finding)| {
        let to = level_in(now, destination, finding.cause);
        (to == Level::Ok).then(|| Change {
            destination: destination.map(str::to_owned),
            cause: finding.cause,
            from: finding.level,
            to,
            text: None,
        })
    });
    risen.chain(gone).collect()
}

fn level_in(status: &Status, destination: Option<&str>, cause: Cause) -> Level {
    let findings: &[Finding] = match destination {
        None => &status.findings,
        Some(label) => status
            .destination(label)
            .map_or(&[], |destination| &destination.findings),
    };
    let found = findings.iter().find(|finding| finding.cause == cause);
    found.map_or(Level::Ok, |finding| finding.level)
}
