//! Accepted means stored, in a file of SQLite.
//!
//! ```text
//! cargo run -p tower-nylas-sqlite --example durable
//! ```
//!
//! plays a scene: it starts the receiver as a process, sends it notifications over 16 connections,
//! kills it in the middle, starts it again, sends again what was not answered, as Nylas does, ends
//! it with SIGTERM in the middle of the rest, and starts it once more. At the end it prints what
//! became of all of them, and fails if a notification that was answered `200` was not handled.
//!
//! ```text
//! NYLAS_WEBHOOK_SECRET=… cargo run -p tower-nylas-sqlite --example durable -- \
//!     --listen 127.0.0.1:8080 --data /var/lib/my-app
//! ```
//!
//! is that receiver: on the path `/webhooks/nylas`, with everything in the folder. It prints
//! `handled ID` whenever a handler has finished.

mod receiver;
mod scene;
mod sender;

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ended = match arguments[..] {
        [] => scene::play().await,
        ["--listen", address, "--data", folder] | ["--data", folder, "--listen", address] => {
            receiver::run(address, folder.as_ref()).await.map(|()| true)
        }
        _ => Err("usage: durable [--listen ADDRESS --data FOLDER]".into()),
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("durable: {error}");
            ExitCode::from(2)
        }
    }
}
