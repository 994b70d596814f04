//! Connections that are cut between a commit and its answer, and hosts that are dead.

use std::time::Duration;

use tokio::net::TcpListener;
use tower_nylas::inbox::{Appended, Browse, Inbox, SettleError, Settlement};
use tower_nylas_kit::inbox::entry;
use tower_nylas_postgres::{OpenError, PostgresInbox};

use crate::{
    proxy::{Proxy, at},
    server::Server,
};

/// What was stored is stored: the client sends it again, and is told so.
pub(crate) async fn an_append_that_is_cut(server: &Server) {
    let (proxy, inbox) = open(server, "cut_append").await;
    let (cut, appended) = tokio::join!(
        proxy.cut_answer_of("cut_append\".bodies (position, head, content)"),
        inbox.append(entry("n-1")),
    );
    let () = cut;
    appended.unwrap_err();
    let again = inbox.append(entry("n-1")).await.unwrap();
    assert_eq!(again, Appended::Duplicate);
    assert_eq!(inbox.stats().await.unwrap().ready, 1);
    inbox.close().await;
}

/// It has no owner, so it is given back long before its lease ends, and has not crashed.
pub(crate) async fn a_claim_that_is_cut(server: &Server) {
    let (proxy, inbox) = open(server, "cut_claim").await;
    inbox.append(entry("n-1")).await.unwrap();
    let (cut, claimed) = tokio::join!(
        proxy.cut_answer_of("crashes = crashes + crashed"),
        inbox.claim(1, Duration::ZERO),
    );
    let () = cut;
    claimed.unwrap_err();
    let claims = inbox.claim(1, PostgresInbox::LEASE / 2).await.unwrap();
    assert_eq!(claims.len(), 1);
    assert_eq!(claims[0].crashes, 0);
    inbox.close().await;
}

/// It was settled, so the repetition finds nothing, and nothing is handled twice.
pub(crate) async fn a_settlement_that_is_cut(server: &Server) {
    let (proxy, inbox) = open(server, "cut_settlement").await;
    for settlement in [
        Settlement::Done,
        Settlement::Retry {
            after: Duration::from_secs(60),
            failed: true,
            why: String::new(),
        },
    ] {
        let (id, text) = match settlement {
            Settlement::Done => (
                "n-1",
                "jobs.token = receipt.token AND state = 1\n    RETURNING",
            ),
            _ => ("n-2", "failures = failures + failed::int4"),
        };
        inbox.append(entry(id)).await.unwrap();
        let claim = inbox.claim(1, Duration::ZERO).await.unwrap().remove(0);
        let settle = || inbox.settle(&claim.receipt, settlement.clone());
        let (cut, settled) = tokio::join!(proxy.cut_answer_of(text), settle());
        let () = cut;
        assert!(
            matches!(settled, Err(SettleError::Unavailable(_))),
            "{settled:?}"
        );
        let settled = settle().await;
        assert!(
            matches!(settled, Err(SettleError::LeaseLost)),
            "{settled:?}"
        );
    }
    let stats = inbox.stats().await.unwrap();
    assert_eq!((stats.ready, stats.claimed, stats.waiting), (0, 0, 1));
    inbox.close().await;
}

/// Two that accept connections and say nothing, as machines that hang, before one that answers:
/// both take longer than a call waits, so the connection has to be made beyond that.
pub(crate) async fn hosts_that_hang_before_the_one_that_answers(server: &Server) {
    let first = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let second = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addresses = [
        first.local_addr().unwrap(),
        second.local_addr().unwrap(),
        server.address(),
    ];
    let url = format!(
        "{}?connect_timeout=1&target_session_attrs=read-write",
        at(server, &addresses)
    );
    let inbox = PostgresInbox::open(&url).await.unwrap();
    inbox.append(entry("n-1")).await.unwrap();

    // As after a failover.
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE application_name = 'tower-nylas'";
    server.execute(cut).await;
    let mut tries = 0;
    while let Err(why) = inbox.append(entry("n-2")).await {
        tries += 1;
        assert!(tries < 20, "{why}");
        tokio::task::yield_now().await;
    }
    assert_eq!(inbox.stats().await.unwrap().ready, 2);
    inbox.close().await;
}

/// One alone.
pub(crate) async fn a_host_that_hangs(server: &Server) {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = at(server, &[silent.local_addr().unwrap()]);
    let url = format!("{url}?connect_timeout=1");
    let error = PostgresInbox::open(&url).await.unwrap_err();
    assert!(matches!(error, OpenError::Unreachable(_)), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("the host does not answer"), "{text}");
}

/// The first one is read-only from some moment on, as a primary that becomes a standby.
pub(crate) async fn a_failover(first: &Server) {
    let second = Server::start(&[]).await;
    for server in [first, &second] {
        PostgresInbox::open(server.url())
            .await
            .unwrap()
            .close()
            .await;
    }
    let addresses = [first, &second].map(Server::address);
    let url = format!("{}?target_session_attrs=read-write", at(first, &addresses));
    let inbox = PostgresInbox::open(&url).await.unwrap();
    inbox.append(entry("n-1")).await.unwrap();

    first.set("default_transaction_read_only", "on").await;
    // Each of the connections that there are is refused once.
    let mut tries = 0;
    while let Err(why) = inbox.append(entry("n-2")).await {
        tries += 1;
        assert!(tries <= 2 * PostgresInbox::CONNECTIONS, "{why}");
    }
    assert!(tries > 0);
    let sql = "SELECT count(*) FROM nylas_inbox.jobs";
    for server in [first, &second] {
        assert_eq!(server.number(sql).await, 1);
    }
    inbox.close().await;
}

/// Of several hosts the first one is a standby, and the URL says nothing of that.
pub(crate) async fn a_standby_first(first: &Server) {
    first.set("default_transaction_read_only", "on").await;
    let second = Server::start(&[]).await;
    let url = at(first, &[first, &second].map(Server::address));
    let inbox = PostgresInbox::builder().notify().open(&url).await.unwrap();
    inbox.append(entry("n-1")).await.unwrap();
    let sql = "SELECT count(*) FROM nylas_inbox.jobs";
    assert_eq!(second.number(sql).await, 1);
    // It listens where it is told something.
    let listens = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'LISTEN %')";
    second.wait_until(listens).await;
    inbox.close().await;
}

/// The connection over which a process listens goes silent, as one to a machine that is gone. Only
/// the process can notice that, which sends nothing over it otherwise.
pub(crate) async fn a_listener_that_hears_nothing(server: &Server) {
    let proxy = Proxy::start(server).await;
    let builder = PostgresInbox::builder().notify();
    let inbox = builder.open(&proxy.url).await.unwrap();
    let listeners = |count: usize| {
        format!(
            "SELECT count(*) = {count} FROM pg_stat_activity WHERE query LIKE 'LISTEN %' \
             AND backend_type = 'client backend'"
        )
    };
    server.wait_until(&listeners(1)).await;
    proxy.fall_silent();
    // The server knows nothing of the end of the first one.
    server.wait_until(&listeners(2)).await;
    inbox.close().await;
}

/// Of two hosts, the first one accepts connections and says nothing: the second one is listened to.
pub(crate) async fn a_listener_whose_first_host_hangs(server: &Server) {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addresses = [silent.local_addr().unwrap(), server.address()];
    let url = format!("{}?connect_timeout=1", at(server, &addresses));
    let inbox = PostgresInbox::builder().notify().open(&url).await.unwrap();
    let listens = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'LISTEN %')";
    server.wait_until(listens).await;
    inbox.close().await;
}

async fn open(server: &Server, schema: &str) -> (Proxy, PostgresInbox) {
    let proxy = Proxy::start(server).await;
    let builder = PostgresInbox::builder().schema(schema);
    let inbox = builder.open(&proxy.url).await.unwrap();
    (proxy, inbox)
}
