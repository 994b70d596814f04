//! What probes and operators get, on the wire.

use axum::Router;
use serde_json::Value;
use tower_nylas::time::{Clock, Sleep, Timer};
use tower_nylas_kit::{
    serve::serve_axum,
    wire::{Answer, Connection, head},
};

use super::*;

async fn serve(health: &Health) -> std::net::SocketAddr {
    let app = Router::new()
        .route_service("/live", health.live())
        .route_service("/ready", health.ready())
        .route_service("/health", health.report());
    serve_axum(app).await
}

async fn ask(address: std::net::SocketAddr, method: &str, path: &str, accept: &str) -> Answer {
    let mut connection = Connection::open(address).await;
    let request = head(method, path, &[("accept", accept)]);
    connection.write(request.as_bytes()).await;
    connection.read(method == "HEAD").await
}

#[tokio::test]
async fn live_and_ready_are_told_apart() {
    let scene = Scene::new(Secrets::pending());
    for _ in 0..3 {
        scene.send(signed_by(&"0".repeat(64), b"{}".to_vec()));
    }
    scene.clock.run_for(5 * MINUTE);
    // Without a secret, and with the worst level.
    assert_eq!(scene.level_of(Cause::SecretPending), Level::Critical);
    let health = scene.health;
    let mut changes = health.watch();
    let address = serve(&health).await;
    let seen = async |path, accept| {
        let answer = ask(address, "GET", path, accept).await;
        (answer.status.as_u16(), answer.text().to_owned())
    };
    let any = "*/*";
    assert_eq!(seen("/live", any).await, (200, "live\n".to_owned()));
    assert_eq!(seen("/ready", any).await, (200, "ready\n".to_owned()));
    health.drain();
    assert!(changes.has_changed().unwrap() && !changes.borrow_and_update().is_ready);
    assert_eq!(seen("/live", any).await, (200, "live\n".to_owned()));
    assert_eq!(seen("/ready", any).await, (503, "not ready\n".to_owned()));
    let json = "application/json";
    let not_ready = r#"{"ready":false}"#.to_owned();
    assert_eq!(seen("/ready", json).await, (503, not_ready));
    assert_eq!(
        seen("/live", json).await,
        (200, r#"{"live":true}"#.to_owned())
    );
}

struct Broken;

impl Clock for Broken {
    fn now(&self) -> std::time::Instant {
        std::time::Instant::now()
    }
}

impl Timer for Broken {
    fn sleep(&self, _: Duration) -> Sleep {
        unreachable!("it was asked before")
    }

    fn can_sleep(&self) -> bool {
        false
    }
}

#[tokio::test]
async fn a_process_that_refuses_everything_is_not_ready() {
    let health = Health::with_timer(Broken);
    let address = serve(&health).await;
    assert_eq!(ask(address, "GET", "/ready", "*/*").await.status, 503);
    assert_eq!(ask(address, "GET", "/live", "*/*").await.status, 200);
    assert_eq!(health.run().await, tower_nylas::time::TimerMissing);
}

#[tokio::test]
async fn the_report_is_text_or_json() {
    let scene = Scene::new(secrets());
    scene.clock.run_for(5 * MINUTE);
    for _ in 0..20 {
        scene.deliver(500, 1);
    }
    let address = serve(&scene.health).await;
    for accept in [
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "*/*",
        "application/json;q=0, text/plain",
    ] {
        let answer = ask(address, "GET", "/health", accept).await;
        // Whatever the level is: another replica would fail as well.
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.header("content-type"),
            Some("text/plain; charset=utf-8")
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(
            answer.text(),
            "critical: default: 20 of 15 minutes' 20 notifications failed: 100 %, and at 95 % of 15 \
             minutes Nylas calls the destination failing\n"
        );
    }
    for accept in [
        "application/json",
        "text/plain;q=0.5, Application/JSON;q=0.9",
    ] {
        let answer = ask(address, "GET", "/health", accept).await;
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let status: Value = serde_json::from_str(answer.text()).unwrap();
        assert_eq!(status["level"], "critical");
        assert_eq!(status["is_ready"], true);
        let default = &status["destinations"][0];
        assert_eq!(default["destination"], "default");
        assert_eq!(default["findings"][0]["cause"], "failures");
        assert_eq!(default["fifteen_minutes"]["failed"], 20);
        assert_eq!(default["seconds_since_verified"], 0);
    }
}

#[tokio::test]
async fn only_get_and_head_are_answered() {
    let scene = Scene::new(secrets());
    let address = serve(&scene.health).await;
    for path in ["/live", "/ready", "/health"] {
        for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
            let answer = ask(address, method, path, "*/*").await;
            assert_eq!(answer.status, 405);
            assert_eq!(answer.header("allow"), Some("GET, HEAD"));
        }
        let whole = ask(address, "GET", path, "*/*").await;
        let answer = ask(address, "HEAD", path, "*/*").await;
        assert_eq!((answer.status.as_u16(), answer.text()), (200, ""));
        let length = answer.header("content-length").unwrap();
        assert_eq!(length, whole.text().len().to_string());
    }
}
