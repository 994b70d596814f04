//! Three days without anything that anybody has to look at.

use std::sync::atomic::AtomicU64;

use super::*;

/// A twentieth at night, and one attempt of a hundred fails.
fn three_days(life: &Life, each: Duration) {
    life.fail(|_, _| 0.01);
    for _ in 0..3 {
        life.traffic_with(each, DAY / 2, |it| it.duplicates(0.1));
        life.traffic_with(20 * each, DAY / 2, |it| it.duplicates(0.1));
    }
    assert!(
        life.server.told().is_empty(),
        "{each:?}: {:?}",
        life.server.told()
    );
    let ledger = life.nylas.ledger();
    let attempts = ledger.attempts();
    let failed = attempts.iter().filter(|(_, it)| !it.is_accepted()).count();
    let seen = format!("{failed} of {}", attempts.len());
    assert!(
        failed * 300 > attempts.len() && failed * 40 < attempts.len(),
        "{seen}"
    );
    ledger.no_event_lost();
}

fn assert_only_genuine_ones_count(life: &Life, forged: &AtomicU64, at_least: u64) {
    assert!(forged.load(Ordering::Relaxed) >= at_least);
    let status = life.server.health.status();
    let ledger = life.nylas.ledger();
    let attempts = ledger.attempts();
    let failed = attempts.iter().filter(|(_, it)| !it.is_accepted()).count();
    let seen = status.destination("default").unwrap().three_days;
    let counted = (seen.requests, seen.failed);
    assert_eq!(counted, (attempts.len() as u64, failed as u64));
}

/// To a layer like the server's, without end: in each hour so many at once, and again after a time.
fn forge(life: &Life, rate: impl Fn(u64) -> (u32, Duration) + Send + 'static) -> Arc<AtomicU64> {
    let clock = life.clock.clone();
    let layer = WebhookLayer::with_timer(life.secrets.clone(), clock.clone());
    let unreachable = service_fn(async |_: Request<VerifiedBody>| {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let endpoint = layer.health(&life.server.health).layer(unreachable);
    let forged = Arc::<AtomicU64>::default();
    let sent = forged.clone();
    life.clock.spawn(async move {
        loop {
            let hour = clock.elapsed().as_secs() / 3600;
            let (burst, pause) = rate(hour);
            for _ in 0..burst {
                let forged = signed_by(&"0".repeat(64), b"{}".to_vec());
                let answer = endpoint.clone().oneshot(forged).await.unwrap();
                assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
                sent.fetch_add(1, Ordering::Relaxed);
            }
            clock.sleep(pause).await;
        }
    });
    forged
}

#[test]
fn ordinary_traffic_raises_nothing() {
    for (seed, each) in [(0, 60), (1, 120)] {
        three_days(&Life::new(seed), each * SECOND);
    }
}

/// At times fewer of them than genuine ones, at times many more.
#[test]
fn nor_do_forgeries_at_any_rate_within_three_days() {
    let life = Life::new(0);
    life.traffic(10 * SECOND, 10 * MINUTE);
    let forged = forge(&life, |hour| match hour {
        27 => (20, SECOND),
        14 | 62 => (10, SECOND),
        4..8 | 40..44 => (1, SECOND),
        _ => (1, 10 * MINUTE),
    });
    three_days(&life, MINUTE);
    assert_only_genuine_ones_count(&life, &forged, 150_000);
}
