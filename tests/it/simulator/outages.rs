//! What is away for a while: handlers, a database, a proxy, an answer.

use std::panic::{AssertUnwindSafe, catch_unwind};

use http::StatusCode;
use tower_nylas::{
    inbox::{
        Browse,
        conformance::{Call, Fault as EngineFault, Faults},
    },
    testing::nylas::{EventRecord, Fate, Fault},
};

use super::*;

/// Half an hour of traffic before the outage, and as much after it, with some 360 events in it.
fn play(stage: &Stage, outage: Duration, set_away: impl Fn(bool)) {
    stage.traffic(outage / 360, HOUR + outage);
    stage.clock.run_for(HOUR / 2);
    set_away(true);
    stage.clock.run_for(outage);
    set_away(false);
    stage.settle();
    // What has failed for hours is handled again an hour later at most.
    stage.clock.run_for(outage / 2);
}

/// Exactly the events are lost whose attempts were all made in the outage; of them, the last one
/// happened 10 minutes before its end or earlier.
fn assert_only_lost_in(stage: &Stage, outage: Duration) -> usize {
    let ledger = stage.nylas.ledger();
    let outage = HOUR / 2..HOUR / 2 + outage;
    let is_lost = |event: &&EventRecord| {
        let attempts = event.attempts.iter();
        let inside = attempts.filter(|attempt| outage.contains(&(attempt.at + attempt.took)));
        inside.count() == 3
    };
    let expected: Vec<_> = ledger.events().filter(is_lost).collect();
    ledger.only_lost(expected.iter().map(|event| &event.id));
    ledger.handled_exactly_once(stage.app.handled());
    for event in &expected {
        assert!(outage.contains(&event.at) && event.at + 10 * MINUTE < outage.end);
    }
    expected.len()
}

#[test]
fn handlers_are_down_for_15_minutes() {
    let stage = Stage::direct();
    play(&stage, 15 * MINUTE, |is_away| stage.app.set_away(is_away));
    // Of the first five minutes those whose third attempt came early.
    let lost = assert_only_lost_in(&stage, 15 * MINUTE);
    assert!((20..60).contains(&lost), "{lost}");

    let stage = Stage::stored();
    play(&stage, 15 * MINUTE, |is_away| stage.app.set_away(is_away));
    stage.assert_whole();
}

#[test]
fn handlers_are_down_for_9_minutes() {
    let stage = Stage::direct();
    play(&stage, 9 * MINUTE, |is_away| stage.app.set_away(is_away));
    stage.assert_whole();
}

#[test]
fn the_database_is_down_for_2_hours() {
    let stage = Stage::direct();
    play(&stage, 2 * HOUR, |is_away| stage.app.set_away(is_away));
    let lost = assert_only_lost_in(&stage, 2 * HOUR);
    assert!((290..350).contains(&lost), "{lost}");

    let stage = Stage::stored();
    play(&stage, 2 * HOUR, |is_away| stage.app.set_away(is_away));
    stage.assert_whole();
}

/// An inbox keeps what it has accepted, and accepts nothing while it is away itself.
#[test]
fn the_database_of_the_inbox_is_down_for_2_hours() {
    let faults = std::cell::OnceCell::new();
    let stage = Stage::new(|app, secrets| {
        let clock = app.clock().clone();
        let engine = faults.get_or_init(|| Faults::new(app.inbox(), clock));
        app.stored(secrets, engine.clone())
    });
    let engine = faults.get().unwrap();
    play(&stage, 2 * HOUR, |is_away| {
        engine.set(&Call::ALL, is_away.then_some(EngineFault::Fails));
    });
    let lost = assert_only_lost_in(&stage, 2 * HOUR);
    assert!((290..350).contains(&lost), "{lost}");
}

/// With another inbox beside it nothing is lost, and a minute after the outage all is back.
#[test]
fn the_database_of_the_inbox_is_down_for_2_hours_and_another_one_is_not() {
    for fault in [
        EngineFault::Fails,
        EngineFault::Hangs,
        EngineFault::LosesAnswer,
    ] {
        let engines = std::cell::OnceCell::new();
        let stage = Stage::new(|app, secrets| {
            let clock = app.clock().clone();
            let (main, other) =
                engines.get_or_init(|| (Faults::new(app.inbox(), clock), app.inbox()));
            app.spilled(secrets, main.clone(), other.clone())
        });
        let (main, other) = engines.get().unwrap();
        let open = || {
            let stats = stage.clock.run_until(other.stats()).unwrap();
            assert_eq!(stats.dead, 0);
            stats.ready + stats.waiting + stats.claimed
        };
        stage.traffic(20 * SECOND, 3 * HOUR);
        stage.clock.run_for(HOUR / 2);
        assert_eq!(open(), 0);
        let calls = match fault {
            // Of an append, which has succeeded all the same.
            EngineFault::LosesAnswer => &[Call::Append][..],
            _ => &Call::ALL,
        };
        main.set(calls, fault);
        stage.clock.run_for(2 * HOUR);
        assert!(open() > 300, "{}", open());
        main.set(&Call::ALL, None);
        stage.clock.run_for(MINUTE);
        assert_eq!(open(), 0);
        stage.clock.run_for(HOUR);
        stage.settle();
        stage.assert_whole();
        assert_eq!(open(), 0);
    }
}

#[test]
fn a_proxy_answers_502_for_10_minutes() {
    let stage = Stage::direct();
    let proxy = || Fault::proxy_answers(StatusCode::BAD_GATEWAY).on(&stage.id);
    play(&stage, 10 * MINUTE, |is_away| {
        if is_away {
            stage.nylas.inject(proxy());
        } else {
            stage.nylas.clear_faults();
        }
    });
    stage.assert_whole();
    // With another status, Nylas would not have repeated anything.
    stage
        .nylas
        .inject(Fault::proxy_answers(StatusCode::FORBIDDEN));
    let id = stage.nylas.emit("message.created");
    stage.settle();
    stage.nylas.ledger().only_lost([id]);
}

/// Nylas does not get a third of the answers.
#[test]
fn our_answer_is_lost_on_the_way() {
    let play = |stage: &Stage| {
        stage.nylas.inject(Fault::answer_lost().probability(0.3));
        stage
            .nylas
            .inject(Fault::slow(11 * SECOND).probability(0.05));
        stage.nylas.inject(Fault::sent_twice().probability(0.05));
        stage.traffic(2 * SECOND, HOUR);
        stage.settle();
        let ledger = stage.nylas.ledger();
        let hidden = ledger
            .attempts()
            .iter()
            .filter(|(_, it)| it.hidden.is_some())
            .count();
        assert!(hidden > 500, "{hidden}");
        ledger.no_event_lost();
    };
    for stage in [Stage::new(Application::deduplicated), Stage::stored()] {
        play(&stage);
        stage.assert_whole();
    }
    let stage = Stage::direct();
    play(&stage);
    let assertion = || {
        stage
            .nylas
            .ledger()
            .handled_exactly_once(stage.app.handled());
    };
    let panic = catch_unwind(AssertUnwindSafe(assertion)).unwrap_err();
    let message = panic.downcast::<String>().unwrap();
    assert!(message.contains("handled more than once"), "{message}");
}

/// The server dies while it handles: what it has not answered comes again.
#[test]
fn connections_are_reset_while_handlers_run() {
    for stage in [
        Stage::direct(),
        Stage::new(Application::deduplicated),
        Stage::stored(),
    ] {
        let reset = Fault::reset_after_request(Duration::ZERO).probability(0.2);
        stage.nylas.inject(reset);
        stage
            .nylas
            .inject(Fault::reset_before_request().probability(0.05));
        stage.traffic(2 * SECOND, HOUR / 2);
        stage.settle();
        let ledger = stage.nylas.ledger();
        // With four attempts in five, and three of them, few are left for nobody to handle.
        let lost = ledger.with_fate(Fate::Lost);
        let is_reset = |event: &&EventRecord| {
            event.attempts.len() == 3 && event.attempts.iter().all(|it| !it.faults.is_empty())
        };
        assert!(lost.iter().all(is_reset), "{ledger}");
        ledger.only_lost(lost.iter().map(|event| &event.id));
        ledger.handled_exactly_once(stage.app.handled());
    }
}
