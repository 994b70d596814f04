//! What is kept, and for how long.

use std::time::Duration;

use tower_nylas::{
    inbox::{AppendError, Appended, Entry, Inspect, Settlement},
    testing::VirtualClock,
};

use crate::inbox::{dead, entry, large_entry, retry};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// An inbox on virtual time, whose tables can be counted.
#[derive(Debug)]
pub struct Growth<I, R> {
    pub inbox: I,
    pub clock: VirtualClock,
    rows: R,
}

impl<I: Inspect, R: AsyncFn(&str) -> i64> Growth<I, R> {
    /// `rows` counts the rows of a table.
    pub fn new(inbox: I, clock: VirtualClock, rows: R) -> Self {
        Self { inbox, clock, rows }
    }

    pub async fn append(&self, entry: Entry) {
        assert_eq!(self.inbox.append(entry).await.unwrap(), Appended::New);
    }

    pub async fn settle_next(&self, settlement: Settlement) {
        let claim = self.inbox.claim(1, Duration::ZERO).await.unwrap().remove(0);
        self.inbox.settle(&claim.receipt, settlement).await.unwrap();
    }

    /// Waits until upkeep, which every call wakes once time has passed, has left so many rows.
    pub async fn wait_for(&self, table: &str, rows: i64) {
        let mut looks = 0;
        while self.rows(table).await != rows {
            let claims = self.inbox.claim(0, Duration::ZERO).await.unwrap();
            assert!(claims.is_empty());
            self.inbox.stats().await.unwrap();
            looks += 1;
            assert!(looks < 10_000, "{table}: {}", self.rows(table).await);
        }
    }

    pub async fn rows(&self, table: &str) -> i64 {
        (self.rows)(table).await
    }

    async fn all_rows(&self) -> [i64; 4] {
        let mut rows = [0; 4];
        for (count, table) in rows.iter_mut().zip(["jobs", "bodies", "history", "keys"]) {
            *count = self.rows(table).await;
        }
        rows
    }

    /// What is done leaves its key for the window of 72 hours, and nothing else.
    pub async fn done(&self) {
        for number in 0..300 {
            self.append(entry(&format!("n-{number}"))).await;
        }
        for claim in self.inbox.claim(300, Duration::ZERO).await.unwrap() {
            let settled = self.inbox.settle(&claim.receipt, Settlement::Done).await;
            settled.unwrap();
        }
        assert_eq!(self.all_rows().await, [0, 0, 0, 300]);
        assert_eq!(self.inbox.stats().await.unwrap().bytes, 0);
        self.clock.advance(2 * DAY);
        let known = self.inbox.append(entry("n-0")).await.unwrap();
        assert_eq!(known, Appended::Duplicate);
        self.clock.advance(DAY + Duration::from_secs(60));
        self.wait_for("keys", 0).await;
    }

    /// Dead entries are kept for 30 days, and their keys with them; what is not handled never goes.
    pub async fn dead(&self) {
        self.append(entry("n-dead")).await;
        self.settle_next(dead()).await;
        self.append(entry("n-ready")).await;
        self.append(entry("n-done")).await;
        for claim in self.inbox.claim(2, Duration::ZERO).await.unwrap() {
            let settlement = if claim.entry.key() == entry("n-done").key() {
                Settlement::Done
            } else {
                retry(Duration::ZERO, false)
            };
            let settled = self.inbox.settle(&claim.receipt, settlement).await;
            settled.unwrap();
        }
        self.clock.advance(29 * DAY);
        // That of the one that is done goes, so this is what is left of the keys.
        self.wait_for("keys", 2).await;
        let known = self.inbox.append(entry("n-dead")).await.unwrap();
        assert_eq!(known, Appended::Duplicate);
        self.clock.advance(2 * DAY);
        self.wait_for("jobs", 1).await;
        assert_eq!(self.rows("bodies").await, 1);
        assert_eq!(self.inbox.stats().await.unwrap().dead, 0);
        self.append(entry("n-dead")).await;
    }

    /// What is done and kept, for a day and up to 100,000 of 400,000 bytes, can be replayed until
    /// it makes room.
    pub async fn kept(&self) {
        let first = large_entry("n-1", 60_000);
        self.append(first.clone()).await;
        self.settle_next(Settlement::Done).await;
        assert_eq!(self.inbox.stats().await.unwrap().done, 1);
        let timeline = self.inbox.timeline(first.key()).await.unwrap();
        assert_eq!(timeline.len(), 3, "{timeline:?}");
        assert_eq!(self.inbox.replay(&[first.key()]).await.unwrap(), 1);
        self.settle_next(Settlement::Done).await;

        // By bytes.
        self.append(large_entry("n-2", 60_000)).await;
        self.settle_next(Settlement::Done).await;
        self.clock.advance(Duration::from_secs(2));
        self.wait_for("jobs", 1).await;
        assert_eq!(self.inbox.stats().await.unwrap().done, 1);
        assert_eq!(self.inbox.replay(&[first.key()]).await.unwrap(), 0);

        // Under pressure.
        let mut stored = 0;
        loop {
            let next = large_entry(&format!("p-{stored}"), 60_000);
            match self.inbox.append(next).await {
                Ok(_) => stored += 1,
                Err(AppendError::Full) => break,
                Err(other) => panic!("{other}"),
            }
        }
        assert!(stored >= 4, "{stored}");
        assert_eq!(self.inbox.stats().await.unwrap().done, 0);
        // A redelivery of what is stored is no new entry.
        let again = self.inbox.append(large_entry("p-0", 60_000)).await;
        assert_eq!(again.unwrap(), Appended::Duplicate);

        // By time.
        self.settle_next(Settlement::Done).await;
        assert_eq!(self.inbox.stats().await.unwrap().done, 1);
        self.clock.advance(DAY);
        self.wait_for("jobs", stored - 1).await;
        assert_eq!(self.inbox.stats().await.unwrap().done, 0);
    }

    /// A timeline is bounded.
    pub async fn timeline(&self) {
        let stored = entry("n-1");
        self.append(stored.clone()).await;
        for _ in 0..40 {
            self.settle_next(retry(Duration::ZERO, true)).await;
        }
        assert_eq!(self.rows("history").await, 32);
        assert_eq!(self.inbox.timeline(stored.key()).await.unwrap().len(), 32);
    }

    /// A claim brings a bounded amount of contents.
    pub async fn large(&self) {
        for number in 0..5 {
            self.append(large_entry(&format!("n-{number}"), 9 << 20))
                .await;
        }
        let mut counts = Vec::new();
        while let claims @ [_, ..] = &*self.inbox.claim(100, Duration::ZERO).await.unwrap() {
            counts.push(claims.len());
        }
        assert_eq!(counts.iter().sum::<usize>(), 5);
        assert!(counts.len() > 1, "{counts:?}");
    }
}
