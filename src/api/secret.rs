//! A secret as Nylas issues it.

use std::fmt;

use zeroize::Zeroizing;

use crate::signature::WebhookSecret;

/// A `webhook_secret` that Nylas has just issued, and never shows again: to be stored, and given to
/// [`Secrets`](crate::Secrets).
///
/// It can be given as it is (`secrets.set(&secret)`); [`expose`](Self::expose) is for the store.
/// The text is wiped on drop. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct NewSecret(Zeroizing<String>);

impl NewSecret {
    /// `None` for a text that can only be a mistake.
    pub(super) fn new(secret: &str) -> Option<Self> {
        WebhookSecret::new(secret).ok()?;
        Some(Self(secret.to_owned().into()))
    }

    /// The text, to be stored as other secrets are.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&NewSecret> for WebhookSecret {
    fn from(secret: &NewSecret) -> Self {
        Self::new(secret.expose()).expect("it was checked when it was made")
    }
}

impl fmt::Debug for NewSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewSecret(..)")
    }
}
