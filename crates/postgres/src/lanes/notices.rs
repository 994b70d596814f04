//! Tells other processes that something is due, and hears it from them.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;
use tokio_postgres::types::Type;

use super::isolated;
use crate::{core::Core, listen::Listener};

/// How long after a connection was lost the next one is made.
const PAUSE: Duration = Duration::from_secs(1);

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

pub(super) async fn hear(core: Arc<Core>, listener: Listener) {
    let statement = core.options.schema.apply("LISTEN nylas_inbox");
    while !core.is_closed() {
        let hearer = core.clone();
        let hear = Arc::new(move |process: &str| {
            if process != hearer.process {
                hearer.due.notify_one();
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
