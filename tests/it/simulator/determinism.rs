//! The same seed is the same life, to the byte.

use tower_nylas::testing::nylas::{DestinationUpdate, Fault};

use super::*;

/// A day with everything in it.
fn day(seed: u64) -> String {
    let stage = Stage::with(|builder| builder.seed(seed), Application::deduplicated);
    let other = Application::new(&stage.clock);
    let secrets = other.secrets();
    stage.nylas.host(
        "https://other.example.com/",
        other.stored(&secrets, other.inbox()),
    );
    let new = NewDestination::new("https://other.example.com/", ["message.created"]);
    let created = create(&stage.clock, &stage.nylas, &new.compressed_delivery(true));
    secrets.set(created.secret()).unwrap();

    let traffic = Traffic::new(["message.created", "event.*"], MINUTE)
        .day_and_night()
        .bursts(6 * HOUR, 50)
        .duplicates(0.1)
        .large(0.002);
    stage.nylas.run(traffic.during(24 * HOUR));
    for fault in [
        Fault::answer_lost(),
        Fault::slow(4 * SECOND),
        Fault::sent_twice(),
        Fault::out_of_order(MINUTE),
        Fault::reset_after_request(Duration::ZERO),
    ] {
        stage.nylas.inject(fault.probability(0.05));
    }
    stage.clock.run_for(12 * HOUR);
    stage.app.set_away(true);
    stage.clock.run_for(HOUR);
    stage.app.set_away(false);
    let rotated = stage.nylas.rotate(&created.id).unwrap();
    secrets.set(rotated.secret()).unwrap();
    let pause = DestinationUpdate::new().pause();
    stage
        .clock
        .run_until(stage.nylas.update(&created.id, &pause))
        .unwrap();
    stage.settle();
    format!(
        "{}\n{:?}\n{:?}",
        stage.nylas.ledger(),
        stage.app.handled(),
        other.handled()
    )
}

#[test]
fn the_same_seed_gives_the_same_ledger_and_another_one_another() {
    let first = day(7);
    assert!(first.lines().count() > 1000, "{first}");
    assert_eq!(day(7), first);
    let other = day(8);
    let lines: std::collections::HashSet<_> = first.lines().collect();
    assert!(
        !other
            .lines()
            .filter(|line| line.contains(" attempt "))
            .any(|it| lines.contains(it))
    );
}
