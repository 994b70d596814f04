//! The engine does what every engine has to do.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use tokio::runtime::Builder;
use tower_nylas::inbox::{
    EntryKey,
    conformance::{self, Options},
};
use tower_nylas_kit::{
    inbox::{Timeless, Virtual},
    shifted::Shifted,
};
use tower_nylas_sqlite::SqliteInbox;

use crate::scratch::scratch;

/// An engine whose files are in a folder of its own.
fn engine() -> Virtual<SqliteInbox> {
    let (scratch, next) = (scratch(), AtomicU32::new(0));
    let open = move |options, clock| {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let path = scratch.path(&format!("{number}.db"));
        open(path.to_str().unwrap(), options, clock)
    };
    Virtual::new(open, spoil).renaming_causes(rename_cause)
}

fn open(path: &str, options: Options, clock: Shifted) -> Timeless<SqliteInbox> {
    let builder = SqliteInbox::builder()
        .clock(clock.clone())
        .lease(options.lease)
        .window(options.window)
        .max_bytes(options.max_bytes as u64);
    let opening = async { builder.open(path).await.unwrap() };
    let runtime = Arc::new(Builder::new_current_thread().build().unwrap());
    Timeless::open(runtime, opening, path, clock)
}

fn spoil(inbox: &Timeless<SqliteInbox>, key: EntryKey) -> bool {
    let connection = rusqlite::Connection::open(inbox.place()).unwrap();
    let sql = "UPDATE bodies SET head = x'ff' WHERE position = \
               (SELECT position FROM keys WHERE key = ?1)";
    connection.execute(sql, [key.as_bytes()]).unwrap() == 1
}

fn rename_cause(inbox: &Timeless<SqliteInbox>, key: EntryKey, name: &str) -> bool {
    let connection = rusqlite::Connection::open(inbox.place()).unwrap();
    let sql = "UPDATE jobs SET cause = ?2 WHERE state = 4 AND position = \
               (SELECT position FROM keys WHERE key = ?1)";
    let bound = rusqlite::params![key.as_bytes(), name];
    connection.execute(sql, bound).unwrap() == 1
}

#[test]
fn a_sqlite_inbox_is_an_inbox() {
    let engine = engine();
    engine.run(conformance::run(&engine));
}

#[test]
fn a_sqlite_inbox_can_be_browsed() {
    let engine = engine();
    engine.run(conformance::run_browse(&engine));
}

#[test]
fn a_sqlite_inbox_can_be_inspected() {
    let engine = engine();
    engine.run(conformance::run_inspect(&engine));
}

#[test]
fn a_worker_runs_over_a_sqlite_inbox() {
    let engine = engine();
    engine.run(conformance::run_worker(&engine));
}
