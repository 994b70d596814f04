//! How earlier claims of an entry have ended: a message of four numbers for each entry that comes
//! again, written before it is put off, and read only of what was delivered before.

use async_nats::jetstream::message::PublishMessage;
use tower_nylas::inbox::{SettleError, engine::Failure};

use crate::{core::Core, receipt::NatsReceipt};

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

    /// When this claim is settled to come again.
    fn after(&self, delivered: u64, failed: bool, now: u64) -> Self {
        let first_failure = match self.first_failure {
            0 if failed => now.max(1),
            first => first,
        };
        Self {
            settled: self.settled.saturating_add(1),
            failures: self.failures.saturating_add(failed.into()),
            first_failure,
            delivered,
            sequence: self.sequence,
        }
    }

    fn write(&self) -> String {
        let Self {
            settled,
            failures,
            first_failure,
            delivered,
            ..
        } = self;
        format!("{settled} {failures} {first_failure} {delivered}")
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
            sequence,
        })
    }

    pub(crate) fn is_stored(&self) -> bool {
        self.sequence > 0
    }
}

impl Core {
    /// What is known of the entry at a place; nothing if that cannot be read, so that it is handled
    /// all the same.
    pub(crate) async fn tries(&self, position: u64) -> Result<Tries, Failure> {
        let subject = self.names.tries(position);
        let message = self.last_of(&self.streams.tries, &subject).await?;
        let read = message.and_then(|message| Tries::read(&message.payload, message.sequence));
        Ok(read.unwrap_or_default())
    }

    /// Notes that a claim was settled to come again. It can be repeated.
    pub(crate) async fn note_try(
        &self,
        receipt: &NatsReceipt,
        failed: bool,
    ) -> Result<(), SettleError> {
        let tries = receipt.tries.after(receipt.delivered, failed, self.now());
        let message = PublishMessage::build()
            .payload(tries.write().into())
            .expected_last_subject_sequence(receipt.tries.sequence);
        let subject = self.names.tries(receipt.position);
        let Err(why) = self.publish(subject, message).await else {
            return Ok(());
        };
        if why.kind() != async_nats::jetstream::context::PublishErrorKind::WrongLastSequence {
            return Err(SettleError::Unavailable(why.into()));
        }
        // An earlier call has written it, or a later claim was settled.
        let known = self.tries(receipt.position).await;
        let known = known.map_err(|why| SettleError::Unavailable(why.into()))?;
        if known.delivered == receipt.delivered {
            Ok(())
        } else {
            Err(SettleError::LeaseLost)
        }
    }

    /// Forgets an entry that does not come again. What fails is deleted by its age.
    pub(crate) async fn forget_tries(&self, receipt: &NatsReceipt) {
        if receipt.tries.is_stored() {
            let stream = &self.streams.tries;
            let _ = tokio::time::timeout(
                crate::core::PATIENCE,
                stream.delete_message(receipt.tries.sequence),
            )
            .await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let tries = Tries::default().after(3, true, 70).after(5, false, 90);
        assert_eq!((tries.settled, tries.failures), (2, 1));
        assert_eq!(tries.failing_for(100), 30);
        assert_eq!(Tries::read(tries.write().as_bytes(), 0), Some(tries));
        for foreign in [&b""[..], b"1 2 3", b"1 2 3 x", b"\xff"] {
            assert_eq!(Tries::read(foreign, 1), None);
        }
    }
}
