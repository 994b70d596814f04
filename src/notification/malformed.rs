//! A verified body that is not what it should be.

use std::{error::Error, fmt};

use crate::{
    report::{MalformedReason, Outcome},
    trigger::Trigger,
    verify::VerifiedBody,
};

/// A verified body that is no notification, or whose content does not fit the handler's type.
///
/// Sending it again would bring the same bytes, so by default it is acknowledged and reported. The
/// bytes are [at hand](Self::body); neither `Debug` nor [`Display`](fmt::Display) shows them.
#[derive(Clone)]
pub struct Malformed(Box<Details>);

#[derive(Debug, Clone)]
struct Details {
    reason: MalformedReason,
    trigger: Option<Trigger>,
    body: VerifiedBody,
}

impl Malformed {
    pub(crate) fn new(
        reason: MalformedReason,
        trigger: Option<Trigger>,
        body: VerifiedBody,
    ) -> Self {
        Self(Box::new(Details {
            reason,
            trigger,
            body,
        }))
    }

    /// What is wrong with it.
    pub fn reason(&self) -> &MalformedReason {
        &self.0.reason
    }

    /// The trigger, as far as it could be read.
    pub fn trigger(&self) -> Option<&Trigger> {
        self.0.trigger.as_ref()
    }

    /// The verified bytes.
    pub fn body(&self) -> &VerifiedBody {
        &self.0.body
    }
}

impl From<Malformed> for Outcome {
    fn from(Malformed(details): Malformed) -> Self {
        Self::Malformed {
            trigger: details.trigger,
            reason: details.reason,
        }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(trigger) = self.trigger() {
            write!(f, "{trigger}: ")?;
        }
        self.reason().fmt(f)
    }
}

impl fmt::Debug for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Malformed").field(&self.0).finish()
    }
}

impl Error for Malformed {}
