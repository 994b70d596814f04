//! Servers that ask who it is.

use std::time::{Duration, Instant};

use tower_nylas::{
    inbox::{AppendError, Entry, Inbox, SettleError},
    testing,
};
use tower_nylas_kit::inbox::{entry, retry, servers::NatsServer};
use tower_nylas_nats::{NatsInbox, OpenError};

use crate::server::named;

const SOON: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(60);

/// Opens an inbox as soon as the server has started.
async fn open(name: &str, url: &str) -> NatsInbox {
    let started = Instant::now();
    loop {
        match named(name).open(url).await {
            Ok(inbox) => return inbox,
            Err(why) => assert!(started.elapsed() < PATIENCE, "{why}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn is_refused(opened: Result<NatsInbox, OpenError>) -> bool {
    let Err(why) = opened else { return false };
    let text = format!("{why} {why:?}");
    assert!(!text.contains("s3cret") && !text.contains("s3c"), "{text}");
    matches!(why, OpenError::Unreachable(_))
}

pub(crate) async fn a_user_and_a_password() {
    let users = r#"authorization { users: [ { user: "app", password: "s3c/r@t" } ] }"#;
    let server = NatsServer::start_configured(users);
    let url = server.url_of("app:s3c%2Fr%40t");
    let inbox = open("users", &url).await;
    inbox.append(entry("n-1")).await.unwrap();
    // Each server gets them.
    let urls = format!("{},{url}", server.url());
    open("users", &urls).await;
    for login in ["app:s3c", "other:s3c%2Fr%40t", "s3c"] {
        assert!(is_refused(named("users").open(&server.url_of(login)).await));
    }
    assert!(is_refused(named("users").open(&server.url()).await));
}

pub(crate) async fn a_token() {
    let server = NatsServer::start_configured(r#"authorization { token: "s3cret" }"#);
    let inbox = open("tokens", &server.url_of("s3cret")).await;
    inbox.append(entry("n-1")).await.unwrap();
    assert!(is_refused(
        named("tokens").open(&server.url_of("s3c")).await
    ));
}

/// A claim whose earlier tries cannot be read is handed out, and counts nothing until they can.
pub(crate) async fn a_user_who_cannot_read_what_has_failed() {
    let users = r#"authorization { users: [
        { user: "all", password: "s3cret" },
        { user: "blind", password: "s3cret",
          permissions: { publish: { deny: "$JS.API.STREAM.MSG.GET.blind_tries" } } }
    ] }"#;
    let server = NatsServer::start_configured(users);
    let inbox = open("blind", &server.url_of("all:s3cret")).await;
    let blind = open("blind", &server.url_of("blind:s3cret")).await;
    let failed = || retry(Duration::ZERO, true);
    inbox.append(entry("n-1")).await.unwrap();
    let claim = blind.claim(1, SOON).await.unwrap().remove(0);
    blind.settle(&claim.receipt, failed()).await.unwrap();

    let claim = blind.claim(1, SOON).await.unwrap().remove(0);
    assert_eq!((claim.crashes, claim.failures), (0, 0));
    // What is new comes with it.
    inbox.append(entry("n-2")).await.unwrap();
    let new = blind.claim(1, SOON).await.unwrap().remove(0);
    assert_eq!(new.entry.key(), entry("n-2").key());
    let settled = blind.settle(&claim.receipt, failed()).await;
    let is_unavailable = matches!(settled, Err(SettleError::Unavailable(_)));
    assert!(is_unavailable, "{settled:?}");
    inbox.settle(&claim.receipt, failed()).await.unwrap();
    let claim = inbox.claim(1, SOON).await.unwrap().remove(0);
    assert_eq!((claim.crashes, claim.failures), (0, 2));
}

/// What a claim asks for bounds what is stored, as a server can take more.
pub(crate) async fn the_largest_message_that_a_claim_asks_for() {
    let server = NatsServer::start_configured("max_payload: 64MB");
    let inbox = open("large", &server.url()).await;
    let of = |bytes: usize| {
        let content = format!(r#"{{"type":"x","data":"{}"}}"#, "x".repeat(bytes));
        Entry::new(&testing::verified(content), Duration::from_secs(1))
    };
    let appended = inbox.append(of(32 << 20)).await;
    let is_too_large = matches!(appended, Err(AppendError::TooLarge { .. }));
    assert!(is_too_large, "{appended:?}");
    let large = of((32 << 20) - (9 << 10));
    inbox.append(large.clone()).await.unwrap();
    let claim = inbox.claim(10, SOON).await.unwrap().remove(0);
    assert_eq!(claim.entry.key(), large.key());
}
