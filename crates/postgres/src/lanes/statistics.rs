//! Lets the server count again what is in the tables when it believes that there is next to
//! nothing.
//!
//! What it believes decides how statements are carried out. Autovacuum looks once a minute, and
//! what it has seen of tables in which everything was handled lets each claim, settlement and look
//! read all of a backlog that has come since.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};
use tokio_postgres::types::Type;

use super::isolated;
use crate::{core::Core, database::Parameter, error::Failure, statements::Schema};

/// How often it looks.
const EACH: Duration = Duration::from_secs(1);

/// How many rows may be there without the server's knowing: to read all of them takes no time.
const FEW: i64 = 10_000;

/// And beyond them, how many times as many as it knows of.
const FACTOR: i64 = 4;

/// How long it may take to count them.
const LONGEST: Duration = Duration::from_secs(60);

pub(super) async fn run(core: Arc<Core>) {
    while !core.is_closed() {
        let round = core.clone();
        let renewed = async move {
            // What fails is tried again after a while.
            let _ = renew(&round).await;
        };
        tokio::select! {
            _ = isolated(renewed) => {}
            () = core.closing() => return,
        }
        tokio::select! {
            () = sleep(EACH) => {}
            () = core.closing() => return,
        }
    }
}

async fn renew(core: &Core) -> Result<(), Failure> {
    let schema = &core.options.schema;
    let parameters: [Parameter<'_>; 3] = [
        (&schema.name, Type::TEXT),
        (&FEW, Type::INT8),
        (&FACTOR, Type::INT8),
    ];
    let rows = core.database.query(&core.statements.stale, &parameters);
    for row in rows.await? {
        let sql = analyze(schema, row.try_get(0)?);
        let until = Instant::now() + LONGEST;
        core.database.query_until(until, &sql, &[]).await?;
    }
    Ok(())
}

/// Not where another process is at it.
fn analyze(schema: &Schema, table: &str) -> String {
    let table = table.replace('"', "\"\"");
    schema.apply(&format!("ANALYZE (SKIP_LOCKED) nylas_inbox.\"{table}\""))
}
