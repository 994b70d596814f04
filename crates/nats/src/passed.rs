//! Entries that the consumer has passed: it takes them for settled, and the stream has them all the
//! same. No server gives them to anybody again, or deletes them.
//!
//! That is so where a server has lost the end of its stream, or that it had deleted something, and
//! the consumer has lost nothing: in a power cut, by a kill, or with a backup of one of both. What
//! was appended since may never have been handled; so all of it is stored anew.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_nats::jetstream::{
    message::{PublishMessage, StreamMessage},
    stream::LastRawMessageErrorKind,
};
use tokio::time::timeout;
use tower_nylas::inbox::engine::Failure;

use crate::{core::Core, envelope, within::within};

/// How often it is looked at most. A server deletes what is settled a little later, if it is not
/// the consumer's.
const SHORTEST: Duration = Duration::from_secs(10);

/// How long a look may take: a claim waits for it.
const LONGEST: Duration = Duration::from_secs(2);

/// Up to where everything was settled at the last look, and when that was.
#[derive(Default)]
pub(crate) struct Passed(Mutex<Look>);

#[derive(Clone, Copy, Default)]
struct Look {
    at: Option<Instant>,
    floor: u64,
}

impl Passed {
    /// The floor of the last look, if that was so long ago; 0 at the first one.
    fn begin(&self, now: Instant, each: Duration) -> Option<u64> {
        let mut look = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = look
            .at
            .is_none_or(|at| now.saturating_duration_since(at) >= each);
        let floor = is_due.then_some(look.floor);
        if is_due {
            // Until this one has ended, nothing is known.
            *look = Look {
                at: Some(now),
                floor: 0,
            };
        }
        floor
    }

    fn end(&self, floor: u64) {
        let mut look = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        look.floor = floor;
    }
}

impl Core {
    /// Stores anew what the consumer had passed at the last look, and what is still there. It is
    /// called when nothing else is to be claimed.
    pub(crate) async fn look_for_passed(&self) {
        let each = self.options.settings.lease.max(SHORTEST);
        let Some(floor) = self.passed.begin(Instant::now(), each) else {
            return;
        };
        // What fails, or takes too long, goes on at the next look but one.
        let _ = timeout(LONGEST, Box::pin(self.store_passed(floor))).await;
    }

    async fn store_passed(&self, floor: u64) -> Result<(), Failure> {
        let consumer = within(self.streams.consumer.get_info()).await?;
        let now = consumer.ack_floor.stream_sequence;
        // Another consumer of the same name has begun anew.
        let floor = floor.min(now);
        let entries = within(self.streams.entries.get_info()).await?.state;
        let mut stored: u64 = 0;
        let mut position = entries.first_sequence;
        while position <= floor {
            match self.entry_from(position).await? {
                Some(message) if message.sequence <= floor => {
                    position = message.sequence.saturating_add(1);
                    self.store_anew(message).await?;
                    stored += 1;
                }
                _ => break,
            }
        }
        if stored > 0 {
            tracing::warn!(
                target: "tower_nylas",
                inbox = %self.options.name,
                "{stored} entries that the consumer takes for settled were in the stream all the \
                 same: they are handled, perhaps again"
            );
        }
        self.passed.end(now);
        Ok(())
    }

    /// If only the old message is not deleted, the next look finds a duplicate of the new one.
    async fn store_anew(&self, message: StreamMessage) -> Result<(), Failure> {
        let position = message.sequence;
        let message = PublishMessage::build()
            .payload(message.payload)
            .message_id(envelope::id_anew(&message.headers, position));
        let (entries, subject) = (&self.streams.entries, self.names.entries());
        let stored = self.publish(entries, subject, message).await;
        stored.map_err(Failure::new)?;
        // Another process may have been first.
        let _ = within(entries.delete_message(position)).await;
        Ok(())
    }

    /// The first entry from this place on.
    async fn entry_from(&self, position: u64) -> Result<Option<StreamMessage>, Failure> {
        let subject = self.names.entries();
        let reading = self
            .streams
            .entries
            .get_first_raw_message_by_subject(subject.as_str(), position);
        match reading.await {
            Ok(message) => Ok(Some(message)),
            Err(why) if why.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(why) => Err(Failure::new(why)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_passed_long_ago_is_known_only_after_a_look_that_has_ended() {
        let (passed, start, each) = (Passed::default(), Instant::now(), Duration::from_secs(9));
        assert_eq!(passed.begin(start, each), Some(0));
        passed.end(7);
        assert_eq!(passed.begin(start + each / 2, each), None);
        assert_eq!(passed.begin(start + each, each), Some(7));
        assert_eq!(passed.begin(start + each * 2, each), Some(0));
    }
}
