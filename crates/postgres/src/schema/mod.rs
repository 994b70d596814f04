//! The tables, and their versions.

use std::time::Duration;

use deadpool_postgres::Transaction;
use tokio::time::timeout;
use tokio_postgres::types::{ToSql, Type};

use crate::{
    clock::{self, MOST_WITHOUT_PROCESS},
    database::Database,
    error::{Failure, OpenError},
    open::Options,
    statements::Schema,
};

/// In the table `meta`.
const APPLICATION: &str = "tower-nylas-postgres";

/// Each brings a schema of the version before it to its own, which is its place in here, from 1 on.
/// What stands here is never changed, only added to, and only in such a way that the version before
/// can go on with the tables.
const MIGRATIONS: [&str; 1] = [include_str!("1.sql")];

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

/// Brings the tables to the latest version, and returns the time of the inbox.
pub(crate) async fn prepare(database: &Database, options: &Options) -> Result<i64, OpenError> {
    let schema = &options.schema;
    let opening = async {
        let mut connection = database.connection().await?;
        let transaction = connection.transaction().await.map_err(Failure::from)?;
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
        let now = resume(&transaction, options).await?;
        transaction.commit().await.map_err(Failure::from)?;
        Ok(now)
    };
    let late = |_| Err(OpenError::Other("it takes longer than 60 s".into()));
    timeout(LONGEST, opening).await.unwrap_or_else(late)
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
async fn resume(transaction: &Transaction<'_>, options: &Options) -> Result<i64, OpenError> {
    let schema = &options.schema;
    let unix = clock::unix(options.clock.as_ref());
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
    if passed > counted {
        // No process ran for so long, and what waits has waited on. If the clock was wrong, it
        // comes too early, and that harms nothing.
        let sql = schema.apply(
            "UPDATE nylas_inbox.jobs SET at_ms = greatest(at_ms - $1, $2) \
             WHERE state = 0 AND at_ms > $2",
        );
        let left_out = passed - counted;
        let moment = [(&left_out as _, Type::INT8), (&last as _, Type::INT8)];
        query(transaction, &sql, &moment).await?;
    }
    Ok(now)
}

async fn query(
    transaction: &Transaction<'_>,
    sql: &str,
    parameters: &[(&(dyn ToSql + Sync), Type)],
) -> Result<Vec<tokio_postgres::Row>, Failure> {
    Ok(transaction.query_typed(sql, parameters).await?)
}
