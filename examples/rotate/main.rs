//! The secret of a destination, from none at all to the second, under traffic and with two
//! replicas.
//!
//! ```text
//! cargo run --features testing --example rotate
//! ```
//!
//! starts two servers, each with `Secrets` of its own, as two machines have them, and the simulated
//! Nylas, which delivers notifications all the time. Nylas signs with a new secret from the
//! moment its rotate call is answered; the replicas learn of it later, and one after the other.
//! What it takes not to lose anything then:
//!
//! 1. `expect_rotation` on **every** replica, and only then
//! 2. the call to Nylas (`POST /v3/webhooks/rotate-secret/{id}`), and
//! 3. `rotate` on every replica with the secret that the call has returned.
//!
//! The servers run in one process here, so the program calls these methods itself. In earnest each
//! replica calls them when it is told to, by an endpoint for administrators or by whatever
//! distributes the configuration.
//!
//! The program prints what happens, and a summary, and fails if a notification was lost.
//!
//! ```text
//! cargo run --features testing --example rotate -- careless
//! ```
//!
//! leaves the first step out, and loses some.

mod nylas;
mod replica;

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use tokio::time::sleep;
use tower_nylas::BoxError;

use self::{
    nylas::Nylas,
    replica::{Handled, Replica},
};

/// How long the news is on its way to a replica, and from one to the next.
const ON_ITS_WAY: Duration = Duration::from_millis(100);

/// How long the traffic goes on between two events.
const QUIET: Duration = Duration::from_millis(700);

/// How long new notifications come.
const TRAFFIC: Duration = Duration::from_millis(2200);

/// Longer than the simulated Nylas repeats a notification: 20 of its minutes. In earnest it is
/// `Secrets::KEEP_OLD_FOR`.
const KEEP_OLD_FOR: Duration = Duration::from_secs(4);

#[tokio::main]
async fn main() -> Result<ExitCode, BoxError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let is_careful = match arguments[..] {
        [] => true,
        ["careless"] => false,
        _ => return Err("usage: rotate [careless]".into()),
    };
    Ok(if play(is_careful).await? {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Whether nothing was lost, and the old secret was refused in the end.
async fn play(is_careful: bool) -> Result<bool, BoxError> {
    let start = Instant::now();
    let handled = Handled::default();
    let replicas = [
        Replica::start(&handled).await?,
        Replica::start(&handled).await?,
    ];
    let nylas = Nylas::new(replicas.each_ref().map(|replica| replica.address));
    let enter = |phase: &'static str| {
        println!("{:>5} ms  {phase}", start.elapsed().as_millis());
        nylas.enter(phase);
    };

    enter("no replica knows a secret");
    let first = nylas.create_destination().await?;
    nylas.begin_traffic(TRAFFIC);
    sleep(ON_ITS_WAY).await;
    replicas[0].secrets.set(first.secret())?;
    enter("one replica knows the secret");
    sleep(ON_ITS_WAY).await;
    replicas[1].secrets.set(first.secret())?;
    enter("both replicas know the secret");
    sleep(QUIET).await;

    if is_careful {
        for replica in &replicas {
            // Longer than it can take to tell everybody; it ends by itself if the call fails.
            replica.secrets.expect_rotation(Duration::from_secs(60));
        }
        enter("both expect a rotation");
        sleep(ON_ITS_WAY).await;
    }
    let second = nylas.rotate_secret(&first.id)?;
    enter("Nylas signs with the new secret");
    sleep(ON_ITS_WAY).await;
    replicas[0].secrets.rotate(second.secret(), KEEP_OLD_FOR)?;
    enter("one replica knows the new secret");
    sleep(ON_ITS_WAY).await;
    replicas[1].secrets.rotate(second.secret(), KEEP_OLD_FOR)?;
    let rotated = Instant::now();
    enter("both replicas know the new secret");
    sleep(QUIET).await;
    nylas.settled().await;

    sleep(KEEP_OLD_FOR.saturating_sub(rotated.elapsed())).await;
    enter("the old secret has expired");
    let statuses = nylas.forge(first.secret()).await?;
    println!("\nwhat the old secret has signed is answered with {statuses:?}\n");

    let nothing_is_lost = nylas.print_summary(&handled);
    Ok(nothing_is_lost && statuses == [401, 401])
}
