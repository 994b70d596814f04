//! What an operator sees and does.

use std::time::Duration;

use async_nats::jetstream::{
    ErrorCode,
    message::{PublishMessage, StreamMessage},
    stream::{DeleteMessageError, DeleteMessageErrorKind},
};
use tokio::time::timeout;
use tower_nylas::{
    BoxError,
    inbox::{Browse, DeadGroup, EntryKey, Stats, StoredEntry, engine::Failure},
};

use crate::{
    core::{Core, PATIENCE, no_answer},
    dead, envelope,
    inbox::NatsInbox,
    pages::read,
    within::within,
};

/// How many replays of an entry are passed over, of which the server remembers the ids.
const MOST_REPLAYS: u32 = 1000;

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
        Ok(core.dead_page(before, max).await?)
    }

    /// Counts the last 100,000 places of the stream of dead letters, of which those of replayed and
    /// discarded ones are empty.
    async fn dead_groups(&self, max: usize) -> Result<Vec<DeadGroup>, BoxError> {
        let core = self.core();
        let _call = core.gate.enter().await?;
        Ok(core.dead_groups(max).await?)
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
                discarded += usize::from(core.delete_letter(letter.sequence).await?);
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

    async fn letter_of(&self, key: EntryKey) -> Result<Option<StreamMessage>, Failure> {
        let subject = self.names.dead(key);
        self.last_of(&self.streams.dead, &subject).await
    }

    /// Whether it was there: somebody else can have replayed or discarded it, or a later one of
    /// its key has replaced it.
    async fn delete_letter(&self, position: u64) -> Result<bool, Failure> {
        match timeout(PATIENCE, self.streams.dead.delete_message(position)).await {
            Ok(Ok(_)) => Ok(true),
            Ok(Err(why)) if is_gone(&why) => Ok(false),
            Ok(Err(why)) => Err(Failure::new(why)),
            Err(_) => Err(no_answer()),
        }
    }

    /// Whether there was a letter of this key. Its message comes anew, so that nothing is known of
    /// earlier tries; its id differs from the earlier ones, or it would be a duplicate. If only the
    /// letter is not deleted, the next replay is one.
    async fn replay(&self, key: EntryKey) -> Result<bool, Failure> {
        let Some(letter) = self.letter_of(key).await? else {
            return Ok(false);
        };
        let first = dead::replays(&letter).saturating_add(1);
        for replays in first..first.saturating_add(MOST_REPLAYS) {
            let id = envelope::id(key, replays);
            let message = PublishMessage::build()
                .payload(letter.payload.clone())
                .message_id(&id);
            let (entries, subject) = (&self.streams.entries, self.names.entries());
            let stored = self.publish(entries, subject, message).await;
            let stored = stored.map_err(Failure::new)?;
            // An earlier replay that was interrupted. One that has ended is a duplicate as well,
            // where the letter of the same key that was written last knows fewer of them.
            if !stored.duplicate || self.has(stored.sequence, &id).await? {
                self.delete_letter(letter.sequence).await?;
                return Ok(true);
            }
        }
        Err(Failure::new("it was replayed too often within the window"))
    }

    /// Whether the message with this id is still at its place among the entries.
    async fn has(&self, position: u64, id: &str) -> Result<bool, Failure> {
        let message = read(&self.streams.entries, position).await?;
        Ok(message.is_some_and(|message| envelope::has_id(&message.headers, id)))
    }
}

/// Whether there is no message at the place that was to be deleted. Servers have one code for
/// everything that keeps a message from being deleted.
fn is_gone(why: &DeleteMessageError) -> bool {
    let DeleteMessageErrorKind::JetStream(said) = why.kind() else {
        return false;
    };
    let text = said.to_string();
    said.error_code() == ErrorCode::NO_MESSAGE_FOUND
        || text.contains("no message found")
        || text.contains("message was not found")
}
