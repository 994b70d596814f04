//! What the server reads where much has come since it last counted, and where nothing that was
//! handled can be removed.

use std::time::Duration;

use tower_nylas::inbox::{Appended, Browse, DeadCause, EntryState, Inbox, Inspect, Query};
use tower_nylas_kit::inbox::{dead, entry};
use tower_nylas_postgres::PostgresInbox;

use crate::server::Server;

/// How many entries there are.
const MANY: i64 = 30_000;

/// Stores an entry that is due, or dead, and lets the server believe that there are next to no
/// others: it has counted them when everything was handled. Then there are many copies of it.
async fn fill(server: &Server, schema: &str, url: &str, is_dead: bool) -> PostgresInbox {
    let builder = PostgresInbox::builder().schema(schema);
    let inbox = builder.open(server.url()).await.unwrap();
    inbox.append(entry("n-0")).await.unwrap();
    if is_dead {
        let claim = inbox.claim(1, Duration::ZERO).await.unwrap().remove(0);
        inbox.settle(&claim.receipt, dead()).await.unwrap();
    }
    inbox.close().await;
    drop(inbox);
    for sql in [
        // It is the test that decides when it counts.
        "ALTER TABLE inbox.jobs SET (autovacuum_enabled = off); \
         ALTER TABLE inbox.bodies SET (autovacuum_enabled = off); \
         ALTER TABLE inbox.keys SET (autovacuum_enabled = off)",
        COPY,
        "DELETE FROM inbox.jobs WHERE position > 10; \
         DELETE FROM inbox.bodies WHERE position > 10; \
         DELETE FROM inbox.keys WHERE position > 10",
        "ANALYZE inbox.jobs; ANALYZE inbox.bodies; ANALYZE inbox.keys",
        COPY,
    ] {
        let sql = sql.replace("inbox.", &format!("{schema}."));
        let sql = sql.replace("MANY", &MANY.to_string());
        server.execute(&sql).await;
        others_have_ended(server).await;
    }
    let builder = PostgresInbox::builder().schema(schema);
    builder.open(url).await.unwrap()
}

const COPY: &str = "\
    INSERT INTO inbox.keys (key, position, stored_ms) \
        SELECT decode(md5(n::text), 'hex'), 10 + n, stored_ms \
        FROM inbox.keys, generate_series(1, MANY) AS n WHERE position <= 10; \
    INSERT INTO inbox.jobs (position, key, state, at_ms, stored_unix_ms, size, type, cause) \
        SELECT 10 + n, decode(md5(n::text), 'hex'), state, at_ms, stored_unix_ms, 0, type, \
            cause \
        FROM inbox.jobs, generate_series(1, MANY) AS n WHERE position <= 10; \
    INSERT INTO inbox.bodies (position, head, content) \
        SELECT 10 + n, head, content \
        FROM inbox.bodies, generate_series(1, MANY) AS n WHERE position <= 10";

/// The URL of a user who may use the schema, and to whom nothing in it belongs.
async fn of_a_guest(server: &Server, schema: &str) -> String {
    let user = format!("guest_of_{schema}");
    server
        .execute(&format!(
            "CREATE ROLE {user} LOGIN; CREATE SCHEMA {schema}; \
             ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} \
                 GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {user}; \
             GRANT USAGE ON SCHEMA {schema} TO {user}"
        ))
        .await;
    let (before, _) = server.url().split_once("://").unwrap();
    let (_, after) = server.url().split_once('@').unwrap();
    format!("{before}://{user}@{after}?application_name={schema}")
}

/// Until all other connections have ended, and the server has written what they have read.
async fn others_have_ended(server: &Server) {
    let ended = "SELECT count(*) = 0 FROM pg_stat_activity \
                 WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
    server.wait_until(ended).await;
    // Before version 15 another process writes it, twice a second.
    tokio::time::sleep(Duration::from_secs(1)).await;
}

/// How many rows of a table were read.
async fn read_rows(server: &Server, schema: &str, table: &str) -> i64 {
    let sql = format!(
        "SELECT (seq_tup_read + coalesce(idx_tup_fetch, 0))::int8 FROM pg_stat_user_tables \
         WHERE schemaname = '{schema}' AND relname = '{table}'"
    );
    server.number(&sql).await
}

/// It counts again before autovacuum, which looks once a minute and here never, would.
pub(crate) async fn what_the_server_knows_is_renewed(server: &Server) {
    let inbox = fill(server, "renewed", server.url(), false).await;
    let knows = |table: &str| {
        format!("SELECT reltuples > 20000 FROM pg_class WHERE oid = 'renewed.{table}'::regclass")
    };
    for table in ["jobs", "keys", "bodies"] {
        server.wait_until(&knows(table)).await;
    }
    inbox.close().await;
}

/// As long as it does not know, a key that has expired does not let it read all entries.
pub(crate) async fn a_key_that_comes_again(server: &Server) {
    let url = of_a_guest(server, "again").await;
    let inbox = fill(server, "again", &url, false).await;
    let before = read_rows(server, "again", "jobs").await;
    server
        .execute("UPDATE again.keys SET stored_ms = 0 WHERE position <= 10")
        .await;
    // Its entry is still there.
    let appended = inbox.append(entry("n-0")).await.unwrap();
    assert_eq!(appended, Appended::Duplicate);
    inbox.close().await;
    drop(inbox);
    others_have_ended(server).await;
    let read = read_rows(server, "again", "jobs").await - before;
    assert!(read < MANY / 2, "{read}");
}

/// Nor does what an operator chooses let it look for all keys at each dead entry.
pub(crate) async fn dead_ones_that_are_chosen(server: &Server) {
    let url = of_a_guest(server, "chosen").await;
    let inbox = fill(server, "chosen", &url, true).await;
    let before = read_rows(server, "chosen", "keys").await;
    let listed = inbox.dead(None, 10).await.unwrap();
    let keys: Vec<_> = listed.iter().map(|dead| dead.key).collect();
    assert_eq!(inbox.discard(&keys[..5]).await.unwrap(), 5);
    assert_eq!(inbox.replay(&keys[5..]).await.unwrap(), 5);
    inbox.close().await;
    drop(inbox);
    others_have_ended(server).await;
    let read = read_rows(server, "chosen", "keys").await - before;
    // Twice all of them at most, and not five for each dead one.
    assert!(read < 3 * MANY, "{read}");
}

/// While a transaction is open somewhere that may still see all that was ever handled, claims do
/// not pass over all of it each time.
pub(crate) async fn what_a_transaction_keeps(server: &Server) {
    let builder = PostgresInbox::builder().schema("kept");
    let builder = builder.poll_each(Duration::from_millis(10));
    let inbox = builder.open(server.url()).await.unwrap();
    let other = server.connect().await;
    let open = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM kept.meta";
    other.batch_execute(open).await.unwrap();
    let handled = format!(
        "INSERT INTO kept.jobs (position, key, at_ms, stored_unix_ms, size) \
             SELECT 1000 + n, '', engine_ms - 60000, 0, 0 \
             FROM kept.clock, generate_series(1, {MANY}) AS n; \
         DELETE FROM kept.jobs"
    );
    server.execute(&handled).await;
    let index = "FROM pg_stat_user_indexes WHERE indexrelname = 'jobs_to_claim' \
                 AND schemaname = 'kept'";
    // It looks until then.
    let looked = async {
        let sql = format!("SELECT idx_scan > 100 {index}");
        server.wait_until(&sql).await;
    };
    let ((), claimed) = tokio::join!(looked, inbox.claim(1, Duration::from_secs(20)));
    assert!(claimed.unwrap().is_empty());
    let read = server.number(&format!("SELECT idx_tup_read {index}")).await;
    assert!(read >= MANY, "{read}");
    // Once, and once more after 10 s and after 20 s.
    assert!(read <= 4 * MANY, "{read}");
    other.batch_execute("COMMIT").await.unwrap();
    inbox.close().await;
}

/// What another transaction had a lock on when it was due, and left as it was, is claimed all the
/// same.
pub(crate) async fn what_was_locked_when_it_was_due(server: &Server) {
    let inbox = PostgresInbox::builder().schema("locked_due");
    let inbox = inbox.open(server.url()).await.unwrap();
    inbox.append(entry("n-1")).await.unwrap();
    let earlier = "UPDATE locked_due.jobs SET at_ms = at_ms - 60000";
    server.execute(earlier).await;
    let other = server.connect().await;
    let lock = "BEGIN; SELECT FROM locked_due.jobs FOR UPDATE";
    other.batch_execute(lock).await.unwrap();
    for _ in 0..3 {
        assert!(inbox.claim(1, Duration::ZERO).await.unwrap().is_empty());
    }
    other.batch_execute("ROLLBACK").await.unwrap();
    let claims = inbox.claim(1, PostgresInbox::LEASE / 2).await.unwrap();
    assert_eq!(claims.len(), 1);
    inbox.close().await;
}

/// A group of dead entries is found, and a page of it, without a look at each of the others; and
/// none of them, or of what is not dead, is in the way of the count.
pub(crate) async fn dead_ones_that_are_few_among_many(server: &Server) {
    let inbox = PostgresInbox::builder().schema("few");
    let inbox = inbox.open(server.url()).await.unwrap();
    let copies = |from: i64, state: i32, cause: &str| {
        format!(
            "INSERT INTO few.jobs \
                (position, key, state, at_ms, stored_unix_ms, size, type, cause) \
             SELECT n, decode(md5(n::text), 'hex'), {state}, engine_ms + 3600000, 0, 0, 'a.b', {cause} \
             FROM few.clock, generate_series({from}, {from} + {MANY} - 1) AS n"
        )
    };
    server.execute(&copies(1000, 3, "'expired'")).await;
    let other = "UPDATE few.jobs SET cause = 'crashed' WHERE position < 1003";
    server.execute(other).await;
    server.execute(&copies(1000 + MANY, 0, "NULL")).await;
    // As it does by itself.
    server.execute("VACUUM ANALYZE few.jobs").await;
    inbox.close().await;
    drop(inbox);
    others_have_ended(server).await;

    let before = read_rows(server, "few", "jobs").await;
    let inbox = PostgresInbox::builder().schema("few");
    let inbox = inbox.open(server.url()).await.unwrap();
    let groups = inbox.dead_groups(9).await.unwrap();
    let counts: Vec<_> = groups
        .iter()
        .map(|group| (group.cause, group.count))
        .collect();
    let many = MANY.unsigned_abs();
    assert_eq!(
        counts,
        [(DeadCause::Expired, many - 3), (DeadCause::Crashed, 3)]
    );
    let mut query = Query::default();
    query.state = Some(EntryState::Dead(DeadCause::Crashed));
    query.trigger = Some("a.b".to_owned());
    assert_eq!(inbox.list(&query).await.unwrap().len(), 3);
    assert_eq!(inbox.dead(None, 5).await.unwrap().len(), 5);
    inbox.close().await;
    drop(inbox);
    others_have_ended(server).await;
    // The count reads its index alone, the pages their rows.
    let read = read_rows(server, "few", "jobs").await - before;
    assert!(read < 1000, "{read}");
}
