//! What a server has to be like.

use deadpool_postgres::Transaction;
use tokio_postgres::{Row, types::Type};

use crate::{
    database::{Database, Parameter},
    error::{Failure, OpenError},
    open::Options,
    statements::Schema,
};

/// The oldest major version.
pub(crate) const OLDEST_SERVER: i32 = 13;

/// Fails unless the server keeps what it has committed, and stores every text.
pub(crate) async fn check_server(database: &Database, options: &Options) -> Result<(), OpenError> {
    let sql = "SELECT current_setting('server_version'), \
               current_setting('server_version_num')::int4, current_setting('server_encoding'), \
               current_setting('synchronous_commit'), current_setting('fsync'), \
               pg_is_in_recovery() OR current_setting('transaction_read_only')::bool";
    let rows = database.query(sql, &[]).await?;
    let row = rows.first().ok_or_else(Failure::no_row)?;
    if row.get::<_, i32>(1) < OLDEST_SERVER * 10_000 {
        let found = row.get(0);
        return Err(OpenError::Server { found });
    }
    if row.get(5) {
        return Err(OpenError::ReadOnly);
    }
    verify(row, 2, "server_encoding", "UTF8")?;
    if !options.accept_lossy_commits {
        for (column, name) in [(3, "synchronous_commit"), (4, "fsync")] {
            if row.get::<_, &str>(column) == "off" {
                verify(row, column, name, "on")?;
            }
        }
    }
    Ok(())
}

fn verify(
    row: &Row,
    column: usize,
    name: &'static str,
    wanted: &'static str,
) -> Result<(), OpenError> {
    let found: String = row.get(column);
    if found == wanted {
        return Ok(());
    }
    Err(OpenError::Setting {
        name,
        wanted,
        found,
    })
}

/// Fails unless the user may read and change every table.
pub(crate) async fn check_rights(
    transaction: &Transaction<'_>,
    schema: &Schema,
) -> Result<(), OpenError> {
    let sql = "SELECT privilege || ' on ' || pg_class.oid::regclass::text \
               FROM pg_catalog.pg_class, pg_catalog.pg_namespace, \
                   unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS privilege \
               WHERE relnamespace = pg_namespace.oid AND relkind IN ('r', 'p') AND nspname = $1 \
                   AND NOT has_table_privilege(pg_class.oid, privilege) \
               ORDER BY 1 LIMIT 1";
    let parameters: [Parameter<'_>; 1] = [(&schema.name, Type::TEXT)];
    let rows = transaction.query_typed(sql, &parameters).await;
    match rows.map_err(Failure::from)?.first() {
        Some(row) => Err(OpenError::Denied(row.get(0))),
        None => Ok(()),
    }
}
