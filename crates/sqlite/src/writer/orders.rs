//! Everything but claims and appends, in one transaction.

use rusqlite::Result;

use super::{
    Writer,
    queue::{Order, What},
};
use crate::{checkpoint::PAGES_OF_ORDER, settings::Durability, state, transaction::Write};

impl Writer {
    pub(super) fn orders(&mut self, mut orders: Vec<Order>) {
        // Whoever does not wait any more has not been told that it was done.
        orders.retain(|order| !order.reply.is_closed());
        if orders.is_empty() {
            return;
        }
        let counts = self.write(Durability::Process, |write| {
            orders
                .iter()
                .map(|order| obey(write, &order.what))
                .collect::<Result<Vec<_>>>()
        });
        match counts {
            Ok(counts) => {
                self.checkpointer.wrote(orders.len() * PAGES_OF_ORDER);
                for (order, count) in orders.into_iter().zip(counts) {
                    let _ = order.reply.send(Ok(count));
                }
            }
            Err(why) => {
                for order in orders {
                    let _ = order.reply.send(Err(why.clone()));
                }
            }
        }
    }
}

fn obey(write: &mut Write<'_>, what: &What) -> Result<usize> {
    match what {
        What::Extend(receipt) => write.extend(receipt),
        What::Settle(receipt, settlement) => write.settle(receipt, settlement),
        What::Replay(keys) => write.replay(keys, &[state::DONE, state::DEAD]),
        What::ReplayDead(keys) => write.replay(keys, &[state::DEAD]),
        What::Discard(keys) => write.discard(keys),
        What::Purge {
            grant_id,
            positions,
        } => write.purge(grant_id, positions),
    }
}
