//! Tells other processes that something is due, and hears it from them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::sleep;
use tokio_postgres::types::Type;

use super::isolated;
use crate::{core::Core, listen::Listener};

/// How long after a connection was lost the next one is made.
const PAUSE: Duration = Duration::from_secs(1);

/// Longer than the clocks of two processes are apart: each follows the others once a second.
const AGAIN_AFTER: Duration = Duration::from_millis(1500);

/// Tells it in statements of their own, so that no transaction that stores anything waits for the
/// lock that they take. What is made due meanwhile is told by the next one.
pub(super) async fn tell(core: Arc<Core>) {
    while !core.is_closed() {
        tokio::select! {
            () = core.made_due.notified() => {}
            () = core.closing() => return,
        }
        let round = core.clone();
        let told = async move {
            let sql = "SELECT FROM pg_notify($1, $2)";
            let parameters = [
                (&round.options.schema.name as _, Type::TEXT),
                (&round.process as _, Type::TEXT),
            ];
            // What is not told is found by polling.
            let _ = round.database.query(sql, &parameters).await;
        };
        isolated(told).await;
    }
}

/// By this process' clock, what another one has stored can be due a moment later.
async fn look_again(core: Arc<Core>, looks_again: Arc<AtomicBool>) {
    tokio::select! {
        () = sleep(AGAIN_AFTER) => {}
        () = core.closing() => {}
    }
    looks_again.store(false, Ordering::SeqCst);
    core.due.notify_one();
}

pub(super) async fn hear(core: Arc<Core>, listener: Listener) {
    let statement = core.options.schema.apply("LISTEN nylas_inbox");
    let looks_again = Arc::new(AtomicBool::new(false));
    while !core.is_closed() {
        let (hearer, looks_again) = (core.clone(), looks_again.clone());
        let hear = Arc::new(move |process: &str| {
            if process == hearer.process {
                return;
            }
            hearer.due.notify_one();
            if !looks_again.swap(true, Ordering::SeqCst) {
                tokio::spawn(look_again(hearer.clone(), looks_again.clone()));
            }
        });
        tokio::select! {
            _ = listener.listen(statement.clone(), hear) => {}
            () = core.closing() => return,
        }
        tokio::select! {
            () = sleep(PAUSE) => {}
            () = core.closing() => return,
        }
    }
}
