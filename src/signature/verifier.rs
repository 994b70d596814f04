//! The check of one body that arrives in pieces.

use std::{fmt, sync::Arc};

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::{Secrets, Signature, WebhookSecret, set::SecretSet};

/// Checks a body that arrives in pieces, on plain bytes and without any I/O.
///
/// Made by [`Secrets::verifier`]; for a body that is in memory as a whole, [`Secrets::verify`] is
/// simpler and faster. Give it the bytes **as they were on the wire**: still compressed if the
/// request has a `Content-Encoding`, and never JSON that was parsed and serialized again.
///
/// ```
/// use tower_nylas::{Secrets, WebhookSecret};
///
/// let signature = WebhookSecret::new("an-invented-secret")?.sign(b"{\"a\":1}");
/// let secrets = Secrets::new("an-invented-secret")?;
///
/// let mut verifier = secrets.verifier(signature);
/// verifier.update(b"{\"a\"");
/// verifier.update(b":1}");
/// assert_eq!(verifier.finish(), Ok(()));
/// # Ok::<(), tower_nylas::InvalidSecret>(())
/// ```
pub struct Verifier {
    secrets: Secrets,
    set: Arc<SecretSet>,
    exchanges: u64,
    macs: Vec<Hmac<Sha256>>,
    signature: Signature,
}

impl Verifier {
    pub(super) fn new(
        secrets: Secrets,
        set: Arc<SecretSet>,
        exchanges: u64,
        signature: Signature,
    ) -> Self {
        let macs = set.secrets().map(WebhookSecret::start).collect();
        Self {
            secrets,
            set,
            exchanges,
            macs,
            signature,
        }
    }

    /// Hashes the next piece of the body.
    pub fn update(&mut self, piece: &[u8]) {
        for mac in &mut self.macs {
            mac.update(piece);
        }
    }

    /// Compares the signature with those of all pieces together.
    ///
    /// # Errors
    ///
    /// Those of [`Secrets::verify`], and [`VerifyError::Exchanged`] if the secrets were exchanged
    /// since [`Secrets::verifier`].
    pub fn finish(self) -> Result<(), VerifyError> {
        // Copies are finalized, since those that are moved out of the vector are not wiped in it.
        let computed = self
            .macs
            .iter()
            .map(|mac| Signature::from_bytes(mac.clone().finalize().into_bytes().into()));
        self.secrets
            .conclude(&self.set, self.exchanges, &self.signature, computed)
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("secrets", &self.secrets)
            .finish_non_exhaustive()
    }
}

/// Why a body was not verified, and the status to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifyError {
    /// No secret is known yet. Answer `503`, so that Nylas repeats the notification.
    Pending,
    /// No secret of the set made this signature. Answer `401`.
    Mismatch,
    /// No secret of the set made this signature, but its newest one has not verified any body yet
    /// ([`Secrets::is_proven`]), so it may be the secret that is wrong. Answer `503`, so that Nylas
    /// repeats the notification.
    Unproven,
    /// No secret of the set made this signature, but a rotation is expected
    /// ([`Secrets::expect_rotation`]). Answer `503`, so that Nylas repeats the notification.
    RotationExpected,
    /// The secrets were exchanged while the body arrived. Check the whole body again with
    /// [`Secrets::verify`], as the layer does, or answer `503`.
    Exchanged,
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending => "no webhook secret is known yet",
            Self::Mismatch => "the signature does not match the body",
            Self::Unproven => {
                "the signature does not match the body, but the newest secret has not verified any \
                 body yet"
            }
            Self::RotationExpected => {
                "the signature does not match the body, but a rotation of the secret is expected"
            }
            Self::Exchanged => "the webhook secrets were exchanged while the body arrived",
        })
    }
}

impl std::error::Error for VerifyError {}
