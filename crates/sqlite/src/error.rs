//! Why a file cannot be opened, and why a call fails later.

use std::{error::Error, fmt, io, path::PathBuf};

use rusqlite::ErrorCode;
use tower_nylas::{BoxError, inbox::engine::Failure};

/// A file cannot be used as an inbox. Nothing in it was changed.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The path is that of a directory.
    Directory(PathBuf),
    /// The file is not a SQLite database.
    NotADatabase(PathBuf),
    /// The file is a SQLite database of another application.
    Foreign(PathBuf),
    /// A later version of this crate has changed the file's schema.
    Newer {
        /// The version of the file's schema.
        found: i64,
        /// The latest version that this crate reads.
        known: i64,
    },
    /// The file, its directory or its disk cannot be written.
    ReadOnly(PathBuf),
    /// The disk is full.
    DiskFull(PathBuf),
    /// SQLite does not accept a setting that durability depends on, for instance `journal_mode=wal`
    /// over a network.
    Setting {
        /// The name of the pragma.
        name: &'static str,
        /// The value that it should have.
        wanted: String,
        /// The value that it has.
        found: String,
    },
    /// Anything else, with the path: for instance a file with several names (hard links).
    Other(PathBuf, BoxError),
}

impl OpenError {
    pub(crate) fn of(path: &std::path::Path, why: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match why.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase(path),
            Some(ErrorCode::ReadOnly) => Self::ReadOnly(path),
            Some(ErrorCode::DiskFull) => Self::DiskFull(path),
            _ => Self::Other(path, why.into()),
        }
    }

    pub(crate) fn of_io(path: &std::path::Path, why: io::Error) -> Self {
        let path = path.to_owned();
        match why.kind() {
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
                Self::ReadOnly(path)
            }
            io::ErrorKind::StorageFull => Self::DiskFull(path),
            _ => Self::Other(path, why.into()),
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(path) => {
                write!(
                    f,
                    "{} is a directory: give the path of a file",
                    path.display()
                )
            }
            Self::NotADatabase(path) => {
                write!(f, "{} is not a SQLite database", path.display())
            }
            Self::Foreign(path) => write!(
                f,
                "{} is a SQLite database of another application",
                path.display()
            ),
            Self::Newer { found, known } => write!(
                f,
                "the schema has version {found}, and this program reads versions up to {known}: \
                 a later version of it has used the file"
            ),
            Self::ReadOnly(path) => {
                write!(f, "{} or its directory cannot be written", path.display())
            }
            Self::DiskFull(path) => write!(f, "the disk of {} is full", path.display()),
            Self::Setting {
                name,
                wanted,
                found,
            } => write!(
                f,
                "SQLite's setting {name} is {found}, and has to be {wanted}"
            ),
            Self::Other(path, why) => write!(f, "{} cannot be opened: {why}", path.display()),
        }
    }
}

impl Error for OpenError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Other(_, why) => Some(&**why),
            _ => None,
        }
    }
}

/// Whether the disk had no room for it.
pub(crate) fn is_full(failure: &Failure) -> bool {
    let why = failure.downcast_ref::<rusqlite::Error>();
    why.is_some_and(|why| why.sqlite_error_code() == Some(ErrorCode::DiskFull))
}
