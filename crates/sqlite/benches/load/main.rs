//! How many notifications a receiver accepts, and how soon, when accepted means stored.
//!
//! ```text
//! cargo bench -p tower-nylas-sqlite --bench load -- --help
//! ```
//!
//! Receivers are processes of their own; the load is made here, on the same cores. Everything is
//! measured in one run, so that ratios mean something.

mod options;
mod plot;
mod receiver;
mod sections;
mod server;

use std::process::ExitCode;

use self::options::{Command, USAGE};

#[tokio::main]
async fn main() -> ExitCode {
    let ended = match Command::parse(std::env::args().skip(1)) {
        Ok(Command::Help) => {
            println!("{USAGE}");
            Ok(true)
        }
        Ok(Command::Serve { kind, folder }) => server::serve(kind, &folder).await.map(|()| true),
        Ok(Command::Measure(options)) => sections::run(&options).await,
        Err(why) => Err(format!("{why}\n\n{USAGE}").into()),
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("load: {why}");
            ExitCode::from(2)
        }
    }
}
