//! Compares tower-nylas end to end with the same thing written by hand, and with Express.
//!
//! See README.md beside this package, and `--help`.

#![forbid(unsafe_code)]

mod args;
mod child;
mod compare;
mod cores;
mod load;
mod notification;
mod plot;
mod report;
mod results;
mod server;
mod usage;

use std::process::ExitCode;

use args::{Args, Command};
use clap::Parser;

/// Errors end on the terminal, so their text is all that matters.
type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

fn main() -> ExitCode {
    let args = Args::parse();
    // Servers and load generator are single-threaded: each has one core.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let ended = runtime.map_err(Into::into).and_then(|runtime| {
        runtime.block_on(async {
            match args.command {
                Some(Command::Serve(serve)) => server::serve(&serve).await,
                None => tokio::select! {
                    ended = compare::run(&args.compare) => ended,
                    _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
                },
            }
        })
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("peers: {error}");
            ExitCode::FAILURE
        }
    }
}
