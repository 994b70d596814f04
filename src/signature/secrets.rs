//! The secrets of one destination, exchangeable while requests are in progress.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::{ArcSwap, Guard};

use super::{
    InvalidSecret, SecretsBuilder, Signature, Verifier, VerifyError, WebhookSecret, set::SecretSet,
};
use crate::time::{Clock, later};

/// The webhook secrets of **one destination**, shared by all clones and exchangeable at any time.
///
/// Nylas creates a `webhook_secret` only after the endpoint has answered the challenge, and a
/// rotation replaces it at once
/// ([source](https://developer.nylas.com/docs/reference/api/webhook-notifications/)). So a server
/// starts with a stored secret or with [`Secrets::pending`], keeps a clone, and calls [`set`],
/// [`expect_rotation`] or [`rotate`] on it while requests arrive. Reading takes no lock.
///
/// One set is one trust domain: anybody who has one of its secrets can sign for all of it. Keep one
/// set for each tenant and choose it by a lookup
/// ([`SecretSource::lookup`](crate::verify::SecretSource::lookup));
/// never put the secrets of several tenants into one set.
///
/// `Debug` shows the label and the number of secrets.
///
/// ```
/// use std::time::Duration;
/// use tower_nylas::Secrets;
///
/// let secrets = Secrets::pending();
/// assert!(secrets.is_pending());
///
/// // The response of `POST /v3/webhooks` contained the secret:
/// secrets.set("an-invented-secret")?;
///
/// // Later, on every replica, before anyone calls Nylas' rotate-secret:
/// secrets.expect_rotation(Duration::from_secs(120));
/// // and on every replica as soon as its response is known there:
/// secrets.rotate("another-invented-secret", Secrets::KEEP_OLD_FOR)?;
/// # Ok::<(), tower_nylas::InvalidSecret>(())
/// ```
///
/// [`set`]: Secrets::set
/// [`expect_rotation`]: Secrets::expect_rotation
/// [`rotate`]: Secrets::rotate
#[derive(Clone)]
pub struct Secrets {
    shared: Arc<Shared>,
}

struct Shared {
    label: Arc<str>,
    clock: Arc<dyn Clock>,
    set: ArcSwap<SecretSet>,
    /// How often the set was replaced, and whether it has contained a secret yet. Reading these
    /// instead of the set saves the two locked instructions that loading the set costs.
    exchanges: AtomicU64,
    known: AtomicBool,
}

/// How many times [`Secrets::verify`] checks a body if the secrets are exchanged during each check.
const MAX_CHECKS: usize = 4;

impl Secrets {
    /// How many secrets a set holds at most: 4.
    ///
    /// A fifth one given to a constructor is an error; a fifth one in [`rotate`](Self::rotate)
    /// removes the old secret that would expire first.
    pub const MAX_SECRETS: usize = SecretSet::MAX;

    /// The label of a set that was given none.
    pub(crate) const DEFAULT_LABEL: &str = "default";

    /// How long [`rotate`](Self::rotate) should usually keep the old secret: 1 hour.
    ///
    /// Nylas repeats a notification for up to 20 minutes
    /// ([source](https://developer.nylas.com/docs/v3/notifications/)), older documentation says one
    /// hour, and it is not documented whether a repetition is signed with the new secret.
    pub const KEEP_OLD_FOR: Duration = Duration::from_secs(60 * 60);

    /// Chooses the label (default `default`) and the clock (default
    /// [`SystemClock`](crate::time::SystemClock)) of a set.
    pub fn builder() -> SecretsBuilder {
        SecretsBuilder::new()
    }

    /// Accepts one secret, which does not expire: `Secrets::builder().secret(secret)`.
    ///
    /// # Errors
    ///
    /// [`InvalidSecret`] for a text that can only be a mistake.
    pub fn new<S>(secret: S) -> Result<Self, InvalidSecret>
    where
        S: TryInto<WebhookSecret>,
        InvalidSecret: From<S::Error>,
    {
        Self::builder().secret(secret)
    }

    /// Accepts up to [`Secrets::MAX_SECRETS`] (4) secrets of the same destination, the newest
    /// first: `Secrets::builder().any_of(secrets)`. None of them expires.
    ///
    /// # Errors
    ///
    /// [`InvalidSecret`] if there is none or more than 4, or for a text that can only be a mistake.
    pub fn any_of<S>(secrets: impl IntoIterator<Item = S>) -> Result<Self, InvalidSecret>
    where
        S: TryInto<WebhookSecret>,
        InvalidSecret: From<S::Error>,
    {
        Self::builder().any_of(secrets)
    }

    /// Starts without a secret: `Secrets::builder().pending()`.
    ///
    /// Challenges are answered, and every notification with a well-formed signature gets `503`, so
    /// that Nylas repeats it, until [`set`](Self::set) or [`rotate`](Self::rotate).
    pub fn pending() -> Self {
        Self::builder().pending()
    }

    /// Accepts the secret in the environment variable `name`:
    /// `Secrets::builder().from_env(name)`.
    ///
    /// # Errors
    ///
    /// [`InvalidSecret`] if the variable is not set or not Unicode, or if its value can only be a
    /// mistake. A server that may start without a secret uses
    /// [`from_env_or_pending`](Self::from_env_or_pending).
    pub fn from_env(name: &str) -> Result<Self, InvalidSecret> {
        Self::builder().from_env(name)
    }

    /// Accepts the secret in the environment variable `name`, or starts as
    /// [`pending`](Self::pending) if the variable is not set or empty:
    /// `Secrets::builder().from_env_or_pending(name)`.
    ///
    /// # Errors
    ///
    /// [`InvalidSecret`] if the value is not Unicode, or can only be a mistake and is not empty.
    pub fn from_env_or_pending(name: &str) -> Result<Self, InvalidSecret> {
        Self::builder().from_env_or_pending(name)
    }

    /// Called by every constructor.
    pub(super) fn share(label: Arc<str>, clock: Arc<dyn Clock>, set: SecretSet) -> Self {
        Self {
            shared: Arc::new(Shared {
                label,
                clock,
                exchanges: AtomicU64::new(0),
                known: AtomicBool::new(!set.is_pending()),
                set: ArcSwap::from_pointee(set),
            }),
        }
    }

    /// Accepts `secret` from now on, and nothing else.
    ///
    /// For the first secret of a destination, and after a secret was leaked. It also ends
    /// [`expect_rotation`](Self::expect_rotation). Until the secret has verified a body, it is
    /// [unproven](Self::is_proven), unless it was the newest one before.
    ///
    /// # Errors
    ///
    /// [`InvalidSecret`] for a text that can only be a mistake. Then nothing changes.
    pub fn set<S>(&self, secret: S) -> Result<(), InvalidSecret>
    where
        S: TryInto<WebhookSecret>,
        InvalidSecret: From<S::Error>,
    {
        let secret = secret.try_into()?;
        self.replace(|old| old.replaced(&secret));
        Ok(())
    }

    /// Accepts `secret` from now on, and the secrets that had no end until now for another
    /// `keep_old_for` (usually [`Secrets::KEEP_OLD_FOR`], 1 hour; zero drops them at once, and a
    /// duration that the clock cannot represent keeps them without an end).
    ///
    /// The old secrets are kept because repetitions of earlier notifications may still carry their
    /// signatures. An end that an earlier rotation has set is neither extended nor shortened; only
    /// [`set`](Self::set) drops such a secret at once. Beyond [`Secrets::MAX_SECRETS`] (4), the old
    /// secret that would expire first is dropped.
    ///
    /// It also ends [`expect_rotation`](Self::expect_rotation). Rotating to the secret that is
    /// already the newest changes nothing, not even that, so every replica may call this as often
    /// as it likes.
    ///
    /// # Errors
    ///
    /// [`InvalidSecret`] for a text that can only be a mistake. Then nothing changes.
    pub fn rotate<S>(&self, secret: S, keep_old_for: Duration) -> Result<(), InvalidSecret>
    where
        S: TryInto<WebhookSecret>,
        InvalidSecret: From<S::Error>,
    {
        self.rotate_to(&secret.try_into()?, keep_old_for);
        Ok(())
    }

    pub(crate) fn rotate_to(&self, secret: &WebhookSecret, keep_old_for: Duration) {
        let now = self.shared.clock.now();
        self.replace(|old| old.rotated(secret, now, keep_old_for));
    }

    /// Answers a signature that does not match with `503` instead of `401`, for at most `max` or
    /// until [`rotate`](Self::rotate) or [`set`](Self::set).
    ///
    /// Nylas signs with the new secret from the moment its rotate-secret call returns
    /// ([source](https://developer.nylas.com/docs/reference/api/webhook-notifications/)), before
    /// any replica can have it, and does not repeat a notification after a `401`. So call this on
    /// **every** replica *before* calling Nylas.
    pub fn expect_rotation(&self, max: Duration) {
        let now = self.shared.clock.now();
        let until = later(now, max);
        self.replace(|old| old.expecting_rotation(until));
    }

    /// Whether no secret is known yet.
    ///
    /// For alerts, not for readiness probes: Nylas' challenge cannot reach a server that is kept
    /// out of rotation until it has a secret.
    pub fn is_pending(&self) -> bool {
        !self.shared.known.load(Ordering::Acquire)
    }

    /// Whether the newest secret has verified a body since it was given.
    ///
    /// Until then a body that does not match may well be genuine and the secret wrong: one of
    /// another destination, or an old one that a restarted server has read. So it is
    /// [`VerifyError::Unproven`], which a layer over these secrets answers with `503`. A match of
    /// an older secret proves nothing, and neither does a test event.
    pub fn is_proven(&self) -> bool {
        self.shared.set.load().is_proven()
    }

    /// The name given by [`SecretsBuilder::label`]; default `default`.
    pub fn label(&self) -> &str {
        self.shared_label()
    }

    /// The label for a value that outlives the handle.
    pub(crate) fn shared_label(&self) -> &Arc<str> {
        &self.shared.label
    }

    /// Verifies that `signature` was made of exactly these bytes, by a secret of this set.
    ///
    /// All secrets are tried, in constant time and without stopping at the first that matches. An
    /// exchange of secrets during the check restarts it, up to three times; if the fourth check is
    /// interrupted as well, the result is [`VerifyError::RotationExpected`].
    ///
    /// # Errors
    ///
    /// [`VerifyError::Pending`] (the layer answers `503`), [`VerifyError::Mismatch`] (`401`),
    /// [`VerifyError::Unproven`] or [`VerifyError::RotationExpected`] (both `503`).
    pub fn verify(&self, body: &[u8], signature: &Signature) -> Result<(), VerifyError> {
        for _ in 0..MAX_CHECKS {
            let Current { set, exchanges } = self.current();
            let computed = set.secrets().map(|secret| secret.sign(body));
            match self.conclude(&set, exchanges, signature, computed) {
                Err(VerifyError::Exchanged) => {}
                verdict => return verdict,
            }
        }
        Err(VerifyError::RotationExpected)
    }

    /// Starts the check of a body that arrives in pieces, with the secrets of this moment.
    pub fn verifier(&self, signature: Signature) -> Verifier {
        let Current { set, exchanges } = self.current();
        Verifier::new(self.clone(), Guard::into_inner(set), exchanges, signature)
    }

    /// Completes a check that was started with `set`, loaded when the count was `exchanges`.
    pub(super) fn conclude(
        &self,
        set: &SecretSet,
        exchanges: u64,
        signature: &Signature,
        computed: impl Iterator<Item = Signature>,
    ) -> Result<(), VerifyError> {
        let verdict = set.verdict(&*self.shared.clock, signature, computed);
        if exchanges == self.exchanges() {
            verdict
        } else {
            Err(VerifyError::Exchanged)
        }
    }

    /// The set in force, without what has expired: an expired secret would cost every request
    /// another HMAC.
    fn current(&self) -> Current {
        let current = self.load();
        if current.set.is_timed() {
            let now = self.shared.clock.now();
            if current.set.has_expired(now) {
                self.replace(|old| old.without_expired(now));
                return self.load();
            }
        }
        current
    }

    fn load(&self) -> Current {
        // In this order, so that a set that is replaced in between counts as exchanged.
        let exchanges = self.exchanges();
        Current {
            set: self.shared.set.load(),
            exchanges,
        }
    }

    fn exchanges(&self) -> u64 {
        self.shared.exchanges.load(Ordering::Acquire)
    }

    fn replace(&self, next: impl Fn(&SecretSet) -> SecretSet) {
        let shared = &*self.shared;
        shared.set.rcu(|old| Arc::new(next(old)));
        if !shared.set.load().is_pending() {
            shared.known.store(true, Ordering::Release);
        }
        shared.exchanges.fetch_add(1, Ordering::AcqRel);
    }
}

/// The set in force at one moment, and how often it was replaced before.
struct Current {
    set: Guard<Arc<SecretSet>>,
    exchanges: u64,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets")
            .field("label", &self.label())
            .field("secrets", &self.shared.set.load().secrets().len())
            .finish_non_exhaustive()
    }
}
