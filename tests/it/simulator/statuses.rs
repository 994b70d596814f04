//! What Nylas thinks of a destination, and how it gets out of that.

use tower_nylas::testing::nylas::{
    AttemptRecord, DestinationUpdate, Event, Fate, Fault, Readings, Status, Step,
};

use super::{scripted::Scripted, *};

/// One event each second.
fn steady(stage: &Stage, during: Duration) {
    for _ in 0..during.as_secs() {
        stage.nylas.emit("message.created");
        stage.clock.run_for(SECOND);
    }
}

#[test]
fn a_destination_fails_at_the_documented_minute_and_recovers() {
    for recovers in [true, false] {
        let readings = Readings::default().failing_recovers(recovers);
        let stage = Stage::with(|builder| builder.readings(readings), Application::direct);
        steady(&stage, HOUR / 2);
        stage.app.set_away(true);
        steady(&stage, 20 * MINUTE);
        assert_eq!(stage.nylas.status_of(&stage.id), Some(Status::Failing));
        stage.app.set_away(false);
        steady(&stage, HOUR / 2);
        let ledger = stage.nylas.ledger();
        let statuses = ledger.statuses(&stage.id);
        // Repetitions count as well, so it takes a little less than 95 % of 15 minutes.
        let (failing_at, failing) = statuses[0];
        let after = failing_at.checked_sub(HOUR / 2).unwrap();
        assert!((13 * MINUTE..15 * MINUTE).contains(&after), "{after:?}");
        assert_eq!(failing, Status::Failing);
        let mailed = Step::Mailed("ops@app.example.com".to_owned(), Status::Failing);
        let mails = ledger.notes().filter(|note| note.step == mailed);
        assert_eq!(mails.count(), 1);
        if recovers {
            let (active_at, active) = statuses[1];
            let after = active_at.checked_sub(HOUR / 2 + 20 * MINUTE).unwrap();
            assert!(after < 2 * MINUTE, "{after:?}");
            assert_eq!((active, statuses.len()), (Status::Active, 2));
        } else {
            assert_eq!(statuses.len(), 1);
            let reactivate = DestinationUpdate::new().reactivate();
            let reactivating = stage.nylas.update(&stage.id, &reactivate);
            stage.clock.run_until(reactivating).unwrap();
            assert_eq!(stage.nylas.status_of(&stage.id), Some(Status::Active));
            // Answers are counted anew, so nothing is concluded within 15 minutes.
            stage.app.set_away(true);
            steady(&stage, 14 * MINUTE);
            assert_eq!(stage.nylas.status_of(&stage.id), Some(Status::Active));
        }
    }
}

/// No answer, and nobody who listens, count as much as a status.
#[test]
fn what_is_not_answered_counts_as_what_is_refused() {
    let slow = Fault::slow(11 * SECOND);
    for fault in [Some(slow), Some(Fault::reset_before_request()), None] {
        let clock = VirtualClock::new();
        let nylas = builder(&clock).build();
        let script = Scripted::default();
        let hosted = script.host(&nylas, URL);
        let id = create(&clock, &nylas, &new_destination()).id;
        let shown = if let Some(fault) = fault {
            let shown = fault.to_string();
            nylas.inject(fault);
            shown
        } else {
            hosted.remove();
            "the connection was refused".to_owned()
        };
        for _ in 0..20 * 60 {
            nylas.emit("message.created");
            clock.run_for(SECOND);
        }
        let ledger = nylas.ledger();
        let all_failed = |it: &AttemptRecord| it.seen.answer().is_err();
        assert!(ledger.attempts().iter().all(|(_, it)| all_failed(it)));
        let seen = ledger.attempts()[0].1.to_string();
        assert!(seen.contains(&shown), "{seen}");
        assert_eq!(nylas.status_of(&id), Some(Status::Failing), "{shown}");
    }
}

/// With an inbox, Nylas notices nothing.
#[test]
fn a_destination_with_an_inbox_stays_active() {
    let stage = Stage::stored();
    stage.app.set_away(true);
    stage.traffic(10 * SECOND, 3 * HOUR);
    stage.clock.run_for(3 * HOUR);
    stage.app.set_away(false);
    // A worker waits for an hour at most.
    stage.clock.run_for(HOUR);
    stage.settle();
    stage.assert_whole();
    assert!(stage.nylas.ledger().statuses(&stage.id).is_empty());
}

#[test]
fn a_failed_destination_is_re_activated_and_gets_nothing_of_the_time_between() {
    let stage = Stage::direct();
    let each = 2 * MINUTE;
    let run = |hours: u32| {
        let traffic = Traffic::new(["message.created"], each);
        stage.nylas.run(traffic.during(hours * HOUR));
        stage.clock.run_for(hours * HOUR);
    };
    run(4);
    stage.app.set_away(true);
    run(76);
    let ledger = stage.nylas.ledger();
    let [(_, failing), (failed_at, failed)] = ledger.statuses(&stage.id)[..] else {
        panic!("{:?}", ledger.statuses(&stage.id));
    };
    assert_eq!((failing, failed), (Status::Failing, Status::Failed));
    // 95 % of 72 hours, or earlier by what was failing and repeated.
    let after = failed_at.checked_sub(4 * HOUR).unwrap();
    assert!((67 * HOUR..70 * HOUR).contains(&after), "{after:?}");
    let mails = ledger
        .notes()
        .filter(|it| matches!(it.step, Step::Mailed(..)));
    assert_eq!(mails.count(), 2);

    stage.app.set_away(false);
    run(2);
    let reactivate = DestinationUpdate::new().reactivate();
    stage
        .clock
        .run_until(stage.nylas.update(&stage.id, &reactivate))
        .unwrap();
    let active_at = stage.clock.elapsed();
    run(4);
    stage.settle();
    let ledger = stage.nylas.ledger();
    let after = ledger.events().filter(|event| event.at >= active_at);
    assert!(after.clone().count() > 90);
    assert!(
        after
            .clone()
            .all(|event| event.fate(&stage.id) == Some(Fate::Accepted))
    );
    let between = ledger
        .events()
        .filter(|it| (failed_at..active_at).contains(&it.at));
    assert!(between.clone().count() > 100);
    for event in between {
        // One may have happened in the very moment.
        let is_sent = event.fate(&stage.id) != Some(Fate::Unsent);
        assert!(!is_sent || event.at == failed_at, "{event:?}");
    }
    // No receiver can prevent that, so the ledger tells it apart from what it calls lost.
    let (unsent, lost) = (ledger.with_fate(Fate::Unsent), ledger.with_fate(Fate::Lost));
    assert!(
        lost.iter()
            .all(|event| (4 * HOUR..failed_at).contains(&event.at))
    );
    assert!(
        unsent
            .iter()
            .all(|event| (failed_at..active_at).contains(&event.at))
    );
}

/// They would end the destination after 72 hours, and with it the rest.
#[test]
fn a_body_that_nobody_reads_as_96_percent_of_the_traffic() {
    let stage = Stage::direct();
    let mut good = Vec::new();
    for number in 0..75 * 60 {
        if number % 25 == 0 {
            good.push(stage.nylas.emit("message.created"));
        } else {
            stage.nylas.emit(Event::new("event.updated").set("type", 7));
        }
        stage.clock.run_for(MINUTE);
    }
    stage.settle();
    let ledger = stage.nylas.ledger();
    assert_eq!(
        stage.nylas.status_of(&stage.id),
        Some(Status::Active),
        "{ledger}"
    );
    let is_failed = |(_, status): &(Duration, Status)| *status == Status::Failed;
    assert!(!ledger.statuses(&stage.id).iter().any(is_failed));
    let is_good = |event: &&tower_nylas::testing::nylas::EventRecord| good.contains(&event.id);
    let bad = ledger.events().filter(|event| !is_good(event));
    ledger.only_lost(bad.map(|event| &event.id));
    ledger.handled_exactly_once(stage.app.handled());
    assert_eq!(stage.app.handled().len(), good.len());
}
