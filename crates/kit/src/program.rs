//! Programs that a test starts, and what they print.

use std::{
    path::PathBuf,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
    sync::mpsc,
    time::timeout,
};

/// Longer than anything here takes; only a test that hangs ever waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where programs look for their secret. None inherits it from whoever runs the tests.
pub const SECRET_VARIABLE: &str = "NYLAS_WEBHOOK_SECRET";

/// The program of an example. Cargo puts tests into `deps` and examples beside it.
pub fn example_path(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    let profile = test.parent().and_then(|deps| deps.parent());
    let path = profile
        .expect("a test lies two levels down")
        .join("examples")
        .join(name);
    assert!(
        path.exists(),
        "{} is not built: `cargo build --examples` with the features of this test does that",
        path.display()
    );
    path
}

/// A running program. It is killed when this is dropped, as it is when a test fails.
#[derive(Debug)]
pub struct Program {
    path: PathBuf,
    child: Child,
    stdout: mpsc::UnboundedReceiver<String>,
    stderr: Arc<Mutex<String>>,
}

impl Program {
    pub fn start(path: impl Into<PathBuf>, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::start_in(".", path, arguments, variables)
    }

    /// In another folder than the test's own.
    pub fn start_in(
        folder: impl Into<PathBuf>,
        path: impl Into<PathBuf>,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let path = path.into();
        let mut child = Command::new(&path)
            .args(arguments)
            .current_dir(folder.into())
            .env_remove(SECRET_VARIABLE)
            // An example would use a database that is not the test's.
            .env_remove("DATABASE_URL")
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let stdout = child.stdout.take().expect("it is piped");
        let stderr = child.stderr.take().expect("it is piped");
        Self {
            path,
            child,
            stdout: lines_of(stdout),
            stderr: text_of(stderr),
        }
    }

    pub async fn write(&mut self, input: &str) {
        let stdin = self.child.stdin.as_mut().expect("it is piped");
        // A program that reads something else may have ended already.
        let _ = stdin.write_all(input.as_bytes()).await;
    }

    pub async fn next_line(&mut self) -> String {
        let name = self.path.display();
        let Ok(line) = timeout(PATIENCE, self.stdout.recv()).await else {
            panic!("{name} prints nothing more: {}", self.errors());
        };
        line.unwrap_or_else(|| panic!("{name} has ended: {}", self.errors()))
    }

    /// Sends the signal of ctrl-c.
    pub async fn interrupt(&self) {
        self.signal("-INT").await;
    }

    /// Sends the signal with which service managers end a program.
    pub async fn terminate(&self) {
        self.signal("-TERM").await;
    }

    async fn signal(&self, signal: &str) {
        let pid = self.child.id().expect("it runs").to_string();
        let kill = Command::new("kill").args([signal, &pid]).status().await;
        assert!(kill.expect("there is a `kill`").success());
    }

    /// Kills it, which it cannot notice.
    pub async fn kill(mut self) -> Ended {
        self.child.start_kill().expect("it can be killed");
        self.end_without_input().await
    }

    /// Waits until it ends by itself, after its input.
    pub async fn end(mut self) -> Ended {
        drop(self.child.stdin.take());
        self.end_without_input().await
    }

    /// Waits until it ends by itself, while its input stays open, as that of a terminal does.
    pub async fn end_without_input(mut self) -> Ended {
        // To wait for a child closes the input that it has.
        let _open = self.child.stdin.take();
        let Ok(status) = timeout(PATIENCE, self.child.wait()).await else {
            panic!("{} does not end: {}", self.path.display(), self.errors());
        };
        let status = status.expect("its status is known");
        let mut stdout = Vec::new();
        while let Some(line) = self.stdout.recv().await {
            stdout.push(line);
        }
        Ended {
            status,
            stdout,
            stderr: self.errors(),
        }
    }

    fn errors(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }
}

/// How a program ended, and what it has printed since it was last listened to.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: Vec<String>,
    pub stderr: String,
}

impl Ended {
    pub fn last_line(&self) -> &str {
        self.stdout.last().map_or("", String::as_str)
    }
}

/// Reads all the time, since a program whose output nobody reads stands still in the end.
fn lines_of(output: impl AsyncRead + Send + Unpin + 'static) -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut lines = BufReader::new(output).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let _ = sender.send(line);
        }
    });
    receiver
}

fn text_of(mut output: impl AsyncRead + Send + Unpin + 'static) -> Arc<Mutex<String>> {
    let text = Arc::<Mutex<String>>::default();
    let all = text.clone();
    tokio::spawn(async move {
        let mut piece = [0; 4096];
        while let Ok(length @ 1..) = output.read(&mut piece).await {
            let piece = String::from_utf8_lossy(&piece[..length]);
            all.lock().unwrap().push_str(&piece);
        }
    });
    text
}
