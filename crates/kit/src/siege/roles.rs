//! What the two processes do that the siege starts: the server and the attackers.

use std::{
    fmt::Write as _,
    io::{self, BufRead, Write},
    net::SocketAddr,
    sync::Arc,
};

use tokio::{net::TcpListener, runtime::Handle};
use tower_nylas::MemoryBudget;

use super::{
    attack::{Kind, Tally, attack},
    options::Options,
    sample::Sample,
    server::{self, Counters},
};

/// Tells its address, then a [`Sample`] for each line that it reads, and ends with its input.
pub(super) async fn serve(options: &Options) -> io::Result<()> {
    let budget = MemoryBudget::new(options.budget);
    let layer = server::layer(budget.clone())?;
    let counters = Arc::<Counters>::default();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    say(&listener.local_addr()?.to_string())?;

    let (runtime, counted) = (Handle::current(), counters.clone());
    // A thread of its own: nothing of it is seen in the runtime that it looks at.
    let (end, ended) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        for _ in io::stdin().lock().lines().map_while(Result::ok) {
            let sample = Sample::take(&runtime, &budget, &counted);
            if say(&sample.to_string()).is_err() {
                break;
            }
        }
        let _ = end.send(());
    });
    tokio::select! {
        () = server::serve(listener, layer, counters) => {}
        _ = ended => {}
    }
    Ok(())
}

/// Attacks, and then tells what came of it.
pub(super) async fn besiege(address: SocketAddr, options: &Options) -> io::Result<()> {
    for (kind, tally) in attack(address, &options.strength, options.time).await {
        say(&line(kind, &tally))?;
    }
    Ok(())
}

fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

fn line(kind: Kind, tally: &Tally) -> String {
    let mut line = format!(
        "{kind} {} {} {}",
        tally.connections, tally.requests, tally.unanswered
    );
    for (status, count) in &tally.statuses {
        let _ = write!(line, " {status}:{count}");
    }
    line
}

/// What [`besiege`] has told.
pub(super) fn parse(line: &str) -> Option<(Kind, Tally)> {
    let mut words = line.split(' ');
    let kind = words.next()?.parse().ok()?;
    let mut number = || words.next()?.parse().ok();
    let mut tally = Tally {
        connections: number()?,
        requests: number()?,
        unanswered: number()?,
        ..Tally::default()
    };
    for word in words {
        let (status, count) = word.split_once(':')?;
        tally
            .statuses
            .insert(status.parse().ok()?, count.parse().ok()?);
    }
    Some((kind, tally))
}
