//! The probable cause of a mismatch is a label, and causes of errors are told.

use base64::{Engine, engine::general_purpose::STANDARD};
use tower_nylas::{InvalidSignature, MismatchHint, Rejection};

use super::*;

#[test]
fn the_cause_of_a_mismatch_is_a_label_and_a_field() {
    let gzip = tower_nylas_kit::delivery::gzip(b"{\"type\":\"a.b\"}");
    let lossy = String::from_utf8_lossy(&gzip).into_owned();
    let latin: String = gzip.iter().map(|byte| char::from(*byte)).collect();
    for (hint, headers, body) in [
        ("none", &[("content-length", "2")][..], b"{}".to_vec()),
        ("empty", &[], Vec::new()),
        ("empty", &[("content-length", "0")], Vec::new()),
        ("length_changed", &[("content-length", "9")], b"{}".to_vec()),
        ("length_changed", &[("content-length", "9")], Vec::new()),
        (
            "read_as_text",
            &[("content-encoding", "gzip")],
            lossy.into_bytes(),
        ),
        ("read_as_text", &[], latin.into_bytes()),
        (
            "base64",
            &[("content-encoding", "gzip")],
            STANDARD.encode(&gzip).into_bytes(),
        ),
        (
            "base64",
            &[],
            STANDARD.encode(b"{\"type\":\"a.b\"}").into_bytes(),
        ),
        (
            "base64",
            &[],
            STANDARD.encode(b"{\n  \"type\":\"a.b\"}").into_bytes(),
        ),
        (
            "inflated",
            &[("content-encoding", "gzip")],
            b"{\"type\":\"a.b\"}".to_vec(),
        ),
        // It is neither, so nobody can tell.
        (
            "none",
            &[("content-encoding", "gzip"), ("content-length", "5")],
            b"hello".to_vec(),
        ),
        ("none", &[("content-length", "9")], b"eyes only".to_vec()),
        ("encoding_lost", &[], gzip.clone()),
        ("framing_lost", &[], b"{}".to_vec()),
    ] {
        let told = Told::by(|| {
            let mut request = request(&"0".repeat(64), Full::new(Bytes::from(body.clone())));
            for (name, value) in headers {
                request.headers_mut().insert(*name, value.parse().unwrap());
            }
            let service = layer(&VirtualClock::new()).layer(TriggerRouter::new());
            assert_eq!(answer(service, request), 401);
        });
        assert_eq!(told.event()["fields"]["hint"], hint, "{body:?}");
        told.assert_samples("mismatches_total", [(&*format!(r#"hint="{hint}""#), 1.0)]);
    }
    let told = Told::by(|| {
        let body = Bytes::from_static(b"{}");
        let request = request(&sign_test_event(&body).to_hex(), Full::new(body));
        let service = layer(&VirtualClock::new()).layer(TriggerRouter::new());
        assert_eq!(answer(service, request), 401);
    });
    told.assert_samples("mismatches_total", [(r#"hint="test_event""#, 1.0)]);
}

#[derive(Debug)]
struct Wrapped(io::Error);

impl std::fmt::Display for Wrapped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cannot store the mail")
    }
}

impl std::error::Error for Wrapped {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[test]
fn an_error_is_told_with_what_caused_it() {
    let failing = TriggerRouter::new()
        .fallback(async || Err::<(), _>(Wrapped(io::Error::other("the disk is full"))));
    let told = delivered(&VirtualClock::new(), failing, 503);
    assert_eq!(
        told.event()["fields"]["message"],
        "notification answered 503, to be sent again: its handler failed: cannot store the mail: \
         the disk is full"
    );
    let told = Told::by(|| {
        let source = SecretSource::lookup(|_| Err(Wrapped(io::Error::other("timed out")).into()));
        let layer = WebhookLayer::with_timer(source, VirtualClock::new());
        assert_eq!(answer(layer.layer(TriggerRouter::new()), forged()), 503);
    });
    let message = told.event()["fields"]["message"].as_str().unwrap();
    assert!(
        message.ends_with("third attempt: cannot store the mail: timed out"),
        "{message}"
    );
}

#[test]
fn a_panic_is_told_with_its_text() {
    let panicking = TriggerRouter::new().fallback(async || -> () { panic!("row {} is gone", 7) });
    let told = delivered(&VirtualClock::new(), panicking, 503);
    let message = told.event()["fields"]["message"].as_str().unwrap();
    assert!(
        message.ends_with("its handler panicked: row 7 is gone"),
        "{message}"
    );
}

/// Whoever reads a refusal in a log knows what to look at.
#[test]
fn a_refusal_says_what_to_do() {
    let failed = Arc::new(io::Error::other("connection refused"));
    for rejection in [
        Rejection::Method,
        Rejection::ChallengeTooLong(1),
        Rejection::TimerMissing,
        Rejection::SignatureMissing,
        Rejection::SignatureRepeated,
        Rejection::SignatureMalformed(InvalidSignature::Empty),
        Rejection::TenantUnknown,
        Rejection::LookupFailed(failed),
        Rejection::SecretPending,
        Rejection::BudgetExhausted,
        Rejection::BodyTooLarge(1),
        Rejection::ReadTimeout,
        Rejection::Transport,
        Rejection::SignatureMismatch(None),
        Rejection::SignatureMismatch(Some(MismatchHint::Base64)),
        Rejection::SecretUnproven(None),
        Rejection::MismatchRetried(None),
        Rejection::RotationExpected,
    ] {
        let text = rejection.to_string();
        let verbs = [
            "look for",
            "raise",
            "have ",
            "compare",
            "call ",
            "too small",
            "enable",
            "decode",
            "must succeed",
        ];
        assert!(verbs.iter().any(|verb| text.contains(verb)), "{text}");
        // Whether Nylas repeats it depends on the attempt, which nobody has read.
        assert!(!text.contains("will repeat"), "{text}");
    }
}
