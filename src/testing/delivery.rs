//! How a delivery went, attempt by attempt.

use std::fmt;

use http::{Response, StatusCode};

use super::{NoAnswer, nylas};
use crate::report::{Outcome, Rejection, UpTo};

/// How the delivery of a notification went.
///
/// [`Display`](fmt::Display) is a line with all attempts, for the message of an assertion.
#[derive(Debug, Clone)]
#[must_use = "the notification may be lost"]
pub struct Delivery {
    /// At least one.
    attempts: Vec<DeliveryAttempt>,
}

impl Delivery {
    pub(super) fn new(attempts: Vec<DeliveryAttempt>) -> Self {
        Self { attempts }
    }

    /// The attempts, of which there are one to three.
    pub fn attempts(&self) -> &[DeliveryAttempt] {
        &self.attempts
    }

    /// The statuses of those attempts that were answered.
    pub fn statuses(&self) -> Vec<StatusCode> {
        let answers = self.attempts.iter().map(DeliveryAttempt::answer);
        answers.filter_map(Result::ok).collect()
    }

    /// Whether the last attempt was answered with exactly `200`.
    pub fn is_accepted(&self) -> bool {
        self.attempts
            .last()
            .is_some_and(DeliveryAttempt::is_accepted)
    }

    /// Whether the last attempt [was handled](DeliveryAttempt::is_handled).
    pub fn is_handled(&self) -> Option<bool> {
        self.attempts.last()?.is_handled()
    }

    /// Whether the notification is lost: Nylas got no `200` and does not send it again, or got one
    /// although [nothing reads it](Outcome::Unread).
    ///
    /// `None` if that is not known: after a `200` whose [outcome](DeliveryAttempt::outcome) cannot
    /// be seen.
    pub fn is_lost(&self) -> Option<bool> {
        let last = self.attempts.last()?;
        if !last.is_accepted() {
            return Some(true);
        }
        let outcome = last.outcome()?;
        Some(matches!(outcome, Outcome::Unread { is_lost: true, .. }))
    }
}

impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, attempt) in self.attempts.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}attempt {}: {attempt}", index + 1)?;
        }
        Ok(())
    }
}

/// One attempt of a [`Delivery`].
#[derive(Debug, Clone)]
pub struct DeliveryAttempt {
    answer: Result<StatusCode, NoAnswer>,
    rejection: Option<Rejection>,
    outcome: Option<Outcome>,
}

impl DeliveryAttempt {
    pub(super) fn answered<B>(response: &Response<B>, is_in_process: bool) -> Self {
        let status = response.status();
        let extensions = response.extensions();
        let rejection = extensions.get::<Rejection>().cloned();
        // The layer attaches no `Done`, since that would cost allocations.
        let is_done = is_in_process && status == StatusCode::OK && rejection.is_none();
        let outcome = extensions.get::<Outcome>().cloned();
        Self {
            answer: Ok(status),
            rejection,
            outcome: outcome.or_else(|| is_done.then_some(Outcome::Done)),
        }
    }

    /// Answered by what stands before the endpoint.
    pub(super) fn of_proxy(status: StatusCode) -> Self {
        Self {
            answer: Ok(status),
            rejection: None,
            outcome: None,
        }
    }

    pub(super) fn unanswered(why: NoAnswer) -> Self {
        Self {
            answer: Err(why),
            rejection: None,
            outcome: None,
        }
    }

    /// The status of the answer.
    ///
    /// # Errors
    ///
    /// [`NoAnswer`] if Nylas got none.
    pub fn answer(&self) -> Result<StatusCode, &NoAnswer> {
        self.answer.as_ref().copied()
    }

    /// What became of the verified notification, as the layer reports it.
    ///
    /// `None` if it was not verified or not answered, and always over a connection, since the
    /// [extensions](http::Extensions) of a response do not leave the server's process. In one
    /// process, a `200` without an outcome in its extensions is [`Outcome::Done`]: a layer outside
    /// must not drop them.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    /// Why the layer refused the request, if it did so; always `None` over a connection.
    pub fn rejection(&self) -> Option<&Rejection> {
        self.rejection.as_ref()
    }

    /// Whether the answer is `200` and a handler has really run for it.
    ///
    /// `Some(false)` as well for a `200` without a handler: no route, a body that nothing reads, a
    /// duplicate, a test event, one that is stored in an inbox for a worker. `None` if it is not
    /// known: for a `200` whose [outcome](Self::outcome) cannot be seen.
    pub fn is_handled(&self) -> Option<bool> {
        if !self.is_accepted() {
            return Some(false);
        }
        Some(match self.outcome()? {
            Outcome::Done
            | Outcome::Discarded
            | Outcome::GivenUp(_)
            | Outcome::Malformed { .. }
            | Outcome::Unremembered(_) => true,
            Outcome::Unrouted(_)
            | Outcome::Unread { .. }
            | Outcome::TestEvent
            | Outcome::Stored
            | Outcome::Duplicate
            | Outcome::InProgress
            | Outcome::Unlabelled
            | Outcome::Unfetched { .. }
            | Outcome::Unfetchable(_)
            | Outcome::Retry
            | Outcome::RetryAfter(_)
            | Outcome::Failed(_)
            | Outcome::Panicked(_)
            | Outcome::TimedOut(_)
            | Outcome::Status(_)
            | Outcome::Undecodable(_) => false,
        })
    }

    pub(super) fn is_accepted(&self) -> bool {
        matches!(self.answer, Ok(StatusCode::OK))
    }

    /// Whether the receiver has accepted the notification, and something reads it.
    pub(super) fn keeps(&self) -> bool {
        let is_lost = matches!(self.outcome, Some(Outcome::Unread { is_lost: true, .. }));
        self.is_accepted() && !is_lost
    }

    /// Whether Nylas repeats the notification after such an answer, or without one.
    pub(super) fn is_repeated(&self) -> bool {
        self.answer().map_or(true, nylas::is_repeated)
    }
}

impl fmt::Display for DeliveryAttempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.answer {
            Ok(status) => status.fmt(f)?,
            Err(why) => why.fmt(f)?,
        }
        match (&self.rejection, &self.outcome) {
            (Some(why), _) => write!(f, " ({})", UpTo(usize::MAX, why)),
            (None, Some(how)) => write!(f, " ({})", UpTo(usize::MAX, how)),
            (None, None) => Ok(()),
        }
    }
}
