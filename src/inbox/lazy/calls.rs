//! What is passed on to the inbox once it is open.

use std::time::Duration;

use super::LazyInbox;
use crate::{
    inbox::{
        AppendError, Appended, Browse, Claimed, DeadGroup, Entry, EntryKey, Inbox, Inspect, Query,
        SettleError, Settlement, Stats, StoredEntry, TimelineEvent,
    },
    report::BoxError,
};

impl<I: Inbox> Inbox for LazyInbox<I> {
    type Receipt = I::Receipt;

    async fn append(&self, entry: Entry) -> Result<Appended, AppendError> {
        let inbox = self.opened().await;
        let inbox = inbox.map_err(|why| AppendError::Unavailable(why.into()))?;
        inbox.append(entry).await
    }

    async fn claim(
        &self,
        max: usize,
        wait: Duration,
    ) -> Result<Vec<Claimed<Self::Receipt>>, BoxError> {
        self.opened().await?.claim(max, wait).await
    }

    async fn extend(&self, receipt: &Self::Receipt) -> Result<(), SettleError> {
        let inbox = self.opened().await;
        let inbox = inbox.map_err(|why| SettleError::Unavailable(why.into()))?;
        inbox.extend(receipt).await
    }

    async fn settle(
        &self,
        receipt: &Self::Receipt,
        settlement: Settlement,
    ) -> Result<(), SettleError> {
        let inbox = self.opened().await;
        let inbox = inbox.map_err(|why| SettleError::Unavailable(why.into()))?;
        inbox.settle(receipt, settlement).await
    }
}

impl<I: Browse> Browse for LazyInbox<I> {
    async fn stats(&self) -> Result<Stats, BoxError> {
        self.opened().await?.stats().await
    }

    async fn dead(&self, before: Option<u64>, max: usize) -> Result<Vec<StoredEntry>, BoxError> {
        self.opened().await?.dead(before, max).await
    }

    async fn dead_groups(&self, max: usize) -> Result<Vec<DeadGroup>, BoxError> {
        self.opened().await?.dead_groups(max).await
    }

    async fn replay(&self, keys: &[EntryKey]) -> Result<usize, BoxError> {
        self.opened().await?.replay(keys).await
    }

    async fn replay_dead(&self, keys: &[EntryKey]) -> Result<usize, BoxError> {
        self.opened().await?.replay_dead(keys).await
    }

    async fn discard(&self, keys: &[EntryKey]) -> Result<usize, BoxError> {
        self.opened().await?.discard(keys).await
    }
}

impl<I: Inspect> Inspect for LazyInbox<I> {
    async fn list(&self, query: &Query) -> Result<Vec<StoredEntry>, BoxError> {
        self.opened().await?.list(query).await
    }

    async fn timeline(&self, key: EntryKey) -> Result<Vec<TimelineEvent>, BoxError> {
        self.opened().await?.timeline(key).await
    }

    async fn purge_grant(&self, grant_id: &str) -> Result<usize, BoxError> {
        self.opened().await?.purge_grant(grant_id).await
    }
}
