//! The secrets of one destination, exchangeable while requests are under way.

use std::{
    env, fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::{ArcSwap, Guard};

use super::{InvalidSecret, Signature, Verifier, VerifyError, WebhookSecret, set::SecretSet};
use crate::time::{Clock, SystemClock};

/// The webhook secrets of **one destination**, shared by all clones and exchangeable at any time.
///
/// Nylas creates a `webhook_secret` only after the endpoint has answered the challenge, and a
/// rotation replaces it from one moment to the next
/// ([source](https://developer.nylas.com/docs/reference/api/webhook-notifications/)). So a server
/// starts with [`Secrets::pending`] or with a stored secret, keeps a clone, and calls [`set`],
/// [`expect_rotation`] or [`rotate`] on it while requests arrive. Reading takes no lock.
///
/// One set is one domain of trust: whoever knows any secret of it can sign for all of it. Tenants
/// are told apart by a lookup
/// ([`VerifySignatureLayer::with_lookup`](crate::VerifySignatureLayer::with_lookup)),
/// never by putting their secrets into one set.
///
/// ```
/// use std::time::Duration;
/// use tower_nylas::Secrets;
///
/// let secrets = Secrets::pending();
/// assert!(secrets.is_pending());
///
/// // The response of `POST /v3/webhooks` brought the secret:
/// secrets.set("an invented secret")?;
///
/// // Later, on every replica, before anyone calls Nylas' rotate-secret:
/// secrets.expect_rotation(Duration::from_secs(120));
/// // and on every replica as soon as its response is known there:
/// secrets.rotate("another invented secret", Secrets::KEEP_OLD_FOR)?;
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
    /// How often the set was replaced, and whether it has had a secret yet. A request that only
    /// asks for these needs not look at the set, which costs two locked instructions each time.
    exchanges: AtomicU64,
    known: AtomicBool,
}

/// Instead of a time that is too long for a clock.
const FOR_GOOD: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

impl Secrets {
    /// How many secrets a set holds at most. A fifth one drops the one that would expire first.
    pub const MAX: usize = SecretSet::MAX;

    /// One hour: how long [`rotate`](Self::rotate) should usually keep the old secret. Nylas
    /// repeats a notification for up to 20 minutes, older documentation says one hour, and it is
    /// not documented whether a repetition is signed anew.
    pub const KEEP_OLD_FOR: Duration = Duration::from_secs(60 * 60);

    /// A set of one secret.
    ///
    /// # Errors
    ///
    /// [`InvalidSecret`] if it is empty or surrounded by white space.
    pub fn new<S>(secret: S) -> Result<Self, InvalidSecret>
    where
        S: TryInto<WebhookSecret>,
        InvalidSecret: From<S::Error>,
    {
        Self::any_of([secret])
    }

    /// A set of up to [`Secrets::MAX`] secrets of the same destination, the newest first. None of
    /// them expires.
    ///
    /// # Errors
    ///
    /// [`InvalidSecret`] if there is none or too many, or if one is empty or surrounded by white
    /// space.
    pub fn any_of<S>(secrets: impl IntoIterator<Item = S>) -> Result<Self, InvalidSecret>
    where
        S: TryInto<WebhookSecret>,
        InvalidSecret: From<S::Error>,
    {
        SecretSet::any_of(secrets).map(Self::from_set)
    }

    /// A set that waits for its first secret.
    ///
    /// Challenges are answered, and every notification gets a `503` until [`set`](Self::set), so
    /// that Nylas repeats it.
    pub fn pending() -> Self {
        Self::from_set(SecretSet::default())
    }

    /// The secret in the environment variable `name`.
    ///
    /// # Errors
    ///
    /// [`InvalidSecret`] if the variable is unset, empty or not Unicode, or if white space
    /// surrounds its value: a server that means to start without a secret says so with
    /// [`from_env_or_pending`](Self::from_env_or_pending).
    pub fn from_env(name: &str) -> Result<Self, InvalidSecret> {
        match env::var(name) {
            Ok(secret) => Self::new(secret),
            Err(env::VarError::NotPresent) => Err(InvalidSecret::Unset(name.to_owned())),
            Err(env::VarError::NotUnicode(_)) => Err(InvalidSecret::NotUnicode(name.to_owned())),
        }
    }

    /// The secret in the environment variable `name`, or [`pending`](Self::pending) if it is unset
    /// or empty.
    ///
    /// # Errors
    ///
    /// [`InvalidSecret`] if the value is not Unicode or surrounded by white space.
    pub fn from_env_or_pending(name: &str) -> Result<Self, InvalidSecret> {
        match Self::from_env(name) {
            Err(InvalidSecret::Unset(_) | InvalidSecret::Empty) => Ok(Self::pending()),
            known => known,
        }
    }

    /// Names the set, by default `default`; the name appears in `Debug` and as
    /// [`VerifiedBody::verified_by`](crate::VerifiedBody::verified_by). Call it before cloning: a
    /// clone made earlier no longer shares the secrets.
    #[must_use]
    pub fn with_label(self, label: impl Into<Arc<str>>) -> Self {
        self.rebuilt(|shared| shared.label = label.into())
    }

    /// Takes the time from `clock`, by default [`SystemClock`]. Call it before cloning: a clone
    /// made earlier no longer shares the secrets.
    #[must_use]
    pub fn with_clock(self, clock: impl Clock) -> Self {
        self.rebuilt(|shared| shared.clock = Arc::new(clock))
    }

    /// Accepts `secret` from now on, and nothing else.
    ///
    /// For the first secret of a destination, and after a secret became known to others. A
    /// rotation that was expected is over.
    ///
    /// # Errors
    ///
    /// [`InvalidSecret`] if it is empty or surrounded by white space; nothing changes then.
    pub fn set<S>(&self, secret: S) -> Result<(), InvalidSecret>
    where
        S: TryInto<WebhookSecret>,
        InvalidSecret: From<S::Error>,
    {
        let secret = secret.try_into()?;
        self.replace(|_| SecretSet::of(secret.clone()));
        Ok(())
    }

    /// Accepts `secret` from now on, and what was accepted without an end until now for another
    /// `keep_old_for` ([`Secrets::KEEP_OLD_FOR`] is a good choice). What an earlier rotation gave
    /// an end keeps that, be it sooner or later: only [`set`](Self::set) ends it at once.
    ///
    /// Repetitions of earlier notifications may still carry the old signature. A rotation that was
    /// expected is over. Rotating to the secret that is already the newest changes nothing, not
    /// even that, so every replica may call this as often as it likes.
    ///
    /// # Errors
    ///
    /// [`InvalidSecret`] if it is empty or surrounded by white space; nothing changes then.
    pub fn rotate<S>(&self, secret: S, keep_old_for: Duration) -> Result<(), InvalidSecret>
    where
        S: TryInto<WebhookSecret>,
        InvalidSecret: From<S::Error>,
    {
        let secret = secret.try_into()?;
        let now = self.shared.clock.now();
        self.replace(|old| old.rotated(&secret, now, keep_old_for));
        Ok(())
    }

    /// Answers a signature that does not match with `503` instead of `401`, for at most `max` or
    /// until [`rotate`](Self::rotate) or [`set`](Self::set).
    ///
    /// Nylas signs with the new secret from the moment its rotate call returns, before any replica
    /// can know it, and a `401` loses the notification for good. So call this on **every** replica
    /// *before* calling Nylas.
    pub fn expect_rotation(&self, max: Duration) {
        let now = self.shared.clock.now();
        let until = now.checked_add(max).or_else(|| now.checked_add(FOR_GOOD));
        self.replace(|old| old.expecting_rotation(until));
    }

    /// Whether no secret is known yet. For health probes.
    pub fn is_pending(&self) -> bool {
        !self.shared.known.load(Ordering::Acquire)
    }

    /// The name given by [`with_label`](Self::with_label).
    pub fn label(&self) -> &str {
        &self.shared.label
    }

    /// Whether `signature` belongs to exactly these bytes.
    ///
    /// Every secret of the set is tried, in constant time and without stopping at the first that
    /// matches. The answer is the one of the set that is in force when the check ends.
    ///
    /// # Errors
    ///
    /// [`VerifyError`] says whether the sender should try again or was refused.
    pub fn verify(&self, body: &[u8], signature: &Signature) -> Result<(), VerifyError> {
        // A set that was replaced during the check has no say any more. More than a few exchanges
        // within one check do not happen in earnest, so the last verdict may then stand.
        let mut verdict = Err(VerifyError::Mismatch);
        for _ in 0..Self::MAX {
            let Current { set, exchanges } = self.current();
            verdict = set.verdict(
                &*self.shared.clock,
                signature,
                set.secrets().map(|secret| secret.sign(body)),
            );
            if exchanges == self.exchanges() {
                break;
            }
        }
        verdict
    }

    /// Starts a check of a body that arrives in pieces.
    pub fn verifier(&self, signature: Signature) -> Verifier {
        let Current { set, exchanges } = self.current();
        Verifier::new(self.clone(), Guard::into_inner(set), exchanges, signature)
    }

    /// The end of a check that was started with `set`, after so many exchanges.
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

    fn from_set(set: SecretSet) -> Self {
        Self {
            shared: Arc::new(Shared {
                label: Arc::from("default"),
                clock: Arc::new(SystemClock),
                exchanges: AtomicU64::new(0),
                known: AtomicBool::new(!set.is_pending()),
                set: ArcSwap::from_pointee(set),
            }),
        }
    }

    fn rebuilt(self, change: impl FnOnce(&mut Shared)) -> Self {
        let mut shared = Shared {
            label: self.shared.label.clone(),
            clock: self.shared.clock.clone(),
            exchanges: AtomicU64::new(0),
            known: AtomicBool::new(!self.is_pending()),
            set: ArcSwap::new(self.shared.set.load_full()),
        };
        change(&mut shared);
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The set in force, after dropping what has ended: a secret that is no longer accepted would
    /// cost every request another HMAC.
    fn current(&self) -> Current {
        let current = self.load();
        if current.set.is_timed() {
            let now = self.shared.clock.now();
            if current.set.has_ended(now) {
                self.replace(|old| old.without_ended(now));
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

/// The set in force at one moment, and how many there were before it.
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
