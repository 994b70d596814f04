//! Whether another process has the file open.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::Path,
};

use crate::location::beside;

/// A shared lock of a file beside the database, held as long as it is open. SQLite's own locks
/// come and go with every transaction.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    is_alone: bool,
}

impl Lock {
    /// Takes the lock, for this process alone if no other one holds it.
    pub(crate) fn acquire(database: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.create(true).truncate(false).write(true);
        let file = file.open(beside(database, "-lock"))?;
        let is_alone = match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => {
                file.lock_shared()?;
                false
            }
            // Leases end after their time then, as they do beside another process.
            Err(TryLockError::Error(why)) if why.kind() == io::ErrorKind::Unsupported => false,
            Err(TryLockError::Error(why)) => return Err(why),
        };
        Ok(Self { file, is_alone })
    }

    /// Whether no other process has the file open, until [`share`](Self::share).
    pub(crate) fn is_alone(&self) -> bool {
        self.is_alone
    }

    /// Lets other processes open the file.
    pub(crate) fn share(&mut self) -> io::Result<()> {
        if self.is_alone {
            self.is_alone = false;
            // Another one may come in between, and find no claim of ours yet.
            self.file.unlock()?;
            self.file.lock_shared()?;
        }
        Ok(())
    }
}
