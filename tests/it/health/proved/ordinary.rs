//! Three days without anything that anybody has to look at.

use super::*;

/// A twentieth at night, and one attempt of a hundred fails.
fn three_days(seed: u64, each: Duration) {
    let life = Life::new(seed);
    life.fail(|_, _| 0.01);
    for _ in 0..3 {
        life.traffic_with(each, DAY / 2, |it| it.duplicates(0.1));
        life.traffic_with(20 * each, DAY / 2, |it| it.duplicates(0.1));
    }
    assert!(
        life.server.told().is_empty(),
        "seed {seed}, {each:?}: {:?}",
        life.server.told()
    );
    let ledger = life.nylas.ledger();
    let attempts = ledger.attempts();
    let failed = attempts.iter().filter(|(_, it)| !it.is_accepted()).count();
    assert!(failed * 200 > attempts.len() && failed * 50 < attempts.len());
    ledger.no_event_lost();
}

#[test]
fn ordinary_traffic_raises_nothing() {
    for (seed, each) in [(0, 60), (1, 120)] {
        three_days(seed, each * SECOND);
    }
}

/// 50 each second for an hour, to a server that has verified something.
#[test]
fn nor_do_forgeries_at_any_rate() {
    let life = Life::new(0);
    life.traffic(MINUTE, HOUR);
    let forging = life.clock.clone();
    let layer = WebhookLayer::with_timer(life.secrets.clone(), life.clock.clone());
    let unreachable = service_fn(async |_: Request<VerifiedBody>| {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let endpoint = layer.health(&life.server.health).layer(unreachable);
    life.clock.spawn(async move {
        for _ in 0..60 * 60 {
            for _ in 0..50 {
                let forged = signed_by(&"0".repeat(64), b"{}".to_vec());
                let answer = endpoint.clone().oneshot(forged).await.unwrap();
                assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
            }
            forging.sleep(SECOND).await;
        }
    });
    life.traffic(MINUTE, 2 * HOUR);
    assert!(life.server.told().is_empty(), "{:?}", life.server.told());
    let status = life.server.health.status();
    let genuine = life.nylas.ledger().attempts().len() as u64;
    let seen = status.destination("default").unwrap().three_days;
    assert_eq!((seen.requests, seen.failed), (genuine, 0));
}
