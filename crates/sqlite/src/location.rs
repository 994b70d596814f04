//! Where the file is, and whether it is still there.

use std::{
    ffi::OsString,
    fs::{self, Metadata},
    io,
    path::{Path, PathBuf},
};

/// Of the disk, and of the file on it.
pub(crate) type FileId = (u64, u64);

/// The one path of a file, whatever link or relative path it was opened by, and what tells it from
/// another file with that path.
#[derive(Debug, Clone)]
pub(crate) struct Location {
    path: PathBuf,
    id: FileId,
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

    /// An error if the path does not lead to the file any more, or to one without its log. Whoever
    /// opened it next would not find what is in it.
    pub(crate) fn check(&self) -> io::Result<()> {
        if !is_still(&self.path, Some(self.id)) {
            return Err(io::Error::other("it was moved away or replaced"));
        }
        // Whoever has had the file open last deletes both.
        if !self.log().exists() && beside(&self.path, "-shm").exists() {
            return Err(io::Error::other(WITHOUT_LOG));
        }
        Ok(())
    }

    /// What tells the log from another one; it stays for as long as anybody has the file open.
    pub(crate) fn log_id(&self) -> Option<FileId> {
        fs::metadata(self.log()).ok().as_ref().map(id)
    }

    /// The same as [`check`](Self::check), for whoever has the file open with this log.
    pub(crate) fn check_with(&self, log: Option<FileId>) -> io::Result<()> {
        self.check()?;
        if !is_still(&self.log(), log) {
            return Err(io::Error::other(WITHOUT_LOG));
        }
        Ok(())
    }

    fn log(&self) -> PathBuf {
        beside(&self.path, "-wal")
    }
}

const WITHOUT_LOG: &str = "its write-ahead log was deleted";

/// Whether a path leads to this file, as far as it can be told.
fn is_still(path: &Path, file: Option<FileId>) -> bool {
    match fs::metadata(path) {
        Ok(found) => Some(id(&found)) == file,
        Err(why) => why.kind() != io::ErrorKind::NotFound,
    }
}

/// The path of a file with so much more at the end of its name.
pub(crate) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    name.into()
}

#[cfg(unix)]
fn id(file: &Metadata) -> FileId {
    use std::os::unix::fs::MetadataExt;
    (file.dev(), file.ino())
}

#[cfg(unix)]
fn names(file: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(file)
}

/// Elsewhere a file that is open cannot be moved.
#[cfg(not(unix))]
fn id(_file: &Metadata) -> FileId {
    (0, 0)
}

#[cfg(not(unix))]
fn names(_file: &Metadata) -> u64 {
    1
}
