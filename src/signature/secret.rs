//! One `webhook_secret`, prepared for use.

use std::{fmt, str::FromStr};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroize;

use super::Signature;

/// The secret with which Nylas signs the test events that its Dashboard, CLI and API send on
/// request. It is public, so a signature made with it proves nothing
/// ([source](https://developer.nylas.com/docs/reference/api/webhook-notifications/)).
pub(crate) const TEST_EVENT_SECRET: &str = "mock-webhook-secret";

/// The `webhook_secret` of one destination.
///
/// The bytes of the text are the key: Nylas' secrets are neither hex nor base64, even where they
/// look like it
/// ([source](https://developer.nylas.com/docs/cookbook/use-cases/build/verify-webhook-signatures/)).
/// Only the keyed state of the HMAC is kept, prepared once; it is wiped from memory on drop, and so
/// is a `String` that is converted. `Debug` shows nothing of it.
///
/// ```
/// use tower_nylas::WebhookSecret;
///
/// let secret = WebhookSecret::new("an invented secret")?;
/// let signature = secret.sign(b"{}");
/// assert!(secret.verify(b"{}", &signature));
/// assert!(!secret.verify(b"{ }", &signature));
/// # Ok::<(), tower_nylas::InvalidSecret>(())
/// ```
#[derive(Clone)]
pub struct WebhookSecret {
    keyed: Hmac<Sha256>,
}

impl WebhookSecret {
    /// Prepares a secret for use.
    ///
    /// # Errors
    ///
    /// [`InvalidSecret`] if the text is empty, since anybody can sign with an empty key, or if it
    /// begins or ends with white space: with a line break from a file or a shell in the key, every
    /// notification would get `401`.
    pub fn new(secret: impl AsRef<str>) -> Result<Self, InvalidSecret> {
        let secret = secret.as_ref();
        if secret.is_empty() {
            return Err(InvalidSecret::Empty);
        }
        if secret.trim().len() != secret.len() {
            return Err(InvalidSecret::SurroundingWhiteSpace);
        }
        Ok(Self::prepare(secret.as_bytes()))
    }

    fn prepare(key: &[u8]) -> Self {
        Self {
            keyed: Hmac::new_from_slice(key).expect("HMAC takes keys of any length"),
        }
    }

    /// The public secret of Nylas' test events.
    pub(crate) fn of_test_events() -> Self {
        Self::prepare(TEST_EVENT_SECRET.as_bytes())
    }

    /// Signs `body` as Nylas does: HMAC-SHA256 of exactly these bytes. For tests of receivers.
    pub fn sign(&self, body: &[u8]) -> Signature {
        let mut mac = self.start();
        mac.update(body);
        Signature::from_bytes(mac.finalize().into_bytes().into())
    }

    /// Whether this secret made `signature` of exactly these bytes, compared in constant time.
    pub fn verify(&self, body: &[u8], signature: &Signature) -> bool {
        self.sign(body).ct_eq(signature).into()
    }

    /// The keyed state, ready for the first byte of a body.
    pub(super) fn start(&self) -> Hmac<Sha256> {
        self.keyed.clone()
    }
}

impl ConstantTimeEq for WebhookSecret {
    /// The keys themselves are not kept, so their signatures of an empty body are compared.
    fn ct_eq(&self, other: &Self) -> Choice {
        self.sign(b"").ct_eq(&other.sign(b""))
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(..)")
    }
}

impl FromStr for WebhookSecret {
    type Err = InvalidSecret;

    fn from_str(secret: &str) -> Result<Self, Self::Err> {
        Self::new(secret)
    }
}

impl TryFrom<&str> for WebhookSecret {
    type Error = InvalidSecret;

    fn try_from(secret: &str) -> Result<Self, Self::Error> {
        Self::new(secret)
    }
}

impl TryFrom<&String> for WebhookSecret {
    type Error = InvalidSecret;

    fn try_from(secret: &String) -> Result<Self, Self::Error> {
        Self::new(secret)
    }
}

/// Wipes the `String` once the key is prepared.
impl TryFrom<String> for WebhookSecret {
    type Error = InvalidSecret;

    fn try_from(mut secret: String) -> Result<Self, Self::Error> {
        let prepared = Self::new(&secret);
        secret.zeroize();
        prepared
    }
}

/// Why a secret was not accepted. The secret itself is never part of the message.
///
/// Returned where [`Secrets`](super::Secrets) are made or changed. No client sees it; if a lookup
/// fails with it, the layer answers `503`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidSecret {
    /// The text is empty.
    Empty,
    /// The text begins or ends with white space.
    SurroundingWhiteSpace,
    /// More than [`Secrets::MAX_SECRETS`](super::Secrets::MAX_SECRETS) (4) for one destination.
    TooMany,
    /// The environment variable of this name is not set.
    Unset(String),
    /// The environment variable of this name is not Unicode.
    NotUnicode(String),
}

impl fmt::Display for InvalidSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the webhook secret is empty"),
            Self::SurroundingWhiteSpace => {
                f.write_str("the webhook secret begins or ends with white space")
            }
            Self::TooMany => write!(
                f,
                "more than {} webhook secrets for one destination",
                super::Secrets::MAX_SECRETS
            ),
            Self::Unset(name) => write!(f, "the environment variable {name} is not set"),
            Self::NotUnicode(name) => write!(f, "the environment variable {name} is not Unicode"),
        }
    }
}

impl std::error::Error for InvalidSecret {}

impl From<std::convert::Infallible> for InvalidSecret {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}
