//! A receiver as a process, with a folder of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::process::Command;
use tower_nylas_kit::inbox::load::{Error, Receiver};

use crate::server::{FILE, Kind};

/// Who receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Ours(Kind),
    /// Express, which answers before it stores.
    AnswersFirst,
    /// Express, which stores each request in a transaction of its own before it answers.
    StoresFirst,
}

impl Who {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours(Kind::Memory) => "memory inbox",
            Self::Ours(Kind::Sqlite) => "SQLite inbox",
            Self::Ours(Kind::Worker) => "SQLite inbox, worker draining",
            Self::Ours(Kind::Transaction) => "a transaction a request",
            Self::AnswersFirst => "Express, answers before it stores",
            Self::StoresFirst => "Express, a transaction a request",
        }
    }
}

/// The process, and its folder.
pub(crate) struct Receiving {
    pub(crate) receiver: Receiver,
    _folder: Folder,
}

/// Gone at its end.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(data: &Path) -> Result<Self, Error> {
        let path = data.join(format!("load-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Receiving {
    /// With syncs that take so many milliseconds longer.
    pub(crate) async fn start(who: Who, folder: Folder, slower: u32) -> Result<Self, Error> {
        let command = match who {
            Who::Ours(kind) => {
                let mut command = traced(std::env::current_exe()?, slower);
                command.args(["serve", kind.name()]).arg(&folder.0);
                command
            }
            Who::AnswersFirst | Who::StoresFirst => {
                let is_first = who == Who::AnswersFirst;
                let order = if is_first {
                    "answers-first"
                } else {
                    "stores-first"
                };
                let mut command = traced("node".into(), slower);
                command.arg(express().join("server.js"));
                command.env("ORDER", order).env("FILE", folder.0.join(FILE));
                command
            }
        };
        Ok(Self {
            receiver: Receiver::start(command).await?,
            _folder: folder,
        })
    }
}

fn traced(program: PathBuf, slower: u32) -> Command {
    if slower == 0 {
        return Command::new(program);
    }
    let mut command = Command::new("strace");
    let delay = format!("inject=fsync,fdatasync:delay_enter={}", slower * 1000);
    let calls = ["-D", "-f", "--seccomp-bpf", "-e", "trace=fsync,fdatasync"];
    command
        .args(calls)
        .args(["-e", &delay, "-o", "/dev/null"])
        .arg(program);
    command
}

pub(crate) fn has_strace() -> bool {
    let strace = std::process::Command::new("strace")
        .args(["-o", "/dev/null", "true"])
        .status();
    strace.is_ok_and(|status| status.success())
}

/// What is missing for Express; `None` if it can take part.
pub(crate) fn missing_for_express() -> Option<&'static str> {
    let node = std::process::Command::new("node")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    if !node.is_ok_and(|status| status.success()) {
        return Some("node is not installed");
    }
    let is_installed = express().join("node_modules/better-sqlite3").is_dir();
    (!is_installed).then_some("`npm install` was not run in benches/load/express")
}

fn express() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/load/express")
}
