//! The load program of an engine whose server is a program of its own.

use std::{
    net::SocketAddr,
    process::ExitCode,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use tokio::task::JoinSet;
use tower_nylas::inbox::{Inbox, MemoryInbox};

use super::{
    Error, Goals, Load, Measured, Receiver, Sending, bare, enqueue, note, one_after_the_other, row,
    serve, title, work,
};

const USAGE: &str = "\
usage: load [OPTION]...

  --seconds N      how long each receiver is measured (default 8)
  --connections N  (default: those that the goals are for)
  --help           this text";

/// Of a notification, in bytes.
const SIZE: usize = 2_000;

/// How much of bare appends and HTTP, one after the other, a receiver accepts at least.
const SHARE: f64 = 0.8;

/// Measures receivers over an engine, or is one of them. `start` starts a server and returns its
/// URL, and what ends it; `open` opens the inbox of a name there, and creates it if need be.
pub async fn program<I: Inbox, S>(
    engine: &str,
    connections: usize,
    start: impl AsyncFnOnce() -> Result<(String, S), Error>,
    open: impl AsyncFn(&str, &str) -> Result<I, Error>,
) -> ExitCode {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ended = match arguments[..] {
        ["--help"] => {
            println!("{USAGE}");
            Ok(true)
        }
        ["serve", "memory"] => receive(MemoryInbox::new().max_bytes(16 << 30), false).await,
        ["serve", kind, url, name] => match open(url, name).await {
            Ok(inbox) => receive(inbox, kind == "worker").await,
            Err(why) => Err(why),
        },
        _ => match Options::parse(&arguments, connections) {
            Ok(options) => match start().await {
                Ok((url, _server)) => measure(engine, &options, &url, open).await,
                Err(why) => Err(why),
            },
            Err(why) => Err(format!("{why}\n\n{USAGE}").into()),
        },
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

struct Options {
    time: Duration,
    connections: usize,
}

impl Options {
    fn parse(arguments: &[&str], connections: usize) -> Result<Self, String> {
        let mut options = Self {
            time: Duration::from_secs(8),
            connections,
        };
        for pair in arguments.chunks(2) {
            let [name, value] = pair else {
                return Err(format!("{} needs a value", pair[0]));
            };
            let number: u32 = value
                .parse()
                .map_err(|_| format!("{name} needs a number"))?;
            match *name {
                "--seconds" => options.time = Duration::from_secs(number.into()),
                "--connections" => options.connections = number as usize,
                _ => return Err(format!("there is no option {name}")),
            }
        }
        Ok(options)
    }
}

async fn receive(inbox: impl Inbox, works: bool) -> Result<bool, Error> {
    let handled = Arc::new(AtomicU64::new(0));
    if works {
        work(inbox.clone(), &handled);
    }
    serve(enqueue(inbox)?, handled).await.map(|()| true)
}

/// Whether all goals were met.
async fn measure<I: Inbox>(
    engine: &str,
    options: &Options,
    url: &str,
    open: impl AsyncFn(&str, &str) -> Result<I, Error>,
) -> Result<bool, Error> {
    let connections = options.connections;
    title("2 KB, stored before each answer");
    let inbox = open(url, "bare").await?;
    let bare = bare(&inbox, connections, SIZE, options.time).await;
    row("bare appends, without HTTP", connections, &bare);
    drop(inbox);
    let memory = Receiver::of_this_program(&["serve", "memory"]).await?;
    let memory = send(options, &[memory.address]).await?;
    row("memory inbox", connections, &memory);
    let mut rates = Vec::new();
    for (what, kind, receivers) in [
        ("one receiver", "inbox", 1),
        ("one receiver, a worker draining", "worker", 1),
        ("three receivers", "inbox", 3),
        ("three receivers, each with a worker", "worker", 3),
    ] {
        let name = format!("load_{}", rates.len());
        let mut started = Vec::new();
        for _ in 0..receivers {
            started.push(Receiver::of_this_program(&["serve", kind, url, &name]).await?);
        }
        let addresses: Vec<SocketAddr> = started.iter().map(|one| one.address).collect();
        let measured = send(options, &addresses).await?;
        row(&format!("{engine}, {what}"), connections, &measured);
        rates.push(measured.rate());
    }
    let both = one_after_the_other(bare.rate(), memory.rate());
    note(&format!(
        "bare appends and HTTP, one after the other: {both:.0}"
    ));
    note(&format!(
        "three receivers: {:.2} × one",
        rates[2] / rates[0]
    ));
    let mut goals = Goals::default();
    goals.at_least(
        &format!("{connections} connections, of bare appends and HTTP one after the other"),
        rates[0] / both,
        SHARE,
    );
    Ok(goals.print())
}

/// Sends over as many connections in all, which the receivers share.
async fn send(options: &Options, receivers: &[SocketAddr]) -> Result<Measured, Error> {
    let mut sending = JoinSet::new();
    for (series, address) in receivers.iter().copied().enumerate() {
        let load = Load {
            series,
            connections: options.connections / receivers.len(),
            size: SIZE,
            sending: Sending::For(options.time),
        };
        sending.spawn(load.send_to(address));
    }
    let measured: Result<Vec<_>, Error> = sending.join_all().await.into_iter().collect();
    Ok(Measured::of_all(measured?))
}
