//! Handlers that fail more and more often over hours, and at once.

use super::*;

/// After an hour without failures, until Nylas calls the destination failing, which is returned.
fn run_until_failing(
    life: &Life,
    each: Duration,
    course: impl Fn(Duration, &str) -> f64 + Send + 'static,
) -> Duration {
    life.traffic(each, HOUR);
    life.fail(course);
    let end = life.clock.elapsed() + 8 * HOUR;
    loop {
        life.traffic(each, HOUR / 2);
        if let Some(failing) = life.first_status(nylas::Status::Failing) {
            return failing;
        }
        assert!(life.clock.elapsed() < end, "Nylas never calls it failing");
    }
}

/// The first warning is that of something lost, or of the share of failures, which is also told in
/// time where nothing is lost yet.
fn assert_told_before(
    life: &Life,
    each: Duration,
    course: impl Fn(Duration, &str) -> f64 + Send + 'static,
) {
    let failing = run_until_failing(life, each, course);
    let any = life.server.first(|it| it.level >= Level::Warning);
    let failures = life.server.first_warning(Cause::Failures);
    let (any, failures) = (any.unwrap(), failures.expect("it is told"));
    let seen = format!("one in {each:?}: told at {any:?} and {failures:?}, failing at {failing:?}");
    assert!(any > HOUR, "nothing has failed yet: {seen}");
    assert!(any + 10 * MINUTE <= failing, "{seen}");
    assert!(failures + 5 * MINUTE <= failing, "{seen}");
}

fn linear(hours: u32) -> impl Fn(Duration) -> f64 + Send + Clone + 'static {
    move |since| (since.as_secs_f64() / (hours * HOUR).as_secs_f64()).min(1.0)
}

/// A quarter of the handlers more each time.
fn steps(hours: u32) -> impl Fn(Duration) -> f64 + Send + 'static {
    let linear = linear(hours);
    move |since| (linear(since) * 4.0).floor() / 4.0
}

const VOLUMES: [Duration; 3] = [Duration::from_secs(5), Duration::from_secs(20), MINUTE];

#[test]
fn a_linear_one_is_told_ten_minutes_before() {
    for (seed, each) in (0..).zip(VOLUMES) {
        for hours in [1, 3] {
            let course = linear(hours);
            assert_told_before(&Life::new(seed), each, move |since, _| course(since));
        }
    }
}

#[test]
fn one_in_steps_is_told_ten_minutes_before() {
    for (seed, each) in (0..).zip(VOLUMES) {
        let course = steps(2);
        assert_told_before(&Life::new(seed), each, move |since, _| course(since));
    }
}

#[test]
fn one_of_a_trigger_after_the_other_is_told_ten_minutes_before() {
    for (seed, each) in (0..).zip(VOLUMES) {
        assert_told_before(&Life::new(seed), each, |since, trigger| {
            let is_first = trigger == "message.created";
            let delay = if is_first { Duration::ZERO } else { HOUR };
            linear(1)(since.saturating_sub(delay))
        });
    }
}

#[test]
fn a_deadline_that_more_and_more_exceed_is_told_ten_minutes_before() {
    for (seed, each) in (0..).zip(VOLUMES) {
        let course = linear(2);
        assert_told_before(&Life::with(seed, true), each, move |since, _| course(since));
    }
}

/// Of 15 minutes, that takes some 10 for a warning, and Nylas some 14.
#[test]
fn where_everything_fails_at_once_it_is_told_before_and_within_a_quarter_of_an_hour() {
    for (seed, each) in (0..).zip(VOLUMES) {
        let life = Life::new(seed);
        let failing = run_until_failing(&life, each, |_, _| 1.0);
        let told = life.server.first_warning(Cause::Failures);
        let told = told.expect("it is told");
        let latest = failing.min(HOUR + 15 * MINUTE);
        assert!(told <= latest, "{each:?}: {told:?}, failing at {failing:?}");
    }
}
