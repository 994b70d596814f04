//! How long each page takes, as HTML and as JSON, over a file of SQLite with 100,000 entries, half
//! of them dead, a tenth done and kept, and a tenth waiting.
//!
//! ```text
//! cargo bench -p tower-nylas-inspector --bench pages
//! ```
//!
//! Prints the median and the slowest of 50 requests for each page, and fails if a median is not
//! below 50 milliseconds.

use std::{
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use tower::ServiceExt;
use tower_nylas::{
    Secrets, TriggerRouter, VerifiedBody, WebhookLayer, WebhookSecret,
    health::Health,
    inbox::{DeadCause, Entry, EntryKey, EntryState, Inbox, Inspect, Pause, Query, Settlement},
    testing,
};
use tower_nylas_inspector::{Inspector, Recent};
use tower_nylas_sqlite::SqliteInbox;

const ENTRIES: usize = 100_000;
const REQUESTS: usize = 50;
const RECENT: usize = 500;
const LABELS: usize = 100;
const LIMIT: Duration = Duration::from_millis(50);

const TRIGGERS: [&str; 4] = [
    "message.created",
    "event.updated",
    "grant.expired",
    "contact.updated",
];

fn body(number: usize) -> String {
    let trigger = TRIGGERS[number % TRIGGERS.len()];
    let text = "a sentence of a mail that somebody has written. ".repeat(30);
    format!(
        r#"{{"specversion":"1.0","type":"{trigger}","id":"n-{number}","time":1767225600,"data":{{"application_id":"a","object":{{"id":"o-{number}","grant_id":"g-{}","subject":"Subject {number}","body":"{text}"}}}}}}"#,
        number % 1000
    )
}

fn entry(number: usize) -> Entry {
    Entry::new(
        &testing::verified_by("default", body(number)),
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
    let why = || "the calendar API answered 500".to_owned();
    let dead = |place: usize| Settlement::Dead {
        // Each with each trigger.
        cause: DeadCause::ALL[place / TRIGGERS.len() % 4],
        why: why(),
    };
    let waits = |_| Settlement::Retry {
        after: Duration::from_secs(60 * 60),
        failed: true,
        why: why(),
    };
    settle(inbox, ENTRIES / 2, dead).await;
    settle(inbox, ENTRIES / 10, |_| Settlement::Done).await;
    settle(inbox, ENTRIES / 10, waits).await;
    // These stay claimed.
    inbox.claim(500, Duration::ZERO).await.unwrap();
}

async fn settle(inbox: &SqliteInbox, count: usize, settlement: impl Fn(usize) -> Settlement) {
    let mut left = count;
    while left > 0 {
        let claimed = inbox.claim(left.min(500), Duration::ZERO).await.unwrap();
        left -= claimed.len();
        let settlements = claimed.into_iter().enumerate().map(|(place, claimed)| {
            let (inbox, settlement) = (inbox.clone(), settlement(place));
            tokio::spawn(async move {
                let settled = inbox.settle(&claimed.receipt, settlement);
                settled.await.map_err(drop)
            })
        });
        for settlement in settlements.collect::<Vec<_>>() {
            settlement.await.unwrap().unwrap();
        }
    }
}

/// The oldest dead entries are of a cause that only a later version knows: what selects it looks
/// at all of them.
fn age(file: &Path) {
    let file = rusqlite::Connection::open(file).unwrap();
    let sql = "UPDATE jobs SET cause = 'a_later_one' WHERE position IN \
               (SELECT position FROM jobs WHERE state = 4 ORDER BY position LIMIT 3)";
    assert_eq!(file.execute(sql, []).unwrap(), 3);
}

/// Deliveries of this process, of which some have failed.
async fn deliver(recent: &Recent, health: &Health) {
    let secret = WebhookSecret::new("an-invented-secret").unwrap();
    let secrets = Secrets::new("an-invented-secret").unwrap();
    let handlers = TriggerRouter::new()
        .fallback(async |_: VerifiedBody| Err::<(), _>("the database is away"))
        .on("message.created", async |_: VerifiedBody| ());
    let service = WebhookLayer::new(secrets)
        .observe(recent.observer())
        .health(health)
        .layer(handlers);
    for number in 0..RECENT {
        let request = testing::signed_request(&secret, body(number));
        service.clone().oneshot(request).await.unwrap();
    }
}

/// How a page is asked for, and the `Accept` of it.
const FORMS: [(&str, &str); 2] = [("HTML", "text/html"), ("JSON", "application/json")];

struct Measured {
    median: Duration,
    slowest: Duration,
    bytes: usize,
}

async fn measure(inspector: &Inspector, query: &str, accept: &str) -> Measured {
    let mut took = Vec::new();
    let mut bytes = 0;
    for _ in 0..REQUESTS {
        let request = Request::get(format!("/{query}")).header("accept", accept);
        let request = request.body(Full::<Bytes>::default()).unwrap();
        let start = Instant::now();
        let response = inspector.clone().oneshot(request).await.unwrap();
        let status = response.status();
        assert!(status.is_success(), "{query}: {status}");
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
    Measured {
        median: took[REQUESTS / 2],
        slowest: took[REQUESTS - 1],
        bytes,
    }
}

/// Every page, with what selects the most and what selects nothing.
fn pages(key: EntryKey, keys: &[EntryKey]) -> Vec<(String, String)> {
    let keys: Vec<_> = keys.iter().map(|key| format!("&key={key}")).collect();
    let keys = keys.concat();
    let mut pages: Vec<_> = [
        "",
        "?page=deliveries",
        "?page=deliveries&kind=failed",
        "?page=deliveries&trigger=message.created",
        "?page=deliveries&id=n-7",
        "?page=inbox",
        "?page=inbox&before=50000",
        "?page=inbox&state=ready",
        "?page=inbox&state=waiting",
        "?page=inbox&state=claimed",
        "?page=inbox&state=done",
        "?page=inbox&state=dead",
        "?page=inbox&state=dead&before=25000",
        "?page=inbox&state=dead&cause=expired",
        "?page=inbox&state=dead&cause=undecodable",
        "?page=inbox&state=dead&cause=undecodable&trigger=none.such",
        "?page=inbox&state=dead&cause=expired&trigger=message.created",
        "?page=inbox&state=dead&cause=crashed&trigger=none.such",
        "?page=inbox&state=dead&trigger=none.such",
        "?page=inbox&state=dead&no_trigger=1",
        "?page=inbox&trigger=message.created",
        "?page=inbox&trigger=none.such",
        "?page=inbox&no_trigger=1",
        "?page=inbox&empty_trigger=1",
        "?page=inbox&grant=g-7",
        "?page=inbox&grant=none-such",
        "?page=inbox&state=dead&grant=g-7",
        "?page=dead",
        "?page=find&q=n-500",
        "?page=find&q=none-such",
        "?page=replay&state=dead",
        "?page=replay&state=dead&cause=expired&trigger=message.created",
        "?page=replay&state=dead&grant=g-7",
        "?page=replay&state=dead&trigger=none.such",
        "?page=replay&state=done",
        "?page=discard&state=dead",
        "?page=discard&state=dead&cause=undecodable",
        "?page=purge&grant=g-7",
        "?page=purge&grant=none-such",
    ]
    .map(|page| (page.to_owned(), page.to_owned()))
    .into();
    "overview".clone_into(&mut pages[0].0);
    for page in [
        "entry&key",
        "find&key",
        "find&q",
        "replay&key",
        "discard&key",
    ] {
        pages.push((format!("?page={page}=…"), format!("?page={page}={key}")));
    }
    for page in ["replay", "discard"] {
        pages.push((
            format!("?page={page}&key=… (50)"),
            format!("?page={page}{keys}"),
        ));
    }
    pages
}

async fn listed(inbox: &SqliteInbox, max: usize) -> Vec<EntryKey> {
    let mut query = Query::default();
    query.state = Some(EntryState::Dead(DeadCause::Expired));
    query.max = max;
    let found = inbox.list(&query).await.unwrap();
    found.iter().map(|stored| stored.key).collect()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let folder = std::env::temp_dir().join(format!("nylas-inspector-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("inbox.db");
    let builder = SqliteInbox::builder().keep_done(Duration::from_secs(60 * 60), 1 << 30);
    let inbox = builder.open(&file).await.unwrap();
    fill(&inbox).await;
    age(&file);
    let (recent, health) = (Recent::new(RECENT), Health::new());
    deliver(&recent, &health).await;
    let keys = listed(&inbox, Inspector::MOST_LISTED).await;
    // An id is looked for under each label.
    let labels = (0..LABELS).map(|number| format!("tenant-{number}"));
    let inspector = Inspector::builder()
        .inbox(inbox.clone())
        .recent(&recent)
        .health(&health)
        .pause(&Pause::new())
        .labels(labels)
        .show_bodies()
        .authorize(|_| true)
        .build();
    println!(
        "{:<62} {:<4} {:>9} {:>9} {:>8}",
        "page", "form", "median", "slowest", "bytes"
    );
    let mut is_slow = false;
    for (name, page) in pages(keys[0], &keys) {
        for (form, accept) in FORMS {
            let measured = measure(&inspector, &page, accept).await;
            is_slow |= measured.median >= LIMIT;
            println!(
                "{name:<62} {form} {:>6.1} ms {:>6.1} ms {:>8}",
                measured.median.as_secs_f64() * 1e3,
                measured.slowest.as_secs_f64() * 1e3,
                measured.bytes,
            );
        }
    }
    inbox.close().await;
    let _ = std::fs::remove_dir_all(&folder);
    if is_slow {
        eprintln!("a page takes {LIMIT:?} or longer");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
