//! Challenges that somebody has asked for, and others.

use super::*;

#[test]
fn one_that_nobody_has_asked_for_is_told_for_an_hour() {
    let scene = Scene::new(secrets());
    scene.challenge();
    assert_eq!(scene.level_of(Cause::Challenge), Level::Notice);
    scene.clock.run_for(59 * MINUTE);
    assert_eq!(scene.level_of(Cause::Challenge), Level::Notice);
    scene.clock.run_for(MINUTE);
    assert_eq!(scene.level(), Level::Ok);
}

#[test]
fn those_that_are_expected_are_not() {
    let scene = Scene::new(secrets());
    scene.health.expect_challenge(2 * MINUTE);
    scene.challenge();
    scene.health.expect_challenge(MINUTE);
    scene.clock.run_for(119 * SECOND);
    scene.challenge();
    assert_eq!(scene.level(), Level::Ok, "a shorter one takes nothing back");
    scene.clock.run_for(SECOND);
    scene.challenge();
    assert_eq!(scene.level_of(Cause::Challenge), Level::Notice);
}

#[test]
fn nor_is_that_of_a_destination_that_is_being_created() {
    let secrets = Secrets::pending();
    let scene = Scene::new(secrets.clone());
    scene.challenge();
    assert_eq!(scene.level(), Level::Ok);
    secrets.set(SECRET).unwrap();
    scene.challenge();
    assert_eq!(scene.level_of(Cause::Challenge), Level::Notice);
}
