//! Nylas sends nothing any more.

use tower_nylas::testing::nylas::DestinationUpdate;

use super::*;

/// Two days and a morning, with a twentieth at night and 1 % failures, so that a night is known.
fn used_to_nights(seed: u64) -> Life {
    let life = Life::new(seed);
    life.fail(|_, _| 0.01);
    for _ in 0..2 {
        life.traffic(MINUTE, DAY / 2);
        life.traffic(20 * MINUTE, DAY / 2);
    }
    life.traffic(MINUTE, DAY / 4);
    assert!(life.server.told().is_empty(), "{:?}", life.server.told());
    life
}

/// The longest pause between two attempts that were answered, and when the last one was.
fn longest_gap(life: &Life) -> (Duration, Duration) {
    let ledger = life.nylas.ledger();
    let attempts = ledger.attempts();
    let ends: Vec<_> = attempts.iter().map(|(_, it)| it.at + it.took).collect();
    let gaps = ends.windows(2).map(|pair| pair[1].saturating_sub(pair[0]));
    (gaps.max().unwrap(), *ends.last().unwrap())
}

/// Twice the longest gap after the last notification, to the second of a gap and the 10 seconds in
/// which it is evaluated.
fn assert_told(life: &Life, (longest, last): (Duration, Duration)) {
    let told = life.server.first_warning(Cause::Quiet).expect("it is told");
    let after = told.checked_sub(last).unwrap();
    let due = (2 * longest).max(15 * MINUTE);
    assert!(
        after + 2 * SECOND >= due && after <= due + 11 * SECOND,
        "{after:?}, {longest:?}"
    );
    let level = life.server.health.status().level;
    assert_eq!(level, Level::Warning, "it goes on");
}

#[test]
fn it_is_told_when_the_destination_is_paused_failed_or_deleted() {
    for how in 0..3_u64 {
        let life = used_to_nights(how);
        match how {
            0 => {
                let pause = DestinationUpdate::new().pause();
                life.clock
                    .run_until(life.nylas.update(&life.id, &pause))
                    .unwrap();
            }
            1 => {
                let (id, failed) = (life.id.as_str(), nylas::Status::Failed);
                life.nylas
                    .put(id, &life.secret, &new_destination(), failed)
                    .unwrap();
            }
            _ => life.nylas.delete(&life.id).unwrap(),
        }
        let before = longest_gap(&life);
        life.traffic(MINUTE, DAY / 4);
        assert_told(&life, before);
    }
}

/// Nylas fails, and no replica sees that.
#[test]
fn it_is_told_when_no_request_arrives_and_until_nylas_has_given_up() {
    let life = used_to_nights(3);
    let before = longest_gap(&life);
    life.server.hosted.remove();
    life.traffic(5 * MINUTE, 74 * HOUR);
    assert_told(&life, before);
    let told = life.server.first_warning(Cause::Quiet);
    assert!(told < life.first_status(nylas::Status::Failed));
    assert!(life.server.first_warning(Cause::Failures).is_none());
}
