use std::collections::BTreeSet;

use axum::{Router, extract::Request};
use http::StatusCode;
use tower::ServiceExt;
use tower_nylas::inbox::DeadCause;
use tower_nylas_inspector::Inspector;

use crate::stage::{Stage, serve_app};

fn inspector(stage: &Stage) -> Inspector {
    Inspector::builder()
        .inbox(stage.inbox.clone())
        .recent(&stage.recent)
        .health(&stage.health)
        .authorize(|_| true)
        .build()
}

/// All links and targets of forms on a page.
fn links(page: &str) -> BTreeSet<String> {
    let mut links = BTreeSet::new();
    for attribute in ["href=\"", "action=\""] {
        for part in page.split(attribute).skip(1) {
            links.insert(part.split_once('"').unwrap().0.replace("&amp;", "&"));
        }
    }
    links
}

/// Follows all links from a URL, as a browser resolves them, and returns how many pages there are.
async fn crawl(start: &str) -> usize {
    let start = reqwest::Url::parse(start).unwrap();
    let mut known = BTreeSet::from([start.clone()]);
    let mut open = vec![start.clone()];
    while let Some(url) = open.pop() {
        let response = reqwest::get(url.clone()).await.unwrap();
        let status = response.status();
        assert_eq!(status, StatusCode::OK, "{url}");
        for link in links(&response.text().await.unwrap()) {
            assert!(link.starts_with(['?', '#']), "{link}");
            let mut target = url.join(&link).unwrap();
            target.set_fragment(None);
            assert_eq!(
                (target.host_str(), target.path()),
                (start.host_str(), start.path())
            );
            // Copies of pages that differ only in when they load again.
            if !link.contains("refresh=") && known.insert(target.clone()) {
                open.push(target);
            }
        }
    }
    known.len()
}

async fn filled() -> Stage {
    let stage = Stage::start().await;
    stage
        .bury(
            stage.message("a mail", "g-1"),
            DeadCause::Expired,
            "a reason",
        )
        .await;
    stage
        .bury("{}".to_owned(), DeadCause::Malformed, "no trigger")
        .await;
    stage.deliver(stage.message("another", "g-1")).await;
    stage.fail(stage.message("another", "g-1")).await;
    stage.forge().await;
    stage
}

pub(crate) async fn under_any_path_with_and_without_a_slash() {
    let stage = filled().await;
    let nested = Router::new().nest_service("/a/b", inspector(&stage));
    let address = serve_app(nested.route_service("/exactly", inspector(&stage))).await;
    for path in ["/a/b", "/a/b/", "/exactly"] {
        let count = crawl(&format!("http://{address}{path}")).await;
        assert!(count > 20, "{path}: {count}");
    }
    let address = serve_app(Router::new().fallback_service(inspector(&stage))).await;
    crawl(&format!("http://{address}")).await;
}

pub(crate) async fn behind_a_proxy_that_strips_a_prefix() {
    let stage = filled().await;
    let behind = serve_app(Router::new().fallback_service(inspector(&stage))).await;
    let client = reqwest::Client::new();
    let proxy = axum::routing::any(move |request: Request| {
        let client = client.clone();
        async move {
            let query = request.uri().query().map(|query| format!("?{query}"));
            let url = format!("http://{behind}/{}", query.unwrap_or_default());
            let answer = client.get(url).send().await.unwrap();
            (answer.status(), answer.text().await.unwrap())
        }
    });
    let address = serve_app(Router::new().nest_service("/tools/nylas", proxy)).await;
    assert!(crawl(&format!("http://{address}/tools/nylas")).await > 20);
}

pub(crate) async fn every_link_of_every_page_holds() {
    let stage = filled().await;
    assert!(crawl(&stage.url("")).await > 20);
    // A redirect is a query as well.
    let request = Request::post("/")
        .header("sec-fetch-site", "same-origin")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(axum::body::Body::from("action=replay&confirm=1&state=dead"))
        .unwrap();
    let answer = inspector(&stage).oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(
        answer.headers()["location"],
        "?page=dead&did=replay&n=2&of=2"
    );
}
