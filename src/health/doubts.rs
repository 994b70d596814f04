//! Destinations of which nothing was verified yet, although something was sent.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::{Cause, Finding, Level};
use crate::report::{MismatchHint, Rejection};

/// How many are remembered. A stranger can choose the tenants that he sends forgeries to.
const MOST: usize = 100;

/// From how many refusals on the secret is most probably wrong, and it is no stray request.
const MANY: u64 = 3;

#[derive(Default)]
pub(super) struct Doubts {
    list: Mutex<Vec<Doubt>>,
    /// So that a verified notification takes no lock.
    count: AtomicUsize,
}

/// Times are since the start.
#[derive(Debug, Clone)]
struct Doubt {
    label: String,
    kind: Kind,
    first: Duration,
    last: Duration,
    count: u64,
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

impl Doubts {
    pub(super) fn add(&self, label: &str, kind: Kind, at: Duration) {
        let mut list = self.list();
        if let Some(doubt) = list.iter_mut().find(|doubt| doubt.label == label) {
            // After the first secret, mismatches count anew.
            if doubt.kind != kind {
                (doubt.kind, doubt.first, doubt.count) = (kind, at, 0);
            }
            doubt.last = doubt.last.max(at);
            doubt.count = doubt.count.saturating_add(1);
        } else if list.len() < MOST {
            list.push(Doubt {
                label: label.to_owned(),
                kind,
                first: at,
                last: at,
                count: 1,
            });
            self.count.store(list.len(), Ordering::SeqCst);
        }
    }

    pub(super) fn are_none(&self) -> bool {
        self.count.load(Ordering::SeqCst) == 0
    }

    /// A notification to this destination was verified.
    pub(super) fn remove(&self, label: &str) {
        self.retain(|doubt| doubt.label != label);
    }

    /// What there is to say, with the labels that it is about.
    pub(super) fn findings(&self, at: Duration) -> Vec<(String, Finding)> {
        self.retain(|doubt| at.saturating_sub(doubt.last) < doubt.kind.lifetime());
        let list = self.list();
        let due = list
            .iter()
            .filter(|doubt| at.saturating_sub(doubt.first) >= doubt.kind.grace());
        due.map(|doubt| (doubt.label.clone(), doubt.finding()))
            .collect()
    }

    fn retain(&self, keep: impl Fn(&Doubt) -> bool) {
        let mut list = self.list();
        list.retain(keep);
        self.count.store(list.len(), Ordering::SeqCst);
    }

    fn list(&self) -> MutexGuard<'_, Vec<Doubt>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Doubt {
    fn finding(&self) -> Finding {
        let level = if self.count < MANY {
            Level::Warning
        } else {
            Level::Critical
        };
        let count = self.count;
        match self.kind {
            Kind::Mismatch => {
                let text = format!(
                    "{count} signatures do not match, and none has matched since the start: compare \
                     the secret with the `webhook_secret` of the destination"
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
        }
    }
}
