//! What the ledger has of an event, of an attempt, and of everything else.

use std::{fmt, sync::Arc, time::Duration};

use crate::testing::{
    DeliveryAttempt,
    nylas::{DestinationId, Status},
};

/// What has become of an event for one destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fate {
    /// It was not accepted yet, and will be sent again.
    Open,
    /// The endpoint has answered `200` to an attempt, also where Nylas did not get the answer. One
    /// with a [wrong signature](crate::testing::nylas::Fault::wrong_signature) does not count.
    Accepted,
    /// The endpoint has answered `200` to none of the attempts, or only with the remark that
    /// [nothing reads it](crate::Outcome::Unread), and Nylas makes no more.
    Lost,
    /// No attempt was made, since the destination was paused, failed or deleted. No receiver can
    /// prevent that.
    Unsent,
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Open => "open",
            Self::Accepted => "accepted",
            Self::Lost => "lost",
            Self::Unsent => "unsent",
        })
    }
}

/// A notification, what became of it, and every attempt to deliver it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EventRecord {
    /// The id of the notification.
    pub id: Arc<str>,
    /// Its trigger, with all suffixes. It is a `.truncated` one if at least one destination got it
    /// so.
    pub trigger: Arc<str>,
    /// When it happened, since the start of the simulator.
    pub at: Duration,
    /// What became of it, for each destination that was subscribed to it.
    pub fates: Vec<(DestinationId, Fate)>,
    /// The attempts, in the order in which they ended.
    pub attempts: Vec<AttemptRecord>,
    /// The destinations that it may still be sent to, accepted or not.
    pub(in crate::testing::nylas::simulator) under_way: Vec<DestinationId>,
}

impl EventRecord {
    /// What became of it for this destination; `None` if that was not subscribed.
    pub fn fate(&self, destination: &DestinationId) -> Option<Fate> {
        let mut fates = self.fates.iter();
        fates
            .find(|(other, _)| other == destination)
            .map(|(_, fate)| *fate)
    }

    /// How many destinations it is or was sent to.
    pub(super) fn sent_to(&self) -> usize {
        let fates = self.fates.iter();
        fates.filter(|(_, fate)| *fate != Fate::Unsent).count()
    }

    pub(super) fn has(&self, fate: Fate) -> bool {
        self.fates.iter().any(|(_, other)| *other == fate)
    }
}

/// One attempt to deliver a notification to a destination.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AttemptRecord {
    /// When the request was sent, since the start of the simulator.
    pub at: Duration,
    /// How long it took until Nylas had an answer or gave up waiting for it.
    pub took: Duration,
    /// The number of the attempt, from 1.
    pub number: u32,
    /// Where it was sent.
    pub destination: DestinationId,
    /// What Nylas saw.
    pub seen: DeliveryAttempt,
    /// What the endpoint answered, if Nylas did not see it.
    pub hidden: Option<DeliveryAttempt>,
    /// What went wrong on purpose.
    pub faults: Vec<String>,
    pub(in crate::testing::nylas::simulator) is_forged: bool,
    pub(in crate::testing::nylas::simulator) order: u64,
}

impl AttemptRecord {
    /// Whether the endpoint answered `200` for a notification that something reads, and that was
    /// signed with the destination's secret.
    pub fn is_accepted(&self) -> bool {
        !self.is_forged && self.keeps()
    }

    /// Whether the endpoint accepted what was signed with another secret.
    pub(super) fn is_forgery_accepted(&self) -> bool {
        self.is_forged && self.keeps()
    }

    fn keeps(&self) -> bool {
        let mut answers = [Some(&self.seen), self.hidden.as_ref()].into_iter();
        answers.any(|answer| answer.is_some_and(DeliveryAttempt::keeps))
    }
}

/// The text of an attempt, without its notification.
impl fmt::Display for AttemptRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "attempt {} to {}: ", self.number, self.destination)?;
        let (hidden, faults) = (self.hidden.as_ref(), &self.faults);
        write_answer(f, &self.seen, self.took, hidden, faults)
    }
}

/// A test event, which somebody has asked the management API for. It is none of the events of the
/// ledger: no destination is notified by it, and it changes no status.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TestEventRecord {
    /// When the request was sent, since the start of the simulator.
    pub at: Duration,
    /// How long it took until Nylas had an answer or gave up waiting for it.
    pub took: Duration,
    /// The trigger of the sample that was sent.
    pub trigger: Arc<str>,
    /// Where it was sent.
    pub webhook_url: Arc<str>,
    /// The destination at this URL, if there was one.
    pub destination: Option<DestinationId>,
    /// What Nylas saw.
    pub seen: DeliveryAttempt,
    /// What the endpoint answered, if Nylas did not see it.
    pub hidden: Option<DeliveryAttempt>,
    /// What went wrong on purpose.
    pub faults: Vec<String>,
    /// Its place among everything in the ledger.
    pub order: u64,
}

impl fmt::Display for TestEventRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            trigger,
            webhook_url,
            ..
        } = self;
        write!(f, "test event {trigger} to {webhook_url}: ")?;
        let (hidden, faults) = (self.hidden.as_ref(), &self.faults);
        write_answer(f, &self.seen, self.took, hidden, faults)
    }
}

fn write_answer(
    f: &mut fmt::Formatter<'_>,
    seen: &DeliveryAttempt,
    took: Duration,
    hidden: Option<&DeliveryAttempt>,
    faults: &[String],
) -> fmt::Result {
    write!(f, "{seen} after {took:?}")?;
    if let Some(hidden) = hidden {
        write!(f, ", unseen: {hidden}")?;
    }
    if !faults.is_empty() {
        write!(f, " [{}]", faults.join(", "))?;
    }
    Ok(())
}

/// What else happened to a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Note {
    /// When, since the start of the simulator.
    pub at: Duration,
    /// To which destination; `None` if there is none (yet).
    pub destination: Option<DestinationId>,
    /// What.
    pub step: Step,
    /// Its place among everything in the ledger.
    pub order: u64,
}

/// A step in the life of a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// It was created, after a challenge.
    Created,
    /// It has this status from now on.
    Status(Status),
    /// Its URL, triggers or other fields were changed.
    Changed,
    /// It has another secret from now on.
    Rotated,
    /// It was deleted.
    Deleted,
    /// A challenge was answered wrongly or not at all, as the text says.
    ChallengeFailed(String),
    /// A mail went to this address, since the status is another one.
    Mailed(String, Status),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created => f.write_str("created"),
            Self::Status(status) => write!(f, "is {status}"),
            Self::Changed => f.write_str("changed"),
            Self::Rotated => f.write_str("has a new secret"),
            Self::Deleted => f.write_str("deleted"),
            Self::ChallengeFailed(why) => write!(f, "challenge failed: {why}"),
            Self::Mailed(to, status) => write!(f, "mail to {to}: {status}"),
        }
    }
}
