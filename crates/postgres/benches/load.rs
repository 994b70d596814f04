//! How many notifications receivers accept into one database, and how soon.
//!
//! ```text
//! cargo bench -p tower-nylas-postgres --bench load -- --help
//! ```
//!
//! The server is started in a temporary folder, with its defaults: `fsync` and `synchronous_commit`
//! are on. It, the receivers and the load share the cores of this machine.

use std::{process::ExitCode, time::Duration};

use tokio_postgres::NoTls;
use tower_nylas_kit::inbox::{
    load::{self, Error},
    servers::PostgresServer,
};
use tower_nylas_postgres::PostgresInbox;

#[tokio::main]
async fn main() -> ExitCode {
    let start = async || {
        let server = PostgresServer::start(&[]);
        while tokio_postgres::connect(&server.url(), NoTls).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok((server.url(), server))
    };
    let open = async |url: &str, name: &str| -> Result<PostgresInbox, Error> {
        let builder = PostgresInbox::builder().schema(name);
        Ok(builder.max_bytes(1 << 40).open(url).await?)
    };
    load::program("PostgreSQL", 256, start, open).await
}
