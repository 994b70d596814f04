//! A siege: thousands of hostile connections against one server, while a genuine sender delivers.
//!
//! ```text
//! cargo run --release -p tower-nylas-kit --bin siege
//! ```
//!
//! starts the server in one process and the attackers in another, delivers genuine notifications of
//! all sizes from this one, and repeats what was refused or failed as Nylas would, up to three
//! attempts, only with shorter waits. `--help` lists the options and the kinds of attacks. At the
//! end it prints the figures and whether every promise was kept, and fails if one was not:
//!
//! - every genuine notification ends in `200`, each attempt within the 10 seconds that Nylas waits,
//!   and so does every challenge, which Nylas never repeats;
//! - no forged request reaches a handler;
//! - the memory of the server stays within the budget for unverified bodies, a cost for each
//!   connection and a constant;
//! - when the attackers are gone, so are their tasks and their descriptors.
//!
//! **Within a bound.** Against a full line nothing helps but a wider line. The layer lets go of any
//! body after a quarter of a second when the budget is full, and of any body whatsoever after three
//! seconds. So what the attackers send in a quarter of a second of bodies that stay unverified for
//! a while (`--rate`) must be well below the budget: by default it is a quarter of it. At a half,
//! on a busy machine, a genuine megabyte does not always arrive in the time that is left, and the
//! siege says so. The number of connections is for the server to bound; each costs some 23 KiB, and
//! its read buffer, which hyper makes 400 KiB large unless told otherwise.

pub mod attack;
mod conductor;
pub mod genuine;
mod options;
mod process;
mod report;
mod roles;
pub mod sample;
pub mod server;

use std::{io, process::ExitCode};

use self::{
    attack::Kind,
    options::{Command, USAGE},
};

/// The program, with the arguments behind its name.
pub async fn run(arguments: impl Iterator<Item = String>) -> ExitCode {
    let outcome = match Command::parse(arguments) {
        Ok(command) => obey(command).await,
        Err(error) => Err(io::Error::other(format!("{error}\n\n{USAGE}"))),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("siege: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether all promises were kept.
async fn obey(command: Command) -> io::Result<bool> {
    match command {
        Command::Help => {
            println!("{USAGE}\n");
            for (kind, ..) in Kind::ALL {
                println!("  {kind:10}  {}", kind.description());
            }
        }
        Command::Serve(options) => roles::serve(&options).await?,
        Command::Attack(address, options) => roles::besiege(address, &options).await?,
        Command::Besiege(mut options) => {
            if let Some(note) = options.adapt_to_limits() {
                println!("{note}");
            }
            let strength = &options.strength;
            println!(
                "{} s, {} slow connections, {} MiB/s against a budget of {} MiB, {} genuine notifications a second\n",
                options.time.as_secs(),
                strength.connections,
                strength.bytes_per_second >> 20,
                options.budget >> 20,
                options.genuine,
            );
            return Ok(conductor::play(&options).await?.print());
        }
    }
    Ok(true)
}
