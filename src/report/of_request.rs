//! The report of one request.

use std::{
    fmt::{self, Write},
    time::Duration,
};

use http::{Response, StatusCode};

use super::{Line, Outcome, Rejection, UpTo, fate::Fate};
use crate::signature::Secrets;

/// What became of one request, for a log or a counter.
///
/// [`Display`](fmt::Display) is one line without a line break, and shows no secret, no signature
/// and no body; of a verified body, up to 128 characters of the name of its trigger and of its id.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    pub(crate) resolution: Resolution<'a>,
    pub(crate) is_verified: bool,
    pub(crate) status: Option<StatusCode>,
    pub(crate) duration: Duration,
    pub(crate) destination: Option<&'a str>,
    pub(crate) trigger: Option<&'a str>,
    pub(crate) notification_id: Option<&'a str>,
    pub(crate) attempt: Option<u32>,
}

/// How a request ended.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Resolution<'a> {
    /// A challenge was answered.
    Challenged,
    /// The request was refused before it was verified.
    Rejected(&'a Rejection),
    /// A verified notification was answered.
    Acknowledged(&'a Outcome),
    /// The client disconnected before it was answered, verified or not.
    Disconnected,
}

impl Resolution<'_> {
    /// That of a response that was made without reading the request's body.
    pub(crate) fn of_unread<B>(response: &Response<B>) -> Resolution<'_> {
        let rejection = response.extensions().get();
        rejection.map_or(Resolution::Challenged, Resolution::Rejected)
    }

    /// That of a response that was made after reading the request's body.
    pub(crate) fn of<B>(response: &Response<B>) -> Resolution<'_> {
        let extensions = response.extensions();
        match extensions.get() {
            Some(rejection) => Resolution::Rejected(rejection),
            None => Resolution::Acknowledged(extensions.get().unwrap_or(&Outcome::Done)),
        }
    }
}

impl<'a> Report<'a> {
    /// How the request ended.
    pub fn resolution(&self) -> Resolution<'a> {
        self.resolution
    }

    /// Whether its body was verified, so that it is about a genuine notification. `false` for a
    /// test event, which anybody can sign.
    pub fn is_verified(&self) -> bool {
        self.is_verified
    }

    /// The status of the answer; `None` if the client disconnected before.
    pub fn status(&self) -> Option<StatusCode> {
        self.status
    }

    /// From the arrival of the request's head until now, right before the answer.
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// The label of the secrets of the destination that the request was sent to, by default
    /// `default` (see [`Secrets::builder`](crate::Secrets::builder)). `None` for challenges, and
    /// where no secrets were looked up for the request, or none were found.
    pub fn destination(&self) -> Option<&'a str> {
        self.destination
    }

    /// The name of the notification's trigger. `None` before verification, for test events, for a
    /// body that could not be decoded, and for one without a name.
    pub fn trigger(&self) -> Option<&'a str> {
        self.trigger
    }

    /// The notification's id, the same in each attempt. `None` as for [`trigger`](Self::trigger).
    pub fn notification_id(&self) -> Option<&'a str> {
        self.notification_id
    }

    /// Which attempt to deliver the notification it was, from 1. `None` as for
    /// [`trigger`](Self::trigger).
    pub fn attempt(&self) -> Option<u32> {
        self.attempt
    }

    /// Whether a verified notification is lost: it was the third attempt, after which Nylas sends
    /// nothing again ([source](https://developer.nylas.com/docs/v3/notifications/)), and the
    /// answer was not `200`, or nothing has read the body ([`Outcome::Unread`]).
    pub fn is_lost(&self) -> bool {
        self.is_verified && Fate::of(self) == Fate::Lost
    }

    /// What happened, without which notification it is about, for an event that has that in its
    /// fields.
    #[cfg(feature = "tracing")]
    pub(crate) fn without_identity(mut self) -> Self {
        (self.destination, self.trigger, self.notification_id) = (None, None, None);
        self
    }

    /// The destination, if there may be others.
    fn named_destination(&self) -> Option<&'a str> {
        let label = self.destination;
        label.filter(|label| *label != Secrets::DEFAULT_LABEL)
    }

    /// The words between the notification and its outcome.
    fn answered(&self, f: &mut impl Write) -> fmt::Result {
        let fate = Fate::of(self);
        match (fate, self.status) {
            (Fate::Acknowledged, _) => return f.write_str("acknowledged"),
            (_, Some(status)) => write!(f, "answered {}", status.as_str())?,
            (_, None) => f.write_str("not answered")?,
        }
        match fate {
            Fate::Acknowledged => Ok(()),
            Fate::Repeated => f.write_str(", to be sent again"),
            Fate::PerhapsRepeated => {
                f.write_str(", to be sent again unless this was the third attempt")
            }
            Fate::PassedOn => f.write_str(", which Nylas may not repeat"),
            Fate::Lost => f.write_str(" at the last attempt, so it is lost"),
        }
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = Line::whole(f);
        match self.resolution {
            Resolution::Challenged => return line.write_str("challenge answered"),
            Resolution::Rejected(why) => {
                line.write_str("request")?;
                name(&mut line, " to ", self.named_destination())?;
                return write!(line, " rejected with {}: {why}", why.status());
            }
            Resolution::Disconnected if !self.is_verified => {
                return line.write_str("the client disconnected before the request was verified");
            }
            Resolution::Disconnected | Resolution::Acknowledged(_) => {}
        }
        line.write_str("notification")?;
        name(&mut line, " ", self.trigger)?;
        name(&mut line, " ", self.notification_id)?;
        name(&mut line, " to ", self.named_destination())?;
        line.write_str(" ")?;
        self.answered(&mut line)?;
        match self.resolution {
            Resolution::Acknowledged(outcome) => write!(line, ": {outcome}"),
            _ => line.write_str(": the client disconnected"),
        }
    }
}

fn name(line: &mut Line<'_, '_>, before: &str, name: Option<&str>) -> fmt::Result {
    match name {
        Some(name) => write!(line, "{before}{}", UpTo::name(name)),
        None => Ok(()),
    }
}
