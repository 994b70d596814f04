//! A secret that is wrong or missing, and forgeries.

use tower_nylas_kit::delivery::sign_test_event;

use super::*;

#[test]
fn a_wrong_secret_is_told_within_two_minutes() {
    for (pause, level) in [(10 * SECOND, Level::Critical), (MINUTE, Level::Warning)] {
        let scene = Scene::running(Secrets::new("yesterdays-inventedOne").unwrap());
        let mut changes = scene.health.watch();
        let mut passed = Duration::ZERO;
        while passed + pause <= 110 * SECOND {
            scene.clock.run_for(pause);
            passed += pause;
            // Genuine, as Nylas signs it.
            let body = notification_of("message.created", "n-1", 1, 0);
            let seen = scene.send(signed_by(&sign(&body).to_hex(), body));
            assert_eq!(seen, StatusCode::SERVICE_UNAVAILABLE);
        }
        scene.clock.run_for((120 * SECOND).saturating_sub(passed));
        assert!(changes.has_changed().unwrap());
        let status = changes.borrow_and_update().clone();
        assert_eq!(status.level, level, "{status}");
        assert_eq!(status.destinations[0].findings[0].cause, Cause::Mismatches);
    }
}

#[test]
fn it_is_over_with_the_first_notification_that_is_verified() {
    let secrets = Secrets::new("yesterdays-inventedOne").unwrap();
    let scene = Scene::new(secrets.clone());
    for _ in 0..5 {
        let body = notification_of("message.created", "n-1", 1, 0);
        scene.send(signed_by(&sign(&body).to_hex(), body));
        scene.clock.run_for(30 * SECOND);
    }
    assert_eq!(scene.level_of(Cause::Mismatches), Level::Critical);
    secrets.set(SECRET).unwrap();
    assert_eq!(scene.level_of(Cause::Mismatches), Level::Critical);
    scene.deliver(200, 1);
    assert_eq!(scene.level(), Level::Ok);
}

/// Of the same layer, when it had another one.
#[test]
fn so_is_one_that_is_set_later() {
    let secrets = secrets();
    let scene = Scene::running(secrets.clone());
    scene.deliver(200, 1);
    scene.clock.run_for(HOUR);
    secrets.set("yesterdays-inventedOne").unwrap();
    for _ in 0..3 {
        let body = notification_of("message.created", "n-1", 1, 0);
        let seen = scene.send(signed_by(&sign(&body).to_hex(), body));
        assert_eq!(seen, StatusCode::SERVICE_UNAVAILABLE);
        scene.clock.run_for(35 * SECOND);
    }
    assert_eq!(scene.level_of(Cause::Mismatches), Level::Critical);
    secrets.set(SECRET).unwrap();
    scene.deliver(200, 1);
    assert_eq!(scene.level(), Level::Ok);
    // From then on they are forgeries again.
    for _ in 0..10 {
        assert_eq!(scene.forge(), StatusCode::UNAUTHORIZED);
        scene.clock.run_for(MINUTE);
    }
    assert_eq!(scene.level(), Level::Ok);
}

#[test]
fn once_something_was_verified_forgeries_never_count() {
    let scene = Scene::running(secrets());
    scene.deliver(200, 1);
    let changes = scene.health.watch();
    for _ in 0..20 {
        for _ in 0..200 {
            assert_eq!(scene.forge(), StatusCode::UNAUTHORIZED);
        }
        scene.clock.run_for(MINUTE);
        scene.deliver(200, 1);
    }
    assert!(!changes.has_changed().unwrap());
    let status = scene.health.status();
    assert_eq!(status.level, Level::Ok);
    assert_eq!(status.destinations[0].three_days.requests, 21);
    assert_eq!(status.destinations[0].three_days.failed, 0);
}

#[test]
fn one_mismatch_is_a_warning_after_a_minute_and_until_a_day_later() {
    let scene = Scene::new(secrets());
    scene.forge();
    scene.clock.run_for(59 * SECOND);
    assert_eq!(scene.level(), Level::Ok);
    scene.clock.run_for(SECOND);
    assert_eq!(scene.level_of(Cause::Mismatches), Level::Warning);
    scene.clock.run_for(23 * HOUR);
    assert_eq!(scene.level_of(Cause::Mismatches), Level::Warning);
    scene.clock.run_for(HOUR);
    assert_eq!(scene.level(), Level::Ok);
}

#[test]
fn neither_test_events_nor_unsigned_requests_are_mismatches() {
    let scene = Scene::new(secrets());
    for _ in 0..10 {
        let body = notification_of("message.created", "n-1", 1, 0);
        let test_event = signed_by(&sign_test_event(&body).to_hex(), body.clone());
        assert_eq!(scene.send(test_event), StatusCode::UNAUTHORIZED);
        let malformed = signed_by("no signature", body);
        assert_eq!(scene.send(malformed), StatusCode::UNAUTHORIZED);
        scene.clock.run_for(MINUTE);
    }
    assert_eq!(scene.level(), Level::Ok);
}

/// Of what has met no secret, Nylas repeats the first one minutes later.
#[test]
fn a_secret_that_comes_within_five_minutes_was_not_missing() {
    let secrets = Secrets::pending();
    let scene = Scene::running(secrets.clone());
    for _ in 0..3 {
        let body = notification_of("message.created", "n-1", 1, 0);
        let seen = scene.send(signed_by(&sign(&body).to_hex(), body));
        assert_eq!(seen, StatusCode::SERVICE_UNAVAILABLE);
    }
    secrets.set(SECRET).unwrap();
    scene.clock.run_for(6 * MINUTE);
    assert_eq!(scene.level(), Level::Ok);
}

#[test]
fn a_missing_secret_is_told_after_five_minutes() {
    let secrets = Secrets::pending();
    let scene = Scene::new(secrets.clone());
    let deliver = || {
        let body = notification_of("message.created", "n-1", 1, 0);
        scene.send(signed_by(&sign(&body).to_hex(), body))
    };
    for _ in 0..5 {
        assert_eq!(scene.level(), Level::Ok);
        assert_eq!(deliver(), StatusCode::SERVICE_UNAVAILABLE);
        scene.clock.run_for(MINUTE);
    }
    assert_eq!(scene.level_of(Cause::SecretPending), Level::Critical);
    assert!(scene.health.is_ready(), "or it is never challenged");
    // Whether that is the right one is another question.
    secrets.set("yesterdays-inventedOne").unwrap();
    assert_eq!(deliver(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(scene.level(), Level::Ok);
    scene.clock.run_for(MINUTE);
    assert_eq!(scene.level_of(Cause::Mismatches), Level::Warning);
    secrets.set(SECRET).unwrap();
    assert_eq!(deliver(), StatusCode::OK);
    assert_eq!(scene.level(), Level::Ok);
}
