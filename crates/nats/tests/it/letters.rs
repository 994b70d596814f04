//! What an operator sees of many dead letters.

use std::time::Duration;

use futures_util::StreamExt;
use tower_nylas::{
    inbox::{Browse, DeadCause, Entry, EntryKey, Inbox},
    testing,
};
use tower_nylas_kit::inbox::{dead, entry};
use tower_nylas_nats::async_nats;

use crate::{kept::Bench, server::shared};

/// How many places of a stream are empty, in a test.
const GAP: usize = 3000;

impl Bench {
    /// A dead entry.
    async fn letter_of(&self, id: &str) -> EntryKey {
        let stored = entry(id);
        let key = stored.key();
        self.inbox.append(stored).await.unwrap();
        self.settle_next(dead()).await;
        key
    }

    /// Makes empty places: of each subject the stream has the last message only.
    async fn leave_gap(&self) -> EntryKey {
        let key = entry("n-gap").key();
        let subject = format!("{}.dead.{key}", self.name);
        let mut writing = Vec::new();
        for _ in 0..=GAP {
            let written = self.context.publish(subject.clone(), "again".into()).await;
            writing.push(written.unwrap().into_future());
        }
        for written in writing {
            written.await.unwrap();
        }
        key
    }
}

/// Counts the messages that are asked for one by one.
struct Reads {
    client: async_nats::Client,
    subject: String,
    asked: async_nats::Subscriber,
}

impl Reads {
    async fn of(bench: &Bench) -> Self {
        let client = async_nats::connect(shared().await).await.unwrap();
        let subject = format!("$JS.API.STREAM.MSG.GET.{}_dead", bench.name);
        let asked = client.subscribe(subject.clone()).await.unwrap();
        client.flush().await.unwrap();
        Self {
            client,
            subject,
            asked,
        }
    }

    async fn end(mut self) -> usize {
        // What was answered has come to this subscription before.
        let end = self.client.publish(self.subject, "end".into()).await;
        end.unwrap();
        let mut count = 0;
        while self.asked.next().await.unwrap().payload != "end" {
            count += 1;
        }
        count
    }
}

pub(crate) async fn places_that_are_empty_are_skipped() {
    let bench = Bench::new("gaps").await;
    let mut keys = vec![bench.letter_of("n-0").await, bench.letter_of("n-1").await];
    keys.push(bench.leave_gap().await);
    keys.push(bench.letter_of("n-2").await);
    keys.reverse();
    let reads = Reads::of(&bench).await;
    let all = bench.inbox.dead(None, 10).await.unwrap();
    let found: Vec<_> = all.iter().map(|letter| letter.key).collect();
    assert_eq!(found, keys);
    assert!(all[0].position > GAP as u64);
    // Page by page, from each of them on.
    let mut before = None;
    for key in &keys {
        let page = bench.inbox.dead(before, 1).await.unwrap();
        assert_eq!(page[0].key, *key);
        before = Some(page[0].position);
    }
    assert!(bench.inbox.dead(before, 1).await.unwrap().is_empty());
    // From the midst of what is empty.
    let page = bench.inbox.dead(Some(GAP as u64 / 2), 10).await.unwrap();
    assert_eq!(page.len(), 2);
    let asked = reads.end().await;
    assert!((1..GAP / 4).contains(&asked), "{asked} reads");
}

/// By its headers: what somebody else has written has none.
pub(crate) async fn groups_are_counted_over_what_is_empty() {
    let bench = Bench::new("groups").await;
    for number in 0..40 {
        bench.letter_of(&format!("n-{number}")).await;
    }
    let foreign = bench.leave_gap().await;
    let gone = bench.letter_of("n-gone").await;
    assert_eq!(bench.inbox.discard(&[gone]).await.unwrap(), 1);
    let last = bench.letter_of("n-last").await;
    let reads = Reads::of(&bench).await;
    let groups = bench.inbox.dead_groups(10).await.unwrap();
    let found: Vec<_> = groups
        .iter()
        .map(|group| (group.trigger.as_deref(), group.cause, group.count))
        .collect();
    let trigger = entry("n-0").trigger().map(|trigger| trigger.to_string());
    assert!(trigger.is_some());
    let expected = [
        (trigger.as_deref(), DeadCause::Exhausted, 41),
        (None, DeadCause::Undecodable, 1),
    ];
    assert_eq!(found, expected);
    assert_eq!((groups[0].last.key, groups[1].last.key), (last, foreign));
    let asked = reads.end().await;
    // One for each group.
    assert!((1..20).contains(&asked), "{asked} reads");
}

/// A trigger that a header would not give back is none.
pub(crate) async fn a_trigger_of_any_characters_is_buried() {
    let bench = Bench::new("triggers").await;
    for (number, trigger) in ["message.created", "mäil\\n.x", " a b "]
        .into_iter()
        .enumerate()
    {
        let text = format!(r#"{{"id":"n-{number}","type":"{trigger}","data":{{}}}}"#);
        let body = testing::verified(text);
        let stored = Entry::new(&body, Duration::from_secs(5));
        bench.inbox.append(stored).await.unwrap();
        bench.settle_next(dead()).await;
    }
    let mut groups = bench.inbox.dead_groups(10).await.unwrap();
    groups.sort_by_key(|group| group.count);
    let found: Vec<_> = groups
        .iter()
        .map(|group| (group.trigger.as_deref(), group.count))
        .collect();
    assert_eq!(found, [(Some("message.created"), 1), (None, 2)]);
    let letters = bench.inbox.dead(None, 10).await.unwrap();
    let shown = letters[0].entry.as_ref().unwrap().trigger().unwrap();
    assert_eq!(shown.to_string(), " a b ");
}
