use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::StatusCode;
use reqwest::Response;
use sha2::{Digest, Sha256};
use tower_nylas::inbox::{DeadCause, EntryState};
use tower_nylas_inspector::{Access, Inspector};

use crate::stage::{PATH, Stage, serve_app};

fn assert_headers(response: &Response, what: &str) {
    let headers = response.headers();
    let policy = headers["content-security-policy"].to_str().unwrap();
    for part in [
        "default-src 'none'; ",
        "style-src 'sha256-",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ] {
        assert!(policy.contains(part), "{what}: {policy}");
    }
    assert!(
        !policy.contains("unsafe") && !policy.contains("script-src"),
        "{policy}"
    );
    for (name, value) in [
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        assert_eq!(headers[name], value, "{what}");
    }
    assert!(!headers.contains_key("set-cookie"), "{what}");
}

pub(crate) async fn every_answer_has_the_headers() {
    let stage = Stage::start().await;
    let key = stage
        .bury(stage.message("a mail", "g-1"), DeadCause::Expired, "no")
        .await;
    let client = stage.client();
    for query in [
        "",
        "?page=deliveries",
        "?page=dead",
        "?page=nowhere",
        "?page=entry&key=0",
    ] {
        for accept in ["text/html", "application/json"] {
            let request = client.get(stage.url(query)).header("accept", accept);
            assert_headers(&request.send().await.unwrap(), query);
        }
    }
    for form in [format!("action=replay&key={key}"), "action=none".to_owned()] {
        assert_headers(&stage.posting(&form).send().await.unwrap(), &form);
    }
    assert_headers(&client.post(stage.url("")).send().await.unwrap(), "403");
    assert_headers(&client.delete(stage.url("")).send().await.unwrap(), "405");
    let elsewhere = client.get(stage.url("")).header("host", "evil.example");
    let elsewhere = elsewhere.send().await.unwrap();
    assert_eq!(elsewhere.status(), StatusCode::FORBIDDEN);
    assert_headers(&elsewhere, "not authorized");
}

pub(crate) async fn the_style_is_allowed_by_its_hash() {
    let stage = Stage::start().await;
    let response = stage.client().get(stage.url("")).send().await.unwrap();
    let policy = response.headers()["content-security-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    let page = response.text().await.unwrap();
    let style = page
        .split_once("<style>")
        .unwrap()
        .1
        .split_once("</style>")
        .unwrap()
        .0;
    let hash = STANDARD.encode(Sha256::digest(style));
    assert!(
        policy.contains(&format!("style-src 'sha256-{hash}'")),
        "{policy}"
    );
    // Neither is there anything else that the policy would have to allow.
    for foreign in ["<script", "style=\"", "<link", "<img", "url(", "@import"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
}

pub(crate) async fn a_form_of_another_origin_is_refused() {
    let stage = Stage::start().await;
    let key = stage
        .bury(stage.message("a mail", "g-1"), DeadCause::Expired, "no")
        .await;
    let send = async |sites: &[&str]| {
        let mut request = stage
            .client()
            .post(stage.url(""))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("action=replay&key={key}"));
        for site in sites {
            request = request.header("sec-fetch-site", *site);
        }
        request.send().await.unwrap().status()
    };
    for sites in [
        &[][..],
        &["cross-site"],
        &["same-site"],
        &["none"],
        &["Same-Origin"],
        &["same-origin, cross-site"],
        &["same-origin", "cross-site"],
        &["cross-site", "same-origin"],
    ] {
        assert_eq!(send(sites).await, StatusCode::FORBIDDEN, "{sites:?}");
    }
    stage.assert_refused(8, "it is not from a page of this origin");
    // Nor does a form of a kind that other origins can send without asking.
    for content_type in [
        None,
        Some("text/plain"),
        Some("multipart/form-data; boundary=x"),
    ] {
        let mut request = stage
            .client()
            .post(stage.url(""))
            .header("sec-fetch-site", "same-origin");
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let answer = request
            .body(format!("action=replay&key={key}"))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    stage.assert_refused(3, "a form is needed");
    assert_eq!(stage.count(EntryState::Dead(DeadCause::Expired)).await, 1);
    assert_eq!(send(&["same-origin"]).await, StatusCode::SEE_OTHER);
    assert_eq!(stage.count(EntryState::Dead(DeadCause::Expired)).await, 0);
}

pub(crate) async fn without_authorization_nothing_is_shown() {
    let stage = Stage::with(|builder| {
        builder.authorize(|parts| {
            parts
                .headers
                .get("x-user")
                .is_some_and(|user| user == "ann")
        })
    })
    .await;
    let key = stage
        .bury(stage.message("a mail", "g-1"), DeadCause::Expired, "no")
        .await;
    for query in ["", "?page=dead", "?page=nowhere", "?page=replay&state=dead"] {
        assert_eq!(
            stage.get(query).await,
            (StatusCode::FORBIDDEN, "forbidden\n".to_owned())
        );
        let (status, value) = stage.json_of(query).await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        assert_eq!(value, serde_json::json!({ "error": "forbidden" }));
    }
    let (status, _) = stage.post(&format!("action=replay&key={key}")).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let (status, _) = stage.post("action=pause").await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert_eq!(
        stage.actions(),
        [r#"an action by "somebody", refused: "it is not authorized""#; 2]
    );
    assert!(!stage.pause.is_paused());
    let request = stage.client().get(stage.url("")).header("x-user", "ann");
    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
}

async fn assert_refuses_actions(stage: &Stage, who: &str) {
    let key = stage
        .bury(stage.message("a mail", "g-1"), DeadCause::Expired, "no")
        .await;
    for form in [
        format!("action=replay&key={key}"),
        format!("action=discard&key={key}&reason=x"),
        "action=purge&grant=g-1&confirm=1".to_owned(),
        "action=pause".to_owned(),
        "action=resume".to_owned(),
    ] {
        assert_eq!(stage.post(&form).await.0, StatusCode::FORBIDDEN, "{form}");
    }
    assert_eq!(stage.count(EntryState::Dead(DeadCause::Expired)).await, 1);
    let refused = format!("an action by {who:?}, refused: \"it is read only\"");
    assert_eq!(stage.actions(), [&*refused; 5]);
    assert!(!stage.pause.is_paused());
    for query in [
        "",
        "?page=dead",
        "?page=inbox&grant=g-1",
        &format!("?page=entry&key={key}"),
    ] {
        let page = stage.page(query).await;
        assert!(
            !page.contains("method=\"post\"") && page.contains("Read only"),
            "{page}"
        );
    }
}

pub(crate) async fn who_may_read_may_not_act() {
    let stage = Stage::with(|builder| builder.authorize(|_| Access::read_only("bob"))).await;
    assert_refuses_actions(&stage, "bob").await;
    assert!(stage.page("").await.contains("Signed in as bob"));
}

pub(crate) async fn read_only_holds_for_everybody() {
    let stage = Stage::with(|builder| builder.read_only().authorize(|_| Access::full("ann"))).await;
    assert_refuses_actions(&stage, "ann").await;
}

/// What a `Peer` and a `Host` are, is tested beside the code that looks at them.
pub(crate) async fn only_this_machine() {
    let stage = Stage::start().await;
    let get = async |name: &str, value: &str| {
        let request = stage.client().get(stage.url("")).header(name, value);
        request.send().await.unwrap().status()
    };
    assert_eq!(get("accept", "*/*").await, StatusCode::OK);
    assert_eq!(get("host", "localhost:1234").await, StatusCode::OK);
    assert_eq!(get("host", "rebound.example").await, StatusCode::FORBIDDEN);
    assert_eq!(
        get("x-forwarded-for", "127.0.0.1").await,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        get("forwarded", "for=127.0.0.1").await,
        StatusCode::FORBIDDEN
    );
    // A server that hands nothing in.
    let inspector = Inspector::builder().loopback_only().build();
    let app = axum::Router::new().nest_service(PATH, inspector);
    let address = serve_app(app).await;
    let answer = reqwest::get(format!("http://{address}{PATH}"))
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
}

pub(crate) async fn a_large_form_is_refused() {
    let stage = Stage::start().await;
    let form = format!(
        "action=replay&confirm=1&state=dead&x={}",
        "x".repeat(128 << 10)
    );
    let (status, _) = stage.post(&form).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    stage.assert_refused(1, "the form is too large");
}
