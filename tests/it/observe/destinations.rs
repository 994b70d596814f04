//! Whose notification or refusal it is: the label of the secrets, wherever they are known.

use tower_nylas::{Report, Resolution};

use super::*;

type Seen = (Option<String>, String);

/// What an observer is told of one request to a layer with these secrets.
fn reported(
    source: impl Into<SecretSource>,
    change: impl FnOnce(WebhookLayer) -> WebhookLayer,
    request: Request<Full<Bytes>>,
) -> (Seen, Told) {
    let seen = Arc::new(Mutex::new(None));
    let told = Told::by(|| {
        let log = seen.clone();
        let layer = WebhookLayer::with_timer(source, VirtualClock::new());
        let layer = change(layer).observe(move |report: Report<'_>| {
            let destination = report.destination().map(str::to_owned);
            *log.lock().unwrap() = Some((destination, report.to_string()));
        });
        answer(
            layer.layer(TriggerRouter::new().fallback(async || ())),
            request,
        );
    });
    let seen = seen.lock().unwrap().take();
    (seen.expect("each request is reported"), told)
}

fn labelled(label: &str) -> Secrets {
    Secrets::builder().label(label).secret(SECRET).unwrap()
}

fn lookup(found: Option<Secrets>) -> SecretSource {
    SecretSource::lookup(move |_| Ok(found.clone()))
}

fn unchanged(layer: WebhookLayer) -> WebhookLayer {
    layer
}

#[test]
fn a_verified_notification_is_of_the_label_of_its_secrets() {
    for source in [labelled("eu").into(), lookup(Some(labelled("eu")))] {
        let request = signed(notification("message.created"));
        let ((destination, report), told) = reported(source, unchanged, request);
        assert_eq!(destination.as_deref(), Some("eu"));
        assert_eq!(
            report,
            "notification message.created n-1 to eu acknowledged: handled"
        );
        assert_eq!(told.span()["destination"], "eu");
        for (name, labels) in [
            (
                "verified_total",
                r#"attempt="2",trigger="message.created","#,
            ),
            (
                "outcomes_total",
                r#"outcome="done",trigger="message.created","#,
            ),
            ("answers_total", r#"status="200","#),
        ] {
            let labels = format!(r#"{labels}destination="eu""#);
            told.assert_samples(name, [(&labels, 1.0)]);
        }
        // It is on no histogram.
        told.assert_samples(
            "handle_seconds_count",
            [(r#"trigger="message.created""#, 1.0)],
        );
    }
}

#[test]
fn so_is_a_refusal_whose_secrets_are_known() {
    let pending = || Secrets::builder().label("eu").pending();
    let limited = |layer: WebhookLayer| layer.max_body_size(1);
    for (source, change, request, reason) in [
        (
            lookup(Some(labelled("eu"))),
            unchanged as fn(_) -> _,
            forged(),
            "signature_mismatch",
        ),
        (
            labelled("eu").into(),
            unchanged,
            forged(),
            "secret_unproven",
        ),
        (
            lookup(Some(pending())),
            unchanged,
            forged(),
            "secret_pending",
        ),
        (
            lookup(Some(labelled("eu"))),
            limited,
            forged(),
            "body_too_large",
        ),
        // Not even looked up, but there is only one.
        (
            labelled("eu").into(),
            unchanged,
            request("no signature", Full::default()),
            "signature_malformed",
        ),
    ] {
        let ((destination, report), told) = reported(source, change, request);
        assert_eq!(destination.as_deref(), Some("eu"), "{reason}");
        assert!(
            report.starts_with("request to eu rejected with "),
            "{report}"
        );
        let fields = &told.event()["fields"];
        assert_eq!(fields["destination"], "eu");
        assert_eq!(fields["reason"], reason);
        // What strangers cause is counted for no destination.
        told.assert_samples("rejected_total", [(&*format!(r#"reason="{reason}""#), 1.0)]);
    }
}

#[test]
fn others_are_of_none() {
    let concealing = lookup(None).conceal_unknown_tenants();
    let failing = SecretSource::lookup(|_| Err("no database".into()));
    for (source, request) in [
        (lookup(None), forged()),
        // Its body is verified with a decoy, whose label is nobody's.
        (concealing, forged()),
        (failing, forged()),
        (
            lookup(Some(labelled("eu"))),
            request("no signature", Full::default()),
        ),
    ] {
        let ((destination, report), told) = reported(source, unchanged, request);
        assert_eq!(destination, None, "{report}");
        assert!(report.starts_with("request rejected with "), "{report}");
        assert_eq!(told.event()["fields"].get("destination"), None);
    }
}

/// With a filter that has no spans, each event says by itself what it is about.
#[test]
fn without_its_span_an_event_has_its_fields() {
    let told = Told::at(Level::WARN, || {
        let triggers = TriggerRouter::new().fallback(async || Err::<(), _>("no disk"));
        let source = lookup(Some(labelled("eu")));
        let layer = WebhookLayer::with_timer(source, VirtualClock::new());
        let body = notification("message.created");
        assert_eq!(
            answer(layer.layer(triggers), encoded("UTF-8", body.into_bytes())),
            503
        );
    });
    assert!(told.spans().is_empty());
    let events = told.events();
    assert_eq!(events.len(), 2, "{}", told.log);
    for event in &events {
        assert_eq!(event.get("span"), None);
        let fields = &event["fields"];
        assert_eq!(fields["destination"], "eu");
        assert_eq!(fields["trigger"], "message.created");
        assert_eq!(fields["notification_id"], "n-1");
        assert_eq!(fields["attempt"], 2);
    }
    assert_eq!(events[0]["fields"]["fault"], "mislabelled");
    let end = &events[1]["fields"];
    assert_eq!(
        (&end["outcome"], &end["status"]),
        (&"failed".into(), &503.into())
    );
    assert_eq!(end["handle_ms"], 0.0);
}

#[test]
fn an_observer_is_told_which_notification_it_was_and_how_long_it_took() {
    let timer = VirtualClock::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let layer = layer(&timer).observe(move |report: Report<'_>| {
        let verified = matches!(report.resolution(), Resolution::Acknowledged(_));
        assert_eq!(report.is_verified(), verified);
        log.lock().unwrap().push((
            report.trigger().map(str::to_owned),
            report.notification_id().map(str::to_owned),
            report.attempt(),
            report.status().map(|status| status.as_u16()),
            report.duration(),
            report.is_lost(),
        ));
    });
    let passing = timer.clone();
    let triggers = TriggerRouter::new().fallback(move || {
        passing.advance(Duration::from_millis(250));
        async { Err::<(), _>("no disk") }
    });
    let mut service = layer.layer(triggers);
    let long_id = "n".repeat(1000);
    for (attempt, id) in [(2, "n-1"), (3, &*long_id)] {
        let body = notification("message.created")
            .replace("attempt\":2", &format!("attempt\":{attempt}"))
            .replace("n-1", id);
        answer(&mut service, signed(body));
    }
    answer(&mut service, forged());
    let quarter = Duration::from_millis(250);
    let created = || Some("message.created".to_owned());
    assert_eq!(
        *seen.lock().unwrap(),
        [
            (
                created(),
                Some("n-1".to_owned()),
                Some(2),
                Some(503),
                quarter,
                false
            ),
            (created(), Some(long_id), Some(3), Some(503), quarter, true),
            (None, None, None, Some(401), Duration::ZERO, false),
        ]
    );
}

/// In the reason as well, which says it again.
#[test]
fn a_report_shows_the_beginning_of_a_long_name() {
    let name = format!("yacht.sunk\n{}", "x".repeat(100_000));
    let body = notification(&name.replace('\n', "\\n"));
    for triggers in [
        TriggerRouter::new(),
        TriggerRouter::new().on_any_type(),
        TriggerRouter::new().on_any_type().on_malformed(async || ()),
    ] {
        let seen = Arc::new(Mutex::new(String::new()));
        let log = seen.clone();
        let layer = layer(&VirtualClock::new())
            .observe(move |report: Report<'_>| *log.lock().unwrap() = report.to_string());
        answer(layer.layer(triggers), signed(body.clone()));
        let report = seen.lock().unwrap().clone();
        assert!(report.len() < 500, "{report:.500}");
        assert_eq!(report.matches(r"yacht.sunk\n").count(), 2, "{report}");
        assert_eq!(report.lines().count(), 1);
    }
}
