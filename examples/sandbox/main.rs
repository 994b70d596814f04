//! A Nylas on the desk, for applications in any language: it has the management API, sends signed
//! notifications, repeats what is not accepted, and lets go wrong what is asked for.
//!
//! ```text
//! cargo run --features testing --example sandbox -- --create http://127.0.0.1:8080/webhooks/nylas
//! ```
//!
//! listens on `127.0.0.1:8090`, sends the challenge to the application until that answers it, and
//! prints the `webhook_secret`; with `--secret try-me` that is the secret. Unlike Nylas, it also
//! delivers to `http` URLs on this machine: no tunnel and no certificate are needed.
//!
//! Then type `trigger message.created`, and `help` for all commands, or send the same from another
//! terminal, from a script or in CI:
//!
//! ```text
//! curl -d '{"trigger": "message.created", "count": 100}' http://127.0.0.1:8090/sandbox/trigger
//! cargo run --features testing --example sandbox -- fault proxy 502 --for 10m --at http://127.0.0.1:8090
//! ```
//!
//! `POST /sandbox/COMMAND` takes a JSON object with the operands and options, named as in `help`;
//! the answer is JSON, or text for `Accept: text/plain`. `/v3/…` is Nylas' management API, with the
//! key `nyk_v0_invented-key` or that of `--api-key`.
//!
//! | option | what it does |
//! |---|---|
//! | `--listen ADDRESS` | where the APIs are; by default `127.0.0.1:8090`. Who reaches it can use it |
//! | `--create URL` | creates a destination, as the command `create`; with `--triggers`, `--gzip`, `--secret` |
//! | `--speed N` | Nylas' time passes N times faster: with 60, the last repetition comes after 10 to 20 seconds. Its 10 seconds for an answer stay as they are |
//! | `--seed N` | the same ids and secrets again: of the first, second … destination, of its first, second … rotation, and of the first, second … notification, whatever comes in between; by default others at every start |
//! | `--api-key KEY` | the key that the management API accepts |
//!
//! On a terminal it shows a table of the deliveries, elsewhere a line for each; of more than 100 at
//! once, and while `--count` goes on, only those that are not accepted. `wait` waits for all
//! repetitions, and counts everything since the start. `--count` waits while 10,000 notifications
//! are under way, which are kept until they are accepted or given up.
//!
//! It ends with `quit`, on ctrl-c and on SIGTERM, and then says what was lost and why: with status
//! 0 if everything was accepted, with 1 if anything was lost, is still open or was not sent yet
//! (`wait` before), and with 2 if it could not start.

mod client;
mod command;
mod control;
mod form;
mod input;
mod options;
mod perform;
mod remote;
mod resolve;
mod run;
mod screen;
mod span;
mod table;
mod watch;

use std::{process::ExitCode, sync::Arc, time::Duration};

use tokio::{net::TcpListener, signal::ctrl_c, sync::Notify, time::timeout};
use tower_nylas::{BoxError, testing::nylas::Simulator};

use self::{
    command::{Command, NewWebhook},
    options::Options,
    perform::Sandbox,
    screen::Screen,
};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_command = arguments.first().is_some_and(|it| !it.starts_with('-'));
    let ended = if is_command {
        remote::send(arguments).await
    } else if arguments.iter().any(|it| it == "--help" || it == "-h") {
        println!("usage: sandbox {}\n\n{}", options::USAGE, form::help());
        return ExitCode::SUCCESS;
    } else {
        serve(arguments).await
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("sandbox: {error}");
            ExitCode::from(2)
        }
    }
}

/// Returns whether everything was accepted.
async fn serve(arguments: Vec<String>) -> Result<bool, BoxError> {
    let options = Options::parse(&arguments)?;
    if let Some(new) = &options.create {
        resolve::webhook(new)?;
    }
    let nylas = Simulator::builder()
        .client(client::client()?)
        .speed(options.speed)
        .seed(options.seed)
        .api_key(&options.api_key)
        .build();
    let listener = TcpListener::bind(&options.listen)
        .await
        .map_err(|why| format!("{}: {why}", options.listen))?;
    let address = listener.local_addr()?;
    let sandbox = Arc::new(Sandbox::new(nylas, options.speed));
    let mut screen = Screen::new(sandbox.clone(), address);
    screen::line(&format!("listening on http://{address}"));
    screen::line(&format!(
        "Nylas' API is at /v3, its key {}; `help` lists the commands",
        options.api_key
    ));

    let service = control::routes(sandbox.clone());
    let drain = Arc::new(Notify::new());
    let ended = drain.clone();
    let server = axum::serve(listener, service)
        .with_graceful_shutdown(async move { ended.notified().await });
    let server = tokio::spawn(server.into_future());
    let commands = tokio::spawn(commands(sandbox.clone(), options.create));
    let end = stopped();
    tokio::pin!(end);
    let mut tick = tokio::time::interval(Duration::from_millis(200));
    loop {
        tokio::select! {
            _ = tick.tick() => screen.update(),
            () = &mut end => break,
            () = sandbox.quit.notified() => break,
        }
    }
    commands.abort();
    drain.notify_one();
    // For the answer to `quit`; others may wait for more than there will be.
    let _ = timeout(Duration::from_secs(1), server).await;
    Ok(screen.end())
}

/// Creates the destination, then does what is typed.
async fn commands(sandbox: Arc<Sandbox>, create: Option<NewWebhook>) {
    if let Some(new) = create {
        let mut last = String::new();
        loop {
            match sandbox.perform(Command::Create(new.clone())).await {
                Ok(reply) => break screen::line(&reply.text),
                Err(why) if why != last => {
                    screen::line(&format!("{why}; it is tried again every second"));
                    last = why;
                }
                Err(_) => {}
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
    let mut lines = input::lines();
    while let Some(line) = lines.recv().await {
        let replied = match Command::from_line(&line) {
            Ok(None) => continue,
            // The end has its own lines.
            Ok(Some(Command::Quit {})) => return sandbox.quit.notify_one(),
            Ok(Some(command)) => sandbox.perform(command).await,
            Err(why) => Err(why),
        };
        match replied {
            Ok(reply) => screen::line(&reply.text),
            Err(why) => screen::line(&format!("error: {why}")),
        }
    }
}

/// Waits for ctrl-c, or for the SIGTERM of whatever manages services.
async fn stopped() {
    #[cfg(unix)]
    let terminated = async {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::terminate()).ok()?.recv().await
    };
    #[cfg(not(unix))]
    let terminated = std::future::ready(None::<()>);
    tokio::select! {
        Ok(()) = ctrl_c() => {}
        Some(()) = terminated => {}
        // Nobody can interrupt it in this way, so it goes on.
        else => std::future::pending().await,
    }
}
