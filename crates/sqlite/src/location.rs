//! Where the file is, and whether it is still there.

use std::{
    fs::{self, Metadata},
    io,
    path::{Path, PathBuf},
};

/// The one path of a file, whatever link or relative path it was opened by, and what tells it from
/// another file with that path.
#[derive(Debug, Clone)]
pub(crate) struct Location {
    path: PathBuf,
    id: Option<(u64, u64)>,
}

impl Location {
    /// Of a file that is there.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let path = fs::canonicalize(path)?;
        let file = fs::metadata(&path)?;
        // SQLite has a log for each name, and one log does not know of the other.
        let names = names(&file);
        if names > 1 {
            let why = format!("it has {names} names (hard links), and may have one");
            return Err(io::Error::other(why));
        }
        Ok(Self {
            path,
            id: id(&file),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// An error if the path does not lead to the file any more: whoever opens it next would not
    /// find what is stored from now on.
    pub(crate) fn check(&self) -> io::Result<()> {
        match fs::metadata(&self.path) {
            Ok(file) if id(&file) == self.id => Ok(()),
            // It cannot be told.
            Err(why) if why.kind() != io::ErrorKind::NotFound => Ok(()),
            _ => Err(io::Error::other("it was moved away or replaced")),
        }
    }
}

#[cfg(unix)]
fn id(file: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((file.dev(), file.ino()))
}

#[cfg(unix)]
fn names(file: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(file)
}

/// Elsewhere a file that is open cannot be moved.
#[cfg(not(unix))]
fn id(_file: &Metadata) -> Option<(u64, u64)> {
    None
}

#[cfg(not(unix))]
fn names(_file: &Metadata) -> u64 {
    1
}
