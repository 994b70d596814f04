//! The share of failures, and what is lost.

use tower_nylas::{Notification, TriggerRouter, notification::object::Message};

use super::*;

/// The levels that a scene goes through, and when each one comes.
fn courses(scene: &Scene, minutes: u32, failures: impl Fn(u32) -> u32) -> Vec<(Level, u32)> {
    let mut seen = vec![(scene.level(), 0)];
    for minute in 1..=minutes {
        scene.traffic(20, 3 * SECOND, failures(minute));
        let level = scene.level();
        if seen.last().is_some_and(|(last, _)| *last != level) {
            seen.push((level, minute));
        }
    }
    seen
}

#[test]
fn where_all_fails_at_once_each_level_comes_before_nylas_calls_it_failing() {
    let scene = Scene::new(secrets());
    scene.traffic(400, 3 * SECOND, 0);
    assert_eq!(scene.level(), Level::Ok);
    // 95 % of 15 minutes are 14 minutes and 15 seconds.
    let seen = courses(&scene, 15, |_| 100);
    assert_eq!(
        seen,
        [
            (Level::Ok, 0),
            (Level::Notice, 8),
            (Level::Warning, 11),
            (Level::Error, 13),
            (Level::Critical, 15),
        ]
    );
    let status = scene.health.status();
    let default = status.destination("default").unwrap();
    let five_minutes = default.five_minutes;
    assert_eq!(five_minutes.requests, five_minutes.failed);
    assert_eq!(default.three_days.requests, 700);
    assert_eq!(default.three_days.failed, 300);
}

#[test]
fn it_falls_level_by_level_once_both_windows_are_clearly_below() {
    let scene = Scene::new(secrets());
    scene.traffic(400, 3 * SECOND, 100);
    let seen = courses(&scene, 15, |_| 0);
    // 76, 68.4, 53.2 and 38 % of 15 minutes.
    let levels: Vec<_> = seen.iter().map(|(level, _)| *level).collect();
    assert_eq!(
        levels,
        [
            Level::Critical,
            Level::Error,
            Level::Warning,
            Level::Notice,
            Level::Ok
        ]
    );
    assert_eq!(seen[1].1, 4, "{seen:?}");
    assert_eq!(seen[4].1, 10, "{seen:?}");
}

#[test]
fn a_share_about_a_threshold_does_not_flap() {
    let scene = Scene::new(secrets());
    let changes = scene.health.watch();
    // Two minutes above, two below, of the first threshold.
    let failures = |minute: u32| {
        if (minute / 2).is_multiple_of(2) {
            30
        } else {
            60
        }
    };
    let seen = courses(&scene, 180, failures);
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert!(changes.has_changed().unwrap());
}

/// Nylas judges by 15 minutes, of which a process that has just begun has seen seconds.
#[test]
fn what_fails_while_a_process_begins_is_a_warning_for_five_minutes() {
    let scene = Scene::new(secrets());
    scene.traffic(15, SECOND, 100);
    assert_eq!(scene.level(), Level::Warning);
    scene.traffic(300 - 16, SECOND, 100);
    assert_eq!(scene.level(), Level::Warning);
    scene.traffic(1, SECOND, 100);
    assert_eq!(scene.level(), Level::Critical);
}

/// Of 15 minutes with some ten requests, some have fewer than the least number.
#[test]
fn the_level_does_not_fall_while_everything_fails() {
    for seed in 1..=12_u64 {
        let mut random = seed;
        let mut pause = || {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let uniform = f64::from(u32::try_from(random >> 32).unwrap()) / f64::from(u32::MAX);
            Duration::from_secs_f64(-95.0 * (1.0 - uniform).max(1e-9).ln())
        };
        let scene = Scene::new(secrets());
        for _ in 0..100 {
            scene.traffic(1, pause(), 0);
        }
        assert_eq!(scene.level(), Level::Ok);
        let mut seen = vec![Level::Ok];
        while *seen.last().unwrap() < Level::Critical {
            let mut rest = pause();
            while rest > 10 * SECOND {
                scene.clock.run_for(10 * SECOND);
                rest = rest.checked_sub(10 * SECOND).unwrap();
                seen.push(scene.level_of(Cause::Failures));
            }
            scene.traffic(1, rest, 100);
            seen.push(scene.level_of(Cause::Failures));
        }
        assert!(seen.is_sorted(), "seed {seed}: {seen:?}");
    }
}

#[test]
fn a_slow_decline_is_told_ten_minutes_before() {
    for hours in [1, 2, 5] {
        let scene = Scene::new(secrets());
        scene.traffic(400, 3 * SECOND, 0);
        let minutes = hours * 60;
        let seen = courses(&scene, minutes + 15, |minute| {
            (minute * 100 / minutes).min(100)
        });
        let at = |level| seen.iter().find(|(seen, _)| *seen == level).unwrap().1;
        assert!(at(Level::Critical) - at(Level::Notice) >= 10, "{seen:?}");
        assert!(at(Level::Notice) < at(Level::Warning), "{seen:?}");
    }
}

#[test]
fn a_short_burst_in_much_traffic_is_no_decline() {
    let scene = Scene::new(secrets());
    scene.traffic(900, SECOND, 0);
    scene.traffic(240, SECOND, 100);
    assert_eq!(scene.level(), Level::Ok);
    let status = scene.health.status();
    let default = status.destination("default").unwrap();
    assert!(default.five_minutes.ratio().unwrap() > 0.7);
    assert!(default.fifteen_minutes.ratio().unwrap() < 0.3);
}

#[test]
fn fewer_than_ten_requests_mean_nothing() {
    let scene = Scene::new(secrets());
    scene.traffic(9, 2 * HOUR, 100);
    assert_eq!(scene.level(), Level::Ok);
    scene.traffic(1, 2 * HOUR, 100);
    assert_eq!(scene.level(), Level::Critical);
}

/// A notification every 20 minutes, three attempts of each.
#[test]
fn a_window_with_little_traffic_is_widened() {
    let scene = Scene::new(secrets());
    scene.traffic(72, 20 * MINUTE, 0);
    assert_eq!(scene.level(), Level::Ok);
    let mut seen = Vec::new();
    for minute in (5..=120).step_by(5) {
        scene.traffic(1, 5 * MINUTE, 100);
        let level = scene.level();
        if level > seen.last().map_or(Level::Ok, |(level, _)| *level) {
            seen.push((level, minute));
        }
    }
    assert_eq!(seen.last().unwrap().0, Level::Critical);
    assert!(seen.last().unwrap().1 <= 60, "{seen:?}");
    // Nothing arrives any more, which is no recovery.
    scene.clock.run_for(8 * HOUR);
    assert_eq!(scene.level_of(Cause::Failures), Level::Critical);
}

#[test]
fn one_failure_in_a_hundred_means_nothing_at_day_and_night() {
    let scene = Scene::new(secrets());
    for _ in 0..3 {
        for (hours, pause) in [(12, 12 * SECOND), (12, 4 * MINUTE)] {
            let count = hours * 3600 / u32::try_from(pause.as_secs()).unwrap();
            for _ in 0..count / 20 {
                scene.traffic(20, pause, 5);
                assert_eq!(scene.level(), Level::Ok);
            }
        }
    }
}

#[test]
fn a_dropped_request_and_a_passed_on_4xx_have_failed() {
    let mut scene = Scene::new(secrets());
    scene.layer = scene.layer.pass_client_errors();
    scene.clock.run_for(5 * MINUTE);
    for _ in 0..20 {
        scene.clock.run_for(SECOND);
        scene.deliver(404, 1);
    }
    let inner = service_fn(|_: Request<VerifiedBody>| {
        std::future::pending::<Result<Response<Full<Bytes>>, Infallible>>()
    });
    let body = notification_of("message.created", "n-1", 1, 0);
    let request = signed_by(&sign(&body).to_hex(), body);
    let mut pending = Box::pin(scene.layer.layer(inner).oneshot(request));
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(pending.as_mut().poll(&mut cx).is_pending());
    drop(pending);
    let status = scene.health.status();
    let default = status.destination("default").unwrap();
    assert_eq!(default.fifteen_minutes.failed, 21);
    assert_eq!(default.level, Level::Critical);
}

#[test]
fn what_is_lost_is_told_for_an_hour() {
    let scene = Scene::new(secrets());
    scene.deliver(500, 1);
    scene.deliver(500, 2);
    assert_eq!(scene.level(), Level::Ok);
    scene.deliver(500, 3);
    assert_eq!(scene.level_of(Cause::Lost), Level::Warning);
    scene.clock.run_for(55 * MINUTE);
    assert_eq!(scene.level_of(Cause::Lost), Level::Warning);
    assert_eq!(scene.health.status().destinations[0].lost_within_hour, 1);
    scene.clock.run_for(21 * MINUTE);
    assert_eq!(scene.level_of(Cause::Lost), Level::Ok);
}

/// Nylas sees a `200`, which is no failure to it.
#[test]
fn a_body_that_nothing_reads_is_lost_although_it_is_answered_200() {
    let scene = Scene::new(secrets());
    let triggers = TriggerRouter::new().on("message.created", async |_: Notification<Message>| ());
    let body = br#"{"type":"message.created","id":"n-1","webhook_delivery_attempt":3,"data":{"object":{"id":"m-1"}}}"#;
    let request = signed_by(&sign(body).to_hex(), body.to_vec());
    let answer = scene.layer.layer(triggers).oneshot(request);
    let Ok(answer) = scene.clock.run_until(answer);
    assert_eq!(answer.status(), StatusCode::OK);
    let status = scene.health.status();
    let default = status.destination("default").unwrap();
    assert_eq!(
        (default.lost_within_hour, default.fifteen_minutes.failed),
        (1, 0)
    );
    assert_eq!(scene.level_of(Cause::Lost), Level::Warning);
}
