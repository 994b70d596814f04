//! Rows that cannot be read, and clocks that go wrong.

use super::{
    Engine,
    bench::{Bench, SOON, dead, retry},
    passed_over,
};
use crate::inbox::{Appended, DeadCause, Inbox, Settlement};

const HOUR: i64 = 60 * 60;
const YEAR: i64 = 365 * 24 * HOUR;

pub(super) async fn a_row_that_cannot_be_read_is_left_out<E: Engine>(bench: &Bench<'_, E>) {
    let inbox = bench.open().await;
    let keys = bench.store(&inbox, 3).await;
    if !bench.engine.spoil(&inbox, keys[1]).await {
        return passed_over("a row that cannot be read is left out");
    }
    let claims = bench.claims(&inbox).await;
    let claimed: Vec<_> = claims.iter().map(|claim| claim.entry.key()).collect();
    assert_eq!(claimed, [keys[0], keys[2]]);
    for claim in &claims {
        bench.settle(&inbox, claim, Settlement::Done).await;
    }
    bench.pass(bench.lease() * 2).await;
    bench.assert_nothing_is_due(&inbox).await;
}

pub(super) async fn a_wall_clock_that_goes_back_hides_nothing<E: Engine>(bench: &Bench<'_, E>) {
    let inbox = bench.open().await;
    bench.store(&inbox, 2).await;
    let claim = inbox.claim(1, SOON).await.unwrap().pop().unwrap();
    bench.settle(&inbox, &claim, retry(SOON, false)).await;
    if !bench.engine.shift_wall_clock(-HOUR) {
        return passed_over("a wall clock that goes back hides nothing");
    }
    bench.pass(SOON * 2).await;
    bench.store(&inbox, 1).await;
    let claims = bench.claims(&inbox).await;
    bench.engine.shift_wall_clock(0);
    assert_eq!(claims.len(), 3);
}

/// Neither keys nor dead entries, nor a lease.
pub(super) async fn a_wall_clock_that_runs_ahead_forgets_nothing<E: Engine>(bench: &Bench<'_, E>) {
    let inbox = bench.open().await;
    let entry = bench.entry();
    bench.append(&inbox, entry.clone()).await;
    let claim = bench.claim(&inbox).await;
    bench
        .settle(&inbox, &claim, dead(DeadCause::Malformed))
        .await;
    bench.store(&inbox, 1).await;
    let claim = bench.claim(&inbox).await;
    if !bench.engine.shift_wall_clock(YEAR) {
        return passed_over("a wall clock that goes ahead");
    }
    bench.pass(SOON).await;
    bench.assert_nothing_is_due(&inbox).await;
    bench.store(&inbox, 1).await;
    bench.engine.shift_wall_clock(0);
    bench.pass(SOON).await;
    let appended = inbox.append(entry).await.unwrap();
    assert_eq!(appended, Appended::Duplicate);
    bench.settle(&inbox, &claim, Settlement::Done).await;
    // What was stored meanwhile is there.
    bench.claim(&inbox).await;
}
