//! Ends claims.

use std::time::Duration;

use async_nats::jetstream::AckKind;
use tower_nylas::inbox::{SettleError, Settlement, engine::Failure};

use crate::{core::Core, dead::Letter, receipt::NatsReceipt};

/// A server takes no pause for none at all: then it would not count it.
const SHORTEST: Duration = Duration::from_millis(1);

/// The longest pause, which a server can add to its clock.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Core {
    pub(crate) async fn extend(&self, receipt: &NatsReceipt) -> Result<(), SettleError> {
        if receipt.is_settled() {
            return Err(SettleError::LeaseLost);
        }
        let extended = self.acknowledge(&receipt.reply, AckKind::Progress).await;
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
                let ended = self.acknowledge(&receipt.reply, AckKind::Ack).await;
                ended.map_err(unavailable)?;
            }
            Settlement::Retry { after, failed, .. } => {
                self.note_try(receipt, *failed).await?;
                let pause = (*after).clamp(SHORTEST, LONGEST);
                let kind = AckKind::Nak(Some(pause));
                let put_off = self.acknowledge(&receipt.reply, kind).await;
                put_off.map_err(unavailable)?;
            }
            Settlement::Dead { cause, why } => {
                self.bury(receipt, Letter { cause: *cause, why }).await?;
            }
        }
        receipt.note_settled();
        if !matches!(settlement, Settlement::Retry { .. }) {
            self.forget_tries(receipt).await;
        }
        Ok(())
    }
}

fn unavailable(why: Failure) -> SettleError {
    SettleError::Unavailable(why.into())
}
