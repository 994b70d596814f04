//! What a [`Health`](super::Health) says at one moment.

use std::{cmp::Reverse, fmt, time::Duration};

use serde::{Serialize, Serializer};

use super::{Finding, Level, Share, finding::worst, record::Reading};
use crate::report::UpTo;

/// How all destinations are doing. [`Display`](fmt::Display) is one line, the worst first, and
/// serde's form is that of the [report](super::Health::report) in JSON.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Status {
    /// The worst of all findings.
    pub level: Level,
    /// Whether requests should be sent to this process
    /// ([`Health::is_ready`](super::Health::is_ready)).
    pub is_ready: bool,
    /// What is wrong, of no destination in particular.
    pub findings: Vec<Finding>,
    /// In the order in which they were seen first.
    pub destinations: Vec<DestinationHealth>,
}

/// How one destination is doing.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DestinationHealth {
    /// The label of its secrets; `other` for all beyond the first 100.
    pub destination: String,
    /// The worst of its findings.
    pub level: Level,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// Genuine notifications of the last 5 minutes.
    pub five_minutes: Share,
    /// Those of the last 15 minutes, by which Nylas calls a destination failing.
    pub fifteen_minutes: Share,
    /// Those of the last 72 hours, by which Nylas calls it failed.
    pub three_days: Share,
    /// How many were lost within an hour.
    pub lost_within_hour: u64,
    /// Since a notification was last verified and answered; in JSON, in seconds.
    #[serde(rename = "seconds_since_verified", serialize_with = "seconds")]
    pub since_verified: Option<Duration>,
    /// Whether it has series of its own.
    #[serde(skip)]
    #[cfg_attr(not(feature = "metrics"), allow(dead_code))]
    pub(super) is_told_apart: bool,
}

#[allow(clippy::ref_option)] // as serde calls it
fn seconds<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    duration
        .map(|duration| duration.as_secs())
        .serialize(serializer)
}

impl Status {
    pub(super) fn new(
        is_ready: bool,
        findings: Vec<Finding>,
        destinations: Vec<DestinationHealth>,
    ) -> Self {
        let levels = destinations.iter().map(|destination| destination.level);
        Self {
            level: levels.max().unwrap_or_default().max(worst(&findings)),
            is_ready,
            findings,
            destinations,
        }
    }

    /// The destination with this label.
    pub fn destination(&self, label: &str) -> Option<&DestinationHealth> {
        let mut destinations = self.destinations.iter();
        destinations.find(|destination| destination.destination == label)
    }

    /// All findings, with the destination that they are about.
    pub fn all_findings(&self) -> impl Iterator<Item = (Option<&str>, &Finding)> {
        let of_none = self.findings.iter().map(|finding| (None, finding));
        let of_each = self.destinations.iter().flat_map(|destination| {
            let label = Some(&*destination.destination);
            let findings = destination.findings.iter();
            findings.map(move |finding| (label, finding))
        });
        of_none.chain(of_each)
    }
}

impl DestinationHealth {
    pub(super) fn new(destination: String, is_told_apart: bool, reading: Reading) -> Self {
        Self {
            destination,
            level: worst(&reading.findings),
            findings: reading.findings,
            five_minutes: reading.five_minutes,
            fifteen_minutes: reading.fifteen_minutes,
            three_days: reading.three_days,
            lost_within_hour: reading.lost_within_hour,
            since_verified: reading.since_verified,
            is_told_apart,
        }
    }

    pub(super) fn add(&mut self, finding: Finding) {
        self.level = self.level.max(finding.level);
        self.findings.push(finding);
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.level.as_str())?;
        let mut separator = ": ";
        let mut findings: Vec<_> = self.all_findings().collect();
        findings.sort_by_key(|(_, finding)| Reverse(finding.level));
        for (destination, finding) in findings {
            f.write_str(separator)?;
            if let Some(label) = destination {
                write!(f, "{}: ", UpTo::name(label))?;
            }
            write!(f, "{finding}")?;
            separator = "; ";
        }
        if self.level > Level::Ok {
            return Ok(());
        }
        let windows = self.destinations.iter();
        let all = windows.fold(Share::default(), |sum, destination| {
            sum.with(destination.fifteen_minutes)
        });
        write!(
            f,
            ": of {} notifications within 15 minutes, {} failed",
            all.requests, all.failed
        )
    }
}
