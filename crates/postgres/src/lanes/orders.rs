//! Ends and prolongs claims, many in one statement.

use std::{collections::HashSet, sync::Arc};

use tower_nylas::inbox::Settlement;

use super::{isolated, queue::Waiting};
use crate::{core::Core, error::Failure, receipt::PostgresReceipt};

/// How many one statement has.
const MOST: usize = 1024;

#[derive(Debug, Clone)]
pub(crate) enum Order {
    Extend(PostgresReceipt),
    Settle(PostgresReceipt, Settlement),
}

type Waits = Waiting<Order, Result<bool, Failure>>;

pub(super) async fn run(core: Arc<Core>, slot: i32) {
    while let Some(orders) = core.orders.next(MOST, u32::MAX).await {
        let core = core.clone();
        isolated(async move { obey(&core, slot, orders).await }).await;
    }
}

/// Each kind in a statement of its own, at the same time.
async fn obey(core: &Core, slot: i32, mut orders: Vec<Waits>) {
    // Whoever does not wait any more has not been told that it was done.
    orders.retain(|order| !order.reply.is_closed());
    let (mut extended, mut done, mut put_back) = (Vec::new(), Vec::new(), Vec::new());
    for order in orders {
        match &order.what {
            Order::Extend(_) => extended.push(order),
            Order::Settle(_, Settlement::Done) if !core.options.settings.keeps_done() => {
                done.push(order);
            }
            Order::Settle(..) => put_back.push(order),
        }
    }
    let receipts = |orders: &[Waits]| -> Vec<PostgresReceipt> {
        orders
            .iter()
            .map(|order| receipt(&order.what).clone())
            .collect()
    };
    let settled: Vec<_> = put_back
        .iter()
        .filter_map(|order| match &order.what {
            Order::Settle(receipt, settlement) => Some((receipt, settlement)),
            Order::Extend(_) => None,
        })
        .collect();
    let (to_extend, to_drop) = (receipts(&extended), receipts(&done));
    let (were_extended, were_done, were_put_back) = tokio::join!(
        core.extend(&to_extend),
        core.drop_done(slot, &to_drop),
        core.put_back(slot, &settled),
    );
    core.due.notify_one();
    answer(extended, &were_extended);
    answer(done, &were_done);
    answer(put_back, &were_put_back);
}

fn answer(orders: Vec<Waits>, held: &Result<HashSet<i64>, Failure>) {
    for order in orders {
        let is_held = |held: &HashSet<i64>| held.contains(&receipt(&order.what).position);
        let _ = order
            .reply
            .send(held.as_ref().map(is_held).map_err(Clone::clone));
    }
}

fn receipt(order: &Order) -> &PostgresReceipt {
    match order {
        Order::Extend(receipt) | Order::Settle(receipt, _) => receipt,
    }
}
