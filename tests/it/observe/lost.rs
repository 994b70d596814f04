//! Whether Nylas sends a notification again is what its end says, and what is lost is an error.

use super::*;

/// What may become of a notification, the handler, and the status.
type Failure = (&'static str, fn() -> TriggerRouter, u16);

const FAILURES: [Failure; 6] = [
    (
        "retry",
        || TriggerRouter::new().fallback(async || Ack::Retry),
        503,
    ),
    (
        "retry_after",
        || TriggerRouter::new().fallback(async || Ack::RetryAfter(Duration::from_secs(3))),
        429,
    ),
    (
        "failed",
        || TriggerRouter::new().fallback(async || Err::<(), _>("no disk")),
        503,
    ),
    (
        "panicked",
        || TriggerRouter::new().fallback(async || -> () { panic!("on purpose") }),
        503,
    ),
    (
        "status",
        || {
            let inner = service_fn(async |_| {
                let response = Response::builder().status(500);
                response.body(String::new())
            });
            TriggerRouter::new().fallback_service(inner)
        },
        503,
    ),
    ("unread", || TriggerRouter::new().on_any_type(), 503),
];

fn at_attempt(attempt: &str) -> String {
    let two = r#""webhook_delivery_attempt":2,"#;
    let given = match attempt {
        "none" => String::new(),
        attempt => format!(r#""webhook_delivery_attempt":{attempt},"#),
    };
    notification("message.created").replace(two, &given)
}

/// The end of a span has what its event says.
#[track_caller]
fn assert_end(told: &Told, level: &str, text: &str, lost: bool) {
    let event = told.event();
    let message = event["fields"]["message"].as_str().unwrap();
    assert_eq!(event["level"], level, "{message}");
    assert!(message.contains(text), "{message}");
    // Either one or the other, and in no other words.
    let lines = &told.log;
    assert_eq!(lines.contains("lost"), lost, "{lines}");
    if lost {
        assert!(!lines.contains("sent again"), "{lines}");
        assert_eq!(told.span()["lost"], true);
        assert_eq!(told.span()["otel.status_code"], "ERROR");
    }
    let lost = if lost { 1.0 } else { 0.0 };
    told.assert_samples("lost_total", [(r#"trigger="message.created""#, lost)]);
}

#[test]
fn a_failure_says_that_nylas_sends_it_again_or_that_it_is_lost() {
    for (outcome, triggers, status) in FAILURES {
        let level = match outcome {
            "retry" | "retry_after" => "INFO",
            _ => "WARN",
        };
        let again = format!("answered {status}, to be sent again: ");
        let perhaps =
            format!("answered {status}, to be sent again unless this was the third attempt: ");
        let lost = if outcome == "unread" { 200 } else { status };
        let never = format!("answered {lost} at the last attempt, so it is lost: ");
        for (attempt, level, text, is_lost) in [
            ("1", level, &again, false),
            ("2", level, &again, false),
            ("none", level, &perhaps, false),
            ("3", "ERROR", &never, true),
            ("7", "ERROR", &never, true),
        ] {
            let status = if is_lost { lost } else { status };
            let told = Told::by(|| {
                let service = layer(&VirtualClock::new()).layer(triggers());
                assert_eq!(answer(service, signed(at_attempt(attempt))), status);
            });
            assert_end(&told, level, text, is_lost);
            let labels = format!(r#"status="{status}""#);
            told.assert_samples("answers_total", [(&labels, 1.0)]);
        }
    }
}

#[test]
fn what_takes_too_long_at_the_last_attempt_is_lost() {
    let timer = VirtualClock::new();
    for (attempt, level, text, is_lost) in [
        ("2", "WARN", "answered 503, to be sent again: ", false),
        ("3", "ERROR", "answered 503 at the last attempt", true),
    ] {
        let told = Told::by(|| {
            let mut service = layer(&timer).layer(waiting());
            let mut response = Box::pin(service.call(signed(at_attempt(attempt))));
            assert!(poll(response.as_mut()).is_pending());
            timer.advance(Duration::from_secs(6));
            assert!(poll(response.as_mut()).is_ready());
        });
        assert_end_of_waiting(&told, level, text, is_lost);
    }
}

#[test]
fn whose_client_disconnects_at_the_last_attempt_is_lost() {
    for (attempt, level, text, is_lost) in [
        (
            "1",
            "WARN",
            "not answered, to be sent again: the client",
            false,
        ),
        (
            "3",
            "ERROR",
            "not answered at the last attempt, so it is",
            true,
        ),
    ] {
        let told = Told::by(|| {
            let mut service = layer(&VirtualClock::new()).layer(waiting());
            let mut response = Box::pin(service.call(signed(at_attempt(attempt))));
            assert!(poll(response.as_mut()).is_pending());
        });
        assert_end_of_waiting(&told, level, text, is_lost);
        told.assert_samples("answers_total", [(r#"status="none""#, 1.0)]);
    }
}

/// Without the event of the handler, which says that it was dropped.
#[track_caller]
fn assert_end_of_waiting(told: &Told, level: &str, text: &str, lost: bool) {
    assert_eq!(last_words(told)["span"]["notification_id"], "n-1");
    assert_end(told, level, text, lost);
}

#[test]
fn what_succeeds_at_the_last_attempt_is_not_lost() {
    for ack in [Ack::Done, Ack::Discard, Ack::give_up("no such mailbox")] {
        let told = Told::by(|| {
            let triggers = TriggerRouter::new().fallback(move || {
                let ack = ack.clone();
                async move { ack }
            });
            let service = layer(&VirtualClock::new()).layer(triggers);
            assert_eq!(answer(service, signed(at_attempt("3"))), 200);
        });
        let level = told.event()["level"].as_str().unwrap().to_owned();
        assert_end(&told, &level, "notification acknowledged: ", false);
        assert_ne!(level, "ERROR");
    }
}

/// Nylas is documented to repeat a few statuses, and these are not among them.
#[test]
fn an_applications_own_refusal_is_not_said_to_be_repeated() {
    for (attempt, text, is_lost) in [
        ("1", "answered 404, which Nylas may not repeat: ", false),
        (
            "3",
            "answered 404 at the last attempt, so it is lost: ",
            true,
        ),
    ] {
        let told = Told::by(|| {
            let inner = service_fn(async |_| {
                let response = Response::builder().status(404);
                response.body(String::new())
            });
            let layer = layer(&VirtualClock::new()).pass_client_errors();
            let service = layer.layer(inner);
            assert_eq!(answer(service, signed(at_attempt(attempt))), 404);
        });
        let level = if is_lost { "ERROR" } else { "WARN" };
        assert_end(&told, level, text, is_lost);
        told.assert_samples("answers_total", [(r#"status="404""#, 1.0)]);
    }
}

/// A test event can be signed by anybody, and so can its attempt be anything.
#[test]
fn a_test_event_is_never_lost() {
    let told = Told::by(|| {
        let body = at_attempt("3");
        let signature = sign_test_event(body.as_bytes()).to_hex();
        let request = request(&signature, Full::new(Bytes::from(body)));
        let service = layer(&VirtualClock::new()).layer(TriggerRouter::new());
        assert_eq!(answer(service, request), 401);
    });
    assert_eq!(told.event()["level"], "INFO");
    told.assert_samples("lost_total", []);
}

/// The counter is there before it counts, since an increase from nothing is none to Prometheus.
#[test]
fn nothing_lost_is_a_number_as_well() {
    let timer = VirtualClock::new();
    let done = TriggerRouter::new().fallback(async || ());
    let told = delivered(&timer, done, 200);
    told.assert_samples("lost_total", [(r#"trigger="message.created""#, 0.0)]);
    #[allow(clippy::cast_precision_loss)]
    let now = unix_now() as f64;
    told.assert_samples("last_verified_timestamp_seconds", [("", now)]);
}

/// A filter may leave nothing but errors, which then say by themselves what they are about.
#[test]
fn where_only_errors_are_logged_what_is_lost_has_its_id() {
    let told = Told::at(Level::ERROR, || {
        let triggers = TriggerRouter::new().fallback(async || Ack::Retry);
        let service = layer(&VirtualClock::new()).layer(triggers);
        assert_eq!(answer(service, signed(at_attempt("3"))), 503);
    });
    let fields = &told.event()["fields"];
    assert_eq!(fields["notification_id"], "n-1");
    assert_eq!(fields["trigger"], "message.created");
    assert_eq!(fields["lost"], true);
}
