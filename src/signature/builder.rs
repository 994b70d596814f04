//! The builder of `Secrets`.

use std::{env, fmt, sync::Arc};

use zeroize::Zeroize;

use super::{InvalidSecret, Secrets, WebhookSecret, set::SecretSet};
use crate::time::{Clock, SystemClock};

/// Builds [`Secrets`] with a label and a clock. A method that takes the first secrets completes it,
/// or [`pending`](Self::pending).
///
/// Made by [`Secrets::builder`]. Label and clock cannot be changed later, so all clones of the
/// [`Secrets`] share them.
///
/// ```
/// use tower_nylas::Secrets;
///
/// let secrets = Secrets::builder().label("eu").pending();
/// let clone = secrets.clone();
/// clone.set("an-invented-secret")?;
/// assert!(!secrets.is_pending());
/// assert_eq!(clone.label(), "eu");
/// # Ok::<(), tower_nylas::InvalidSecret>(())
/// ```
#[must_use = "a builder does nothing until a secret or `pending` completes it"]
pub struct SecretsBuilder {
    label: Arc<str>,
    clock: Arc<dyn Clock>,
}

impl SecretsBuilder {
    pub(super) fn new() -> Self {
        Self {
            label: Arc::from(Secrets::DEFAULT_LABEL),
            clock: Arc::new(SystemClock),
        }
    }

    /// Names the destination; default `default`.
    ///
    /// The label appears in `Debug`, in [`Secrets::label`] and in
    /// [`VerifiedBody::verified_by`](crate::verify::VerifiedBody::verified_by).
    pub fn label(mut self, label: impl Into<Arc<str>>) -> Self {
        self.label = label.into();
        self
    }

    /// Reads the time from `clock`; default [`SystemClock`].
    ///
    /// Old secrets and expected rotations expire by this clock.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Accepts one secret, which does not expire.
    ///
    /// # Errors
    ///
    /// [`InvalidSecret`] for a text that can only be a mistake.
    pub fn secret<S>(self, secret: S) -> Result<Secrets, InvalidSecret>
    where
        S: TryInto<WebhookSecret>,
        InvalidSecret: From<S::Error>,
    {
        let secret = secret.try_into()?;
        Ok(self.build(SecretSet::of(secret)))
    }

    /// Accepts up to [`Secrets::MAX_SECRETS`] (4) secrets of the same destination, the newest
    /// first. None of them expires.
    ///
    /// # Errors
    ///
    /// [`InvalidSecret`] if there is none or more than 4, or for a text that can only be a mistake.
    pub fn any_of<S>(self, secrets: impl IntoIterator<Item = S>) -> Result<Secrets, InvalidSecret>
    where
        S: TryInto<WebhookSecret>,
        InvalidSecret: From<S::Error>,
    {
        let set = SecretSet::any_of(secrets)?;
        Ok(self.build(set))
    }

    /// Starts without a secret.
    ///
    /// Challenges are answered, and every notification with a well-formed signature gets `503`, so
    /// that Nylas repeats it, until [`Secrets::set`] or [`Secrets::rotate`].
    pub fn pending(self) -> Secrets {
        self.build(SecretSet::default())
    }

    /// Accepts the secret in the environment variable `name`.
    ///
    /// # Errors
    ///
    /// [`InvalidSecret`] if the variable is not set or not Unicode, or if its value can only be a
    /// mistake. A server that may start without a secret uses
    /// [`from_env_or_pending`](Self::from_env_or_pending).
    pub fn from_env(self, name: &str) -> Result<Secrets, InvalidSecret> {
        self.secret(variable(name)?)
    }

    /// Accepts the secret in the environment variable `name`, or starts as
    /// [`pending`](Self::pending) if the variable is not set or empty.
    ///
    /// # Errors
    ///
    /// [`InvalidSecret`] if the value is not Unicode, or can only be a mistake and is not empty.
    pub fn from_env_or_pending(self, name: &str) -> Result<Secrets, InvalidSecret> {
        match variable(name) {
            Err(InvalidSecret::Unset(_)) => Ok(self.pending()),
            Ok(secret) if secret.is_empty() => Ok(self.pending()),
            Ok(secret) => self.secret(secret),
            Err(error) => Err(error),
        }
    }

    fn build(self, set: SecretSet) -> Secrets {
        Secrets::share(self.label, self.clock, set)
    }
}

fn variable(name: &str) -> Result<String, InvalidSecret> {
    env::var(name).map_err(|error| match error {
        env::VarError::NotPresent => InvalidSecret::Unset(name.to_owned()),
        env::VarError::NotUnicode(value) => {
            value.into_encoded_bytes().zeroize();
            InvalidSecret::NotUnicode(name.to_owned())
        }
    })
}

impl fmt::Debug for SecretsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretsBuilder")
            .field("label", &self.label)
            .finish_non_exhaustive()
    }
}
