//! What happens when an inbox is closed, and when it is opened again.

use std::time::Duration;

use tokio::task::JoinSet;
use tower_nylas::{
    inbox::{AppendError, Appended, Browse, Entry, EntryState, Inbox, Inspect, Query, Settlement},
    testing::{self, VirtualClock},
};
use tower_nylas_kit::inbox::{entry, scenes};
use tower_nylas_postgres::PostgresInbox;

use crate::server::Server;

pub(crate) async fn a_closed_inbox_refuses_everything(server: &Server) {
    let inbox = open(server, "closed").await;
    scenes::closed(inbox, PostgresInbox::close).await;
}

pub(crate) async fn what_waits_is_written_before_the_end(server: &Server) {
    let open = async || open(server, "ending").await;
    scenes::written_before_the_end(open, PostgresInbox::close).await;
}

pub(crate) async fn time_without_a_process(server: &Server) {
    let open = async |clock: VirtualClock| {
        let builder = PostgresInbox::builder().schema("times").clock(clock);
        builder.open(server.url()).await.unwrap()
    };
    scenes::time_without_a_process(open, PostgresInbox::close).await;
}

/// A text of PostgreSQL cannot have the character U+0000, and a neighbour is not to suffer from it.
pub(crate) async fn texts_that_cannot_be_stored(server: &Server) {
    let inbox = open(server, "texts").await;
    let body =
        r#"{"type":"a\u0000b","id":"n-0","data":{"object":{"id":"m","grant_id":"g\u0000"}}}"#;
    let odd = Entry::new(&testing::verified(body), Duration::ZERO);
    assert_eq!(odd.grant_id(), Some("g\0"));
    let (first, second) = tokio::join!(inbox.append(odd.clone()), inbox.append(entry("n-1")));
    assert_eq!(
        (first.unwrap(), second.unwrap()),
        (Appended::New, Appended::New)
    );
    let mut query = Query::default();
    query.grant_id = Some("g\0".to_owned());
    let listed = inbox.list(&query).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].entry.as_ref().unwrap().content(), odd.content());
    assert_eq!(listed[0].state, EntryState::Ready);
    assert_eq!(inbox.purge_grant("g\0").await.unwrap(), 1);
    let claim = inbox.claim(1, Duration::ZERO).await.unwrap().remove(0);
    let later = Settlement::Retry {
        after: Duration::MAX,
        failed: true,
        why: "a\0b".to_owned(),
    };
    inbox.settle(&claim.receipt, later).await.unwrap();
    assert_eq!(inbox.stats().await.unwrap().waiting, 1);
    inbox.close().await;
}

/// One of many that the server refuses: the others are stored, in few statements.
pub(crate) async fn one_that_is_refused(server: &Server) {
    const MANY: i64 = 200;
    let inbox = open(server, "refused").await;
    refuse_odd(server, "refused", "").await;
    let odd = odd(0);
    let mut appending = JoinSet::new();
    for number in 0..MANY {
        let (inbox, entry) = (inbox.clone(), entry(&format!("n-{number}")));
        appending.spawn(async move { inbox.append(entry).await });
    }
    let refused = inbox.append(odd).await;
    assert!(
        matches!(refused, Err(AppendError::Unavailable(_))),
        "{refused:?}"
    );
    for appended in appending.join_all().await {
        assert_eq!(appended.unwrap(), Appended::New);
    }
    let tries = server.number("SELECT last_value FROM refused.tries").await;
    assert!(tries < MANY / 4, "{tries}");
    inbox.close().await;
}

/// Half of many, at a slow server: nobody waits any more when all parts would have been tried.
pub(crate) async fn many_that_are_refused(server: &Server) {
    let inbox = open(server, "slow").await;
    refuse_odd(server, "slow", "PERFORM pg_sleep(1);").await;
    let mut appending = JoinSet::new();
    for number in 0..100 {
        for entry in [odd(number), entry(&format!("n-{number}"))] {
            let inbox = inbox.clone();
            appending.spawn(async move { inbox.append(entry).await.is_err() });
        }
    }
    let refused = appending.join_all().await;
    let refused = refused.into_iter().filter(|is_refused| *is_refused);
    assert!(refused.count() >= 100);
    let tries = server.number("SELECT last_value FROM slow.tries").await;
    assert!(tries < 30, "{tries}");
    inbox.close().await;
}

fn odd(number: usize) -> Entry {
    let body = format!(r#"{{"type":"odd","id":"odd-{number}","data":{{"object":{{"id":"m"}}}}}}"#);
    Entry::new(&testing::verified(body), Duration::ZERO)
}

/// Lets the server refuse what is `odd`, and count how often it is asked to store anything.
async fn refuse_odd(server: &Server, schema: &str, also: &str) {
    for sql in [
        &*format!("ALTER TABLE {schema}.jobs ADD CHECK (type <> 'odd')"),
        // It counts those as well that are rolled back.
        &format!("CREATE SEQUENCE {schema}.tries"),
        &format!(
            "CREATE FUNCTION {schema}.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                PERFORM nextval('{schema}.tries'); {also} RETURN NULL; END $$"
        ),
        &format!(
            "CREATE TRIGGER note BEFORE INSERT ON {schema}.jobs \
                FOR EACH STATEMENT EXECUTE FUNCTION {schema}.note()"
        ),
    ] {
        server.execute(sql).await;
    }
}

/// A pause that is longer than the system's time goes.
pub(crate) async fn an_inbox_that_never_polls(server: &Server) {
    let builder = PostgresInbox::builder().schema("never");
    let builder = builder.poll_each(Duration::MAX);
    let inbox = builder.open(server.url()).await.unwrap();
    assert!(inbox.claim(1, Duration::ZERO).await.unwrap().is_empty());
    let (claimed, appended) =
        tokio::join!(inbox.claim(1, Duration::MAX), inbox.append(entry("n-1")),);
    appended.unwrap();
    let mut claims = claimed.unwrap();
    if claims.is_empty() {
        claims = inbox.claim(1, Duration::from_secs(30)).await.unwrap();
    }
    assert_eq!(claims.len(), 1);
    inbox.close().await;
}

async fn open(server: &Server, schema: &str) -> PostgresInbox {
    let builder = PostgresInbox::builder().schema(schema);
    builder.open(server.url()).await.unwrap()
}
