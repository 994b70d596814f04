//! Effects that happen exactly once, although an entry can be handled twice: the handler's own
//! transaction writes the key of the entry beside the effect.
//!
//! ```text
//! DATABASE_URL=postgres://user@127.0.0.1/test cargo run -p tower-nylas-postgres --example once
//! ```
//!
//! stores notifications and starts a worker as a process, which counts each of them in a table. It
//! kills the worker again and again, also between the end of a handler and the end of its claim, so
//! that entries are handled twice. At the end it prints what was counted, and fails if that is not
//! once each. It uses the schema `nylas_once` of the database, and deletes it before it begins.

use std::{
    process::{ExitCode, Stdio},
    time::Duration,
};

use deadpool_postgres::Pool;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};
use tokio_postgres::NoTls;
use tower_nylas::{
    BoxError, Notification, State, TriggerRouter,
    inbox::{Browse, Delivery, Entry, Inbox, Worker, assume_verified},
};
use tower_nylas_postgres::PostgresInbox;

const SCHEMA: &str = "nylas_once";
const TABLES: &str = "CREATE SCHEMA nylas_once_app; \
    CREATE TABLE nylas_once_app.handled (key bytea PRIMARY KEY); \
    CREATE TABLE nylas_once_app.total (mails int8 NOT NULL); \
    INSERT INTO nylas_once_app.total VALUES (0);";

const NOTIFICATIONS: i64 = 200;
const KILLS: usize = 5;

/// A handler whose effect is in the database. An error lets the entry come again.
async fn on_message(
    State(pool): State<Pool>,
    delivery: Option<Delivery>,
    mail: Notification,
) -> Result<(), BoxError> {
    let key = delivery.ok_or("it is not behind a worker")?.key();
    let mut connection = pool.get().await?;
    let transaction = connection.transaction().await?;
    let sql = "INSERT INTO nylas_once_app.handled (key) VALUES ($1) ON CONFLICT DO NOTHING";
    let is_new = transaction
        .execute(sql, &[&key.as_bytes().as_slice()])
        .await?
        == 1;
    if is_new {
        let sql = "UPDATE nylas_once_app.total SET mails = mails + 1";
        transaction.execute(sql, &[]).await?;
    }
    transaction.commit().await?;
    println!(
        "{} {}",
        if is_new { "counted" } else { "known" },
        mail.id().unwrap_or("")
    );
    Ok(())
}

async fn work(url: &str) -> Result<(), BoxError> {
    let inbox = open(url).await?;
    let manager = deadpool_postgres::Manager::new(url.parse()?, NoTls);
    let pool = Pool::builder(manager).build()?;
    let triggers = TriggerRouter::with_state(pool).on("message.created", on_message);
    Worker::new(inbox, triggers)
        .run_until(std::future::pending())
        .await?;
    Ok(())
}

/// With a short lease, so that what a killed worker had comes again soon.
async fn open(url: &str) -> Result<PostgresInbox, BoxError> {
    let builder = PostgresInbox::builder().schema(SCHEMA);
    Ok(builder.lease(Duration::from_secs(1)).open(url).await?)
}

/// Whether each notification was counted once.
async fn play(url: &str) -> Result<bool, BoxError> {
    let (database, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    let fresh = format!("DROP SCHEMA IF EXISTS {SCHEMA}, {SCHEMA}_app CASCADE; {TABLES}");
    database.batch_execute(&fresh).await?;
    let inbox = open(url).await?;
    for number in 0..NOTIFICATIONS {
        let body =
            format!(r#"{{"type":"message.created","id":"n-{number}","data":{{"object":{{}}}}}}"#);
        let received = Duration::from_secs(1_767_225_600);
        inbox
            .append(Entry::new(&assume_verified(body, "default"), received))
            .await?;
    }
    let (mut counted, mut known) = (0, 0);
    for kill in 0..=KILLS {
        let mut worker = Command::new(std::env::current_exe()?)
            .args(["--work", url])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let output = worker.stdout.take().ok_or("its output is not there")?;
        let mut lines = BufReader::new(output).lines();
        // The last one works until nothing is left.
        let mut left = if kill == KILLS { usize::MAX } else { 20 };
        while left > 0 {
            let next = tokio::time::timeout(Duration::from_millis(200), lines.next_line()).await;
            if let Ok(line) = next {
                let line = line?.ok_or("the worker has ended")?;
                counted += usize::from(line.starts_with("counted"));
                known += usize::from(line.starts_with("known"));
                left -= 1;
            }
            let stats = inbox.stats().await?;
            if stats.ready + stats.waiting + stats.claimed == 0 {
                break;
            }
        }
        worker.kill().await?;
    }
    inbox.close().await;
    let sql = "SELECT mails FROM nylas_once_app.total";
    let total: i64 = database.query_one(sql, &[]).await?.get(0);
    println!("{counted} effects seen, {known} handled once more without an effect");
    println!("{total} of {NOTIFICATIONS} notifications counted");
    Ok(total == NOTIFICATIONS)
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let url = std::env::var("DATABASE_URL");
    let ended = match (&arguments[..], url) {
        ([], Ok(url)) => play(&url).await,
        ([work_flag, url], _) if work_flag == "--work" => work(url).await.map(|()| true),
        _ => Err("usage: DATABASE_URL=postgres://… once".into()),
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("once: {error}");
            ExitCode::from(2)
        }
    }
}
