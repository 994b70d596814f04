//! Ends claims.

use std::time::Duration;

use async_nats::jetstream::AckKind;
use tower_nylas::inbox::{SettleError, Settlement, engine::Failure};

use crate::{
    core::Core,
    dead::{Letter, NotBuried},
    forgotten::Known,
    receipt::NatsReceipt,
};

/// A server takes no pause for none at all: then it would not count it.
const SHORTEST: Duration = Duration::from_millis(1);

/// The longest pause, which a server can add to its clock.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How often a letter is refused until its entry is put off, and for how long.
const MOST_REFUSALS: u32 = 3;
const REFUSED_FOR: Duration = Duration::from_secs(60);

impl Core {
    pub(crate) async fn extend(&self, receipt: &NatsReceipt) -> Result<(), SettleError> {
        if receipt.is_settled() {
            return Err(SettleError::LeaseLost);
        }
        let extended = self.acknowledge(receipt, AckKind::Progress).await;
        extended.map_err(unavailable)
    }

    pub(crate) async fn settle(
        &self,
        receipt: &NatsReceipt,
        settlement: Settlement,
    ) -> Result<(), SettleError> {
        // An answer came, and the caller does not know: the server would take it for a word about
        // the present delivery.
        if receipt.is_settled() {
            return Ok(());
        }
        match &settlement {
            Settlement::Done => {
                let ended = self.end(receipt, AckKind::Ack).await;
                ended.map_err(unavailable)?;
            }
            Settlement::Retry { after, failed, .. } => {
                self.put_off(receipt, *failed, *after).await?;
            }
            Settlement::Dead { cause, why } => {
                let letter = Letter { cause: *cause, why };
                if let Err(not_buried) = self.bury(receipt, letter).await {
                    return self.keep(receipt, not_buried).await;
                }
            }
        }
        receipt.note_settled();
        if !matches!(settlement, Settlement::Retry { .. }) {
            self.forget_tries(receipt).await;
        }
        Ok(())
    }

    /// The entry does not come again.
    pub(crate) async fn end(&self, receipt: &NatsReceipt, kind: AckKind) -> Result<(), Failure> {
        match self.known(receipt).await? {
            Known::Delivery => self.acknowledge(receipt, kind).await,
            Known::Entry => self.delete_entry(receipt).await,
            Known::Nothing => Ok(()),
        }
    }

    /// It comes again after a pause.
    async fn put_off(
        &self,
        receipt: &NatsReceipt,
        failed: bool,
        after: Duration,
    ) -> Result<(), SettleError> {
        if self.known(receipt).await.map_err(unavailable)? != Known::Delivery {
            return Err(SettleError::LeaseLost);
        }
        self.note_try(receipt, failed).await?;
        let pause = after.clamp(SHORTEST, LONGEST);
        let kind = AckKind::Nak(Some(pause));
        let put_off = self.acknowledge(receipt, kind).await;
        put_off.map_err(unavailable)
    }

    /// An entry whose dead letter is not stored stays where it is. If a server refuses the letter
    /// again and again, the claim ends, so that a worker's slot is free for what can be handled.
    async fn keep(&self, receipt: &NatsReceipt, why: NotBuried) -> Result<(), SettleError> {
        let NotBuried { why, is_refused } = why;
        if is_refused && receipt.note_refusal() >= MOST_REFUSALS {
            let position = receipt.position;
            tracing::warn!(
                target: "tower_nylas",
                entry = %receipt.key,
                position,
                "its dead letter is not stored, so it comes again in {REFUSED_FOR:?}: {why}"
            );
            self.put_off(receipt, false, REFUSED_FOR).await?;
            receipt.note_settled();
            return Err(SettleError::LeaseLost);
        }
        Err(unavailable(why))
    }
}

fn unavailable(why: Failure) -> SettleError {
    SettleError::Unavailable(why.into())
}
