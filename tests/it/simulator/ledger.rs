//! What the ledger's assertions say.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tower_nylas::testing::nylas::{DestinationUpdate, Event, Fault, Ledger, Totals};

use super::{scripted::Scripted, *};

fn message_of(assertion: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(assertion)).expect_err("it fails");
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(text) => (*text.downcast::<&str>().unwrap()).to_owned(),
    }
}

#[test]
fn what_is_lost_is_named_with_its_attempts() {
    let stage = Stage::direct();
    stage.app.set_away(true);
    stage.nylas.emit(Event::new("message.created").id("n-1"));
    stage.clock.run_for(HOUR);
    let message = message_of(|| stage.nylas.ledger().no_event_lost());
    let id = &stage.id;
    let lines: Vec<_> = message.lines().collect();
    assert_eq!(lines[0], "1 of 1 events lost");
    assert_eq!(lines[1], "  00:00:00.000 n-1 message.created");
    assert_eq!(lines[2], format!("    {id}: lost"));
    let attempt = format!(
        "    00:00:00.000 attempt 1 to {id}: 503 Service Unavailable (its handler failed: the database is away) after 20ms"
    );
    assert_eq!(lines[3], attempt);
    assert_eq!(lines.len(), 6);
    stage.nylas.ledger().only_lost(["n-1"]);

    for _ in 0..9 {
        stage.nylas.emit("message.created");
    }
    stage.clock.run_for(HOUR);
    let message = message_of(|| stage.nylas.ledger().no_event_lost());
    assert!(message.starts_with("10 of 10 events lost\n") && message.ends_with("\n  …"));
    assert_eq!(message.matches(": lost").count(), 5);
    let message = message_of(|| stage.nylas.ledger().only_lost(["n-1"]));
    assert!(message.starts_with("9 of 10 events lost\n"), "{message}");
}

#[test]
fn nothing_is_asserted_of_nothing_and_of_what_is_still_open() {
    let stage = Stage::direct();
    let nothing = |ledger: &Ledger| {
        [
            message_of(|| ledger.no_event_lost()),
            message_of(|| ledger.only_lost([""; 0])),
            message_of(|| ledger.handled_exactly_once([""; 0])),
        ]
    };
    for message in nothing(&stage.nylas.ledger()) {
        assert!(
            message.starts_with("nothing has happened that was sent"),
            "{message}"
        );
    }
    stage.nylas.emit("message.created");
    for message in nothing(&stage.nylas.ledger()) {
        assert!(message.starts_with("1 of 1 events still under way: let more time pass\n"));
    }
    // What nobody is subscribed to was not tried either, and nobody can lose it.
    let stage = Stage::direct();
    stage.nylas.emit("grant.expired");
    stage.settle();
    assert!(
        message_of(|| stage.nylas.ledger().no_event_lost())
            .starts_with("nothing has happened that")
    );
}

#[test]
fn what_is_handled_wrongly_is_named() {
    let stage = Stage::direct();
    for id in ["n-1", "n-2"] {
        stage.nylas.emit(Event::new("message.created").id(id));
    }
    stage.settle();
    let ledger = stage.nylas.ledger();
    ledger.handled_exactly_once(["n-2", "n-1"]);
    let assertion = |handled: &[&str]| message_of(|| ledger.handled_exactly_once(handled));
    assert!(assertion(&["n-1"]).starts_with("1 of 2 events accepted and not handled\n"));
    assert!(
        assertion(&["n-1", "n-2", "n-1"]).starts_with("1 of 2 events handled more than once\n")
    );
    assert_eq!(
        assertion(&["n-1", "n-2", "n-3"]),
        r#"handled, but never sent: ["n-3"]"#
    );
    let message = message_of(|| ledger.only_lost(["n-1"]));
    assert_eq!(message, "the notification n-1 is not lost");
}

#[test]
fn a_full_ledger_forgets_the_oldest_but_not_that_one_was_lost() {
    let stage = Stage::with(|builder| builder.ledger_capacity(10), Application::direct);
    for _ in 0..30 {
        stage.nylas.emit("message.created");
        stage.clock.run_for(SECOND);
    }
    stage.settle();
    let ledger = stage.nylas.ledger();
    assert_eq!((ledger.len(), ledger.events().len()), (30, 10));
    ledger.no_event_lost();
    let message = message_of(|| ledger.handled_exactly_once(stage.app.handled()));
    assert_eq!(
        message,
        "20 events are no longer in the ledger: raise `ledger_capacity`"
    );
    let nobody = create(&stage.clock, &stage.nylas, &idle(&stage)).id;
    assert!(stage.nylas.ledger().of(&nobody).is_empty());
    assert!(
        ledger
            .to_string()
            .ends_with("30 events, 10 accepted, 0 open, 0 lost, 0 unsent, 20 forgotten")
    );

    stage
        .nylas
        .inject(Fault::proxy_answers(http::StatusCode::NOT_FOUND).count(1));
    for _ in 0..15 {
        stage.nylas.emit("message.created");
        stage.clock.run_for(SECOND);
    }
    stage.settle();
    let ledger = stage.nylas.ledger();
    assert!(
        ledger
            .with_fate(tower_nylas::testing::nylas::Fate::Lost)
            .is_empty()
    );
    let message = message_of(|| ledger.no_event_lost());
    assert_eq!(message, "1 of 45 events lost");
}

/// In any order; and of several things that are wrong, the first in this order is named: others are
/// lost, one is not lost, one is under way.
#[test]
fn exactly_these_are_lost_whatever_their_order() {
    let stage = Stage::direct();
    stage.app.set_away(true);
    let lost = ["n-1", "n-2", "n-3"];
    for id in lost {
        stage.nylas.emit(Event::new("message.created").id(id));
    }
    stage.settle();
    stage.app.set_away(false);
    stage.nylas.emit(Event::new("message.created").id("n-4"));
    stage.settle();
    let ledger = stage.nylas.ledger();
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        ledger.only_lost(order.map(|at| lost[at]));
    }
    ledger.only_lost(["n-3", "n-1", "n-2", "n-1"]);
    let message = |ids: &[&str]| message_of(|| stage.nylas.ledger().only_lost(ids));
    let of_others = message(&["n-4", "n-2", "n-1"]);
    assert!(of_others.starts_with("1 of 4 events lost\n"), "{of_others}");
    assert!(of_others.contains(" n-3 "), "{of_others}");
    assert_eq!(
        message(&["n-5", "n-3", "n-4", "n-2", "n-1"]),
        "the notification n-4 is not lost"
    );
    stage.app.set_away(true);
    stage.nylas.emit("message.created");
    stage.clock.run_for(SECOND);
    let message = |ids: &[&str]| message_of(|| stage.nylas.ledger().only_lost(ids));
    assert_eq!(
        message(&["n-3", "n-4", "n-2", "n-1"]),
        "the notification n-4 is not lost"
    );
    assert!(message(&lost).starts_with("1 of 5 events still under way"));
}

/// Running totals, which no capacity ends.
#[test]
fn the_totals_have_what_the_ledger_has_forgotten() {
    let stage = Stage::with(|builder| builder.ledger_capacity(5), Application::direct);
    let totals = || {
        let totals = stage.nylas.ledger().totals();
        [
            totals.accepted,
            totals.open,
            totals.lost,
            totals.unsent,
            totals.forgotten,
        ]
    };
    for _ in 0..20 {
        stage.nylas.emit("message.created");
        stage.clock.run_for(SECOND);
    }
    assert_eq!(totals(), [20, 0, 0, 0, 0]);
    // Of these, the last five are still there when they are given up.
    stage.app.set_away(true);
    for _ in 0..8 {
        stage.nylas.emit("message.created");
    }
    stage.clock.run_for(SECOND);
    assert_eq!(totals(), [20, 5, 0, 0, 3]);
    stage.settle();
    assert_eq!(totals(), [20, 0, 5, 0, 3]);
    let pause = DestinationUpdate::new().pause();
    stage
        .clock
        .run_until(stage.nylas.update(&stage.id, &pause))
        .unwrap();
    for _ in 0..9 {
        stage.nylas.emit("message.created");
    }
    assert_eq!(totals(), [20, 0, 5, 9, 3]);
    assert_eq!(
        stage.nylas.ledger().of(&stage.id).totals(),
        stage.nylas.ledger().totals()
    );
    let nobody = create(&stage.clock, &stage.nylas, &idle(&stage)).id;
    let of_nobody = stage.nylas.ledger().of(&nobody).totals();
    assert_eq!(of_nobody, Totals::default());
}

/// Another destination, which nothing is sent to in these tests.
fn idle(stage: &Stage) -> NewDestination {
    let url = "https://idle.example.com/";
    Scripted::default().host(&stage.nylas, url);
    NewDestination::new(url, ["grant.expired"])
}

#[test]
fn what_may_still_be_repeated_is_not_settled() {
    let stage = Stage::with(|builder| builder, Application::deduplicated);
    let _lost = stage.nylas.inject(Fault::answer_lost().count(1));
    stage.nylas.emit("message.created");
    stage.clock.run_for(SECOND);
    let ledger = stage.nylas.ledger();
    assert_eq!(stage.app.handled().len(), 1);
    for message in [
        message_of(|| ledger.no_event_lost()),
        message_of(|| ledger.handled_exactly_once(stage.app.handled())),
        message_of(|| ledger.of(&stage.id).no_event_lost()),
    ] {
        assert!(
            message.starts_with("1 of 1 events still under way"),
            "{message}"
        );
    }
    stage.settle();
    stage.assert_whole();
}

#[test]
fn what_was_not_sent_at_all_was_not_tried() {
    let stage = Stage::with(|builder| builder.ledger_capacity(10), Application::direct);
    let pause = DestinationUpdate::new().pause();
    let pausing = stage.nylas.update(&stage.id, &pause);
    stage.clock.run_until(pausing).unwrap();
    for events in [1, 20] {
        for _ in 0..events {
            stage.nylas.emit("message.created");
        }
        stage.settle();
        let message = message_of(|| stage.nylas.ledger().no_event_lost());
        assert!(
            message.starts_with("nothing has happened that was sent"),
            "{message}"
        );
    }
}

#[test]
fn what_handlers_did_is_asserted_for_one_destination() {
    let stage = Stage::direct();
    let script = Scripted::default();
    let url = "https://other.example.com/";
    script.host(&stage.nylas, url);
    let new = NewDestination::new(url, ["message.created"]);
    create(&stage.clock, &stage.nylas, &new);
    stage.nylas.emit("message.created");
    stage.settle();
    let ledger = stage.nylas.ledger();
    let message = message_of(|| ledger.handled_exactly_once(stage.app.handled()));
    assert!(
        message.starts_with("1 of 1 events sent to several destinations: use `Ledger::of`\n"),
        "{message}"
    );
    let of = ledger.of(&stage.id);
    of.handled_exactly_once(stage.app.handled());
}

#[test]
fn a_receiver_that_verifies_nothing_does_not_pass() {
    let stage = Stage::new(|_, _| {
        tower::service_fn(|request: Request<Full<Bytes>>| async move {
            let query = request.uri().query().unwrap_or_default();
            let challenge = query.strip_prefix("challenge=").unwrap_or_default();
            Ok::<_, std::convert::Infallible>(Response::new(Full::<Bytes>::from(
                challenge.to_owned(),
            )))
        })
    });
    stage.nylas.inject(Fault::wrong_signature());
    stage.nylas.emit(Event::new("message.created").id("n-1"));
    stage.settle();
    let ledger = stage.nylas.ledger();
    for message in [
        message_of(|| ledger.no_event_lost()),
        message_of(|| ledger.only_lost(["n-1"])),
        message_of(|| ledger.handled_exactly_once(["n-1"])),
    ] {
        assert!(
            message.starts_with("1 of 1 events accepted with a wrong signature\n"),
            "{message}"
        );
    }
}
