//! The life of a webhook destination, played over real TCP connections.
//!
//! ```text
//! cargo run --features testing --example quickstart
//! ```
//!
//! starts an axum server on a free loopback port and a simulated Nylas
//! (`testing::nylas::Simulator`) that creates a destination there, before the server has a secret,
//! and delivers: a notification of every type, a compressed one, repetitions, a rotation of the
//! secret. What it waits minutes for passes in milliseconds. What Nylas does not send comes over
//! bare TCP: forgeries, oversized and slow bodies. Each row of the table says what was sent, what
//! must come back, and what came back; the program fails if any row differs.
//!
//! ```text
//! NYLAS_WEBHOOK_SECRET=… cargo run --features testing --example quickstart -- --listen 127.0.0.1:8080
//! ```
//!
//! stays up instead, as a plain receiver on the path `/webhooks/nylas` that prints every
//! notification, for use behind a tunnel. Without the variable it starts pending: create the
//! destination, then paste its `webhook_secret` into the terminal. To see it answer:
//!
//! ```text
//! curl -i 'http://127.0.0.1:8080/webhooks/nylas?challenge=bc609b38-c81f-47fb-a275-1d9bd61ba968'
//! ```

mod listen;
mod receiver;
mod scenes;
mod table;
mod wire;

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments[..] {
        [] => scenes::play().await,
        ["--listen", address] => listen::listen(address).await.map(|()| true),
        _ => Err("usage: quickstart [--listen ADDRESS]".into()),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("quickstart: {error}");
            ExitCode::from(2)
        }
    }
}
