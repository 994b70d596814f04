//! What a slow engine, another site and many at once cannot do.

use std::sync::atomic::Ordering;

use http::StatusCode;
use tower_nylas::{health::Health, testing::VirtualClock};
use tower_nylas_inspector::{Inspector, Recent};

use crate::{
    scripted::Scripted,
    stage::{At, Stage, serve},
};

pub(crate) async fn an_engine_that_hangs_takes_no_page_with_it() {
    let inbox = Scripted::new(["message.created"]);
    let clock = VirtualClock::new();
    let (health, recent) = (Health::new(), Recent::new(10));
    let builder = Inspector::builder()
        .browse(inbox.clone())
        .health(&health)
        .recent(&recent)
        .timer(clock.clone());
    let at = At(serve(builder.authorize(|_| true).build()).await);
    assert!(at.get("").await.1.contains("message.created"));
    inbox.hangs.store(true, Ordering::SeqCst);
    let key = inbox.keys()[0];
    let action = format!("action=replay&key={key}");
    let pages = async {
        let (status, page) = at.get("").await;
        assert_eq!(status, StatusCode::OK);
        for part in ["has not answered within 5 s", "Health", "Last deliveries"] {
            assert!(page.contains(part), "{part}: {page}");
        }
        for query in ["?page=inbox", "?page=dead", "?page=replay&state=dead"] {
            let (status, page) = at.get(query).await;
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{page}");
        }
        let (status, answer) = at.post(&action).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{answer}");
    };
    // Whatever sleeps is woken, as often as something does.
    let time_passes = async {
        loop {
            clock.advance(std::time::Duration::from_secs(1));
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = pages => {}
        () = time_passes => {}
    }
}

pub(crate) async fn two_dry_runs_are_under_way_at_most() {
    let inbox = Scripted::new(["message.created"]);
    let builder = Inspector::builder().browse(inbox.clone());
    let at = At(serve(builder.authorize(|_| true).build()).await);
    inbox.hangs.store(true, Ordering::SeqCst);
    let dry_run = "?page=replay&state=dead";
    let mut waiting = Vec::new();
    for _ in 0..2 {
        let asked = inbox.asked.load(Ordering::SeqCst);
        let at = At(at.0);
        waiting.push(tokio::spawn(async move { at.get(dry_run).await }));
        while inbox.asked.load(Ordering::SeqCst) == asked {
            tokio::task::yield_now().await;
        }
    }
    for page in [dry_run, "?page=discard&state=dead"] {
        let (status, page) = at.get(page).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(page.contains("try again in a moment"), "{page}");
    }
    // Their clients leave, and with them the servers' work.
    for waiting in waiting {
        waiting.abort();
        assert!(waiting.await.unwrap_err().is_cancelled());
    }
    inbox.hangs.store(false, Ordering::SeqCst);
    for _ in 0..600 {
        if at.get(dry_run).await.0 == StatusCode::OK {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("no dry run is possible any more");
}

pub(crate) async fn no_other_site_makes_it_read() {
    let inbox = Scripted::new(["message.created"]);
    let builder = Inspector::builder().browse(inbox.clone());
    let at = At(serve(builder.authorize(|_| true).build()).await);
    let get =
        async |headers: &[(&str, &str)]| at.get_with("?page=replay&state=dead", headers).await;
    for site in ["cross-site", "same-site"] {
        for headers in [
            &[][..],
            &[("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")],
            &[("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty")],
            &[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")],
        ] {
            let headers = [headers, &[("sec-fetch-site", site)]].concat();
            assert_eq!(get(&headers).await, StatusCode::FORBIDDEN, "{headers:?}");
        }
        assert_eq!(inbox.read.load(Ordering::SeqCst), 0);
    }
    for headers in [
        &[][..],
        &[
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-mode", "navigate"),
        ],
        &[("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate")],
        // A link in a ticket.
        &[
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ],
    ] {
        assert_eq!(get(headers).await, StatusCode::OK, "{headers:?}");
    }
}

pub(crate) async fn a_link_from_elsewhere_says_nothing() {
    let stage = Stage::start().await;
    let done = "?page=dead&did=purge&n=5000";
    assert!(stage.page(done).await.contains("entries are purged."));
    for site in [None, Some("none"), Some("cross-site")] {
        let mut request = stage.client().get(stage.url(done));
        if let Some(site) = site {
            request = request
                .header("sec-fetch-site", site)
                .header("sec-fetch-mode", "navigate");
        }
        let page = request.send().await.unwrap().text().await.unwrap();
        assert!(page.contains("Nothing is dead."), "{page}");
        assert!(!page.contains("purged"), "{site:?}: {page}");
    }
    // A name is encoded, and one that no page knows is on no link.
    let page = stage
        .page("?page=inbox&grant=a%26b&x%26did%3Dpurge%26n%3D999%26y=1")
        .await;
    assert!(
        page.contains("href=\"?page=inbox&amp;grant=a%26b\""),
        "{page}"
    );
    assert!(!page.contains("999"), "{page}");
}
