//! Pages of dead letters, the last one first. Many of their places can be empty: what was replayed
//! or discarded leaves a gap.

use std::ops::Range;

use async_nats::jetstream::{
    message::StreamMessage,
    stream::{LastRawMessageErrorKind, Stream},
};
use futures_util::{StreamExt, stream};
use tokio::time::timeout;
use tower_nylas::inbox::{StoredEntry, engine::Failure};

use crate::{
    core::{Core, PATIENCE, no_answer},
    dead,
    within::within,
};

/// How many messages are read at a time.
pub(crate) const READS: usize = 16;
const BLOCK: u64 = READS as u64;

impl Core {
    pub(crate) async fn dead_page(
        &self,
        before: Option<u64>,
        max: usize,
    ) -> Result<Vec<StoredEntry>, Failure> {
        let state = within(self.streams.dead.get_info()).await?.state;
        let first = state.first_sequence.max(1);
        let end = state.last_sequence.saturating_add(1);
        let mut end = before.map_or(end, |before| before.min(end));
        let mut found = Vec::new();
        while found.len() < max && end > first {
            let start = end.saturating_sub(BLOCK).max(first);
            let letters = stream::iter((start..end).rev()).map(|position| self.letter(position));
            let letters: Vec<_> = letters.buffered(READS).collect().await;
            let mut is_gap = true;
            for letter in letters {
                if let Some(letter) = letter? {
                    is_gap = false;
                    found.extend(dead::shown(&letter));
                }
            }
            end = if is_gap && start > first {
                self.end_of_letters(first..start).await?
            } else {
                start
            };
        }
        found.truncate(max);
        Ok(found)
    }

    pub(crate) async fn letter(&self, position: u64) -> Result<Option<StreamMessage>, Failure> {
        read(&self.streams.dead, position).await
    }

    /// Up to where there are letters in these places, give or take a block; their start if there
    /// are none. It takes some calls for each doubling of the gap.
    async fn end_of_letters(&self, places: Range<u64>) -> Result<u64, Failure> {
        let Range { start, mut end } = places;
        let mut width = 2 * BLOCK;
        let mut low = loop {
            let from = end.saturating_sub(width).max(start);
            match self.letter_from(from).await? {
                Some(position) if position < end => break position,
                _ if from == start => return Ok(start),
                _ => {}
            }
            end = from;
            width = width.saturating_mul(2);
        };
        // There is one at `low`, and none from `end` on.
        while end - low > BLOCK {
            let middle = low + (end - low) / 2;
            match self.letter_from(middle).await? {
                Some(position) if position < end => low = position,
                _ => end = middle,
            }
        }
        Ok(end)
    }

    /// The place of the first letter from this one on.
    async fn letter_from(&self, position: u64) -> Result<Option<u64>, Failure> {
        let subject = self.names.dead('*');
        let (stream, subject) = (&self.streams.dead, subject.as_str());
        let reading = stream.get_first_raw_message_by_subject(subject, position);
        match timeout(PATIENCE, reading).await {
            Ok(Ok(letter)) => Ok(Some(letter.sequence)),
            Ok(Err(why)) if why.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Ok(Err(why)) => Err(Failure::new(why)),
            Err(_) => Err(no_answer()),
        }
    }
}

/// The message at a place.
pub(crate) async fn read(stream: &Stream, position: u64) -> Result<Option<StreamMessage>, Failure> {
    match timeout(PATIENCE, stream.get_raw_message(position)).await {
        Ok(Ok(message)) => Ok(Some(message)),
        Ok(Err(why)) if why.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
        Ok(Err(why)) => Err(Failure::new(why)),
        Err(_) => Err(no_answer()),
    }
}
