//! Starts the server and the attackers as processes, delivers genuine notifications meanwhile, and
//! watches.

use std::{
    io,
    net::SocketAddr,
    process::Stdio,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::{sleep, timeout},
};

use crate::delivery::SECRET;

use super::{
    genuine::Sender,
    options::Options,
    report::{Report, mebibytes},
    roles,
    sample::Sample,
};

/// How many genuine deliveries are under way at most.
pub(super) const LANES: u32 = 16;

/// After the attack: longer than any deadline of the layer and of the server.
const UNTIL_QUIET: Duration = Duration::from_secs(20);

/// The allocator of glibc learns from the first large buffers that are freed to take the next ones
/// from a heap that it does not give back, and keeps twice what is in use. With a fixed threshold
/// it does not. Whoever sets the variable himself sees the difference.
const ALLOCATOR: (&str, &str) = ("MALLOC_MMAP_THRESHOLD_", "131072");

/// Longer than a process may take to answer or to end, however busy the machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) async fn play(options: &Options) -> io::Result<Report> {
    let mut server = Process::start("server", None, options)?;
    let address = server.next_line().await?;
    let address: SocketAddr = address.parse().map_err(io::Error::other)?;
    let before = server.sample().await?;

    let sender = Sender::new(address, SECRET)?;
    let mut attackers = Process::start("attack", Some(address), options)?;
    let delivering = sender.clone();
    let (genuine, time) = (options.genuine, options.time);
    let genuine = tokio::spawn(async move { delivering.run(genuine, LANES, time).await });
    let most_held = watch(&mut server, &sender, options.time).await?;

    let mut attacks = Vec::new();
    while let Some(line) = attackers.next_line_if_any().await? {
        attacks.extend(roles::parse(&line));
    }
    attackers.end().await?;
    genuine.await?;

    let quiet = Instant::now();
    let mut after = server.sample().await?;
    while !after.is_back_to(&before) && quiet.elapsed() < UNTIL_QUIET {
        sleep(Duration::from_millis(250)).await;
        after = server.sample().await?;
    }
    server.end().await?;
    let record = std::mem::take(&mut *sender.record());
    Ok(Report {
        options: options.clone(),
        before,
        after,
        most_held,
        attacks,
        genuine: record,
    })
}

/// Prints a line every two seconds, and returns the most that the layer has held.
async fn watch(server: &mut Process, sender: &Sender, time: Duration) -> io::Result<u64> {
    let start = Instant::now();
    let mut most_held = 0;
    let mut told = Duration::ZERO;
    while start.elapsed() < time {
        sleep(Duration::from_millis(100)).await;
        let sample = server.sample().await?;
        most_held = most_held.max(sample.held);
        if start.elapsed() >= told + Duration::from_secs(2) {
            told = start.elapsed();
            let record = sender.record();
            println!(
                "{:4} s  genuine: {:5} in, {:3} repeated, {} lost   server: {:>9} resident, {:>9} held, {:5} connections",
                told.as_secs(),
                record.at_once + record.retried,
                record.retried,
                record.lost,
                sample
                    .resident
                    .map_or_else(|| "unknown".to_owned(), |kib| mebibytes(kib * 1024)),
                mebibytes(sample.held),
                sample.open,
            );
        }
    }
    Ok(most_held)
}

/// This program in another role. It is killed when this is dropped.
struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
}

impl Process {
    fn start(role: &str, address: Option<SocketAddr>, options: &Options) -> io::Result<Self> {
        let itself = std::env::current_exe()?;
        // Attackers sit at other machines. Here they share the cores with everybody, and yield.
        let mut command = if role == "attack" && cfg!(unix) {
            let mut command = Command::new("nice");
            command.args(["-n", "4"]).arg(itself);
            command
        } else {
            Command::new(itself)
        };
        let (name, threshold) = ALLOCATOR;
        let mut child = command
            .env(
                name,
                std::env::var_os(name).unwrap_or_else(|| threshold.into()),
            )
            .arg(role)
            .args(address.map(|address| address.to_string()))
            .args(options.arguments())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Self {
            input: child.stdin.take(),
            output: BufReader::new(output).lines(),
            child,
        })
    }

    async fn next_line_if_any(&mut self) -> io::Result<Option<String>> {
        timeout(PATIENCE, self.output.next_line()).await?
    }

    async fn next_line(&mut self) -> io::Result<String> {
        let line = self.next_line_if_any().await?;
        line.ok_or_else(|| io::Error::other("a process ended early"))
    }

    async fn sample(&mut self) -> io::Result<Sample> {
        let input = self.input.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        input.write_all(b"\n").await?;
        let line = self.next_line().await?;
        Sample::parse(&line).ok_or_else(|| io::Error::other("the server tells nonsense"))
    }

    async fn end(mut self) -> io::Result<()> {
        drop(self.input.take());
        let status = timeout(PATIENCE, self.child.wait()).await??;
        if status.success() {
            Ok(())
        } else {
            Err(io::Error::other(format!("a process ended with {status}")))
        }
    }
}
