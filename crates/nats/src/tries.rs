//! How earlier claims of an entry have ended: a message of five numbers for each entry that comes
//! again, written before it is put off, and read only of what was delivered before.

use async_nats::{
    datetime::DateTime,
    jetstream::{context::PublishErrorKind, message::PublishMessage},
};
use tokio::time::timeout;
use tower_nylas::inbox::{SettleError, engine::Failure};

use crate::{
    core::{Core, PATIENCE, no_answer},
    receipt::NatsReceipt,
};

/// How often a try is written that others write as well.
const MOST_WRITES: usize = 3;

/// What is known of an entry that has come before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tries {
    /// How many of its claims have ended with a settlement.
    pub(crate) settled: u64,
    pub(crate) failures: u32,
    /// When the first of these was, since the Unix epoch in milliseconds; 0 without one.
    pub(crate) first_failure: u64,
    /// Which delivery was settled last.
    delivered: u64,
    /// When the message of the entry was stored. Another one can be at the same place, once a
    /// stream was created anew.
    born: u64,
    /// Where this is stored; 0 if it is not.
    sequence: u64,
}

impl Tries {
    /// For how long it has been failing, in milliseconds.
    pub(crate) fn failing_for(&self, now: u64) -> u64 {
        match self.first_failure {
            0 => 0,
            first => now.saturating_sub(first),
        }
    }

    /// Of an entry that was delivered so often, and nothing else is known: no crashes.
    pub(crate) fn lost(delivered: u64) -> Self {
        Self {
            settled: delivered.saturating_sub(1),
            ..Self::default()
        }
    }

    /// What these say of the entry that was stored then, and was delivered so often: nothing if
    /// they are another one's. A consumer that was created anew has counted from the start, so it
    /// can have delivered less often than was settled.
    pub(crate) fn of(self, born: u64, delivered: u64) -> Self {
        let sequence = self.sequence;
        if self.born != born {
            return Self {
                sequence,
                ..Self::default()
            };
        }
        Self {
            settled: self.settled.min(delivered.saturating_sub(1)),
            ..self
        }
    }

    /// When this claim is settled to come again.
    fn after(&self, (delivered, born): (u64, u64), failed: bool, now: u64) -> Self {
        let first_failure = match self.first_failure {
            0 if failed => now.max(1),
            first => first,
        };
        Self {
            settled: self.settled.saturating_add(1),
            failures: self.failures.saturating_add(failed.into()),
            first_failure,
            delivered,
            born,
            sequence: self.sequence,
        }
    }

    fn write(&self) -> String {
        let Self {
            settled,
            failures,
            first_failure,
            delivered,
            born,
            ..
        } = self;
        format!("{settled} {failures} {first_failure} {delivered} {born}")
    }

    fn read(payload: &[u8], sequence: u64) -> Option<Self> {
        let text = std::str::from_utf8(payload).ok()?;
        let mut numbers = text.split(' ').map(str::parse);
        let mut next = || numbers.next()?.ok();
        Some(Self {
            settled: next()?,
            failures: u32::try_from(next()?).unwrap_or(u32::MAX),
            first_failure: next()?,
            delivered: next()?,
            born: next()?,
            sequence,
        })
    }
}

/// What a claim that is put off finds of other ones.
enum Found {
    /// It was noted already.
    Noted,
    /// A later claim was settled.
    Later,
    /// These, after which it can be noted.
    Earlier(Tries),
}

impl Core {
    /// What is known of whatever is or was at a place, and when it was written.
    pub(crate) async fn tries(&self, position: u64) -> Result<Option<(Tries, DateTime)>, Failure> {
        let subject = self.names.tries(position);
        let message = self.last_of(&self.streams.tries, &subject).await?;
        Ok(message.map(|message| {
            let read = Tries::read(&message.payload, message.sequence);
            // What cannot be read is overwritten.
            let tries = read.unwrap_or(Tries {
                sequence: message.sequence,
                ..Tries::default()
            });
            (tries, message.time)
        }))
    }

    /// Notes that a claim was settled to come again. It can be repeated.
    pub(crate) async fn note_try(
        &self,
        receipt: &NatsReceipt,
        failed: bool,
    ) -> Result<(), SettleError> {
        let unavailable = |why: Failure| SettleError::Unavailable(why.into());
        let mut known = receipt.tries;
        for _ in 0..MOST_WRITES {
            let before = match known.take() {
                Some(tries) => tries,
                None => match self.find(receipt).await.map_err(unavailable)? {
                    Found::Noted => return Ok(()),
                    Found::Later => return Err(SettleError::LeaseLost),
                    Found::Earlier(tries) => tries,
                },
            };
            let now = (receipt.delivered, receipt.born);
            let tries = before.after(now, failed, self.now());
            let message = PublishMessage::build()
                .payload(tries.write().into())
                .expected_last_subject_sequence(before.sequence);
            let subject = self.names.tries(receipt.position);
            let written = self.publish(&self.streams.tries, subject, message).await;
            let Err(why) = written else {
                return Ok(());
            };
            if why.kind() != PublishErrorKind::WrongLastSequence {
                return Err(SettleError::Unavailable(why.into()));
            }
        }
        Err(unavailable(Failure::new("others note tries of this entry")))
    }

    /// What others, or an earlier call, have noted.
    async fn find(&self, receipt: &NatsReceipt) -> Result<Found, Failure> {
        let settled = receipt.delivered.saturating_sub(1);
        let settled = settled.saturating_sub(receipt.crashes().into());
        let Some((found, written)) = self.tries(receipt.position).await? else {
            return Ok(Found::Earlier(Tries {
                settled,
                ..Tries::default()
            }));
        };
        let tries = found.of(receipt.born, receipt.delivered);
        if found.born != receipt.born {
            return Ok(Found::Earlier(Tries { settled, ..tries }));
        }
        // One of an earlier consumer, which has counted deliveries for itself, says nothing.
        if found.delivered < receipt.delivered || written < self.consumer_created().await? {
            return Ok(Found::Earlier(tries));
        }
        Ok(if found.delivered == receipt.delivered {
            Found::Noted
        } else {
            Found::Later
        })
    }

    async fn consumer_created(&self) -> Result<DateTime, Failure> {
        match timeout(PATIENCE, self.streams.consumer.get_info()).await {
            Ok(Ok(info)) => Ok(info.created),
            Ok(Err(why)) => Err(Failure::new(why)),
            Err(_) => Err(no_answer()),
        }
    }

    /// Forgets an entry that does not come again. What fails is deleted by its age.
    pub(crate) async fn forget_tries(&self, receipt: &NatsReceipt) {
        let forgetting = timeout(PATIENCE, async {
            let sequence = match receipt.tries {
                Some(tries) => tries.sequence,
                None => match self.tries(receipt.position).await {
                    Ok(Some((tries, _))) => tries.sequence,
                    _ => 0,
                },
            };
            if sequence > 0 {
                let _ = self.streams.tries.delete_message(sequence).await;
            }
        });
        let _ = forgetting.await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let tries = Tries::default().after((3, 7), true, 70);
        let tries = tries.after((5, 7), false, 90);
        assert_eq!((tries.settled, tries.failures), (2, 1));
        assert_eq!(tries.failing_for(100), 30);
        assert_eq!(Tries::read(tries.write().as_bytes(), 0), Some(tries));
        for foreign in [&b""[..], b"1 2 3 4", b"1 2 3 4 x", b"\xff"] {
            assert_eq!(Tries::read(foreign, 1), None);
        }
    }

    #[test]
    fn what_another_entry_has_left_at_the_place_is_passed_over() {
        let mut stored = Tries::default().after((40, 7), true, 70);
        stored.sequence = 9;
        assert_eq!(stored.of(7, 41), stored);
        let other = stored.of(8, 2);
        assert_eq!((other.failures, other.settled, other.sequence), (0, 0, 9));
        // A consumer was created anew.
        let again = stored.after((41, 7), true, 80).of(7, 2);
        assert_eq!((again.failures, again.settled), (2, 1));
    }
}
