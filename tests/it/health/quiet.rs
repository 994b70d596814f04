//! Silence, at night and otherwise.

use super::*;

/// A day with a notification every minute, and a night with one every 20.
fn day_and_night(scene: &Scene) {
    for (hours, pause) in [(12, MINUTE), (12, 20 * MINUTE)] {
        let count = hours * 60 / u32::try_from(pause.as_secs() / 60).unwrap();
        for _ in 0..count {
            scene.traffic(1, pause, 0);
            assert_eq!(scene.level_of(Cause::Quiet), Level::Ok);
        }
    }
}

#[test]
fn it_is_told_when_nylas_has_stopped_and_not_at_night() {
    let scene = Scene::running(secrets());
    for _ in 0..3 {
        day_and_night(&scene);
    }
    let mut changes = scene.health.watch();
    changes.mark_unchanged();
    // Twice the longest gap, which is 20 minutes.
    scene.clock.run_for(40 * MINUTE);
    assert!(!changes.has_changed().unwrap());
    scene.clock.run_for(11 * SECOND);
    assert!(changes.has_changed().unwrap(), "nobody has asked");
    let status = changes.borrow_and_update().clone();
    assert_eq!(status.level, Level::Warning);
    assert_eq!(
        status.to_string(),
        "warning: default: nothing was verified for 40 min, and the longest gap of the 72 hours \
         before was 20 min"
    );
    scene.traffic(1, SECOND, 0);
    scene.clock.run_for(10 * SECOND);
    assert_eq!(changes.borrow_and_update().level, Level::Ok);
}

#[test]
fn a_quarter_of_an_hour_is_never_silence() {
    let scene = Scene::new(secrets());
    scene.traffic(25 * 12, 5 * MINUTE, 0);
    scene.clock.run_for(15 * MINUTE);
    assert_eq!(scene.level(), Level::Ok);
    scene.clock.run_for(SECOND);
    assert_eq!(scene.level_of(Cause::Quiet), Level::Warning);
}

#[test]
fn the_first_day_is_for_observation() {
    let scene = Scene::running(secrets());
    scene.traffic(60, MINUTE, 0);
    scene.clock.run_for(22 * HOUR);
    assert_eq!(scene.level(), Level::Ok);
    // Which begins with the first notification, and not with the process.
    let scene = Scene::running(secrets());
    scene.clock.run_for(48 * HOUR);
    scene.traffic(60, MINUTE, 0);
    scene.clock.run_for(22 * HOUR);
    assert_eq!(scene.level(), Level::Ok);
    scene.clock.run_for(2 * HOUR);
    assert_eq!(scene.level_of(Cause::Quiet), Level::Warning);
}

#[test]
fn what_is_usual_is_not_known_of_fewer_than_ten_notifications() {
    let scene = Scene::new(secrets());
    scene.deliver(200, 1);
    scene.clock.run_for(100 * HOUR);
    assert_eq!(scene.level(), Level::Ok);
    // One a day is never silent.
    for _ in 0..7 {
        scene.traffic(1, 24 * HOUR, 0);
    }
    scene.clock.run_for(100 * HOUR);
    assert_eq!(scene.level(), Level::Ok);
}

#[test]
fn a_long_silence_goes_on_until_it_is_over_or_the_destination_is_forgotten() {
    let scene = Scene::running(secrets());
    scene.traffic(25 * 12, 5 * MINUTE, 0);
    for hours in [1, 71, 24] {
        scene.clock.run_for(hours * HOUR);
        let status = scene.health.status().to_string();
        let usual = "and the longest gap of the 72 hours before was 5 min";
        assert!(status.ends_with(usual), "{status}");
    }
    let mut changes = scene.health.watch();
    changes.mark_unchanged();
    scene.health.forget("default");
    assert_eq!(changes.borrow_and_update().level, Level::Ok);
    let status = scene.health.status();
    let forgotten = status.destination("default").unwrap();
    assert_eq!(forgotten.three_days.requests, 0);
    assert_eq!(forgotten.since_verified, None);
    scene.clock.run_for(100 * HOUR);
    assert!(!changes.has_changed().unwrap());
    // What arrives all the same.
    scene.traffic(20, MINUTE, 100);
    assert_eq!(scene.level(), Level::Critical);
    scene.health.forget("nobody");
    assert_eq!(scene.level(), Level::Critical);
}

#[test]
fn a_gap_is_remembered_for_72_hours() {
    let scene = Scene::new(secrets());
    scene.traffic(25 * 12, 5 * MINUTE, 0);
    scene.traffic(1, 2 * HOUR, 0);
    scene.clock.run_for(4 * HOUR);
    assert_eq!(scene.level(), Level::Ok);
    scene.traffic(70 * 6, 10 * MINUTE, 0);
    scene.clock.run_for(HOUR);
    assert_eq!(scene.level(), Level::Ok);
    scene.traffic(10 * 6, 10 * MINUTE, 0);
    // The last gap was an hour and ten minutes.
    scene.clock.run_for(2 * HOUR + 20 * MINUTE + SECOND);
    assert_eq!(scene.level_of(Cause::Quiet), Level::Warning);
}

#[test]
fn forgeries_do_not_break_a_silence() {
    let scene = Scene::new(secrets());
    scene.traffic(25 * 12, 5 * MINUTE, 0);
    for _ in 0..20 {
        scene.clock.run_for(MINUTE);
        assert_eq!(scene.forge(), StatusCode::UNAUTHORIZED);
    }
    assert_eq!(scene.level_of(Cause::Quiet), Level::Warning);
    assert_eq!(scene.level_of(Cause::Mismatches), Level::Ok);
}
