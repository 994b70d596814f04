//! Disks that are full, or cannot be written.
//!
//! Each test runs in a mount namespace of its own, in this program as a child. Where none may be
//! made, they are reported as ignored.

#![cfg(target_os = "linux")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::Duration,
};

use libtest_mimic::{Arguments, Failed, Trial};
use tower_nylas::{
    BoxError,
    inbox::{AppendError, Browse, Entry, Inbox, Settlement},
    testing,
};
use tower_nylas_sqlite::{OpenError, SqliteInbox, SqliteInboxBuilder};

/// The name of the test that a child runs, and the disk for it.
const TEST: &str = "INBOX_DISK_TEST";
const DISK: &str = "INBOX_DISK";

const SIZE: &str = "16m";

type Test = fn(PathBuf) -> std::pin::Pin<Box<dyn Future<Output = Result<(), BoxError>>>>;

const TESTS: [(&str, Test); 3] = [
    ("appends_leave_room_for_what_makes_room", |disk| {
        Box::pin(floor(disk))
    }),
    ("a_full_disk_is_full_and_loses_nothing", |disk| {
        Box::pin(full(disk))
    }),
    ("a_read_only_disk_is_one_clear_error", |disk| {
        Box::pin(read_only(disk))
    }),
];

fn main() -> ExitCode {
    if let (Ok(name), Some(disk)) = (std::env::var(TEST), std::env::var_os(DISK)) {
        return child(&name, disk.into());
    }
    let may = may_mount();
    let trials = TESTS.map(|(name, _)| {
        Trial::test(name, move || parent(name))
            .with_kind(if may { "" } else { "no namespaces" })
            .with_ignored_flag(!may)
    });
    libtest_mimic::run(&Arguments::from_args(), trials.into()).exit_code()
}

fn may_mount() -> bool {
    let mut unshare = Command::new("unshare");
    let unshare = unshare.args(["-rm", "true"]).stderr(Stdio::null());
    unshare.status().is_ok_and(|status| status.success())
}

fn parent(name: &str) -> Result<(), Failed> {
    let folder = format!("disk-{name}-{}", std::process::id());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    fs::create_dir_all(&folder)?;
    let script = format!(r#"mount -t tmpfs -o size={SIZE} tmpfs "${DISK}" && exec "$0""#);
    let output = Command::new("unshare")
        .args(["-rm", "sh", "-c", &script])
        .arg(std::env::current_exe()?)
        .env(TEST, name)
        .env(DISK, &folder)
        .output()?;
    fs::remove_dir(&folder)?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned().into())
}

fn child(name: &str, disk: PathBuf) -> ExitCode {
    let (_, test) = TESTS
        .iter()
        .find(|(known, _)| *known == name)
        .expect("it is known");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    match runtime.block_on(test(disk)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

async fn floor(disk: PathBuf) -> Result<(), BoxError> {
    let inbox = builder()
        .min_free_disk(4 << 20)
        .open(disk.join("inbox.db"))
        .await?;
    for round in 0..3 {
        let stored = fill(&inbox, round).await?;
        assert!(stored > 10, "{stored}");
        drain(&inbox, stored).await?;
    }
    Ok(())
}

async fn full(disk: PathBuf) -> Result<(), BoxError> {
    let path = disk.join("inbox.db");
    let inbox = builder().min_free_disk(0).open(&path).await?;
    let stored = fill(&inbox, 0).await?;
    inbox.close().await;
    // Somebody makes room.
    let status = Command::new("mount")
        .args(["-o", "remount,size=64m"])
        .arg(&disk)
        .status()?;
    assert!(status.success());
    let inbox = builder().min_free_disk(0).open(&path).await?;
    assert_eq!(inbox.stats().await?.ready, stored as u64);
    drain(&inbox, stored).await
}

async fn read_only(disk: PathBuf) -> Result<(), BoxError> {
    let path = disk.join("inbox.db");
    let inbox = builder().min_free_disk(0).open(&path).await?;
    inbox.append(entry(0, 0)).await?;
    inbox.close().await;
    let before = fs::read(&path)?;
    let status = Command::new("mount")
        .args(["-o", "remount,ro"])
        .arg(&disk)
        .status()?;
    assert!(status.success());
    match builder().open(&path).await {
        Err(OpenError::ReadOnly(named)) => assert_eq!(named, path),
        other => return Err(format!("{other:?}").into()),
    }
    match builder().open(disk.join("new.db")).await {
        Err(OpenError::ReadOnly(named)) => assert_eq!(named, disk.join("new.db")),
        other => return Err(format!("{other:?}").into()),
    }
    assert!(fs::read(&path)? == before);
    Ok(())
}

fn builder() -> SqliteInboxBuilder {
    SqliteInbox::builder()
}

/// Appends until the inbox is full, and returns how many it took.
async fn fill(inbox: &SqliteInbox, round: usize) -> Result<usize, BoxError> {
    for number in 0.. {
        match inbox.append(entry(round, number)).await {
            Ok(_) => {}
            Err(AppendError::Full) => return Ok(number),
            Err(other) => return Err(format!("append {number} of round {round}: {other}").into()),
        }
    }
    Ok(0)
}

async fn drain(inbox: &SqliteInbox, stored: usize) -> Result<(), BoxError> {
    let mut done = 0;
    while done < stored {
        let claims = inbox.claim(8, Duration::ZERO).await?;
        assert!(!claims.is_empty(), "{done} of {stored}");
        for claim in claims {
            let settled = inbox.settle(&claim.receipt, Settlement::Done).await;
            settled.map_err(|why| format!("settlement {done} of {stored}: {why}"))?;
            done += 1;
        }
    }
    Ok(())
}

fn entry(round: usize, number: usize) -> Entry {
    let text = "x".repeat(64 << 10);
    let body = format!(
        r#"{{"type":"message.created","id":"n-{round}-{number}","data":{{"object":{{"body":"{text}"}}}}}}"#
    );
    Entry::new(&testing::verified(body), Duration::from_secs(1))
}
