//! The scene, in which the receiver is killed.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    sync::mpsc,
    time::{Instant, sleep},
};
use tower_nylas::BoxError;

use crate::sender::{Sender, id};

const SECRET: &str = "an-invented-secret";

/// The first ones are interrupted by a kill, the others by SIGTERM.
const NOTIFICATIONS: u32 = 2000;
const KILL_AFTER: usize = 400;
const END_AFTER: usize = 1000;

/// How long all of them may take to be handled.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether everything that was accepted was handled.
pub(crate) async fn play() -> Result<bool, BoxError> {
    let folder = Folder::new()?;
    let sender = Sender::new(SECRET)?;
    let handled = Handled::default();
    let mut account = Account::default();
    let mut open: Vec<u32> = (0..NOTIFICATIONS).collect();
    account.note("sent", open.len());

    let receiver = Receiver::start(&folder.0, &handled).await?;
    let (address, killed) = receiver.end_after(KILL_AFTER, Receiver::kill);
    let accepted = sender.send(address, open.clone(), killed.tell).await?;
    killed.end.await??;
    account.note("answered 200, until the kill", accepted.len());
    account.note("handled until then", handled.count());
    open.retain(|number| !accepted.contains(number));
    let mut expected = accepted;

    let receiver = Receiver::start(&folder.0, &handled).await?;
    let (address, ended) = receiver.end_after(END_AFTER, Receiver::terminate);
    account.note("sent again to the next process", open.len());
    let accepted = sender.send(address, open.clone(), ended.tell).await?;
    ended.end.await??;
    account.note("answered 200, until SIGTERM", accepted.len());
    open.retain(|number| !accepted.contains(number));
    expected.extend(accepted);

    let receiver = Receiver::start(&folder.0, &handled).await?;
    account.note("sent again to the last process", open.len());
    let accepted = sender.send(receiver.address, open, |_| {}).await?;
    account.note("answered 200", accepted.len());
    expected.extend(accepted);
    let end = Instant::now() + PATIENCE;
    while handled.count() < expected.len() && Instant::now() < end {
        sleep(Duration::from_millis(20)).await;
    }
    receiver.terminate().await?;

    let missing = expected
        .iter()
        .filter(|number| handled.of(**number) == 0)
        .count();
    account.note("handled", handled.count());
    account.note(
        "handled twice, since the kill came in between",
        handled.twice(),
    );
    account.note("answered 200 and not handled", missing);
    account.print();
    println!(
        "\n{} of {} accepted notifications handled",
        expected.len() - missing,
        expected.len()
    );
    Ok(missing == 0 && expected.len() == NOTIFICATIONS as usize)
}

/// The receiver as a process.
struct Receiver {
    child: Child,
    address: SocketAddr,
}

/// The end of a receiver that is to come.
struct End<T> {
    tell: T,
    end: tokio::task::JoinHandle<Result<(), BoxError>>,
}

impl Receiver {
    async fn start(folder: &Path, handled: &Handled) -> Result<Self, BoxError> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--listen", "127.0.0.1:0", "--data"])
            .arg(folder)
            .env("NYLAS_WEBHOOK_SECRET", SECRET)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let output = child.stdout.take().ok_or("its output is not there")?;
        let mut lines = BufReader::new(output).lines();
        let first = lines.next_line().await?.ok_or("the receiver has ended")?;
        let address = first.strip_prefix("listening on http://");
        let address = address.and_then(|rest| rest.strip_suffix("/webhooks/nylas"));
        let address = address.ok_or("the receiver does not listen")?.parse()?;
        let handled = handled.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                handled.note(&line);
            }
        });
        Ok(Self { child, address })
    }

    /// Ends it once so many were accepted, in the middle of others.
    fn end_after<F>(
        self,
        accepted: usize,
        end: impl FnOnce(Self) -> F + Send + 'static,
    ) -> (SocketAddr, End<impl Fn(usize) + Send + Sync + 'static>)
    where
        F: Future<Output = Result<(), BoxError>> + Send,
    {
        let address = self.address;
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let tell = move |count| {
            if count == accepted {
                let _ = sender.send(());
            }
        };
        let end = tokio::spawn(async move {
            receiver.recv().await.ok_or("it accepts too few")?;
            end(self).await
        });
        (address, End { tell, end })
    }

    async fn kill(mut self) -> Result<(), BoxError> {
        Ok(self.child.kill().await?)
    }

    async fn terminate(mut self) -> Result<(), BoxError> {
        let id = self.child.id().ok_or("the receiver has ended")?.to_string();
        Command::new("kill").args(["-TERM", &id]).status().await?;
        let status = self.child.wait().await?;
        if status.success() {
            return Ok(());
        }
        Err(format!("the receiver ended with {status}").into())
    }
}

/// How often each notification was handled.
#[derive(Clone, Default)]
struct Handled(Arc<Mutex<BTreeMap<String, usize>>>);

impl Handled {
    fn note(&self, line: &str) {
        if let Some(id) = line.strip_prefix("handled ") {
            *self.times().entry(id.to_owned()).or_default() += 1;
        }
    }

    fn count(&self) -> usize {
        self.times().len()
    }

    fn twice(&self) -> usize {
        self.times().values().filter(|times| **times > 1).count()
    }

    fn of(&self, number: u32) -> usize {
        self.times().get(&id(number)).copied().unwrap_or(0)
    }

    fn times(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Default)]
struct Account(Vec<(&'static str, usize)>);

impl Account {
    fn note(&mut self, what: &'static str, count: usize) {
        self.0.push((what, count));
    }

    fn print(&self) {
        let width = self.0.iter().map(|(what, _)| what.len()).max().unwrap_or(0);
        for (what, count) in &self.0 {
            println!("{what:width$}  {count:>6}");
        }
    }
}

/// Gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, BoxError> {
        let path = std::env::temp_dir().join(format!("durable-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
