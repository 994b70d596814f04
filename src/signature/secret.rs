//! One `webhook_secret`, prepared for use.

use std::{fmt, str::FromStr};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroize;

use super::{Signature, mistake};

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
/// let secret = WebhookSecret::new("an-invented-secret")?;
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
    /// [`InvalidSecret`] for a text that can only be a mistake.
    pub fn new(secret: impl AsRef<str>) -> Result<Self, InvalidSecret> {
        let secret = secret.as_ref();
        match mistake::find(secret) {
            Some(mistake) => Err(mistake),
            None => Ok(Self::prepare(secret.as_bytes())),
        }
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

/// Why a secret was not accepted. No part of the secret is in the message.
///
/// Returned where [`Secrets`](super::Secrets) are made or changed. No client sees it; if a lookup
/// fails with it, the layer answers `503`.
///
/// A text is refused that can only be a mistake: with a line break from a file or the quotes of an
/// environment file in the key, every notification would get `401` and be lost. Every constructor
/// refuses what the variants from [`Empty`](Self::Empty) to
/// [`TestEventSecret`](Self::TestEventSecret) describe, and nothing else. Texts of letters, digits,
/// `-` and `_`, as Nylas' documentation shows them, are accepted, but for the secret of the test
/// events.
///
/// ```
/// use tower_nylas::{InvalidSecret, WebhookSecret};
///
/// let pasted = WebhookSecret::new("NYLAS_WEBHOOK_SECRET=an-invented-secret");
/// assert_eq!(pasted.err(), Some(InvalidSecret::Assignment));
/// assert!(WebhookSecret::new("aW52ZW50ZWQ=").is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidSecret {
    /// The text is empty, or there is none: anybody can sign with an empty key.
    Empty,
    /// The text begins or ends with white space.
    SurroundingWhiteSpace,
    /// There is white space in the text.
    InnerWhiteSpace,
    /// There is a control character in the text, or one that cannot be seen: a byte order mark,
    /// zero width spaces and joiners, marks of direction, soft hyphens, variation selectors and
    /// the like.
    InvisibleCharacter,
    /// The text is in quotes: `"…"`, `'…'`, typographic ones, or backticks.
    Quoted,
    /// The text is a variable's name in capitals, a `=` and its value, as in an environment file. A
    /// `=` at the end, as the padding of base64, is accepted, except behind a name with `SECRET`.
    Assignment,
    /// The text is a placeholder: `${…}`, `$(…)`, `<…>`, `{{…}}`, `%…%`, or `$` and a variable's
    /// name in capitals.
    Placeholder,
    /// The text is the public secret of Nylas' test events, with which anybody can sign.
    ///
    /// [`acknowledge_test_events`](crate::VerifySignatureLayer::acknowledge_test_events) needs no
    /// secret.
    TestEventSecret,
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
                f.write_str("the webhook secret begins or ends with white space: remove it")
            }
            Self::InnerWhiteSpace => f.write_str(
                "the webhook secret contains white space: copy the secret alone, as one word",
            ),
            Self::InvisibleCharacter => f.write_str(
                "the webhook secret contains a control character or an invisible one, such as a \
                 byte order mark: remove it, or type the secret instead of copying it",
            ),
            Self::Quoted => f.write_str("the webhook secret is in quotes: remove the quotes"),
            Self::Assignment => f.write_str(
                "the webhook secret is the name of a variable and its value: remove the name and \
                 the `=` after it",
            ),
            Self::Placeholder => f.write_str(
                "the webhook secret is a placeholder that was not replaced: put the secret itself \
                 there",
            ),
            Self::TestEventSecret => f.write_str(
                "the webhook secret is the public one of Nylas' test events, with which anybody can \
                 sign: take the one that Nylas returned when it created the destination",
            ),
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
