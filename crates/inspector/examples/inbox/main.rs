//! The inspector at the command line, over the same JSON as its pages.
//!
//! ```text
//! cargo run -p tower-nylas-inspector --example inbox -- \
//!     --url http://127.0.0.1:8070/inspector list --state dead
//! ```
//!
//! | command | what it does |
//! |---|---|
//! | `stats` | how many entries there are of each state, the dead by trigger and cause, and the health |
//! | `list` | entries, by `--state`, `--cause`, `--trigger`, `--grant` |
//! | `show KEY` | one entry with its timeline, by its key or the id of its notification |
//! | `replay`, `discard --reason` | entries by their keys, or all that a filter selects |
//! | `purge GRANT` | deletes all entries of a grant |
//! | `pause`, `resume` | the workers |
//!
//! `--json` prints what the inspector answers. Before more than one entry is changed, it says how
//! many and asks; `--yes` answers that, and is needed where there is no terminal. `--dry-run` only
//! counts. Headers for authorization are given with `--header 'Name: value'`, or in the environment
//! as `NYLAS_INSPECTOR_HEADER`, one a line, which other users of the machine do not see.
//!
//! Ends with 1 if something was not found or not changed, and with 2 if the inspector cannot be
//! asked.

mod change;
mod client;
mod options;
mod show;
mod table;

use std::process::ExitCode;

use clap::Parser;

use self::{
    client::{Client, Failure},
    options::{Command, Options},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(Failure::Refused(why)) => {
            eprintln!("inbox: {}", table::printable(&why));
            ExitCode::from(1)
        }
        Err(Failure::Other(why)) => {
            eprintln!("inbox: {}", table::printable(&why));
            ExitCode::from(2)
        }
    }
}

/// Whether everything was done that was asked for.
async fn run(options: &Options) -> Result<bool, Failure> {
    let client = Client::new(options)?;
    match &options.command {
        Command::Stats => show::stats(&client, options.json).await,
        Command::List { filter, max } => show::list(&client, options.json, filter, *max).await,
        Command::Show { what } => show::entry(&client, options.json, what).await,
        Command::Replay(change) => {
            change::change(&client, options.json, "replay", change, None).await
        }
        Command::Discard { reason, change } => {
            change::change(&client, options.json, "discard", change, Some(reason)).await
        }
        Command::Purge { grant, sure } => change::purge(&client, options.json, grant, sure).await,
        Command::Pause => change::switch(&client, options.json, "pause").await,
        Command::Resume => change::switch(&client, options.json, "resume").await,
    }
}
