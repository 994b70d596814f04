//! Servers that a test or a measurement starts. Whether one is ready its client tells.

mod nats;
#[cfg(unix)]
mod postgres;

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

pub use self::nats::{NatsServer, Sync, nats_version};
#[cfg(unix)]
pub use self::postgres::PostgresServer;

/// The folder of these programs: on PATH, or one of the others.
pub fn find(names: &[&str], others: &[PathBuf]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::env::split_paths(&path).chain(others.iter().cloned());
    folders.find(|folder| names.iter().all(|name| folder.join(name).exists()))
}

/// A port of this machine on which nobody listens.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A folder, gone when this is dropped.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// In a folder that there is.
    pub fn new_in(parent: &Path) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("tower-nylas-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// In that of the system, which every user may enter, and whose path is short: a socket's is
    /// bounded.
    pub fn new_of_system() -> Self {
        Self::new_in(&std::env::temp_dir())
    }

    pub fn folder(&self) -> &Path {
        &self.0
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Of all files in it, sorted.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort_unstable();
        names
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A server may still be ending; temporary folders may be deleted at any time.
        let _ = fs::remove_dir_all(&self.0);
    }
}
