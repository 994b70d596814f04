//! Servers of PostgreSQL.

use std::{
    fs,
    os::unix::{fs::MetadataExt, fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use super::{Scratch, find, free_port};

/// A server with a superuser `tester`, which is killed when this is dropped.
#[derive(Debug)]
pub struct PostgresServer {
    port: u16,
    user: Option<(u32, u32)>,
    settings: Vec<String>,
    child: Option<Child>,
    /// Dropped when the server has ended.
    scratch: Scratch,
}

impl PostgresServer {
    /// Whether there are its programs, also where Debian has them.
    pub fn can_start() -> bool {
        binaries().is_some()
    }

    /// With these settings, each `name=value`.
    pub fn start(settings: &[&str]) -> Self {
        Self::start_with(settings, |_, _| {})
    }

    /// And with files in its folder, each of which `own` gives to its user.
    pub fn start_with(settings: &[&str], add_files: impl FnOnce(&Path, &dyn Fn(&Path))) -> Self {
        let scratch = Scratch::new_of_system();
        let user = other_user();
        let own = |path: &Path| {
            if let Some((user, group)) = user {
                chown(path, Some(user), Some(group)).unwrap();
            }
        };
        own(scratch.folder());
        add_files(scratch.folder(), &own);
        let mut server = Self {
            port: free_port(),
            user,
            settings: settings.iter().map(|&setting| setting.to_owned()).collect(),
            child: None,
            scratch,
        };
        let data = server.scratch.path("data");
        let data = data.to_str().unwrap();
        let initialized = server
            .command("initdb")
            .args(["-D", data, "-U", "tester", "--auth=trust", "--no-sync"])
            .args(["--encoding=UTF8", "--locale=C"])
            .stdout(Stdio::null())
            .status();
        assert!(initialized.unwrap().success());
        server.restart();
        server
    }

    pub fn url(&self) -> String {
        format!("postgres://tester@127.0.0.1:{}/postgres", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn folder(&self) -> &Path {
        self.scratch.folder()
    }

    /// Lets a program run as the user of the server.
    pub fn run_as_user(&self, command: &mut Command) {
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(binaries().expect("it was looked for").join(name));
        command.current_dir(self.folder()).stdin(Stdio::null());
        self.run_as_user(&mut command);
        command
    }

    /// Starts it again with the same data and port.
    pub fn restart(&mut self) {
        let mut command = self.command("postgres");
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.scratch.path("log"))
            .unwrap();
        command
            .arg("-D")
            .arg(self.scratch.path("data"))
            .args(["-p", &self.port.to_string(), "-h", "127.0.0.1", "-k"])
            .arg(self.folder())
            .stdout(Stdio::null())
            .stderr(log);
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        self.child = Some(command.spawn().unwrap());
    }

    /// Kills every process of it, which none can notice: the first one first, or it would start
    /// others.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = Command::new("kill")
                .args(["-KILL", &child.id().to_string()])
                .args(children_of(child.id()))
                // Some may have ended in between.
                .stderr(Stdio::null())
                .status();
            let _ = child.wait();
        }
    }

    /// Whether it has ended by itself, as it does while processes of its predecessor are ending.
    pub fn has_ended(&mut self) -> bool {
        let child = self.child.as_mut();
        child.is_some_and(|child| matches!(child.try_wait(), Ok(Some(_))))
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The folder of `postgres` and `initdb`.
fn binaries() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let folders = versions.flatten().map(|version| version.path().join("bin"));
    find(&["initdb", "postgres"], &folders.collect::<Vec<_>>())
}

/// Each connection has a process, in a group of its own.
fn children_of(parent: u32) -> Vec<String> {
    let is_child = |name: &String| {
        let stat = fs::read_to_string(format!("/proc/{name}/stat")).unwrap_or_default();
        // Behind the name, which can contain anything: the state, and the parent.
        let behind = stat.rsplit_once(')').map_or("", |(_, behind)| behind);
        behind.split_whitespace().nth(1) == Some(&*parent.to_string())
    };
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let numbers = names.filter(|name| name.parse::<u32>().is_ok());
    numbers.filter(is_child).collect()
}

/// PostgreSQL does not run as root.
fn other_user() -> Option<(u32, u32)> {
    let is_root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    if !is_root {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").ok()?;
    ["postgres", "nobody"].into_iter().find_map(|name| {
        let mut lines = users
            .lines()
            .map(|line| line.split(':').collect::<Vec<_>>());
        let user = lines.find(|user| user.first() == Some(&name))?;
        Some((user.get(2)?.parse().ok()?, user.get(3)?.parse().ok()?))
    })
}
