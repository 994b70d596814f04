//! What is in the streams, and for how long.

use std::time::Duration;

use tower_nylas::inbox::{
    Appended, Browse, Claimed, DeadCause, EntryKey, EntryState, Inbox, Settlement,
};
use tower_nylas_kit::inbox::{dead, entry, retry};
use tower_nylas_nats::{
    NatsInbox, NatsReceipt,
    async_nats::{self, jetstream::message::StreamMessage},
};

use crate::server::{named, shared};

pub(crate) const SOON: Duration = Duration::from_secs(5);

pub(crate) struct Bench {
    pub(crate) name: String,
    pub(crate) inbox: NatsInbox,
    pub(crate) context: async_nats::jetstream::Context,
}

impl Bench {
    pub(crate) async fn new(name: &str) -> Self {
        let (url, name) = (shared().await, format!("{name}_{}", std::process::id()));
        let client = async_nats::connect(&url).await.unwrap();
        Self {
            inbox: named(&name).open(&url).await.unwrap(),
            context: async_nats::jetstream::new(client),
            name,
        }
    }

    /// The next claim, as soon as the inbox gives one.
    pub(crate) async fn next(&self) -> Claimed<NatsReceipt> {
        loop {
            match self.inbox.claim(1, SOON).await {
                Ok(mut claims) if !claims.is_empty() => return claims.remove(0),
                _ => tokio::task::yield_now().await,
            }
        }
    }

    pub(crate) async fn settle_next(&self, settlement: Settlement) {
        let claim = self.next().await;
        self.inbox.settle(&claim.receipt, settlement).await.unwrap();
    }

    async fn letter(&self, key: EntryKey) -> StreamMessage {
        let stream = self.context.get_stream(format!("{}_dead", self.name)).await;
        let subject = format!("{}.dead.{key}", self.name);
        let stream = stream.unwrap();
        let letter = stream.get_last_raw_message_by_subject(&subject).await;
        letter.unwrap()
    }

    /// How many messages a stream of the inbox has.
    pub(crate) async fn messages(&self, end: &str) -> u64 {
        let name = format!("{}{end}", self.name);
        let stream = self.context.get_stream(name).await.unwrap();
        stream.cached_info().state.messages
    }
}

pub(crate) async fn dead_letters_are_in_a_stream_of_their_own() {
    let bench = Bench::new("letters").await;
    let stored = entry("n-1");
    bench.inbox.append(stored.clone()).await.unwrap();
    bench.settle_next(retry(Duration::ZERO, true)).await;
    bench.settle_next(dead()).await;
    let messages = (bench.messages("").await, bench.messages("_dead").await);
    assert_eq!(messages, (0, 1));
    // What was known of its failures went with it.
    assert_eq!(bench.messages("_tries").await, 0);
    // As the README has it.
    let letter = bench.letter(stored.key()).await;
    let header = |name: &str| letter.headers.get(name).unwrap().as_str();
    assert_eq!(header("Nylas-Cause"), "exhausted");
    assert_eq!(header("Nylas-Why"), "a reason");
    assert_eq!(header("Nylas-Failures"), "1");
    let trigger = stored.trigger().unwrap().to_string();
    assert_eq!(header("Nylas-Trigger"), trigger);
    assert!(letter.payload.ends_with(stored.content()));
}

/// The message was stored anew, and the letter not deleted.
pub(crate) async fn a_replay_that_was_interrupted_is_one_replay() {
    let bench = Bench::new("replays").await;
    let stored = entry("n-1");
    bench.inbox.append(stored.clone()).await.unwrap();
    bench.settle_next(dead()).await;
    let letter = bench.letter(stored.key()).await;
    let mut headers = async_nats::HeaderMap::new();
    headers.insert("Nats-Msg-Id", format!("{}#r1", stored.key()).as_str());
    let replayed = bench.context.publish_with_headers(
        format!("{}.entries", bench.name),
        headers,
        letter.payload,
    );
    replayed.await.unwrap().await.unwrap();

    assert_eq!(bench.inbox.replay(&[stored.key()]).await.unwrap(), 1);
    let claims = bench.inbox.claim(10, SOON).await.unwrap();
    assert_eq!(claims.len(), 1);
    assert_eq!(claims[0].entry.key(), stored.key());
    assert_eq!((claims[0].crashes, claims[0].failures), (0, 0));
    assert_eq!(bench.messages("_dead").await, 0);
}

/// The entry was appended again after its first replay, so the letter that it has become does not
/// know of that one.
pub(crate) async fn a_replay_whose_number_was_used_before_stores_the_entry() {
    let bench = Bench::new("replayed").await;
    let stored = entry("n-1");
    bench.inbox.append(stored.clone()).await.unwrap();
    bench.settle_next(dead()).await;
    assert_eq!(bench.inbox.replay(&[stored.key()]).await.unwrap(), 1);
    bench.settle_next(dead()).await;
    let letter = bench.letter(stored.key()).await;
    let mut headers = letter.headers.clone();
    headers.insert("Nylas-Replays", "0");
    headers.insert("Nats-Msg-Id", "another");
    let subject = letter.subject.to_string();
    let published = bench
        .context
        .publish_with_headers(subject, headers, letter.payload);
    published.await.unwrap().await.unwrap();

    assert_eq!(bench.inbox.replay(&[stored.key()]).await.unwrap(), 1);
    assert_eq!(bench.next().await.entry.key(), stored.key());
    assert_eq!(bench.messages("_dead").await, 0);
}

pub(crate) async fn two_operators_at_the_same_letters() {
    const LETTERS: usize = 50;
    let bench = Bench::new("operators").await;
    let keys: Vec<EntryKey> = (0..LETTERS)
        .map(|n| entry(&format!("n-{n}")).key())
        .collect();
    for number in 0..LETTERS {
        bench
            .inbox
            .append(entry(&format!("n-{number}")))
            .await
            .unwrap();
        bench.settle_next(dead()).await;
    }
    let (one, other) = tokio::join!(bench.inbox.replay(&keys), bench.inbox.replay(&keys));
    assert!(one.unwrap() + other.unwrap() >= LETTERS);
    for _ in 0..LETTERS {
        bench.settle_next(dead()).await;
    }
    let (one, other) = tokio::join!(bench.inbox.discard(&keys), bench.inbox.discard(&keys));
    assert_eq!(one.unwrap() + other.unwrap(), LETTERS);
}

pub(crate) async fn what_others_publish_is_buried() {
    let bench = Bench::new("foreign").await;
    let subject = format!("{}.entries", bench.name);
    for payload in ["", "\0\u{7f}", "anything"] {
        let published = bench.context.publish(subject.clone(), payload.into()).await;
        published.unwrap().await.unwrap();
    }
    let mut headers = async_nats::HeaderMap::new();
    let odd = entry("n-odd").key();
    headers.insert("Nats-Msg-Id", odd.to_string().as_str());
    let published = bench
        .context
        .publish_with_headers(subject, headers, "odd".into());
    published.await.unwrap().await.unwrap();
    bench.inbox.append(entry("n-1")).await.unwrap();

    let claims = bench.inbox.claim(10, SOON).await.unwrap();
    assert_eq!(claims.len(), 1);
    assert_eq!(claims[0].entry.key(), entry("n-1").key());
    let letters = bench.inbox.dead(None, 10).await.unwrap();
    assert_eq!(letters.len(), 4);
    assert_eq!(letters[0].key, odd);
    for letter in letters {
        assert_eq!(letter.state, EntryState::Dead(DeadCause::Undecodable));
        assert!(letter.entry.is_none() && !letter.why.is_empty());
    }
}

pub(crate) async fn nothing_is_left_of_what_is_done() {
    let bench = Bench::new("done").await;
    for number in 0..100 {
        let appended = bench.inbox.append(entry(&format!("n-{number}"))).await;
        assert_eq!(appended.unwrap(), Appended::New);
    }
    for settlement in [retry(Duration::ZERO, true), Settlement::Done] {
        let mut left = 100;
        while left > 0 {
            for claim in bench.inbox.claim(100, SOON).await.unwrap() {
                let settled = bench.inbox.settle(&claim.receipt, settlement.clone()).await;
                settled.unwrap();
                left -= 1;
            }
        }
    }
    for stream in ["", "_tries", "_dead"] {
        assert_eq!(bench.messages(stream).await, 0, "{stream}");
    }
}

/// A consumer whose open claims are all that it can have sends nothing new, and says so.
pub(crate) async fn claims_go_on_while_all_that_was_claimed_is_put_off() {
    let (url, name) = (shared().await, format!("pending_{}", std::process::id()));
    let inbox = named(&name).open(&url).await.unwrap();
    for number in 0..50 {
        inbox.append(entry(&format!("n-{number}"))).await.unwrap();
    }
    let later = retry(Duration::from_secs(3600), false);
    for claim in inbox.claim(50, SOON).await.unwrap() {
        inbox.settle(&claim.receipt, later.clone()).await.unwrap();
    }
    assert!(inbox.claim(10, Duration::ZERO).await.unwrap().is_empty());
    let waited = inbox.claim(10, Duration::from_millis(300)).await.unwrap();
    assert!(waited.is_empty());
    inbox.append(entry("n-new")).await.unwrap();
    let claims = inbox.claim(10, SOON).await.unwrap();
    assert_eq!(claims[0].entry.key(), entry("n-new").key());
}
