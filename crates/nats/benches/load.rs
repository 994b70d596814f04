//! How many notifications receivers accept into one stream, and how soon.
//!
//! ```text
//! cargo bench -p tower-nylas-nats --bench load -- --help
//! ```
//!
//! One server is started in a temporary folder, which syncs every two minutes, as by default. It,
//! the receivers and the load share the cores of this machine.

use std::{process::ExitCode, time::Duration};

use tower_nylas_kit::inbox::{
    load::{self, Error},
    servers::{NatsServer, Sync, nats_version},
};
use tower_nylas_nats::{NatsInbox, async_nats};

#[tokio::main]
async fn main() -> ExitCode {
    let start = async || {
        let server = NatsServer::start(Sync::Interval);
        while async_nats::connect(server.url()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        println!("{}", nats_version());
        Ok((server.url(), server))
    };
    let open = async |url: &str, name: &str| -> Result<NatsInbox, Error> {
        let builder = NatsInbox::builder().name(name).replicas(1);
        Ok(builder.max_bytes(32 << 30).open(url).await?)
    };
    load::program("JetStream", 32, start, open).await
}
