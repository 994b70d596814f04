//! The example `durable` as a process that ends in every way, under load: what was answered `200`
//! is handled.
//!
//! ```text
//! KILLS=100 cargo test --release -p tower-nylas-sqlite --test crash killed
//! ```
//!
//! kills more often than the ten times of a usual run. `cargo test` builds the example beside the
//! tests, but `cargo test --test crash` alone does not: then `cargo build --example durable` goes
//! first. The test that counts syncs needs strace, and is reported as ignored without it.

// Processes are ended with signals.
#![cfg(unix)]

mod load;

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::Runtime;
use tower_nylas_kit::{
    delivery::SECRET,
    program::{Ended, Program, SECRET_VARIABLE, example_path},
};

use self::load::Load;

/// What the example handles at a time, and so what can be unsettled at a kill.
const CONCURRENCY: usize = 16;

fn main() {
    let mut arguments = Arguments::from_args();
    // Each test has the machine to itself.
    arguments.test_threads.get_or_insert(1);
    let may_trace = may_trace();
    let traced = |trial: Trial| {
        let kind = if may_trace { "" } else { "no strace" };
        trial.with_kind(kind).with_ignored_flag(!may_trace)
    };
    let trials = vec![
        trial("the_example_plays_its_scene", scene),
        trial("the_example_needs_a_secret", without_secret),
        trial("killed_at_random_moments", killed_at_random_moments),
        trial("ended_by_sigterm_under_load", ended_by_sigterm_under_load),
        trial("two_processes_while_one_replaces_the_other", replaced),
        traced(trial("one_sync_for_each_of_100_requests", synced)),
        traced(trial("a_sync_that_fails_refuses_its_batch_alone", unsynced)),
    ];
    libtest_mimic::run(&arguments, trials).exit();
}

fn trial<F>(name: &str, test: impl FnOnce() -> F + Send + 'static) -> Trial
where
    F: Future<Output = Result<(), Failed>>,
{
    Trial::test(name, move || Runtime::new()?.block_on(test()))
}

async fn scene() -> Result<(), Failed> {
    let ended = Program::start(example_path("durable"), &[], &[])
        .end()
        .await;
    if ended.status.success() && ended.last_line() == "2000 of 2000 accepted notifications handled"
    {
        return Ok(());
    }
    Err(format!("{ended:?}").into())
}

async fn without_secret() -> Result<(), Failed> {
    let folder = Folder::new("secret");
    let program = Program::start(example_path("durable"), &folder.arguments(), &[]);
    let ended = program.end_without_input().await;
    if !ended.status.success() && ended.stderr.contains(SECRET_VARIABLE) {
        return Ok(());
    }
    Err(format!("{ended:?}").into())
}

async fn killed_at_random_moments() -> Result<(), Failed> {
    let kills = std::env::var("KILLS").map_or(Ok(10), |kills| kills.parse::<usize>())?;
    let folder = Folder::new("killed");
    let mut random = Random::new();
    let (mut receiver, load) = start_with_load(&folder).await;
    let mut account = Account::default();
    for _ in 0..kills {
        load.wait_for_more(random.up_to(400)).await;
        account.note(&receiver.kill().await);
        receiver = Receiver::start(&folder).await;
        load.send_to(&[receiver.address]);
    }
    let accepted = load.end().await;
    account.finish(receiver, &accepted).await?;
    let again = account.again();
    println!(
        "{kills} kills, seed {}: {} answered 200, {} handled again",
        random.seed,
        accepted.len(),
        again.iter().sum::<usize>()
    );
    // Those that were not settled at a kill: no more than are handled at a time.
    if again.iter().any(|again| *again > CONCURRENCY) || again[kills] > 0 {
        return Err(format!("handled again, by process: {again:?}").into());
    }
    Ok(())
}

async fn ended_by_sigterm_under_load() -> Result<(), Failed> {
    let folder = Folder::new("ended");
    let mut random = Random::new();
    let (mut receiver, load) = start_with_load(&folder).await;
    let mut account = Account::default();
    for _ in 0..3 {
        load.wait_for_more(random.up_to(400)).await;
        account.note_success(&receiver.terminate().await)?;
        receiver = Receiver::start(&folder).await;
        load.send_to(&[receiver.address]);
    }
    load.wait_for_more(100).await;
    let accepted = load.end().await;
    account.finish(receiver, &accepted).await?;
    account.is_once()
}

async fn replaced() -> Result<(), Failed> {
    let folder = Folder::new("replaced");
    let (mut old, load) = start_with_load(&folder).await;
    let mut account = Account::default();
    for _ in 0..3 {
        load.wait_for_more(200).await;
        let new = Receiver::start(&folder).await;
        load.send_to(&[old.address, new.address]);
        load.wait_for_more(400).await;
        load.send_to(&[new.address]);
        account.note_success(&old.terminate().await)?;
        old = new;
    }
    load.wait_for_more(100).await;
    let accepted = load.end().await;
    account.finish(old, &accepted).await?;
    account.is_once()
}

async fn synced() -> Result<(), Failed> {
    let without = syncs(0).await?;
    let with = syncs(100).await?;
    if with < without + 100 {
        return Err(format!("{with} syncs with 100 requests, {without} without").into());
    }
    Ok(())
}

/// What was not synced was not answered `200`, and what comes later is stored as before.
async fn unsynced() -> Result<(), Failed> {
    let folder = Folder::new("unsynced");
    let log = folder.0.join("strace.log");
    let log_name = log.to_str().ok_or("no UTF-8")?;
    let fault = "inject=fsync,fdatasync:error=EIO:when=30+40";
    let calls = "trace=fsync,fdatasync,ftruncate,write,pwrite64";
    let tracer = ["-D", "-f", "-y", "-e", calls, "-e", fault, "-o", log_name];
    let receiver = Receiver::start_under("strace", &tracer, &folder).await;
    let load = Load::start(receiver.address);
    load.wait_for_more(2000).await;
    let refused = load.refused();
    let accepted = load.end().await;
    let mut account = Account::default();
    account.finish(receiver, &accepted).await?;
    let log = fs::read_to_string(log)?;
    let faults = log.matches("(INJECTED)").count();
    println!(
        "{faults} failed syncs: {refused} refused, {} accepted",
        accepted.len()
    );
    if faults == 0 || refused == 0 {
        return Err("nothing was refused".into());
    }
    begins_anew(&log)?;
    account.is_once()
}

/// After a sync that failed, what the log has may never reach the disk, and nothing behind it would
/// be read after a power cut: so the thread that writes cuts it first.
fn begins_anew(calls: &str) -> Result<(), Failed> {
    let mut last = HashMap::new();
    let mut failed = HashSet::new();
    for line in calls.lines() {
        let (thread, call) = line.split_once(' ').ok_or("no thread")?;
        let call = call.trim_start();
        // Another thread's call may come between a call and its result.
        if !call.starts_with("<...") {
            last.insert(thread, call);
        }
        let name = last.get(thread).copied().unwrap_or(call);
        if !name.contains("inbox.db-wal>") {
            continue;
        }
        if call.contains("(INJECTED)") {
            failed.insert(thread);
        } else if name.starts_with("ftruncate") {
            failed.remove(thread);
        } else if failed.contains(thread) && !name.contains("sync(") {
            return Err(format!("written behind what was not synced: {line}").into());
        }
    }
    Ok(())
}

/// How often a receiver syncs that gets so many requests, one after the other.
async fn syncs(requests: usize) -> Result<usize, Failed> {
    let folder = Folder::new(&format!("synced-{requests}"));
    let log = folder.0.join("strace.log");
    let log_name = log.to_str().ok_or("no UTF-8")?;
    // With -D the receiver is the process that is started, so that signals go to it.
    let tracer = ["-D", "-f", "-e", "trace=fsync,fdatasync", "-o", log_name];
    let receiver = Receiver::start_under("strace", &tracer, &folder).await;
    let accepted = load::send_one_by_one(receiver.address, requests).await;
    let ended = receiver.terminate().await;
    if accepted != requests || !ended.status.success() {
        return Err(format!("{accepted} of {requests} accepted: {ended:?}").into());
    }
    let calls = fs::read_to_string(log)?;
    let is_call = |line: &&str| line.contains("sync(");
    Ok(calls.lines().filter(is_call).count())
}

/// Whether strace is installed, and may trace.
fn may_trace() -> bool {
    let mut strace = Command::new("strace");
    let strace = strace.args(["-o", "/dev/null", "true"]);
    let ended = strace.stdout(Stdio::null()).stderr(Stdio::null()).status();
    ended.is_ok_and(|status| status.success())
}

async fn start_with_load(folder: &Folder) -> (Receiver, Load) {
    let receiver = Receiver::start(folder).await;
    let load = Load::start(receiver.address);
    (receiver, load)
}

struct Receiver {
    program: Program,
    address: std::net::SocketAddr,
}

impl Receiver {
    async fn start(folder: &Folder) -> Self {
        Self::of(Program::start(
            example_path("durable"),
            &folder.arguments(),
            &[(SECRET_VARIABLE, SECRET)],
        ))
        .await
    }

    async fn start_under(tracer: &str, arguments: &[&str], folder: &Folder) -> Self {
        let example = example_path("durable");
        let mut all = arguments.to_vec();
        all.push(example.to_str().expect("it is UTF-8"));
        all.extend(folder.arguments());
        Self::of(Program::start(tracer, &all, &[(SECRET_VARIABLE, SECRET)])).await
    }

    async fn of(mut program: Program) -> Self {
        let line = program.next_line().await;
        let address = line.strip_prefix("listening on http://");
        let address = address.and_then(|rest| rest.strip_suffix("/webhooks/nylas"));
        let address = address.unwrap_or_else(|| panic!("{line}")).parse().unwrap();
        Self { program, address }
    }

    async fn kill(self) -> Ended {
        self.program.kill().await
    }

    async fn terminate(self) -> Ended {
        self.program.terminate().await;
        self.program.end_without_input().await
    }
}

/// By which processes each notification was handled, the first one being 0.
#[derive(Default)]
struct Account {
    handled: HashMap<String, Vec<usize>>,
    process: usize,
}

impl Account {
    fn note(&mut self, ended: &Ended) {
        for line in &ended.stdout {
            self.note_line(line);
        }
        self.process += 1;
    }

    fn note_success(&mut self, ended: &Ended) -> Result<(), Failed> {
        self.note(ended);
        if ended.status.success() {
            return Ok(());
        }
        Err(format!("it ended with {}: {}", ended.status, ended.stderr).into())
    }

    fn note_line(&mut self, line: &str) {
        let id = line
            .strip_prefix("handled ")
            .unwrap_or_else(|| panic!("{line}"));
        self.handled
            .entry(id.to_owned())
            .or_default()
            .push(self.process);
    }

    /// Waits until the last receiver has handled everything that was accepted, and ends it.
    async fn finish(&mut self, mut receiver: Receiver, accepted: &[String]) -> Result<(), Failed> {
        while accepted.iter().any(|id| !self.handled.contains_key(id)) {
            let line = receiver.program.next_line().await;
            self.note_line(&line);
        }
        self.note_success(&receiver.terminate().await)
    }

    /// How many of each process were handled again later.
    fn again(&self) -> Vec<usize> {
        let mut again = vec![0; self.process];
        for processes in self.handled.values() {
            for process in &processes[..processes.len() - 1] {
                again[*process] += 1;
            }
        }
        again
    }

    fn is_once(&self) -> Result<(), Failed> {
        if self.handled.values().all(|processes| processes.len() == 1) {
            return Ok(());
        }
        Err(format!("handled again, by process: {:?}", self.again()).into())
    }
}

/// Moments that differ each time. Those of a run that has failed come again with its `SEED`.
struct Random {
    seed: u64,
    state: u64,
}

impl Random {
    fn new() -> Self {
        let now = std::time::SystemTime::UNIX_EPOCH
            .elapsed()
            .unwrap_or_default();
        let seed = std::env::var("SEED")
            .ok()
            .and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or(u64::from(now.subsec_nanos()));
        Self {
            seed,
            state: seed | 1 << 40,
        }
    }

    /// From 1 on.
    fn up_to(&mut self, most: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state % most as u64).expect("it is small") + 1
    }
}

/// The data of one test, gone at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("{name}-{}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn arguments(&self) -> [&str; 4] {
        let data = self.0.to_str().expect("it is UTF-8");
        ["--listen", "127.0.0.1:0", "--data", data]
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
