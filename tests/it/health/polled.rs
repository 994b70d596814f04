//! What Nylas itself says.

use std::sync::Mutex;

use http::Method;
use serde_json::json;
use tower_nylas::{
    api::{Api, WebhookId},
    testing::nylas::Simulator,
};

use super::*;

/// The answers of the API, one after the other, and the last one again and again.
fn poll(answers: &[(u16, &str)]) -> (Scene, Arc<Mutex<Vec<Method>>>) {
    let scene = Scene::new(secrets());
    let methods = Arc::new(Mutex::new(Vec::new()));
    let seen = methods.clone();
    let answers: Vec<_> = answers
        .iter()
        .map(|(status, said)| (*status, (*said).to_owned()))
        .collect();
    let client = service_fn(move |request: Request<Full<Bytes>>| {
        assert_eq!(request.uri().path(), "/v3/webhooks/w-1");
        let mut seen = seen.lock().unwrap();
        let (status, said) = answers[seen.len().min(answers.len() - 1)].clone();
        seen.push(request.method().clone());
        let body = json!({"request_id": "r-1", "data": {"id": "w-1", "status": said}});
        let response = Response::builder().status(status);
        let response = response
            .body(Full::<Bytes>::from(body.to_string()))
            .unwrap();
        async { Ok::<_, Infallible>(response) }
    });
    let api = Api::with_timer(Api::EU, Simulator::API_KEY, scene.clock.clone()).unwrap();
    let id = WebhookId::new("w-1").unwrap();
    let watch = scene
        .health
        .clone()
        .watch_status("default", id, api, client);
    scene
        .clock
        .spawn(async move { assert_eq!(watch.await, TimerMissing) });
    (scene, methods)
}

#[test]
fn each_status_has_its_level() {
    for (said, level) in [
        ("active", Level::Ok),
        ("failing", Level::Error),
        ("failed", Level::Critical),
        ("pause", Level::Warning),
        ("paused", Level::Warning),
        ("inactive", Level::Warning),
        ("something new", Level::Ok),
    ] {
        let (scene, _) = poll(&[(200, said)]);
        let changes = scene.health.watch();
        scene.clock.run_for(SECOND);
        assert_eq!(changes.has_changed().unwrap(), level > Level::Ok, "{said}");
        assert_eq!(scene.level_of(Cause::Status), level, "{said}");
    }
}

#[test]
fn it_is_read_every_minute_and_nothing_is_changed() {
    let (scene, methods) = poll(&[
        (200, "failed"),
        (503, "active"),
        (401, "x"),
        (200, "active"),
    ]);
    for level in [Level::Critical, Level::Critical, Level::Critical, Level::Ok] {
        scene.clock.run_for(SECOND);
        assert_eq!(scene.level_of(Cause::Status), level);
        scene.clock.run_for(59 * SECOND);
    }
    let methods = methods.lock().unwrap();
    assert_eq!(methods[..], [const { Method::GET }; 5]);
}
