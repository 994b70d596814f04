//! How long other calls wait while a grant is purged.
//!
//! ```text
//! cargo bench -p tower-nylas-sqlite --bench purge
//! ```
//!
//! stores a million entries of 2 KB (`-- --entries N` another number), of which nine of ten are of
//! one grant, and purges it. Meanwhile entries are stored, claimed and settled, and counted and
//! listed, one call after the other in each of three tasks; the longest of each is shown, and that
//! of the same tasks for as many seconds beforehand, while nothing is purged.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::task::JoinSet;
use tower_nylas::{
    BoxError,
    inbox::{Browse, Entry, Inbox, Inspect, Query, Settlement},
    testing,
};
use tower_nylas_sqlite::SqliteInbox;

/// How many are stored at the same time.
const AT_A_TIME: u64 = 2000;

/// How long the calls are measured while nothing is purged.
const BEFORE: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench");
    let entries = match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => Some(1_000_000),
        (Some("--entries"), Some(number)) => number.parse().ok(),
        _ => None,
    };
    let Some(entries) = entries else {
        eprintln!("usage: purge [--entries N]");
        return ExitCode::from(2);
    };
    match run(entries).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("purge: {why}");
            ExitCode::FAILURE
        }
    }
}

async fn run(entries: u64) -> Result<(), BoxError> {
    let folder = Folder::new()?;
    let inbox = SqliteInbox::open(folder.0.join("inbox.db")).await?;
    for start in (0..entries).step_by(usize::try_from(AT_A_TIME)?) {
        let mut appending = JoinSet::new();
        for number in start..entries.min(start + AT_A_TIME) {
            let inbox = inbox.clone();
            let grant = if number % 10 == 0 {
                "g-other"
            } else {
                "g-purged"
            };
            appending.spawn(async move { inbox.append(entry(number, grant)).await });
        }
        let appended: Result<Vec<_>, _> = appending.join_all().await.into_iter().collect();
        appended?;
    }
    let next = Arc::new(AtomicU64::new(entries));
    let calls = Calls::start(&inbox, &next);
    tokio::time::sleep(BEFORE).await;
    calls.end("nothing is purged").await?;

    let calls = Calls::start(&inbox, &next);
    let start = Instant::now();
    let purged = inbox.purge_grant("g-purged").await?;
    let took = start.elapsed();
    calls.end("it is purged").await?;
    println!("{purged} of {entries} entries were purged in {took:.1?}");
    inbox.close().await;
    Ok(())
}

fn entry(number: u64, grant: &str) -> Entry {
    let text = "x".repeat(1_800);
    let body = format!(
        r#"{{"type":"message.created","id":"n-{number}","data":{{"object":{{"id":"m-{number}","grant_id":"{grant}","body":"{text}"}}}}}}"#
    );
    Entry::new(&testing::verified(body), Duration::from_secs(1))
}

/// Calls of others, until they are asked to end.
struct Calls {
    is_over: Arc<AtomicBool>,
    tasks: JoinSet<Result<(&'static str, Vec<Duration>), BoxError>>,
}

impl Calls {
    fn start(inbox: &SqliteInbox, next: &Arc<AtomicU64>) -> Self {
        let is_over = Arc::new(AtomicBool::default());
        let mut tasks = JoinSet::new();
        let (appends, next) = (inbox.clone(), next.clone());
        tasks.spawn(measure("append", is_over.clone(), move || {
            let (inbox, number) = (appends.clone(), next.fetch_add(1, Ordering::Relaxed));
            async move {
                inbox.append(entry(number, "g-other")).await?;
                Ok(())
            }
        }));
        let works = inbox.clone();
        tasks.spawn(measure("claim and settle", is_over.clone(), move || {
            let inbox = works.clone();
            async move {
                for claim in inbox.claim(1, Duration::ZERO).await? {
                    inbox.settle(&claim.receipt, Settlement::Done).await?;
                }
                Ok(())
            }
        }));
        let reads = inbox.clone();
        tasks.spawn(measure("stats and list", is_over.clone(), move || {
            let inbox = reads.clone();
            async move {
                inbox.stats().await?;
                let mut query = Query::default();
                query.max = 16;
                inbox.list(&query).await?;
                Ok(())
            }
        }));
        Self { is_over, tasks }
    }

    /// Shows the median and the longest of each.
    async fn end(self, meanwhile: &str) -> Result<(), BoxError> {
        self.is_over.store(true, Ordering::Relaxed);
        for task in self.tasks.join_all().await {
            let (name, mut took) = task?;
            took.sort();
            let (median, longest) = (took[took.len() / 2], took[took.len() - 1]);
            println!("while {meanwhile}: {name:<17} median {median:.1?}, longest {longest:.1?}");
        }
        Ok(())
    }
}

async fn measure<F>(
    name: &'static str,
    is_over: Arc<AtomicBool>,
    call: impl Fn() -> F,
) -> Result<(&'static str, Vec<Duration>), BoxError>
where
    F: Future<Output = Result<(), BoxError>>,
{
    let mut took = Vec::new();
    while took.is_empty() || !is_over.load(Ordering::Relaxed) {
        let start = Instant::now();
        call().await?;
        took.push(start.elapsed());
    }
    Ok((name, took))
}

/// Gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, BoxError> {
        let name = format!("purge-{}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
