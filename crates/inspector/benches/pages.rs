//! How long the pages take over a file of SQLite with 100,000 entries, half of them dead.
//!
//! ```text
//! cargo bench -p tower-nylas-inspector --bench pages
//! ```
//!
//! Prints the median and the slowest of 50 requests for each page, and fails if a median is not
//! below 50 milliseconds.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use tower::ServiceExt;
use tower_nylas::{
    inbox::{DeadCause, Entry, Inbox, Inspect, Query, Settlement},
    testing,
};
use tower_nylas_inspector::Inspector;
use tower_nylas_sqlite::SqliteInbox;

const ENTRIES: usize = 100_000;
const REQUESTS: usize = 50;
const LIMIT: Duration = Duration::from_millis(50);

const TRIGGERS: [&str; 4] = [
    "message.created",
    "event.updated",
    "grant.expired",
    "contact.updated",
];

fn entry(number: usize) -> Entry {
    let trigger = TRIGGERS[number % TRIGGERS.len()];
    let text = "a sentence of a mail that somebody has written. ".repeat(30);
    let body = format!(
        r#"{{"specversion":"1.0","type":"{trigger}","id":"n-{number}","time":1767225600,"data":{{"application_id":"a","object":{{"id":"o-{number}","grant_id":"g-{}","subject":"Subject {number}","body":"{text}"}}}}}}"#,
        number % 1000
    );
    Entry::new(
        &testing::verified_by("default", body),
        Duration::from_secs(1_767_225_600),
    )
}

async fn fill(inbox: &SqliteInbox) {
    for start in (0..ENTRIES).step_by(500) {
        let appends = (start..start + 500).map(|number| {
            let inbox = inbox.clone();
            tokio::spawn(async move { inbox.append(entry(number)).await.map(drop) })
        });
        for append in appends.collect::<Vec<_>>() {
            append.await.unwrap().unwrap();
        }
    }
    let mut left = ENTRIES / 2;
    while left > 0 {
        let claimed = inbox.claim(left.min(500), Duration::ZERO).await.unwrap();
        left -= claimed.len();
        let settlements = claimed.into_iter().enumerate().map(|(place, claimed)| {
            let inbox = inbox.clone();
            let cause = DeadCause::ALL[place % 3];
            let why = "the calendar API answered 500".to_owned();
            tokio::spawn(async move {
                let settlement = Settlement::Dead { cause, why };
                inbox
                    .settle(&claimed.receipt, settlement)
                    .await
                    .map_err(drop)
            })
        });
        for settlement in settlements.collect::<Vec<_>>() {
            settlement.await.unwrap().unwrap();
        }
    }
}

async fn measure(inspector: &Inspector, query: &str) -> (Duration, Duration, usize) {
    let mut took = Vec::new();
    let mut bytes = 0;
    for _ in 0..REQUESTS {
        let request = Request::get(format!("/{query}"))
            .body(Full::<Bytes>::default())
            .unwrap();
        let start = Instant::now();
        let response = inspector.clone().oneshot(request).await.unwrap();
        assert!(
            response.status().is_success(),
            "{query}: {}",
            response.status()
        );
        bytes = response
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes()
            .len();
        took.push(start.elapsed());
    }
    took.sort();
    (took[REQUESTS / 2], took[REQUESTS - 1], bytes)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let folder = std::env::temp_dir().join(format!("nylas-inspector-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let inbox = SqliteInbox::open(folder.join("inbox.db")).await.unwrap();
    fill(&inbox).await;
    let mut query = Query::default();
    query.max = 1;
    let last = inbox.list(&query).await.unwrap().pop().unwrap();
    let inspector = Inspector::builder()
        .inbox(inbox.clone())
        .show_bodies()
        .authorize(|_| true)
        .build();
    let entry = format!("?page=entry&key={}", last.key);
    let pages = [
        "",
        "?page=inbox",
        "?page=inbox&state=ready",
        "?page=inbox&state=waiting",
        "?page=inbox&state=dead",
        "?page=inbox&state=dead&before=25000",
        "?page=inbox&state=dead&cause=expired",
        "?page=inbox&state=dead&cause=expired&trigger=message.created",
        "?page=inbox&state=dead&cause=crashed&trigger=none.such",
        "?page=inbox&grant=g-7",
        "?page=inbox&grant=none-such",
        "?page=dead",
        "?page=find&q=n-500",
        "?page=replay&state=dead&cause=expired&trigger=message.created",
        &entry,
    ];
    println!(
        "{:<64} {:>9} {:>9} {:>8}",
        "page", "median", "slowest", "bytes"
    );
    let mut is_slow = false;
    for page in pages {
        let (median, slowest, bytes) = measure(&inspector, page).await;
        is_slow |= median >= LIMIT;
        println!(
            "{:<64} {:>6.1} ms {:>6.1} ms {bytes:>8}",
            if page.is_empty() { "overview" } else { page },
            median.as_secs_f64() * 1e3,
            slowest.as_secs_f64() * 1e3,
        );
    }
    inbox.close().await;
    let _ = std::fs::remove_dir_all(&folder);
    if is_slow {
        eprintln!("a page takes {LIMIT:?} or longer");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
