//! A secret as Nylas issues it.

use std::fmt;

use serde::{Deserialize, Deserializer, de::Error};
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
    /// The text, to be stored as other secrets are.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for NewSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let secret = Zeroizing::new(String::deserialize(deserializer)?);
        WebhookSecret::new(&*secret).map_err(D::Error::custom)?;
        Ok(Self(secret))
    }
}

impl From<&NewSecret> for WebhookSecret {
    fn from(secret: &NewSecret) -> Self {
        Self::new(secret.expose()).expect("it was checked when it was read")
    }
}

impl fmt::Debug for NewSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewSecret(..)")
    }
}
