//! Deliveries that the consumer does not know of: its server was killed before it had written them,
//! or somebody has deleted the consumer.
//!
//! A server of 2.10 or later does not answer to the end of such a delivery, at no time. So whoever
//! waited for that answer would never be done with the entry.

use async_nats::jetstream::context::ConsumerInfoErrorKind;
use tokio::time::timeout;
use tower_nylas::inbox::engine::Failure;

use crate::{
    core::{Core, PATIENCE, no_answer},
    pages::read,
    receipt::NatsReceipt,
    within::within,
};

/// What the server has of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// It waits to hear of its end.
    Delivery,
    /// Only the entry, which is delivered again.
    Entry,
    /// Nothing. At its place can be another entry: the stream was created anew, or has lost its end
    /// in a power cut.
    Nothing,
}

impl Core {
    /// What the server has of a delivery. It is asked only if there is a doubt: after an answer
    /// that did not come, or over another connection.
    pub(crate) async fn known(&self, receipt: &NatsReceipt) -> Result<Known, Failure> {
        if !receipt.is_doubtful() && receipt.connects == self.connects() {
            return Ok(Known::Delivery);
        }
        let is_delivered = self.is_delivered(receipt).await?;
        let found = read(&self.streams.entries, receipt.position).await?;
        Ok(match found {
            Some(message) if receipt.is_of(message.time) => {
                if is_delivered {
                    Known::Delivery
                } else {
                    Known::Entry
                }
            }
            _ => Known::Nothing,
        })
    }

    /// Whether the consumer has come as far as to this entry.
    async fn is_delivered(&self, receipt: &NatsReceipt) -> Result<bool, Failure> {
        match timeout(PATIENCE, self.streams.consumer.get_info()).await {
            Ok(Ok(consumer)) => Ok(consumer.delivered.stream_sequence >= receipt.position),
            Ok(Err(why)) => match why.kind() {
                ConsumerInfoErrorKind::NotFound | ConsumerInfoErrorKind::StreamNotFound => {
                    self.repair().await;
                    Ok(false)
                }
                _ => Err(Failure::new(why)),
            },
            Err(_) => Err(no_answer()),
        }
    }

    /// Deletes an entry whose delivery is not known, so that it does not come again.
    pub(crate) async fn delete_entry(&self, receipt: &NatsReceipt) -> Result<(), Failure> {
        let deleted = self.streams.entries.delete_message(receipt.position);
        within(deleted).await.map(drop)
    }
}
