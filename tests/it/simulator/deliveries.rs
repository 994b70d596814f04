//! How notifications are delivered and repeated.

use std::io::Read;

use serde_json::{Value, json};
use tower_nylas::testing::{
    Change,
    nylas::{
        Attempts, DestinationUpdate, Event, Fate, Fault, Ledger, NewDestination, PayloadSize,
        Readings, Retried, RetrySecret, Status, TruncatedBody,
    },
};

use super::{scripted::Scripted, *};

/// With an endpoint that answers what it is told to, and the destination's secret.
fn scripted(settings: impl FnOnce(Builder) -> Builder) -> (Stage, Scripted, String) {
    let clock = VirtualClock::new();
    let nylas = settings(builder(&clock)).build();
    let script = Scripted::default();
    script.host(&nylas, URL);
    let created = create(&clock, &nylas, &new_destination());
    let secret = created.secret().to_owned();
    let stage = Stage {
        app: Application::new(&clock),
        secrets: Secrets::pending(),
        clock,
        nylas,
        id: created.id,
    };
    (stage, script, secret)
}

fn statuses(ledger: &Ledger) -> Vec<u16> {
    let attempts = ledger.attempts().into_iter();
    let statuses = attempts.map(|(_, attempt)| attempt.seen.answer().unwrap().as_u16());
    statuses.collect()
}

#[test]
fn a_genuine_notification_is_handled_and_only_by_those_that_are_subscribed() {
    let stage = Stage::direct();
    let id = stage.nylas.emit("message.created");
    stage.nylas.emit("event.updated.transformed");
    stage.nylas.emit("grant.expired");
    stage.settle();
    let ledger = stage.nylas.ledger();
    ledger.no_event_lost();
    ledger.handled_exactly_once(stage.app.handled());
    assert_eq!(stage.app.handled().len(), 2);
    assert_eq!(
        ledger.event(&id).unwrap().fate(&stage.id),
        Some(Fate::Accepted)
    );
    assert!(ledger.events().last().unwrap().fates.is_empty());
}

#[test]
fn the_wire_form_is_that_of_nylas() {
    let (stage, script, secret) = scripted(|builder| builder);
    let event = Event::new("message.created")
        .id("n-1")
        .object_id("m-1")
        .set("data.object.subject", "Invoice 7")
        .change(Change::remove("data.object.snippet"));
    stage.nylas.emit(event);
    script.answer(&[503]);
    stage.settle();
    let [first, second] = &script.seen()[..] else {
        panic!("{}", stage.nylas.ledger());
    };
    let text = std::str::from_utf8(&first.body).unwrap();
    let start = r#"{"specversion":"1.0","type":"message.created","source":"/google/emails/realtime","id":"n-1","time":1767225600,"webhook_delivery_attempt":1,"data":{"application_id":"#;
    assert!(text.starts_with(start), "{text}");
    assert!(first.is_signed_with(&secret) && second.is_signed_with(&secret));
    let mut again = first.json();
    assert_eq!(again["data"]["object"]["id"], "m-1");
    assert_eq!(again["data"]["object"]["subject"], "Invoice 7");
    assert!(again["data"]["object"].get("snippet").is_none());
    again["webhook_delivery_attempt"] = json!(2);
    assert_eq!(second.json(), again);
    assert_ne!(first.body, second.body);
}

#[test]
fn there_are_three_attempts_the_last_one_10_to_20_minutes_after_the_first() {
    let (stage, script, _) = scripted(|builder| builder);
    script.answer(&[503; 3 * 50]);
    for _ in 0..50 {
        stage.nylas.emit("message.created");
    }
    stage.settle();
    let ledger = stage.nylas.ledger();
    let mut lasts = Vec::new();
    for event in ledger.events() {
        let [first, second, last] = &event.attempts[..] else {
            panic!("{event:?}");
        };
        assert_eq!([first, second, last].map(|it| it.number), [1, 2, 3]);
        assert_eq!(event.fates, [(stage.id.clone(), Fate::Lost)]);
        assert!(second.at < (first.at + last.at) / 2);
        assert!(first.at.is_zero());
        lasts.push(last.at);
    }
    assert!(
        lasts
            .iter()
            .all(|it| (10 * MINUTE..=20 * MINUTE).contains(it))
    );
    // They are spread.
    assert!(lasts.iter().min().unwrap() < &(12 * MINUTE));
    assert!(lasts.iter().max().unwrap() > &(18 * MINUTE));
}

#[test]
fn how_many_attempts_there_are_is_a_reading() {
    for (reading, numbers, longest) in [
        (Attempts::Three, 1..=3, 20 * MINUTE),
        (Attempts::Six, 1..=6, HOUR),
    ] {
        let readings = Readings::default().attempts(reading);
        let (stage, script, _) = scripted(|builder| builder.readings(readings));
        script.answer(&[503; 6 * 20]);
        for _ in 0..20 {
            stage.nylas.emit("message.created");
        }
        stage.settle();
        let ledger = stage.nylas.ledger();
        assert_eq!(ledger.with_fate(Fate::Lost).len(), 20);
        for event in ledger.events() {
            let seen = event.attempts.iter().map(|attempt| attempt.number);
            assert!(seen.eq(numbers.clone()), "{event:?}");
            let at: Vec<_> = event.attempts.iter().map(|attempt| attempt.at).collect();
            assert!(*at.last().unwrap() <= longest, "{at:?}");
            // Of five retries, at least four.
            assert!(at.iter().filter(|it| **it <= 20 * MINUTE).count() >= 3.max(at.len() - 1));
        }
        let last = script.seen().last().unwrap().json();
        assert_eq!(last["webhook_delivery_attempt"], *numbers.end());
    }
}

#[test]
fn which_answers_are_repeated_is_a_reading() {
    for (reading, repeated) in [
        (Retried::Listed, &[408, 429, 502, 503, 504, 507][..]),
        (Retried::ShortList, &[408, 429, 502, 503]),
        (
            Retried::AnyButOk,
            &[
                201, 204, 301, 400, 401, 404, 408, 410, 413, 422, 429, 500, 502, 503, 504, 507,
            ],
        ),
    ] {
        for status in [
            200, 201, 204, 301, 400, 401, 404, 408, 410, 413, 422, 429, 500, 502, 503, 504, 507,
        ] {
            let readings = Readings::default().retried(reading);
            let (stage, script, _) = scripted(|builder| builder.readings(readings));
            script.answer(&[status]);
            stage.nylas.emit("message.created");
            stage.settle();
            let mut expected = vec![status];
            expected.extend(repeated.contains(&status).then_some(200));
            assert_eq!(statuses(&stage.nylas.ledger()), expected, "{reading:?}");
        }
    }
}

#[test]
fn retry_after_puts_the_next_attempt_off() {
    let (stage, script, _) = scripted(|builder| builder);
    script.retry_after(429, 3600);
    script.retry_after(503, 7200);
    stage.nylas.emit("message.created");
    stage.settle();
    let ledger = stage.nylas.ledger();
    assert_eq!(statuses(&ledger), [429, 503, 200]);
    let at: Vec<_> = ledger.attempts().iter().map(|(_, it)| it.at).collect();
    // Only that of a 429 is documented.
    assert_eq!(at[..2], [Duration::ZERO, HOUR]);
    // The wait after it is as long as it would have been.
    let last = at[2].checked_sub(HOUR).unwrap();
    assert!((8 * MINUTE..=16 * MINUTE).contains(&last), "{last:?}");
}

#[test]
fn an_id_that_a_change_sets_is_that_of_the_ledger() {
    let (stage, script, _) = scripted(|builder| builder);
    let id = stage
        .nylas
        .emit(Event::new("message.created").set("id", "n-7"));
    stage.settle();
    assert_eq!(script.seen()[0].json()["id"], *id);
    assert!(stage.nylas.ledger().event("n-7").is_some());
}

#[test]
fn what_retries_are_signed_with_after_a_rotation_is_a_reading() {
    for (reading, signed_with) in [(RetrySecret::New, 1), (RetrySecret::Old, 0)] {
        let readings = Readings::default().retry_secret(reading);
        let (stage, script, old) = scripted(|builder| builder.readings(readings));
        script.answer(&[503]);
        stage.nylas.emit("message.created");
        stage.clock.run_for(SECOND);
        let rotated = stage.nylas.rotate(&stage.id).unwrap();
        assert_ne!(rotated.secret(), old);
        stage.nylas.emit("message.created");
        stage.settle();
        let secrets = [&old, rotated.secret()];
        let seen = script.seen();
        let expected = [secrets[0], secrets[1], secrets[signed_with]];
        for (seen, secret) in seen.iter().zip(expected) {
            assert!(seen.is_signed_with(secret), "{reading:?}");
        }
        assert_eq!(seen.len(), 3);
    }
}

#[test]
fn what_one_destination_does_not_accept_is_sent_to_all_again_which_is_a_reading() {
    for (fan_out, expected) in [(true, 2), (false, 1)] {
        let readings = Readings::default().fan_out(fan_out);
        let (stage, script, _) = scripted(|builder| builder.readings(readings));
        let other = Scripted::default();
        other.host(&stage.nylas, "https://other.example.com/");
        let new = NewDestination::new("https://other.example.com/", ["message.created"]);
        let created = create(&stage.clock, &stage.nylas, &new);
        script.answer(&[503]);
        stage.nylas.emit("message.created");
        stage.settle();
        assert_eq!((script.seen().len(), other.seen().len()), (2, expected));
        assert!(other.seen()[0].is_signed_with(created.secret()));
        let ledger = stage.nylas.ledger();
        ledger.no_event_lost();
        assert_eq!(ledger.of(&created.id).attempts().len(), expected);
    }
}

#[test]
fn messages_above_1_mb_are_truncated_and_nothing_else_is() {
    for (reading, body) in [
        (TruncatedBody::Empty, Some(json!(""))),
        (TruncatedBody::Absent, None),
    ] {
        let readings = Readings::default().truncated_body(reading);
        let (stage, script, _) = scripted(|builder| builder.readings(readings));
        stage
            .nylas
            .emit(Event::new("message.created").size(1 << 20));
        stage
            .nylas
            .emit(Event::new("message.created").size((1 << 20) + 1));
        stage.nylas.emit(Event::new("event.updated").size(3 << 20));
        stage.settle();
        let seen = script.seen();
        let lengths = seen.iter().map(|it| it.body.len());
        assert_eq!(lengths.clone().next(), Some(1 << 20));
        assert!(lengths.clone().nth(1) < Some(5000) && lengths.clone().nth(2) >= Some(3 << 20));
        let [whole, truncated, event] = [0, 1, 2].map(|at| seen[at].json());
        assert_eq!(whole["type"], "message.created");
        assert_eq!(truncated["type"], "message.created.truncated");
        assert_eq!(event["type"], "event.updated");
        assert_eq!(truncated["data"]["object"].get("body"), body.as_ref());
        assert!(truncated["data"]["object"]["subject"].is_string());
    }
}

#[test]
fn a_compressed_delivery_is_signed_as_it_is_sent() {
    let (stage, script, secret) = scripted(|builder| builder);
    let update = DestinationUpdate::new().compressed_delivery(true);
    let updating = stage.nylas.update(&stage.id, &update);
    stage.clock.run_until(updating).unwrap();
    stage.nylas.emit("message.created");
    stage.settle();
    let seen = &script.seen()[0];
    assert_eq!(seen.encoding.as_deref(), Some("gzip"));
    assert!(seen.is_signed_with(&secret));
    let inflated = inflated(seen);
    assert!(
        inflated.contains(r#""type":"message.created""#),
        "{inflated}"
    );
}

/// Two destinations, one with gzip, and two messages of which gzip makes one small.
#[test]
fn whether_the_limit_counts_before_or_after_gzip_is_a_reading() {
    // Of 3 MiB that cannot be made smaller than 1 MiB.
    let mut number = 1_u64;
    let noise: String = (0..3 << 20)
        .map(|_| {
            number = number
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            char::from(b'a' + u8::try_from(number >> 60).unwrap())
        })
        .collect();
    let (whole, truncated) = ("message.created", "message.created.truncated");
    for (reading, sent_with_gzip) in [
        (PayloadSize::BeforeGzip, [truncated, truncated]),
        (PayloadSize::AfterGzip, [whole, truncated]),
    ] {
        let readings = Readings::default().payload_size(reading);
        let (stage, script, _) = scripted(|builder| builder.readings(readings));
        let other = Scripted::default();
        let url = "https://other.example.com/";
        other.host(&stage.nylas, url);
        let new = NewDestination::new(url, ["message.created"]).compressed_delivery(true);
        let created = create(&stage.clock, &stage.nylas, &new);
        let soft = Event::new("message.created").size(3 << 20);
        let hard = Event::new("message.created").set("data.object.body", noise.as_str());
        for event in [soft.clone(), hard, soft.only_to(&created.id)] {
            stage.nylas.emit(event);
        }
        stage.settle();
        let plain = script.seen();
        let plain = plain.iter().map(|it| it.json()["type"].clone());
        assert!(plain.eq([truncated; 2]), "{reading:?}");
        let seen = other.seen();
        for (seen, expected) in seen.iter().zip(sent_with_gzip) {
            assert!(seen.body.len() <= 1 << 20 && seen.is_signed_with(created.secret()));
            let body: Value = serde_json::from_str(&inflated(seen)).unwrap();
            assert_eq!(body["type"], expected, "{reading:?}");
            let text = body["data"]["object"]["body"].as_str().unwrap();
            assert_eq!(text.is_empty(), expected == truncated);
        }
        assert_eq!(seen.len(), 3);
        // The last one has no destination without gzip.
        let names = stage.nylas.ledger();
        let names = names.events().map(|event| event.trigger.to_string());
        assert!(names.eq([truncated, truncated, sent_with_gzip[0]]));
    }
}

fn inflated(seen: &scripted::Seen) -> String {
    let mut inflated = String::new();
    let mut decoder = flate2::read::GzDecoder::new(&seen.body[..]);
    decoder.read_to_string(&mut inflated).unwrap();
    inflated
}

/// Whatever the destination asks for, and the others do not get it.
#[test]
fn an_event_can_be_compressed_and_meant_for_one_destination() {
    let (stage, script, secret) = scripted(|builder| builder);
    let other = Scripted::default();
    let url = "https://other.example.com/";
    other.host(&stage.nylas, url);
    let new = NewDestination::new(url, ["message.created"]);
    create(&stage.clock, &stage.nylas, &new);
    let event = Event::new("message.created").compressed();
    stage.nylas.emit(event.only_to(&stage.id));
    stage.nylas.emit("message.created");
    // It is not subscribed to this one.
    stage
        .nylas
        .emit(Event::new("grant.expired").only_to(&stage.id));
    stage.settle();
    let seen = script.seen();
    let encodings: Vec<_> = seen.iter().map(|it| it.encoding.as_deref()).collect();
    assert_eq!(encodings, [Some("gzip"), None]);
    assert!(seen[0].is_signed_with(&secret));
    assert_eq!(other.seen().len(), 1);
    let targets = |ledger: &Ledger| -> Vec<usize> {
        ledger.events().map(|event| event.fates.len()).collect()
    };
    assert_eq!(stage.nylas.with_ledger(targets), [1, 2, 0]);
}

#[test]
fn a_provider_s_duplicates_are_notifications_of_the_same_object() {
    let (stage, script, _) = scripted(|builder| builder);
    stage
        .nylas
        .emit(Event::new("message.created").duplicates(2));
    stage.nylas.emit("message.created");
    stage.settle();
    let seen: Vec<_> = script.seen().iter().map(scripted::Seen::json).collect();
    let distinct = |pointer: &str| {
        let values = seen
            .iter()
            .map(|it| it.pointer(pointer).unwrap().to_string());
        values.collect::<std::collections::BTreeSet<_>>().len()
    };
    assert_eq!((distinct("/id"), distinct("/data/object/id")), (4, 2));
}

#[test]
fn nothing_is_sent_to_a_paused_destination_then_or_later() {
    let (stage, script, _) = scripted(|builder| builder);
    script.answer(&[503]);
    let cut_off = stage.nylas.emit("message.created");
    stage.clock.run_for(SECOND);
    let pause = DestinationUpdate::new().pause();
    stage
        .clock
        .run_until(stage.nylas.update(&stage.id, &pause))
        .unwrap();
    assert_eq!(stage.nylas.status_of(&stage.id), Some(Status::Paused));
    let unsent = stage.nylas.emit("message.created");
    stage.settle();
    let reactivate = DestinationUpdate::new().reactivate();
    stage
        .clock
        .run_until(stage.nylas.update(&stage.id, &reactivate))
        .unwrap();
    stage.nylas.emit("message.created");
    stage.settle();
    let ledger = stage.nylas.ledger();
    assert_eq!(statuses(&ledger), [503, 200]);
    ledger.only_lost([&cut_off]);
    let fate = |id: &str| ledger.event(id).unwrap().fate(&stage.id);
    assert_eq!(
        (fate(&cut_off), fate(&unsent)),
        (Some(Fate::Lost), Some(Fate::Unsent))
    );
}

#[test]
fn every_fault_does_what_it_says() {
    let slow = 11 * SECOND;
    for (fault, reaches, first, last) in [
        (Fault::slow(SECOND), 1, "200 OK after 1s [slow by 1s]", 1),
        (
            Fault::slow(slow),
            2,
            "no answer within 10s after 10s, unseen: 200 OK [slow by 11s]",
            2,
        ),
        (
            Fault::reset_before_request(),
            1,
            "the connection ended without an answer: connection reset after 0ns [reset before the request]",
            2,
        ),
        (
            Fault::reset_after_request(Duration::ZERO),
            2,
            "the connection ended without an answer: connection reset after 0ns, unseen: 200 OK [reset after the request]",
            2,
        ),
        (
            Fault::answer_lost(),
            2,
            "the connection ended without an answer: connection reset after 0ns, unseen: 200 OK [answer lost]",
            2,
        ),
        (
            Fault::wrong_signature(),
            1,
            "200 OK after 0ns [wrong signature]",
            1,
        ),
        (
            Fault::proxy_answers(502.try_into().unwrap()),
            1,
            "502 Bad Gateway after 0ns [proxy answers 502]",
            2,
        ),
        (Fault::sent_twice(), 2, "200 OK after 0ns [sent twice]", 1),
    ] {
        let (stage, script, secret) = scripted(|builder| builder);
        let injected = stage.nylas.inject(fault.clone().on(&stage.id).count(1));
        stage.nylas.emit("message.created");
        stage.settle();
        let ledger = stage.nylas.ledger();
        let is_forged = fault.to_string() == "wrong signature";
        if !is_forged {
            ledger.no_event_lost();
        }
        let text = ledger.attempts()[0].1.to_string();
        let first = format!("attempt 1 to {}: {first}", stage.id);
        // What an endpoint reports in process stands in brackets behind its status.
        assert_eq!(text.replace(" (handled)", ""), first);
        assert_eq!(ledger.attempts().last().unwrap().1.number, last, "{fault}");
        assert_eq!(
            (script.seen().len(), injected.hits()),
            (reaches, 1),
            "{fault}"
        );
        assert_eq!(script.seen()[0].is_signed_with(&secret), !is_forged);
    }
}

#[test]
fn faults_can_be_restricted_and_removed() {
    let (stage, script, _) = scripted(|builder| builder.seed(3));
    let half = stage.nylas.inject(Fault::sent_twice().probability(0.5));
    for _ in 0..1000 {
        stage.nylas.emit("message.created");
    }
    stage.settle();
    assert!((400..600).contains(&half.hits()), "{half:?}");
    assert_eq!(script.seen().len() as u64, 1000 + half.hits());
    half.remove();
    let hits = half.hits();
    let elsewhere = Scripted::default();
    elsewhere.host(&stage.nylas, "https://other.example.com/");
    let new = NewDestination::new("https://other.example.com/", ["message.created"]);
    let other = create(&stage.clock, &stage.nylas, &new).id;
    stage.nylas.inject(Fault::sent_twice().on(&other));
    stage.nylas.emit("message.created");
    stage.settle();
    assert_eq!(elsewhere.seen().len(), 2);
    assert_eq!(script.seen().len() as u64, 1001 + hits);
    stage.nylas.clear_faults();
    stage.nylas.emit("message.created");
    stage.settle();
    assert_eq!(elsewhere.seen().len(), 3);
}

/// What takes connections now: neither what is delayed, nor what waits for its next attempt.
#[test]
fn what_is_in_flight_is_due_and_not_answered() {
    let (stage, script, _) = scripted(|builder| builder);
    let in_flight = || stage.nylas.in_flight();
    assert_eq!(in_flight(), 0);
    stage.nylas.emit("message.created");
    stage.nylas.emit("message.created");
    assert_eq!(in_flight(), 2);
    script.answer(&[503]);
    stage.clock.run_for(SECOND);
    assert_eq!(in_flight(), 0);
    stage.settle();
    let slow = stage.nylas.inject(Fault::slow(5 * SECOND).count(1));
    stage.nylas.emit("message.created");
    stage.clock.run_for(SECOND);
    assert!(slow.is_over());
    assert_eq!(in_flight(), 1);
    stage.settle();
    assert_eq!(in_flight(), 0);
    let late = stage.nylas.inject(Fault::out_of_order(HOUR));
    for _ in 0..5 {
        stage.nylas.emit("message.created");
    }
    stage.clock.run_for(Duration::ZERO);
    assert_eq!((in_flight(), late.hits(), late.is_over()), (0, 5, false));
    late.remove();
    assert!(late.is_over());
    stage.settle();
    assert_eq!((in_flight(), script.seen().len()), (0, 9));
}

#[test]
fn notifications_overtake_each_other() {
    let stage = Stage::direct();
    stage.nylas.inject(Fault::out_of_order(MINUTE));
    let ids: Vec<_> = (0..20)
        .map(|_| stage.nylas.emit("message.created"))
        .collect();
    stage.settle();
    let handled = stage.app.handled();
    assert_ne!(
        handled.iter().map(|id| &**id).collect::<Vec<_>>(),
        ids.iter().map(|id| &**id).collect::<Vec<_>>()
    );
    stage.nylas.ledger().handled_exactly_once(handled);
}

#[test]
fn replicas_behind_one_url_take_turns_and_can_be_removed() {
    let clock = VirtualClock::new();
    let nylas = builder(&clock).build();
    let replicas = [(); 3].map(|()| Scripted::default());
    let hosted = replicas.each_ref().map(|replica| replica.host(&nylas, URL));
    create(&clock, &nylas, &new_destination());
    for _ in 0..9 {
        nylas.emit("message.created");
    }
    clock.run_until(nylas.settled());
    assert_eq!(replicas.each_ref().map(|it| it.seen().len()), [3; 3]);
    hosted[0].remove();
    hosted[1].remove();
    for _ in 0..9 {
        nylas.emit("message.created");
    }
    clock.run_until(nylas.settled());
    assert_eq!(replicas.each_ref().map(|it| it.seen().len()), [3, 3, 12]);
    hosted[2].remove();
    nylas.emit("message.created");
    clock.run_until(nylas.settled());
    let ledger = nylas.ledger();
    let refused = ledger.attempts().last().unwrap().1.to_string();
    assert!(refused.contains("the connection was refused"), "{refused}");
    assert_eq!(ledger.with_fate(Fate::Lost).len(), 1);
}
