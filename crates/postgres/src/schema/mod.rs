//! The tables, and their versions.

use std::time::Duration;

use deadpool_postgres::Transaction;
use tokio::time::{Instant, timeout};
use tokio_postgres::{
    IsolationLevel,
    types::{ToSql, Type},
};

use crate::{
    check::check_rights,
    clock::{self, MOST_WITHOUT_PROCESS},
    core::Core,
    error::{Failure, OpenError},
    left_out::LeftOut,
    statements::Schema,
};

/// In the table `meta`.
const APPLICATION: &str = "tower-nylas-postgres";

/// Each brings a schema of the version before it to its own, which is its place in here, from 1 on.
/// What stands here is never changed, only added to, and only in such a way that the version before
/// can go on with the tables.
const MIGRATIONS: [&str; 2] = [include_str!("1.sql"), include_str!("2.sql")];

/// "nyin": one half of the lock under which a schema is changed. The other is a hash of its name.
const LOCK: i32 = 0x6e79_696e;

/// How long another process may change the schema, and how long this one.
const LONGEST: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// Not even the schema.
    Nothing,
    /// No table at all.
    Empty,
    /// Of this crate, with this version.
    Inbox(usize),
}

/// How often it is tried where another process is in the way.
const TRIES: usize = 3;

/// What an inbox begins with.
pub(crate) struct Opened {
    /// The time of the inbox.
    pub(crate) now: i64,
    /// What opening has left to be moved.
    pub(crate) left_out: Option<LeftOut>,
}

/// Brings the tables to the latest version.
pub(crate) async fn prepare(core: &Core) -> Result<Opened, OpenError> {
    let opening = async {
        let mut tries = 1;
        loop {
            match prepare_once(core).await {
                Err(why) if is_conflict(&why) && tries < TRIES => tries += 1,
                result => return result,
            }
        }
    };
    let late = |_| Err(OpenError::Other("it takes longer than 60 s".into()));
    timeout(LONGEST, opening).await.unwrap_or_else(late)
}

fn is_conflict(why: &OpenError) -> bool {
    match why {
        OpenError::Other(why) => why.downcast_ref().is_some_and(Failure::is_conflict),
        _ => false,
    }
}

async fn prepare_once(core: &Core) -> Result<Opened, OpenError> {
    let schema = &core.options.schema;
    let mut connection = core.database.connection(Instant::now() + LONGEST).await?;
    // Under any other level, which a role or a database may have, it would not see what another
    // process has created while it waited for the lock.
    let transaction = connection
        .build_transaction()
        .isolation_level(IsolationLevel::ReadCommitted)
        .start();
    let transaction = transaction.await.map_err(Failure::from)?;
    // Whoever has no right to change anything may use what is there.
    let found = match identify(&transaction, schema).await? {
        Found::Inbox(version) if version == MIGRATIONS.len() => Found::Inbox(version),
        _ => {
            let sql = "SELECT FROM pg_advisory_xact_lock($1, hashtext($2))";
            query(
                &transaction,
                sql,
                &[(&LOCK, Type::INT4), (&schema.name, Type::TEXT)],
            )
            .await?;
            // Another process may have created or migrated it meanwhile.
            identify(&transaction, schema).await?
        }
    };
    migrate(&transaction, schema, found).await?;
    check_rights(&transaction, schema).await?;
    let opened = resume(&transaction, core).await?;
    transaction.commit().await.map_err(Failure::from)?;
    connection.give_back();
    Ok(opened)
}

/// Whose schema it is. Reads only.
async fn identify(transaction: &Transaction<'_>, schema: &Schema) -> Result<Found, OpenError> {
    let sql = "SELECT relname::text FROM pg_catalog.pg_namespace LEFT JOIN pg_catalog.pg_class \
               ON relnamespace = pg_namespace.oid WHERE nspname = $1";
    let relations = query(transaction, sql, &[(&schema.name, Type::TEXT)]).await?;
    if relations.is_empty() {
        return Ok(Found::Nothing);
    }
    let names: Vec<&str> = relations.iter().filter_map(|row| row.get(0)).collect();
    if names.is_empty() {
        return Ok(Found::Empty);
    }
    let foreign = || OpenError::Foreign {
        schema: schema.name.clone(),
    };
    let sql = "SELECT count(*) FROM pg_catalog.pg_attribute JOIN pg_catalog.pg_class \
               ON attrelid = pg_class.oid JOIN pg_catalog.pg_namespace \
               ON relnamespace = pg_namespace.oid WHERE nspname = $1 AND relname = 'meta' \
               AND attname IN ('application', 'version')";
    let columns = query(transaction, sql, &[(&schema.name, Type::TEXT)]).await?;
    if columns.first().is_none_or(|row| row.get::<_, i64>(0) != 2) {
        return Err(foreign());
    }
    let sql = schema.apply("SELECT application::text, version::int4 FROM nylas_inbox.meta");
    let rows = query(transaction, &sql, &[]).await?;
    let row = rows.first().ok_or_else(foreign)?;
    if row.get::<_, &str>(0) != APPLICATION {
        return Err(foreign());
    }
    let found: i32 = row.get(1);
    match usize::try_from(found) {
        Ok(version @ 1..) if version <= MIGRATIONS.len() => Ok(Found::Inbox(version)),
        Ok(1..) => Err(OpenError::Newer {
            found,
            known: i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX),
        }),
        _ => Err(foreign()),
    }
}

async fn migrate(
    transaction: &Transaction<'_>,
    schema: &Schema,
    found: Found,
) -> Result<(), OpenError> {
    let execute = async |sql: &str| {
        let executed = transaction.batch_execute(&schema.apply(sql)).await;
        executed.map_err(Failure::from)
    };
    if found == Found::Nothing {
        execute("CREATE SCHEMA nylas_inbox").await?;
    }
    let version = match found {
        Found::Nothing | Found::Empty => 0,
        Found::Inbox(version) => version,
    };
    for (before, migration) in MIGRATIONS.iter().enumerate().skip(version) {
        execute(migration).await?;
        let sql = schema.apply(
            "INSERT INTO nylas_inbox.meta (application, version) VALUES ($1, $2) \
             ON CONFLICT (one) DO UPDATE SET version = excluded.version",
        );
        let version = i32::try_from(before + 1).unwrap_or(i32::MAX);
        query(
            transaction,
            &sql,
            &[(&APPLICATION, Type::TEXT), (&version, Type::INT4)],
        )
        .await?;
    }
    Ok(())
}

/// Continues from the moment in the table.
async fn resume(transaction: &Transaction<'_>, core: &Core) -> Result<Opened, OpenError> {
    let schema = &core.options.schema;
    let unix = clock::unix(core.options.clock.as_ref());
    let sql = "SELECT coalesce($1, (extract(epoch FROM clock_timestamp()) * 1000)::int8)";
    let rows = query(transaction, sql, &[(&unix, Type::INT8)]).await?;
    let unix: i64 = rows.first().ok_or_else(Failure::no_row)?.get(0);
    let sql = schema.apply(
        "INSERT INTO nylas_inbox.clock (engine_ms, now_unix_ms) VALUES ($1, $1) \
         ON CONFLICT (one) DO UPDATE SET one = 1 RETURNING engine_ms, now_unix_ms",
    );
    let rows = query(transaction, &sql, &[(&unix, Type::INT8)]).await?;
    let row = rows.first().ok_or_else(Failure::no_row)?;
    let (last, last_unix): (i64, i64) = (row.get(0), row.get(1));
    let passed = unix.saturating_sub(last_unix).max(0);
    let counted = passed.min(MOST_WITHOUT_PROCESS);
    let now = last.saturating_add(counted);
    let sql = schema.apply("UPDATE nylas_inbox.clock SET engine_ms = $1, now_unix_ms = $2");
    let moment = [(&now as _, Type::INT8), (&unix as _, Type::INT8)];
    query(transaction, &sql, &moment).await?;
    if passed == counted {
        return Ok(Opened {
            now,
            left_out: None,
        });
    }
    // No process ran for so long, and what waits has waited on. If the clock was wrong, it comes
    // too early, and that harms nothing. What waits no longer than the time that counts is due.
    let left_out = LeftOut::new(passed - counted, last, now);
    let sql = &core.statements.move_waiting;
    let rows = query(transaction, sql, &left_out.parameters()).await?;
    Ok(Opened {
        now,
        left_out: left_out.next(&rows)?,
    })
}

async fn query(
    transaction: &Transaction<'_>,
    sql: &str,
    parameters: &[(&(dyn ToSql + Sync), Type)],
) -> Result<Vec<tokio_postgres::Row>, Failure> {
    Ok(transaction.query_typed(sql, parameters).await?)
}
