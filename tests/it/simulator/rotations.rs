//! Secrets: exchanged on several replicas, and wrong ones.

use tower_nylas::{
    Secrets,
    testing::nylas::{Fate, Fault, Readings, RetrySecret},
};

use super::*;

struct Replicas {
    clock: VirtualClock,
    nylas: Simulator,
    app: Application,
    secrets: [Secrets; 3],
    id: DestinationId,
}

/// An hour of traffic, in the midst of which the secret is rotated, and the replicas learn of it 5
/// minutes apart. A proxy fails for a minute and a half before it, so that repetitions are under
/// way, each with an attempt left after that time.
fn rotate(reading: RetrySecret, announce: impl Fn(&Secrets)) -> Replicas {
    let clock = VirtualClock::new();
    let readings = Readings::default().retry_secret(reading);
    let nylas = builder(&clock).readings(readings).build();
    let app = Application::new(&clock);
    let secrets = [(); 3].map(|()| app.secrets());
    for secrets in &secrets {
        nylas.host(URL, app.direct(secrets));
    }
    let created = create(&clock, &nylas, &new_destination());
    for secrets in &secrets {
        secrets.set(created.secret()).unwrap();
    }
    let traffic = Traffic::new(["message.created", "event.updated"], 2 * SECOND);
    nylas.run(traffic.during(HOUR));
    let outage = 90 * SECOND;
    clock.run_for(19 * outage);
    let bad_gateway = http::StatusCode::BAD_GATEWAY;
    let proxy = nylas.inject(Fault::proxy_answers(bad_gateway));
    clock.run_for(outage);
    proxy.remove();
    secrets.iter().for_each(announce);
    let rotated = nylas.rotate(&created.id).unwrap();
    for (replica, secrets) in secrets.iter().enumerate() {
        if replica > 0 {
            clock.run_for(5 * MINUTE / 2);
        }
        let keep_old_for = Secrets::KEEP_OLD_FOR;
        secrets.rotate(rotated.secret(), keep_old_for).unwrap();
    }
    clock.run_until(nylas.settled());
    Replicas {
        clock,
        nylas,
        app,
        secrets,
        id: created.id,
    }
}

#[test]
fn a_secret_is_rotated_on_three_replicas_that_learn_it_5_minutes_apart() {
    for reading in [RetrySecret::New, RetrySecret::Old] {
        let stage = rotate(reading, |secrets| secrets.expect_rotation(10 * MINUTE));
        let ledger = stage.nylas.ledger();
        ledger.no_event_lost();
        ledger.handled_exactly_once(stage.app.handled());
        let retried = ledger
            .attempts()
            .iter()
            .filter(|(_, it)| it.number == 2)
            .count();
        assert!(retried > 90, "{retried}");
    }
}

/// Without the announcement, exactly what reaches a replica that does not know the new secret is
/// lost.
#[test]
fn a_rotation_that_nobody_announces_loses_what_is_refused() {
    let stage = rotate(RetrySecret::New, |_| ());
    let ledger = stage.nylas.ledger();
    let refused: Vec<_> = ledger
        .attempts()
        .into_iter()
        .filter(|(_, it)| it.seen.answer().is_ok_and(|status| status == 401))
        .collect();
    for (event, attempt) in &refused {
        assert_eq!(event.fate(&stage.id), Some(Fate::Lost));
        assert!((HOUR / 2..HOUR / 2 + 5 * MINUTE).contains(&attempt.at));
    }
    // Two replicas of three, and then one; repetitions as well.
    assert!((60..120).contains(&refused.len()), "{}", refused.len());
    assert!(stage.secrets.iter().all(Secrets::is_proven));
    assert_eq!(stage.clock.sleepers(), 0);
}

/// Somebody mistyped it. As long as it has verified nothing, it may be our mistake.
#[test]
fn a_wrong_secret_after_a_restart_loses_nothing_if_it_is_put_right() {
    let stage = Stage::direct();
    let right = stage.nylas.destinations()[0].secret().to_owned();
    stage.traffic(2 * SECOND, HOUR);
    stage.clock.run_for(HOUR / 2);
    // A restart.
    stage
        .secrets
        .set("a-secret-of-another-destination")
        .unwrap();
    stage.clock.run_for(8 * MINUTE);
    stage.secrets.set(&*right).unwrap();
    stage.settle();
    stage.assert_whole();
    let ledger = stage.nylas.ledger();
    let statuses = ledger.attempts().into_iter();
    let unproven = statuses.filter(|(_, it)| it.seen.answer().is_ok_and(|it| it == 503));
    assert!(unproven.count() > 200);
}
