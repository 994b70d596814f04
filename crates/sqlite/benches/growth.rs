//! What an inbox takes after many entries, and how long pruning holds the writer up.
//!
//! ```text
//! cargo bench -p tower-nylas-sqlite --bench growth
//! ```
//!
//! appends, claims and settles a million entries of 2 KB (`-- --entries N` another number), in a
//! window of a tenth of that, and shows file, write-ahead log and memory after each tenth. Time is
//! virtual, so a tenth passes in 72 hours. Then it prunes as many keys as the window has at once,
//! and measures meanwhile how long a call waits. At last it fills a small inbox until it is full,
//! makes room, and goes on.

use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;
use tower_nylas::{
    BoxError,
    inbox::{AppendError, Entry, Inbox, Settlement},
    testing::{self, VirtualClock},
};
use tower_nylas_kit::delivery::notification_of;
use tower_nylas_sqlite::SqliteInbox;

const SIZE: usize = 2_000;

/// How many are appended before they are handled.
const AT_A_TIME: u64 = 2000;

/// After how many bytes of the file more than after the third tenth it has no plateau.
const PLATEAU: f64 = 1.1;

const HOURS: u64 = 60 * 60;

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
        eprintln!("usage: growth [--entries N]");
        return ExitCode::from(2);
    };
    match run(entries).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("growth: {why}");
            ExitCode::from(2)
        }
    }
}

async fn run(entries: u64) -> Result<bool, BoxError> {
    let folder = Folder::new()?;
    let (file, clock) = (folder.0.join("inbox.db"), VirtualClock::new());
    let inbox = SqliteInbox::builder()
        .clock(clock.clone())
        .open(&file)
        .await?;
    println!(
        "{:>10} {:>10} {:>10} {:>12}",
        "handled", "file MiB", "log MiB", "memory MiB"
    );
    let mut sizes = Vec::new();
    for tenth in 1..=10 {
        handle(&inbox, entries / 10 * (tenth - 1)..entries / 10 * tenth).await?;
        clock.advance(Duration::from_secs(72 * HOURS));
        // The keys of the tenth before go.
        longest_call_while_pruning(&inbox).await?;
        let size = print_sizes(entries / 10 * tenth, &file);
        sizes.push(size);
    }
    handle(&inbox, entries..entries + entries / 10).await?;
    clock.advance(Duration::from_secs(100 * HOURS));
    let longest = longest_call_while_pruning(&inbox).await?;
    inbox.close().await;

    #[allow(clippy::cast_precision_loss)]
    let growth = sizes[9] as f64 / sizes[2] as f64;
    let (stored, again) = fill_and_empty(&folder.0.join("small.db")).await?;
    println!(
        "\nthe file after the last tenth: {growth:.2} × that after the third, at most {PLATEAU}"
    );
    println!("the longest call while keys are pruned: {longest:.1?}, at most 20 ms");
    println!("a full inbox of 64 MiB: {stored} entries, and {again} more after those were handled");
    Ok(growth <= PLATEAU && longest <= Duration::from_millis(20) && again >= stored / 2)
}

/// Appends these entries and handles them, some at a time: what waits is not what grows.
async fn handle(inbox: &SqliteInbox, numbers: Range<u64>) -> Result<(), BoxError> {
    let mut start = numbers.start;
    while start < numbers.end {
        let end = numbers.end.min(start + AT_A_TIME);
        let mut appending = JoinSet::new();
        for number in start..end {
            let inbox = inbox.clone();
            appending.spawn(async move { inbox.append(entry(number)).await });
        }
        let appended: Result<Vec<_>, _> = appending.join_all().await.into_iter().collect();
        appended?;
        settle_all(inbox).await?;
        start = end;
    }
    Ok(())
}

async fn settle_all(inbox: &SqliteInbox) -> Result<(), BoxError> {
    loop {
        let claims = inbox.claim(256, Duration::ZERO).await?;
        if claims.is_empty() {
            return Ok(());
        }
        let mut settling = JoinSet::new();
        for claim in claims {
            let inbox = inbox.clone();
            settling.spawn(async move { inbox.settle(&claim.receipt, Settlement::Done).await });
        }
        let settled: Result<(), _> = settling.join_all().await.into_iter().collect();
        settled?;
    }
}

/// A call waits for the transaction that is under way, so for a part of what is pruned.
async fn longest_call_while_pruning(inbox: &SqliteInbox) -> Result<Duration, BoxError> {
    let (mut longest, mut quick) = (Duration::ZERO, 0);
    // Nothing is left to be pruned when the calls are quick.
    while quick < 1000 {
        let start = Instant::now();
        inbox.claim(0, Duration::ZERO).await?;
        longest = longest.max(start.elapsed());
        quick = if start.elapsed() < Duration::from_micros(200) {
            quick + 1
        } else {
            0
        };
    }
    Ok(longest)
}

async fn fill_and_empty(file: &Path) -> Result<(u64, u64), BoxError> {
    let inbox = SqliteInbox::builder()
        .max_bytes(64 << 20)
        .open(file)
        .await?;
    let mut stored = [0, 0];
    let mut number = 0;
    for round in &mut stored {
        loop {
            match inbox.append(entry(number)).await {
                Ok(_) => (*round, number) = (*round + 1, number + 1),
                Err(AppendError::Full) => break,
                Err(why) => return Err(why.into()),
            }
        }
        settle_all(&inbox).await?;
    }
    inbox.close().await;
    Ok((stored[0], stored[1]))
}

fn entry(number: u64) -> Entry {
    let body = notification_of("message.created", &format!("n-{number}"), 1, SIZE);
    Entry::new(&testing::verified(body), Duration::from_secs(1))
}

/// Prints a row, and returns the size of the file.
fn print_sizes(handled: u64, file: &Path) -> u64 {
    let size = |path: PathBuf| fs::metadata(path).map_or(0, |file| file.len());
    let (data, log) = (size(file.to_owned()), size(file.with_extension("db-wal")));
    let memory = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let memory = memory.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let memory: Option<u64> = memory.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
    let memory = memory.map_or("?".to_owned(), |kib| (kib / 1024).to_string());
    println!(
        "{handled:>10} {:>10} {:>10} {memory:>12}",
        data >> 20,
        log >> 20
    );
    data
}

/// Gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, BoxError> {
        let name = format!("growth-{}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
