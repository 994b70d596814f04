//! That a secret may be wrong or missing.

use std::time::Duration;

use super::{Cause, Finding, Level};
use crate::{
    report::{MismatchHint, Rejection},
    signature::Secrets,
};

/// From how many refusals on the secret is most probably wrong, and it is no stray request.
const MANY: u64 = 3;

/// What was refused since a notification was last verified. Times are since the start.
#[derive(Debug, Clone)]
pub(super) struct Doubt {
    kind: Kind,
    first: Duration,
    last: Duration,
    count: u64,
    /// Those that had no secret, if the layer has the same ones for every request.
    pending: Option<Secrets>,
}

/// Why a request was refused that may well have been genuine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Mismatch,
    SecretPending,
}

impl Kind {
    /// `None` if it says nothing about the secret.
    pub(super) fn of(rejection: &Rejection) -> Option<Self> {
        match rejection {
            Rejection::SignatureMismatch(Some(MismatchHint::TestEvent)) => None,
            Rejection::SignatureMismatch(_)
            | Rejection::SecretUnproven(_)
            | Rejection::MismatchRetried(_) => Some(Self::Mismatch),
            Rejection::SecretPending => Some(Self::SecretPending),
            _ => None,
        }
    }

    /// How long it may be a matter of course: another replica verifies the next one, or the
    /// destination is being created.
    fn grace(self) -> Duration {
        Duration::from_secs(match self {
            Self::Mismatch => 60,
            Self::SecretPending => 5 * 60,
        })
    }

    /// How long after the last refusal it is forgotten. A wrong secret remains one, where little
    /// arrives; a missing one may have come meanwhile.
    fn lifetime(self) -> Duration {
        Duration::from_secs(match self {
            Self::Mismatch => 24 * 60 * 60,
            Self::SecretPending => 60 * 60,
        })
    }
}

impl Doubt {
    pub(super) fn new(kind: Kind, at: Duration) -> Self {
        Self {
            kind,
            first: at,
            last: at,
            count: 0,
            pending: None,
        }
    }

    pub(super) fn add(&mut self, kind: Kind, secrets: Option<&Secrets>, at: Duration) {
        // After the first secret, mismatches count anew.
        if self.kind != kind {
            *self = Self::new(kind, at);
        }
        self.last = self.last.max(at);
        self.count = self.count.saturating_add(1);
        let is_pending = kind == Kind::SecretPending;
        self.pending = secrets.filter(|_| is_pending).cloned();
    }

    /// Whether it was long ago, or the secret has come. Whether that is the right one is another
    /// doubt.
    pub(super) fn is_over(&self, at: Duration) -> bool {
        let pending = self.pending.as_ref();
        at.saturating_sub(self.last) >= self.kind.lifetime()
            || pending.is_some_and(|secrets| !secrets.is_pending())
    }

    /// `None` while it may be a matter of course.
    pub(super) fn finding(&self, at: Duration) -> Option<Finding> {
        if at.saturating_sub(self.first) < self.kind.grace() {
            return None;
        }
        let level = if self.count < MANY {
            Level::Warning
        } else {
            Level::Critical
        };
        let count = self.count;
        Some(match self.kind {
            Kind::Mismatch => {
                let text = format!(
                    "{count} signatures do not match, and none has matched since the secret was \
                     set: compare it with the `webhook_secret` of the destination"
                );
                Finding::new(Cause::Mismatches, level, text)
            }
            Kind::SecretPending => {
                let text = format!(
                    "{count} signed requests were refused, since there is no secret: call \
                     `Secrets::set`"
                );
                Finding::new(Cause::SecretPending, level, text)
            }
        })
    }
}
