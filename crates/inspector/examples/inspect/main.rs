//! The inspector over a receiver in trouble.
//!
//! ```text
//! cargo run -p tower-nylas-inspector --example inspect
//! ```
//!
//! plays Nylas, in real time but with repetitions 60 times sooner, against a receiver with an inbox
//! in a file of SQLite, some of whose handlers fail, and shows all of it at
//! `http://127.0.0.1:8070/inspector`. Find out why the mail with the id that it prints was not
//! handled; then type `mend` here, which is the deploy that repairs the handlers, and replay it.
//!
//! | option | what it does |
//! |---|---|
//! | `--listen ADDRESS` | where the pages are; by default `127.0.0.1:8070` |
//! | `--data FOLDER` | where the file is, and stays; by default in a temporary folder |
//!
//! Ends on ctrl-c and SIGTERM.

mod receiver;
mod traffic;
mod trouble;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, BufReader, stdin},
    net::TcpListener,
    signal::ctrl_c,
    time::timeout,
};
use tower_nylas::{BoxError, inbox::Worker};
use tower_nylas_sqlite::SqliteInbox;

use self::receiver::Receiver;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("inspect: {why}");
            ExitCode::from(2)
        }
    }
}

async fn run() -> Result<(), BoxError> {
    let (mut listen, mut data) = ("127.0.0.1:8070".to_owned(), None);
    let mut arguments = std::env::args().skip(1);
    while let Some(option) = arguments.next() {
        let usage = "usage: inspect [--listen ADDRESS] [--data FOLDER]";
        let value = arguments.next().ok_or(usage)?;
        match &*option {
            "--listen" => listen = value,
            "--data" => data = Some(PathBuf::from(value)),
            _ => return Err(usage.into()),
        }
    }
    let is_kept = data.is_some();
    let folder = data.unwrap_or_else(|| {
        std::env::temp_dir().join(format!("nylas-inspect-{}", std::process::id()))
    });
    std::fs::create_dir_all(&folder)?;
    let file = folder.join("nylas-inbox.db");
    let inbox = SqliteInbox::open(&file).await?;

    let receiver = Receiver::new(inbox.clone());
    let listener = TcpListener::bind(&listen).await?;
    let address = listener.local_addr()?;
    println!("listening on http://{address}/inspector");
    let mail = trouble::make(&inbox, &file).await?;
    traffic::start(&receiver).await?;

    let worker = Worker::new(inbox.clone(), receiver.handlers()).pause(&receiver.pause);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let working = tokio::spawn(worker.run_until(async { drop(stopped.await) }));
    let pages = tokio::spawn(receiver::serve(listener, receiver.inspector()));
    println!("why was the mail {mail} not handled?");
    println!("type `mend` to repair the handlers, and `break` to undo that");

    let mut lines = BufReader::new(stdin()).lines();
    let mut is_open = true;
    let end = terminated();
    tokio::pin!(end);
    loop {
        tokio::select! {
            () = &mut end => break,
            line = lines.next_line(), if is_open => match line {
                Ok(Some(line)) => match line.trim() {
                    "mend" => receiver.set_mended(true),
                    "break" => receiver.set_mended(false),
                    "" => {}
                    other => println!("`{other}` is neither `mend` nor `break`"),
                },
                _ => is_open = false,
            },
        }
    }
    pages.abort();
    drop(stop);
    let _ = timeout(Duration::from_secs(10), working).await;
    inbox.close().await;
    if !is_kept {
        std::fs::remove_dir_all(folder)?;
    }
    Ok(())
}

/// Waits for ctrl-c, or for the SIGTERM of whatever manages services.
async fn terminated() {
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
