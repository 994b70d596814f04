//! What an operator sees and does.

use std::time::Duration;

use async_nats::jetstream::{
    message::{PublishMessage, StreamMessage},
    stream::{LastRawMessageErrorKind, Stream},
};
use futures_util::{StreamExt, stream};
use tokio::time::timeout;
use tower_nylas::{
    BoxError,
    inbox::{Browse, EntryKey, Stats, StoredEntry, engine::Failure},
};

use crate::{
    core::{Core, PATIENCE, no_answer},
    dead, envelope,
    inbox::NatsInbox,
};

/// How many messages are read at a time.
const READS: usize = 16;

impl Browse for NatsInbox {
    /// What is put off counts as claimed, and so does what has become due again: the server does
    /// not tell them apart.
    async fn stats(&self) -> Result<Stats, BoxError> {
        let core = self.core();
        let _call = core.gate.enter().await?;
        let entries = within(core.streams.entries.get_info()).await?;
        let dead = within(core.streams.dead.get_info()).await?;
        let consumer = within(core.streams.consumer.get_info()).await?;
        let mut stats = Stats::default();
        stats.ready = consumer.num_pending;
        stats.claimed = consumer.num_ack_pending as u64;
        stats.dead = dead.state.messages;
        stats.bytes = entries.state.bytes.saturating_add(dead.state.bytes);
        if stats.ready > 0 {
            let next = consumer.delivered.stream_sequence.saturating_add(1);
            let next = next.max(entries.state.first_sequence);
            stats.oldest_ready = core.waits_for(next).await?;
        }
        Ok(stats)
    }

    async fn dead(&self, before: Option<u64>, max: usize) -> Result<Vec<StoredEntry>, BoxError> {
        let core = self.core();
        let _call = core.gate.enter().await?;
        let state = within(core.streams.dead.get_info()).await?.state;
        let end = state.last_sequence.saturating_add(1);
        let end = before.map_or(end, |before| before.min(end));
        let positions = state.first_sequence.max(1)..end;
        let letters = stream::iter(positions.rev())
            .map(|position| core.letter(position))
            .buffered(READS);
        let mut letters = std::pin::pin!(letters);
        let mut found = Vec::new();
        while found.len() < max
            && let Some(letter) = letters.next().await
        {
            // Some were replayed or discarded.
            found.extend(letter?.as_ref().and_then(dead::shown));
        }
        Ok(found)
    }

    async fn replay(&self, keys: &[EntryKey]) -> Result<usize, BoxError> {
        let core = self.core();
        let _call = core.gate.enter().await?;
        let mut replayed = 0;
        for key in keys {
            replayed += usize::from(core.replay(*key).await?);
        }
        Ok(replayed)
    }

    async fn discard(&self, keys: &[EntryKey]) -> Result<usize, BoxError> {
        let core = self.core();
        let _call = core.gate.enter().await?;
        let mut discarded = 0;
        for key in keys {
            if let Some(letter) = core.letter_of(*key).await? {
                core.delete_letter(letter.sequence).await?;
                discarded += 1;
            }
        }
        Ok(discarded)
    }
}

impl Core {
    /// How long the entry at a place has been there; `None` if it is not.
    async fn waits_for(&self, position: u64) -> Result<Option<Duration>, Failure> {
        let message = read(&self.streams.entries, position).await?;
        let entry = message.and_then(|message| {
            let (key, _) = envelope::read_id(Some(&message.headers))?;
            envelope::unpack(key, &message.payload).ok()
        });
        let now = Duration::from_millis(self.now());
        Ok(entry.map(|entry| now.saturating_sub(entry.received_at())))
    }

    async fn letter(&self, position: u64) -> Result<Option<StreamMessage>, Failure> {
        read(&self.streams.dead, position).await
    }

    async fn letter_of(&self, key: EntryKey) -> Result<Option<StreamMessage>, Failure> {
        let subject = self.names.dead(key);
        self.last_of(&self.streams.dead, &subject).await
    }

    async fn delete_letter(&self, position: u64) -> Result<(), Failure> {
        within(self.streams.dead.delete_message(position))
            .await
            .map(drop)
    }

    /// Whether there was a letter of this key. Its message comes anew, so that nothing is known of
    /// earlier tries; its id differs from the earlier ones, or it would be a duplicate. If only the
    /// letter is not deleted, the next replay is one.
    async fn replay(&self, key: EntryKey) -> Result<bool, Failure> {
        let Some(letter) = self.letter_of(key).await? else {
            return Ok(false);
        };
        let replays = dead::replays(&letter).saturating_add(1);
        let message = PublishMessage::build()
            .payload(letter.payload)
            .message_id(envelope::id(key, replays));
        let stored = self.publish(self.names.entries(), message).await;
        stored.map_err(Failure::new)?;
        self.delete_letter(letter.sequence).await?;
        Ok(true)
    }
}

async fn read(stream: &Stream, position: u64) -> Result<Option<StreamMessage>, Failure> {
    match timeout(PATIENCE, stream.get_raw_message(position)).await {
        Ok(Ok(message)) => Ok(Some(message)),
        Ok(Err(why)) if why.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
        Ok(Err(why)) => Err(Failure::new(why)),
        Err(_) => Err(no_answer()),
    }
}

async fn within<T, E: Into<BoxError>>(
    call: impl Future<Output = Result<T, E>>,
) -> Result<T, Failure> {
    match timeout(PATIENCE, call).await {
        Ok(result) => result.map_err(Failure::new),
        Err(_) => Err(no_answer()),
    }
}
