//! All readings of what is contradictory, together: a receiver bears each.

use tower_nylas::{
    Outcome,
    testing::nylas::{
        AttemptRecord, Attempts, Event, EventRecord, Fate, Fault, Ledger, PayloadSize, Readings,
        Retried, RetrySecret, TruncatedBody,
    },
};

use super::*;

const MAX_PAYLOAD: usize = 20_000;

fn all() -> Vec<Readings> {
    // With less than the real limit, or most of the time would go into large bodies.
    let mut all = vec![Readings::default().max_payload(MAX_PAYLOAD)];
    let mut cross = |change: &dyn Fn(Readings) -> Vec<Readings>| {
        all = std::mem::take(&mut all)
            .into_iter()
            .flat_map(change)
            .collect();
    };
    cross(&|it| {
        let retried = [Retried::Listed, Retried::ShortList, Retried::AnyButOk];
        retried.map(|retried| it.clone().retried(retried)).into()
    });
    cross(&|it| {
        let secrets = [RetrySecret::New, RetrySecret::Old];
        secrets.map(|secret| it.clone().retry_secret(secret)).into()
    });
    cross(&|it| {
        let bodies = [TruncatedBody::Empty, TruncatedBody::Absent];
        bodies.map(|body| it.clone().truncated_body(body)).into()
    });
    // Each two of these three together, and not all three: that would take twice as long.
    cross(&|it| {
        let (three, six) = (Attempts::Three, Attempts::Six);
        let (before, after) = (PayloadSize::BeforeGzip, PayloadSize::AfterGzip);
        [
            (true, three, before),
            (true, six, after),
            (false, three, after),
            (false, six, before),
        ]
        .map(|(fan_out, attempts, size)| {
            it.clone()
                .fan_out(fan_out)
                .attempts(attempts)
                .payload_size(size)
        })
        .into()
    });
    all
}

/// Two destinations, a rotation of one's secret, handlers that are away for 8 minutes, large
/// messages, a proxy, lost answers.
fn play(readings: Readings) -> Ledger {
    let stage = Stage::with(
        |builder| builder.readings(readings),
        Application::deduplicated,
    );
    let other = Application::new(&stage.clock);
    let secrets = other.secrets();
    stage.nylas.host(
        "https://other.example.com/",
        other.stored(&secrets, other.inbox()),
    );
    let new = NewDestination::new("https://other.example.com/", ["message.created"]);
    let new = new.compressed_delivery(true);
    let created = create(&stage.clock, &stage.nylas, &new);
    secrets.set(created.secret()).unwrap();

    let traffic = Traffic::new(["message.created", "event.updated"], 20 * SECOND);
    stage.nylas.run(traffic.during(HOUR / 2));
    stage.nylas.inject(Fault::answer_lost().probability(0.05));
    stage.clock.run_for(10 * MINUTE);
    for size in [MAX_PAYLOAD, MAX_PAYLOAD + 1] {
        stage.nylas.emit(Event::new("message.created").size(size));
    }
    stage.app.set_away(true);
    let bad_gateway = http::StatusCode::BAD_GATEWAY;
    let proxy = stage
        .nylas
        .inject(Fault::proxy_answers(bad_gateway).on(&created.id));
    stage.clock.run_for(4 * MINUTE);
    stage.secrets.expect_rotation(10 * MINUTE);
    let rotated = stage.nylas.rotate(&stage.id).unwrap();
    stage.clock.run_for(2 * MINUTE);
    let keep_old_for = Secrets::KEEP_OLD_FOR;
    stage
        .secrets
        .rotate(rotated.secret(), keep_old_for)
        .unwrap();
    stage.clock.run_for(2 * MINUTE);
    stage.app.set_away(false);
    proxy.remove();
    stage.settle();

    let ledger = stage.nylas.ledger();
    ledger.no_event_lost();
    ledger
        .of(&stage.id)
        .handled_exactly_once(stage.app.handled());
    ledger.of(&created.id).handled_exactly_once(other.handled());
    ledger
}

#[test]
fn a_receiver_bears_every_reading() {
    let all = all();
    assert_eq!(all.len(), 3 * 2 * 2 * 4);
    for readings in all {
        let shown = format!("{readings:?}");
        let ledger = play(readings);
        let truncated = ledger
            .events()
            .filter(|it| it.trigger.ends_with(".truncated"));
        assert_eq!(truncated.count(), 1, "{shown}");
        // Repetitions for the other destination's sake: nothing was wrong with an earlier attempt.
        let is_for_another = |event: &&EventRecord| {
            let is_duplicate =
                |it: &AttemptRecord| matches!(it.seen.outcome(), Some(Outcome::Duplicate));
            let is_ok = |it: &AttemptRecord| it.seen.answer().is_ok_and(|status| status == 200);
            let is_seen = |it: &AttemptRecord| is_ok(it) && !is_duplicate(it);
            let mut attempts = event.attempts.iter();
            attempts.any(|it| {
                let mut others = event.attempts.iter();
                is_duplicate(it)
                    && others.any(|other| other.destination == it.destination && is_seen(other))
            })
        };
        let repeated = ledger.events().filter(is_for_another).count();
        assert_eq!(repeated > 0, shown.contains("fan_out: true"), "{shown}");
        assert!(ledger.with_fate(Fate::Accepted).len() as u64 == ledger.len());
    }
}
