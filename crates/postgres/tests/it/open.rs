//! What cannot be opened gets one clear error, and stays as it is.

use std::time::Duration;

use tower_nylas::{
    inbox::{Browse, Inbox},
    testing::VirtualClock,
};
use tower_nylas_kit::inbox::{entry, retry};
use tower_nylas_postgres::{OpenError, PostgresInbox};

use crate::server::Server;

/// As replicas that a deployment starts. Again and again, since few meet in the middle.
pub(crate) async fn ten_replicas_at_once(server: &Server) {
    for round in 0..5 {
        let opened = open_ten(server.url(), &format!("replicas_{round}")).await;
        for (number, inbox) in opened.into_iter().enumerate() {
            inbox.append(entry(&format!("n-{number}"))).await.unwrap();
            assert_eq!(inbox.stats().await.unwrap().ready, number as u64 + 1);
            inbox.close().await;
        }
    }
}

/// Of a role or a database that has a stricter level than the inbox needs.
pub(crate) async fn another_isolation_level(server: &Server) {
    for level in ["repeatable%5C%20read", "serializable"] {
        let option = format!("options=-c%20default_transaction_isolation%3D{level}");
        let url = format!("{}?{option}", server.url());
        let schema = format!("level_{}", level.len());
        for round in 0..5 {
            let schema = format!("{schema}_{round}");
            // Creates it, and then finds it there.
            for _ in 0..2 {
                for inbox in open_ten(&url, &schema).await {
                    inbox.close().await;
                }
            }
        }
    }
}

async fn open_ten(url: &str, schema: &str) -> Vec<PostgresInbox> {
    let opening = (0..10).map(|_| {
        let (url, builder) = (url.to_owned(), PostgresInbox::builder());
        let builder = builder.schema(schema);
        tokio::spawn(async move { builder.open(&url).await })
    });
    let opening: Vec<_> = opening.collect();
    let mut opened = Vec::new();
    for opening in opening {
        opened.push(opening.await.unwrap().unwrap());
    }
    opened
}

/// The server would cut off what is longer, and two names that begin alike would be one inbox.
pub(crate) async fn names_of_schemas(server: &Server) {
    let longest = "n".repeat(63);
    for _ in 0..2 {
        open(server.url(), &longest).await.unwrap().close().await;
    }
    for name in [&*"n".repeat(64), &"é".repeat(32), "", "a\0b"] {
        let error = open(server.url(), name).await.unwrap_err();
        assert!(matches!(error, OpenError::SchemaName(_)), "{error:?}");
        assert!(error.to_string().contains("63 bytes"), "{error}");
    }
}

/// Of all entries that wait for longer than the time that passes while no process runs, few are
/// moved by one statement; what is due anyway is not.
pub(crate) async fn many_that_wait(server: &Server) {
    const HOUR: Duration = Duration::from_secs(60 * 60);
    const COPIES: u64 = 3000;

    let clock = VirtualClock::new();
    let open = async || {
        let builder = PostgresInbox::builder().schema("waiting");
        builder
            .clock(clock.clone())
            .open(server.url())
            .await
            .unwrap()
    };
    let inbox = open().await;
    for (id, wait) in [("n-1", 20 * HOUR), ("n-2", HOUR / 2)] {
        inbox.append(entry(id)).await.unwrap();
        let claim = inbox.claim(1, Duration::ZERO).await.unwrap().remove(0);
        inbox
            .settle(&claim.receipt, retry(wait, true))
            .await
            .unwrap();
    }
    inbox.close().await;
    for sql in [
        &*format!(
            "INSERT INTO waiting.jobs (position, key, at_ms, stored_unix_ms, size) \
             SELECT 10 + n, key, at_ms + n % 2, stored_unix_ms, 0 \
             FROM waiting.jobs, generate_series(1, {COPIES}) AS n WHERE position = 1"
        ),
        "CREATE TABLE moved (number int8)",
        "CREATE FUNCTION note_moved() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
            INSERT INTO moved SELECT count(*) FROM changed; RETURN NULL; END $$",
        "CREATE TRIGGER note AFTER UPDATE ON waiting.jobs REFERENCING NEW TABLE AS changed \
            FOR EACH STATEMENT EXECUTE FUNCTION note_moved()",
    ] {
        server.execute(sql).await;
    }

    clock.advance(25 * HOUR);
    let inbox = open().await;
    while inbox.stats().await.unwrap().ready < COPIES + 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        server.number("SELECT sum(number)::int8 FROM moved").await,
        3001
    );
    assert!(server.number("SELECT max(number) FROM moved").await <= 1024);
    inbox.close().await;
    server
        .execute("DROP SCHEMA waiting CASCADE; DROP TABLE moved")
        .await;
}

pub(crate) async fn a_schema_of_a_later_version(server: &Server) {
    let inbox = open(server.url(), "later").await.unwrap();
    inbox.append(entry("n-1")).await.unwrap();
    inbox.close().await;
    execute(server, "UPDATE later.meta SET version = 99").await;
    let error = open(server.url(), "later").await.unwrap_err();
    assert!(
        matches!(
            error,
            OpenError::Newer {
                found: 99,
                known: 2
            }
        ),
        "{error:?}"
    );
    assert!(error.to_string().contains("version 99"), "{error}");
}

/// As a deployment over a version that has no indexes of dead entries yet: ten processes bring its
/// schema to the later version, once, and what is in it stays.
pub(crate) async fn a_schema_of_the_version_before(server: &Server) {
    const OLD: &str = include_str!("../../src/schema/1.sql");
    for round in 0..5 {
        let schema = format!("before_{round}");
        let old = OLD.replace("nylas_inbox", &schema);
        // As that version has done it, and with a dead entry.
        server
            .execute(&format!(
                "BEGIN; CREATE SCHEMA {schema}; {old}; \
                 INSERT INTO {schema}.meta (application, version) \
                    VALUES ('tower-nylas-postgres', 1); \
                 INSERT INTO {schema}.keys (key, stored_ms) VALUES ('\\x00', 0); \
                 INSERT INTO {schema}.jobs (position, key, state, at_ms, stored_unix_ms, size, cause) \
                    SELECT position, decode(md5(''), 'hex'), 3, 1::int8 << 41, 0, 0, 'expired' \
                    FROM {schema}.keys; \
                 COMMIT"
            ))
            .await;
        for inbox in open_ten(server.url(), &schema).await {
            let groups = inbox.dead_groups(9).await.unwrap();
            assert_eq!((groups.len(), groups[0].count), (1, 1));
            inbox.close().await;
        }
        let version = format!("SELECT version::int8 FROM {schema}.meta");
        assert_eq!(server.number(&version).await, 2);
        let indexes = format!(
            "SELECT count(*) FROM pg_indexes WHERE schemaname = '{schema}' \
             AND indexname LIKE 'dead_by_%'"
        );
        assert_eq!(server.number(&indexes).await, 2);
    }
}

pub(crate) async fn a_schema_of_another_application(server: &Server) {
    for table in ["jobs (a int4)", "meta (version int4)"] {
        execute(server, "CREATE SCHEMA other").await;
        execute(server, &format!("CREATE TABLE other.{table}")).await;
        let error = open(server.url(), "other").await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the schema other has tables of another application"
        );
        let sql = "SELECT count(*) FROM pg_tables WHERE schemaname = 'other'";
        let row = server.connect().await.query_one(sql, &[]).await.unwrap();
        assert_eq!(row.get::<_, i64>(0), 1);
        execute(server, "DROP SCHEMA other CASCADE").await;
    }
}

/// Of a user who may create nothing, and later of one who may use some of what is there.
pub(crate) async fn a_user_without_rights(server: &Server) {
    execute(server, "CREATE ROLE weak LOGIN").await;
    let url = server.url().replace("tester", "weak");
    let error = open(&url, "guarded").await.unwrap_err();
    assert!(matches!(error, OpenError::Denied(_)), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("permission denied for database"), "{text}");

    open(server.url(), "guarded").await.unwrap().close().await;
    let error = open(&url, "guarded").await.unwrap_err();
    assert!(
        error.to_string().contains("permission denied for schema"),
        "{error}"
    );
    execute(server, "GRANT USAGE ON SCHEMA guarded TO weak").await;
    let grant = "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA guarded TO weak";
    execute(server, grant).await;
    execute(server, "REVOKE DELETE ON guarded.bodies FROM weak").await;
    let clock = "SELECT now_unix_ms FROM guarded.clock";
    let before = server.number(clock).await;
    let error = open(&url, "guarded").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the user lacks a right: DELETE on guarded.bodies"
    );
    assert_eq!(server.number(clock).await, before);
    execute(server, "GRANT DELETE ON guarded.bodies TO weak").await;
    let inbox = open(&url, "guarded").await.unwrap();
    inbox.append(entry("n-1")).await.unwrap();
    inbox.close().await;
}

pub(crate) async fn commits_that_may_be_lost(server: &Server) {
    let url = format!("{}?options=-c%20synchronous_commit%3Doff", server.url());
    let error = open(&url, "lossy").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the setting synchronous_commit of the database is off, and has to be on"
    );
    let builder = PostgresInbox::builder().schema("lossy");
    let inbox = builder.accept_lossy_commits().open(&url).await.unwrap();
    inbox.append(entry("n-1")).await.unwrap();
    inbox.close().await;
}

pub(crate) async fn a_database_that_accepts_no_writes(server: &Server) {
    let option = "options=-c%20default_transaction_read_only%3Don";
    let url = format!("{}?{option}", server.url());
    let error = open(&url, "read_only").await.unwrap_err();
    assert!(matches!(error, OpenError::ReadOnly), "{error:?}");
}

pub(crate) async fn a_database_that_cannot_store_every_text(server: &Server) {
    let sql = "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0";
    execute(server, sql).await;
    let (before, _) = server.url().rsplit_once('/').unwrap();
    let error = open(&format!("{before}/latin"), "inbox").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the setting server_encoding of the database is LATIN1, and has to be UTF8"
    );
}

pub(crate) async fn nobody_who_answers(_: &Server) {
    let error = open("no URL", "inbox").await.unwrap_err();
    assert!(matches!(error, OpenError::Url(_)), "{error:?}");
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let url = format!("postgres://user:hunter2@127.0.0.1:{port}/postgres");
    let error = open(&url, "inbox").await.unwrap_err();
    assert!(matches!(error, OpenError::Unreachable(_)), "{error:?}");
    assert!(error.to_string().contains("refused"), "{error}");
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

async fn open(url: &str, schema: &str) -> Result<PostgresInbox, OpenError> {
    PostgresInbox::builder().schema(schema).open(url).await
}

async fn execute(server: &Server, sql: &str) {
    server.execute(sql).await;
}
