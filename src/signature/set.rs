//! The secrets that are accepted at one moment, and the verdict on a signature by them.

use std::{
    ops::BitOr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use subtle::{Choice, ConstantTimeEq};

use super::{InvalidSecret, Signature, VerifyError, WebhookSecret};
use crate::time::Clock;

/// An immutable snapshot: each change makes a new set.
#[derive(Default)]
pub(super) struct SecretSet {
    /// The newest first. If it is empty, the set is pending.
    ///
    /// It never grows, and nothing is moved out of it: either would leave a key in memory that is
    /// freed (`tests/wiped.rs`).
    accepted: Vec<Accepted>,
    rotation_expected_until: Option<Instant>,
}

#[derive(Clone)]
struct Accepted {
    secret: WebhookSecret,
    /// `None` for a secret that does not expire.
    until: Option<Instant>,
    /// Whether it has verified a body while it was the newest; shared by all snapshots with it.
    proven: Arc<AtomicBool>,
}

impl Accepted {
    fn permanent(secret: WebhookSecret) -> Self {
        Self {
            secret,
            until: None,
            proven: Arc::default(),
        }
    }

    /// `now` may be `None` for a secret that does not expire.
    fn is_in_force(&self, now: Option<Instant>) -> bool {
        self.until
            .is_none_or(|end| now.is_some_and(|now| now < end))
    }
}

impl SecretSet {
    pub(super) const MAX: usize = 4;

    /// Accepts this secret alone, and expects no rotation.
    pub(super) fn of(secret: WebhookSecret) -> Self {
        Self {
            accepted: vec![Accepted::permanent(secret)],
            rotation_expected_until: None,
        }
    }

    /// Accepts between one and [`SecretSet::MAX`] secrets, the newest first.
    pub(super) fn any_of<S>(secrets: impl IntoIterator<Item = S>) -> Result<Self, InvalidSecret>
    where
        S: TryInto<WebhookSecret>,
        InvalidSecret: From<S::Error>,
    {
        let mut accepted = Vec::with_capacity(Self::MAX);
        let mut result = Ok(());
        // Those behind an error are converted as well, since that wipes a `String`.
        for secret in secrets.into_iter().take(Self::MAX + 1) {
            match secret.try_into().map_err(InvalidSecret::from) {
                Ok(_) if accepted.len() == Self::MAX => result = Err(InvalidSecret::TooMany),
                Ok(secret) => accepted.push(Accepted::permanent(secret)),
                Err(why) => result = result.and(Err(why)),
            }
        }
        result?;
        if accepted.is_empty() {
            return Err(InvalidSecret::Empty);
        }
        Ok(Self {
            accepted,
            rotation_expected_until: None,
        })
    }

    pub(super) fn is_pending(&self) -> bool {
        self.accepted.is_empty()
    }

    pub(super) fn secrets(&self) -> impl ExactSizeIterator<Item = &WebhookSecret> {
        self.accepted.iter().map(|one| &one.secret)
    }

    /// Whether anything in this set expires.
    pub(super) fn is_timed(&self) -> bool {
        self.expiries().next().is_some()
    }

    pub(super) fn has_expired(&self, now: Instant) -> bool {
        self.expiries().any(|end| end <= now)
    }

    fn expiries(&self) -> impl Iterator<Item = Instant> {
        let secrets = self.accepted.iter().filter_map(|one| one.until);
        secrets.chain(self.rotation_expected_until)
    }

    /// `computed` are the signatures that the secrets of this set make, in their order. The clock
    /// is read only if something in the set expires.
    #[inline]
    pub(super) fn verdict(
        &self,
        clock: &dyn Clock,
        signature: &Signature,
        computed: impl Iterator<Item = Signature>,
    ) -> Result<(), VerifyError> {
        if self.is_pending() {
            return Err(VerifyError::Pending);
        }
        let now = self.is_timed().then(|| clock.now());

        let mut matches = self.accepted.iter().zip(computed).map(|(one, computed)| {
            computed.ct_eq(signature) & Choice::from(u8::from(one.is_in_force(now)))
        });
        let newest = matches.next().unwrap_or(Choice::from(0));
        let any = matches.fold(newest, BitOr::bitor);
        if newest.into() {
            self.prove_newest();
        }
        if any.into() {
            Ok(())
        } else if self
            .rotation_expected_until
            .is_some_and(|end| now < Some(end))
        {
            Err(VerifyError::RotationExpected)
        } else if self.is_proven() {
            Err(VerifyError::Mismatch)
        } else {
            Err(VerifyError::Unproven)
        }
    }

    /// Whether the newest secret has verified a body.
    // Relaxed, since no other memory access depends on it.
    pub(super) fn is_proven(&self) -> bool {
        let newest = self.accepted.first();
        newest.is_some_and(|newest| newest.proven.load(Ordering::Relaxed))
    }

    fn prove_newest(&self) {
        // Read first: a store would take the cache line from other threads at each request.
        if let Some(newest) = self.accepted.first()
            && !newest.proven.load(Ordering::Relaxed)
        {
            newest.proven.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn without_expired(&self, now: Instant) -> Self {
        let in_force = |one: &&Accepted| one.is_in_force(Some(now));
        let mut accepted = Vec::with_capacity(self.accepted.len());
        accepted.extend(self.accepted.iter().filter(in_force).cloned());
        Self {
            accepted,
            rotation_expected_until: self.rotation_expected_until.filter(|end| now < *end),
        }
    }

    pub(super) fn expecting_rotation(&self, until: Option<Instant>) -> Self {
        Self {
            accepted: self.accepted.clone(),
            rotation_expected_until: until,
        }
    }

    /// Accepts `secret` alone, and expects no rotation.
    pub(super) fn replaced(&self, secret: &WebhookSecret) -> Self {
        match self.accepted.first() {
            Some(newest) if bool::from(newest.secret.ct_eq(secret)) => Self {
                accepted: vec![newest.clone()],
                rotation_expected_until: None,
            },
            _ => Self::of(secret.clone()),
        }
    }

    pub(super) fn rotated(
        &self,
        newest: &WebhookSecret,
        now: Instant,
        keep_old_for: Duration,
    ) -> Self {
        // What the clock cannot represent is treated as no end.
        let end = now.checked_add(keep_old_for);
        let current = self.accepted.first();
        let again = current.filter(|current| bool::from(current.secret.ct_eq(newest)));
        let first = again
            .cloned()
            .unwrap_or_else(|| Accepted::permanent(newest.clone()));
        let again = again.is_some();
        let mut accepted = Vec::with_capacity(self.accepted.len() + 1);
        accepted.push(first);
        for old in &self.accepted[usize::from(again)..] {
            let until = match (old.until, end) {
                // A later rotation does not extend the end that an earlier one has set.
                (Some(earlier), _) => Some(earlier),
                (None, _) if again => None,
                (None, end) => end,
            };
            let old = Accepted {
                until,
                ..old.clone()
            };
            if old.is_in_force(Some(now)) && !bool::from(old.secret.ct_eq(newest)) {
                accepted.push(old);
            }
        }
        if accepted.len() > Self::MAX {
            // The oldest are last, and usually they expire first.
            let others = accepted.iter().enumerate().skip(1).rev();
            let expires = |(_, one): &(usize, &Accepted)| (one.until.is_none(), one.until);
            if let Some((first, _)) = others.min_by_key(expires) {
                // `remove` would leave a copy of the last one.
                accepted[first..].rotate_left(1);
                accepted.truncate(Self::MAX);
            }
        }
        Self {
            accepted,
            rotation_expected_until: self.rotation_expected_until.filter(|_| again),
        }
    }
}
