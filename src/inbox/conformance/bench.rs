//! What the cases share.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::{Engine, Options};
use crate::{
    inbox::{
        Appended, Claimed, DeadCause, Entry, EntryKey, Inbox, SettleError, Settlement, Task,
        assume_verified,
    },
    time::Timer,
};

/// One case's view of an engine.
pub(super) struct Bench<'a, E: Engine> {
    pub(super) engine: &'a E,
    pub(super) timer: Arc<dyn Timer>,
    next: AtomicU64,
}

/// The claims of an inbox.
pub(super) type Claims<E> = Vec<Claimed<<<E as Engine>::Inbox as Inbox>::Receipt>>;
pub(super) type Claim<E> = Claimed<<<E as Engine>::Inbox as Inbox>::Receipt>;

/// Of the secrets that verified the entries.
pub(super) const LABEL: &str = "testing";

pub(super) const SOON: Duration = Duration::from_millis(200);

impl<'a, E: Engine> Bench<'a, E> {
    /// Of a case that does not fill its inbox.
    const NO_LIMIT: usize = 1 << 30;

    pub(super) fn new(engine: &'a E) -> Self {
        Self {
            engine,
            timer: engine.timer(),
            next: AtomicU64::new(1),
        }
    }

    pub(super) fn options(&self) -> Options {
        Options {
            lease: self.engine.lease(),
            window: self.engine.lease() * 100,
            max_bytes: Self::NO_LIMIT,
        }
    }

    pub(super) async fn open(&self) -> E::Inbox {
        self.engine.open(self.options()).await
    }

    pub(super) fn lease(&self) -> Duration {
        self.engine.lease()
    }

    pub(super) async fn pass(&self, duration: Duration) {
        self.timer.sleep(duration).await;
    }

    pub(super) fn now(&self) -> Instant {
        self.timer.now()
    }

    pub(super) fn spawn(&self, task: Task) {
        (self.engine.spawner())(task);
    }

    /// Another entry each time.
    pub(super) fn entry(&self) -> Entry {
        self.entry_of("message.created", "g-1")
    }

    pub(super) fn entry_of(&self, trigger: &str, grant_id: &str) -> Entry {
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        let body = format!(
            r#"{{"specversion":"1.0","type":"{trigger}","id":"n-{number}","time":1767225600,"webhook_delivery_attempt":1,"data":{{"application_id":"a","grant_id":"{grant_id}","object":{{"id":"m-{number}","grant_id":"{grant_id}","object":"message"}}}}}}"#
        );
        Entry::new(&assume_verified(body, LABEL), self.timer.unix_time())
    }

    /// Stores this number of entries, which become due one after the other.
    pub(super) async fn store(&self, inbox: &E::Inbox, count: usize) -> Vec<EntryKey> {
        let mut keys = Vec::new();
        for _ in 0..count {
            keys.push(self.append(inbox, self.entry()).await);
            self.pass(Duration::from_millis(2)).await;
        }
        keys
    }

    pub(super) async fn append(&self, inbox: &E::Inbox, entry: Entry) -> EntryKey {
        let key = entry.key();
        assert_eq!(inbox.append(entry).await.unwrap(), Appended::New);
        key
    }

    /// What is due now.
    pub(super) async fn claims(&self, inbox: &E::Inbox) -> Claims<E> {
        inbox.claim(1000, Duration::ZERO).await.unwrap()
    }

    pub(super) async fn assert_nothing_is_due(&self, inbox: &E::Inbox) {
        let claims = self.claims(inbox).await;
        assert!(claims.is_empty(), "{claims:?}");
    }

    /// The only entry that is due.
    pub(super) async fn claim(&self, inbox: &E::Inbox) -> Claim<E> {
        let mut claims = inbox.claim(1000, SOON).await.unwrap();
        let claim = claims.pop().expect("an entry is due");
        assert!(claims.is_empty(), "{claims:?}");
        claim
    }

    pub(super) async fn settle(&self, inbox: &E::Inbox, claim: &Claim<E>, settlement: Settlement) {
        inbox.settle(&claim.receipt, settlement).await.unwrap();
    }
}

pub(super) fn retry(after: Duration, failed: bool) -> Settlement {
    Settlement::Retry {
        after,
        failed,
        why: "a reason".to_owned(),
    }
}

pub(super) fn dead(cause: DeadCause) -> Settlement {
    Settlement::Dead {
        cause,
        why: "a reason".to_owned(),
    }
}

/// Of a settlement that changes nothing.
pub(super) fn assert_without_effect(settled: &Result<(), SettleError>) {
    assert!(
        matches!(settled, Ok(()) | Err(SettleError::LeaseLost)),
        "{settled:?}"
    );
}
