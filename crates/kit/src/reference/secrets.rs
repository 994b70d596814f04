//! Which secrets are accepted at which time.

use std::time::Duration;

use super::{naive, scenario::SecretOperation};

/// All times count from the beginning of the scenario.
#[derive(Debug)]
pub struct KnownSecrets {
    /// Each with its end. The first is the newest.
    accepted: Vec<(&'static str, Option<Duration>)>,
    expects_rotation_until: Option<Duration>,
    /// Whether the newest has verified a body.
    is_proven: bool,
}

impl KnownSecrets {
    pub fn new(secrets: &[&'static str]) -> Self {
        Self {
            accepted: secrets.iter().map(|secret| (*secret, None)).collect(),
            expects_rotation_until: None,
            is_proven: false,
        }
    }

    pub fn is_pending(&self) -> bool {
        self.accepted.is_empty()
    }

    pub fn accepted(&self, now: Duration) -> Vec<&'static str> {
        let mut accepted = Vec::new();
        for (secret, end) in &self.accepted {
            if end.is_none_or(|end| end > now) {
                accepted.push(*secret);
            }
        }
        accepted
    }

    pub fn expects_rotation(&self, now: Duration) -> bool {
        self.expects_rotation_until.is_some_and(|end| end > now)
    }

    pub fn is_proven(&self) -> bool {
        self.is_proven
    }

    /// To be called when a secret has verified a body.
    pub fn verified(&mut self, secret: &str) {
        self.is_proven |= self.is_newest(secret);
    }

    fn is_newest(&self, secret: &str) -> bool {
        self.accepted.first().map(|(newest, _)| *newest) == Some(secret)
    }

    /// Returns whether the secret is accepted.
    pub fn operate(&mut self, now: Duration, operation: &SecretOperation) -> bool {
        self.accepted
            .retain(|(_, end)| end.is_none_or(|end| end > now));
        if let SecretOperation::Set(secret) | SecretOperation::Rotate(secret, _) = operation
            && !naive::is_ascii_secret(secret)
        {
            return false;
        }
        match operation {
            SecretOperation::Set(secret) => {
                self.is_proven &= self.is_newest(secret);
                self.accepted = vec![(secret, None)];
                self.expects_rotation_until = None;
            }
            SecretOperation::Rotate(secret, keep) => self.rotate(now, secret, *keep),
            SecretOperation::ExpectRotation(max) => {
                self.expects_rotation_until = Some(now.saturating_add(*max));
            }
        }
        true
    }

    fn rotate(&mut self, now: Duration, secret: &'static str, keep: Duration) {
        if self.is_newest(secret) {
            return;
        }
        self.is_proven = false;
        self.accepted.retain(|(old, _)| *old != secret);
        // A secret that was given an end keeps it, and for ever is no end.
        let end = (keep < Duration::MAX).then(|| now + keep);
        for (_, old_end) in &mut self.accepted {
            *old_end = old_end.or(end);
        }
        self.accepted.insert(0, (secret, None));
        if self.accepted.len() > 4 {
            self.drop_one();
        }
        self.expects_rotation_until = None;
    }

    /// Of the old secrets, the one that would end first; if that leaves a choice, the oldest.
    fn drop_one(&mut self) {
        let never = Duration::MAX;
        let mut first = 1;
        for other in 2..self.accepted.len() {
            if self.accepted[other].1.unwrap_or(never) <= self.accepted[first].1.unwrap_or(never) {
                first = other;
            }
        }
        self.accepted.remove(first);
    }
}
