//! Several replicas behind one URL, and a great deal at once.

use tower_nylas::testing::nylas::{Fault, Hosted};

use super::*;

struct Replica {
    hosted: Hosted,
    secrets: Secrets,
}

/// New replicas learn the secret 20 seconds after they get the first requests; old ones answer what
/// they have begun.
#[test]
fn three_replicas_are_deployed_under_load() {
    let clock = VirtualClock::new();
    let nylas = builder(&clock).build();
    let app = Application::new(&clock);
    let inbox = app.inbox();
    for is_stored in [false, true] {
        let url = format!("https://app.example.com/{is_stored}");
        let start = || {
            let secrets = app.secrets();
            let hosted = if is_stored {
                nylas.host(&url, app.stored(&secrets, inbox.clone()))
            } else {
                nylas.host(&url, app.direct(&secrets))
            };
            Replica { hosted, secrets }
        };
        let mut replicas = [(); 3].map(|()| start());
        let trigger = if is_stored {
            "event.updated"
        } else {
            "message.created"
        };
        let created = create(&clock, &nylas, &NewDestination::new(&*url, [trigger]));
        for replica in &replicas {
            replica.secrets.set(created.secret()).unwrap();
        }
        let traffic = Traffic::new([trigger], Duration::from_millis(50));
        nylas.run(traffic.during(4 * MINUTE));
        for replica in &mut replicas {
            clock.run_for(20 * SECOND);
            // With a drain, the old one goes once the new one is there.
            let new = start();
            clock.run_for(20 * SECOND);
            new.secrets.set(created.secret()).unwrap();
            replica.hosted.remove();
            *replica = new;
        }
        clock.run_until(nylas.settled());
        clock.run_for(HOUR);
    }
    let ledger = nylas.ledger();
    ledger.no_event_lost();
    ledger.handled_exactly_once(app.handled());
    let repeated = ledger
        .attempts()
        .iter()
        .filter(|(_, it)| it.number > 1)
        .count();
    assert!(ledger.len() > 8000 && repeated > 500, "{repeated}");
}

#[test]
fn a_burst_of_20_000_events_in_seconds() {
    let stage = Stage::stored();
    stage.nylas.inject(Fault::out_of_order(SECOND));
    for _ in 0..4 {
        for _ in 0..5000 {
            stage.nylas.emit("event.updated");
        }
        stage.clock.run_for(SECOND);
    }
    stage.settle();
    stage.assert_whole();
    assert_eq!(stage.app.handled().len(), 20_000);
    assert_eq!(stage.nylas.ledger().attempts().len(), 20_000);
}
