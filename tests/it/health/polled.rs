//! What Nylas itself says.

use std::sync::Mutex;

use http::Method;
use serde_json::json;
use tokio::sync::oneshot;
use tower_nylas::{
    api::{Api, WebhookId},
    testing::nylas::Simulator,
};

use super::*;

/// The answers of the API, one after the other, and the last one again and again.
fn poll(answers: &[(u16, &str)]) -> Polled {
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
    let (stop, stopped) = oneshot::channel::<()>();
    scene.clock.spawn(async move {
        tokio::select! {
            TimerMissing = watch => unreachable!("the timer works"),
            _ = stopped => {}
        }
    });
    Polled {
        scene,
        methods,
        watching: stop,
    }
}

/// Until it is dropped.
struct Polled {
    scene: Scene,
    methods: Arc<Mutex<Vec<Method>>>,
    watching: oneshot::Sender<()>,
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
        let polled = poll(&[(200, said)]);
        let scene = &polled.scene;
        let changes = scene.health.watch();
        scene.clock.run_for(SECOND);
        assert_eq!(changes.has_changed().unwrap(), level > Level::Ok, "{said}");
        assert_eq!(scene.level_of(Cause::Status), level, "{said}");
    }
}

#[test]
fn it_is_read_every_minute_and_nothing_is_changed() {
    let Polled { scene, methods, .. } = &poll(&[
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

#[test]
fn a_status_that_is_not_known_any_more_lapses_after_an_hour() {
    let polled = poll(&[(200, "failed"), (503, "x")]);
    let Polled { scene, .. } = &polled;
    scene.clock.run_for(59 * MINUTE);
    assert_eq!(scene.level_of(Cause::Status), Level::Critical);
    scene.clock.run_for(2 * MINUTE);
    assert_eq!(scene.level_of(Cause::Status), Level::Warning);
}

#[test]
fn a_destination_that_was_deleted_is_told_until_it_is_not_watched_any_more() {
    let mut answers = vec![(200, "failed")];
    answers.extend([(404, "x"); 100]);
    // One that says nothing does not make it unknown.
    answers.push((503, "x"));
    answers.push((404, "x"));
    let polled = poll(&answers);
    let Polled {
        scene, watching, ..
    } = polled;
    scene.clock.run_for(SECOND);
    assert_eq!(scene.level_of(Cause::Status), Level::Critical);
    scene.clock.run_for(MINUTE);
    assert_eq!(scene.level_of(Cause::Status), Level::Error);
    let mut changes = scene.health.watch();
    changes.mark_unchanged();
    scene.clock.run_for(2 * HOUR);
    assert!(!changes.has_changed().unwrap());
    drop(watching);
    scene.clock.run_for(SECOND);
    assert_eq!(scene.level(), Level::Ok);
}

/// Beyond the labels that are told apart as well.
#[test]
fn each_destination_has_a_status_of_its_own() {
    let clock = VirtualClock::new();
    let health = Health::with_timer(clock.clone());
    let api = Api::with_timer(Api::EU, Simulator::API_KEY, clock.clone()).unwrap();
    for tenant in 0..150 {
        let said = if tenant == 120 { "failed" } else { "active" };
        let client = service_fn(move |_: Request<Full<Bytes>>| async move {
            let body = json!({"request_id": "r-1", "data": {"id": "w-1", "status": said}});
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(body.to_string())))
        });
        let id = WebhookId::new("w-1").unwrap();
        let watch = health.clone();
        let watch = watch.watch_status(format!("t-{tenant}"), id, api.clone(), client);
        clock.spawn(async move { assert_eq!(watch.await, TimerMissing) });
    }
    for _ in 0..3 {
        clock.run_for(MINUTE);
        let status = health.status();
        assert_eq!(status.destinations.len(), 1);
        assert_eq!(status.destination("t-120").unwrap().level, Level::Critical);
    }
}

/// The new one begins before the old one ends.
#[test]
fn one_that_ends_takes_nothing_from_another() {
    let first = poll(&[(200, "failed")]);
    let Polled { scene, .. } = &first;
    scene.clock.run_for(SECOND);
    let api = Api::with_timer(Api::EU, Simulator::API_KEY, scene.clock.clone()).unwrap();
    let client = service_fn(|_: Request<Full<Bytes>>| async {
        let body = json!({"request_id": "r-1", "data": {"id": "w-2", "status": "failing"}});
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(body.to_string())))
    });
    let id = WebhookId::new("w-2").unwrap();
    let watch = scene
        .health
        .clone()
        .watch_status("default", id, api, client);
    scene
        .clock
        .spawn(async move { assert_eq!(watch.await, TimerMissing) });
    scene.clock.run_for(SECOND);
    assert_eq!(scene.level_of(Cause::Status), Level::Critical);
    let Polled {
        scene, watching, ..
    } = first;
    drop(watching);
    scene.clock.run_for(SECOND);
    assert_eq!(scene.level_of(Cause::Status), Level::Error);
}
