//! The writer's connection and its transactions.

use std::{
    io,
    path::{self, Path},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, Error, ErrorCode, OpenFlags, Result, ffi, params};

use crate::{
    clock::{FileClock, Now},
    error::OpenError,
    location::{FileId, Location},
    lock::Lock,
    open::Options,
    schema, settings,
    settings::Durability,
    transaction::{Meta, RecentKeys, Write},
};

pub(crate) struct Session {
    pub(crate) connection: Connection,
    location: Location,
    log: Option<FileId>,
    clock: FileClock,
    /// Of the last transaction.
    durability: Durability,
    recent: RecentKeys,
}

/// Opens another connection to the file of an inbox, which has to be there: another file in its
/// place would not have what is in it, and may be somebody else's.
pub(crate) fn connect(location: &Location) -> std::result::Result<Connection, OpenError> {
    let path = location.path();
    location
        .check()
        .map_err(|why| OpenError::of_io(path, why))?;
    let connection = open_with(path, OpenFlags::SQLITE_OPEN_READ_WRITE);
    let connection = connection.map_err(|why| OpenError::of(path, why))?;
    if schema::identify(&connection, path)? == schema::Found::Empty {
        return Err(OpenError::Foreign(path.to_owned()));
    }
    settings::apply(&connection, path)?;
    Ok(connection)
}

fn connect_or_create(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    open_with(path, flags)
}

/// Without `SQLITE_OPEN_URI`: a path that begins with `file:` is a path.
fn open_with(path: &Path, flags: OpenFlags) -> Result<Connection> {
    Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

impl Session {
    /// Opens the file for the first time in this process: creates or migrates its tables, and ends
    /// the claims of processes that died. Nothing is changed before it is known whose file it is.
    pub(crate) fn open(options: &Options) -> std::result::Result<(Self, Lock), OpenError> {
        let path = &*options.path;
        if path.is_dir() {
            return Err(OpenError::Directory(path.to_owned()));
        }
        let of = |why| OpenError::of(path, why);
        let of_io = |why| OpenError::of_io(path, why);
        // SQLite gives some names a meaning of their own, such as `:memory:`.
        let absolute = path::absolute(path).map_err(of_io)?;
        let opened = connect_or_create(&absolute).map_err(of);
        let opened = opened.and_then(|connection| {
            let location = Location::of(&absolute).map_err(of_io)?;
            schema::identify(&connection, path)?;
            Ok((connection, location))
        });
        // SQLite does not tell why it cannot open a file; the file of the lock does, which is
        // beside it.
        let (connection, location) = opened.map_err(|why| match why {
            OpenError::Other(..) => match Lock::acquire(path) {
                Err(reason) => of_io(reason),
                Ok(_) => why,
            },
            clear => clear,
        })?;
        let mut lock = Lock::acquire(location.path()).map_err(of_io)?;
        settings::apply(&connection, path)?;

        let mut clock = FileClock::new(options.clock.clone());
        begin(&connection).map_err(of)?;
        // Another process may have created or migrated it meanwhile.
        let found = schema::identify(&connection, path)?;
        prepare(&connection, &mut clock, found, lock.is_alone()).map_err(of)?;
        lock.share().map_err(of_io)?;
        wait_by_itself(&connection).map_err(of)?;
        let session = Self {
            connection,
            log: location.log_id(),
            location,
            clock,
            durability: Durability::Disk,
            recent: RecentKeys::default(),
        };
        Ok((session, lock))
    }

    /// Opens it again after an error, with a log that begins anew. The lock is held meanwhile, so
    /// claims stay as they are.
    pub(crate) fn reopen(
        location: &Location,
        clock: &FileClock,
    ) -> std::result::Result<Self, OpenError> {
        let connection = connect(location)?;
        wait_by_itself(&connection)
            // If a sync has failed, what the log has may never reach the disk, although it can be
            // read. After a power cut, nothing behind it in the log would be.
            .and_then(|()| patiently(|| truncate_log(&connection)))
            .map_err(|why| OpenError::of(location.path(), why))?;
        Ok(Self {
            connection,
            log: location.log_id(),
            location: location.clone(),
            clock: clock.clone(),
            durability: Durability::Disk,
            recent: RecentKeys::default(),
        })
    }

    pub(crate) fn location(&self) -> &Location {
        &self.location
    }

    /// An error if what is stored from now on would not be found by whoever opens the file next.
    pub(crate) fn check(&self) -> io::Result<()> {
        self.location.check_with(self.log)
    }

    pub(crate) fn clock(&self) -> &FileClock {
        &self.clock
    }

    /// Brings the whole log into the database and gives its space on the disk back. Whether it has:
    /// somebody else may read or write.
    pub(crate) fn truncate_log(&self) -> Result<bool> {
        match truncate_log(&self.connection) {
            Err(why) if is_busy(&why) => Ok(false),
            truncated => truncated.map(|()| true),
        }
    }

    /// Runs a transaction. If it fails, nothing of it is left.
    pub(crate) fn write<T>(
        &mut self,
        options: &Options,
        durability: Durability,
        work: impl FnOnce(&mut Write<'_>) -> Result<T>,
    ) -> Result<T> {
        if durability != self.durability {
            durability.set(&self.connection)?;
            self.durability = durability;
        }
        begin(&self.connection)?;
        let mark = self.recent.mark();
        let done = self.work(options, work);
        let done = done.and_then(|done| execute(&self.connection, "COMMIT").map(|()| done));
        if done.is_err() {
            self.recent.undo(mark);
            // After some errors SQLite has rolled it back already.
            let _ = execute(&self.connection, "ROLLBACK");
        }
        done
    }

    fn work<T>(
        &mut self,
        options: &Options,
        work: impl FnOnce(&mut Write<'_>) -> Result<T>,
    ) -> Result<T> {
        let sql = "SELECT file_ms, last_position, indexed_position, bytes, done_bytes FROM meta";
        let mut read = self.connection.prepare_cached(sql)?;
        let (last, meta) = read.query_row([], |row| {
            let meta = Meta {
                last_position: row.get(1)?,
                indexed_position: row.get(2)?,
                bytes: row.get(3)?,
                done_bytes: row.get(4)?,
            };
            Ok((row.get(0)?, meta))
        })?;
        self.clock.follow(last);
        let (indexed, last) = (meta.indexed_position, meta.last_position);
        self.recent.follow(&self.connection, indexed, last)?;
        let mut write = Write {
            connection: &self.connection,
            options,
            now: self.clock.now(),
            meta,
            recent: &mut self.recent,
        };
        let done = work(&mut write)?;
        let sql = "UPDATE meta SET file_ms = ?1, unix_ms = ?2, last_position = ?3, \
                   indexed_position = ?4, bytes = ?5, done_bytes = ?6";
        let mut update = self.connection.prepare_cached(sql)?;
        let (now, meta) = (write.now, write.meta);
        update.execute(params![
            now.file,
            now.unix,
            meta.last_position,
            meta.indexed_position,
            meta.bytes,
            meta.done_bytes
        ])?;
        Ok(done)
    }
}

/// How often a transaction looks whether another process has ended its own: within the gap between
/// two transactions of a busy one.
const LOOK_AGAIN_AFTER: Duration = Duration::from_micros(200);

/// From now on SQLite does not wait for other processes, as [`begin`] does.
fn wait_by_itself(connection: &Connection) -> Result<()> {
    connection.busy_timeout(Duration::ZERO)
}

fn begin(connection: &Connection) -> Result<()> {
    patiently(|| execute(connection, "BEGIN IMMEDIATE"))
}

/// An error if somebody else is in the way.
fn truncate_log(connection: &Connection) -> Result<()> {
    let mut pragma = connection.prepare_cached("PRAGMA wal_checkpoint(TRUNCATE)")?;
    if pragma.query_row([], |row| row.get(0))? {
        let busy = ffi::Error::new(ffi::SQLITE_BUSY);
        return Err(Error::SqliteFailure(busy, None));
    }
    Ok(())
}

/// Waits for another process that is in the way. SQLite's own waiting looks again after up to
/// 100 ms, so a busy process would hardly ever let another one in.
fn patiently(attempt: impl Fn() -> Result<()>) -> Result<()> {
    let end = Instant::now() + settings::PATIENCE;
    loop {
        match attempt() {
            Err(why) if is_busy(&why) && Instant::now() < end => {
                thread::sleep(LOOK_AGAIN_AFTER);
            }
            done => return done,
        }
    }
}

/// Whether another process was in the way.
pub(crate) fn is_busy(why: &rusqlite::Error) -> bool {
    why.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
}

fn execute(connection: &Connection, sql: &str) -> Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}

/// Completes the transaction in which the file is opened.
fn prepare(
    connection: &Connection,
    clock: &mut FileClock,
    found: schema::Found,
    is_alone: bool,
) -> Result<()> {
    schema::migrate(connection, found, clock.now())?;
    let last = connection.query_row("SELECT file_ms, unix_ms FROM meta", [], |row| {
        Ok(Now {
            file: row.get(0)?,
            unix: row.get(1)?,
        })
    })?;
    let left_out = clock.resume(last, is_alone);
    let now = clock.now();
    if is_alone {
        // Nobody holds a claim any more, so all of them end now; the next claim counts the crash.
        let sql = "UPDATE jobs SET at = ?1 WHERE state = 2";
        connection.execute(sql, [now.file])?;
        // What waits has waited on. If the system's clock was wrong, it comes too early, and that
        // harms nothing.
        let sql = "UPDATE jobs SET at = at - ?1 WHERE state = 1";
        connection.execute(sql, [left_out])?;
    }
    let sql = "UPDATE meta SET file_ms = ?1, unix_ms = ?2";
    connection.execute(sql, params![now.file, now.unix])?;
    execute(connection, "COMMIT")
}
