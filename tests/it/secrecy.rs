//! No `Debug`, no `Display`, no error, no report and no response shows a secret, a signature
//! (received or computed) or a body.

use std::{
    convert::Infallible,
    error::Error,
    fmt::{Debug, Display},
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use serde::Deserialize;
use tower::{Service, ServiceExt, service_fn};
use tower_nylas::{
    Ack, BoxError, Notification, Outcome, Rejection, Report, ResponseBody, SecretSource, Secrets,
    Signature, Trigger, TriggerRouter, VerifiedBody, VerifySignatureLayer, WebhookLayer,
    WebhookSecret,
    acknowledge::AcknowledgeLayer,
    challenge::ChallengeLayer,
    decompression::DecompressionLayer,
    notification::{Envelope, Payload},
    testing::VirtualClock,
    verify::UnknownTenant,
};
use tower_nylas_kit::{
    body::{Scripted, Step, Untouchable},
    delivery::{PATH, sign_with},
};

const OLD: &str = "0ld-invented-needle_Xq";
const NEW: &str = "N3w-invented-needle_Yp";
const CONFIDENTIAL: &str = "dear diary, this is nobody's business";

fn body() -> Bytes {
    format!(
        r#"{{"type":"message.created","id":"n-1","data":{{"object":{{"body":"{CONFIDENTIAL}"}}}}}}"#
    )
    .into()
}

fn signature() -> Signature {
    sign_with(OLD, &body())
}

fn secrets() -> Secrets {
    let secrets = Secrets::new(OLD).unwrap();
    secrets.rotate(NEW, Duration::from_secs(60)).unwrap();
    // As if a genuine notification had come.
    secrets.verify(b"", &sign_with(NEW, b"")).unwrap();
    secrets
}

fn verified() -> VerifiedBody {
    VerifiedBody::verify(body(), &signature(), &secrets()).unwrap()
}

/// Everything that must not be seen, in all its usual spellings.
fn needles() -> Vec<String> {
    let mut needles = Vec::new();
    let mut bytes = |bytes: &[u8]| {
        needles.push(BASE64_STANDARD.encode(bytes));
        let hex: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let hex = hex.concat();
        needles.push(hex.to_uppercase());
        needles.push(hex);
        // As slices and arrays are shown.
        let list = format!("{bytes:?}");
        needles.push(list.trim_matches(['[', ']']).to_owned());
        needles.push(
            format!("{bytes:#?}")
                .trim_matches(['[', ']', '\n'])
                .to_owned(),
        );
    };
    for secret in [OLD, NEW] {
        bytes(secret.as_bytes());
        for body in [body(), Bytes::from_static(b"another body")] {
            let hex = sign_with(secret, &body).to_hex();
            let digit_pairs = (0..64).step_by(2);
            let raw: Vec<u8> = digit_pairs
                .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
                .collect();
            bytes(&raw);
        }
    }
    bytes(&body());
    needles.extend([OLD, NEW, CONFIDENTIAL].map(ToOwned::to_owned));
    needles
}

/// What could be seen, and where.
#[derive(Default)]
struct Seen(Vec<(String, String)>);

impl Seen {
    fn debug(&mut self, place: &str, value: &dyn Debug) {
        self.0.push((place.into(), format!("{value:?}")));
        self.0.push((place.into(), format!("{value:#?}")));
    }

    fn display<T: Debug + Display>(&mut self, place: &str, value: &T) {
        self.debug(place, value);
        self.0.push((place.into(), format!("{value} {value:#}")));
    }

    /// With all that it says caused it.
    fn error<E: Error>(&mut self, place: &str, error: &E) {
        self.display(place, error);
        let mut source = error.source();
        while let Some(error) = source {
            self.display(place, &error);
            source = error.source();
        }
    }

    fn text(&mut self, place: &str, text: &str) {
        self.0.push((place.into(), text.to_owned()));
    }

    #[track_caller]
    fn assert_clean(&self) {
        assert!(!self.0.is_empty());
        for needle in needles() {
            for (place, text) in &self.0 {
                assert!(!text.contains(&needle), "{place} shows {needle}: {text}");
            }
        }
    }
}

/// What shows that the tests below can fail.
#[test]
fn what_must_not_be_seen_would_be() {
    #[derive(Debug)]
    #[allow(dead_code)]
    struct Careless<'a>(&'a [u8]);

    let hex = signature().to_hex();
    let raw: Vec<u8> = (0..64)
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect();
    for text in [
        format!("{:?}", Careless(&raw)),
        format!("{:#?}", Careless(&raw).0),
        format!("secret {OLD:?}"),
        format!("{:?}", Careless(OLD.as_bytes())),
        hex.to_uppercase(),
        format!("{:?}", body()),
    ] {
        let mut seen = Seen::default();
        seen.text("here", &text);
        assert!(
            std::panic::catch_unwind(|| seen.assert_clean()).is_err(),
            "{text}"
        );
    }
}

#[test]
fn neither_by_secrets_nor_by_signatures() {
    let mut seen = Seen::default();
    let builder = Secrets::builder().label("eu");
    seen.debug("SecretsBuilder", &builder);
    let secrets = builder.secret(OLD).unwrap();
    secrets.rotate(NEW, Duration::from_secs(60)).unwrap();
    seen.debug("Secrets", &secrets);
    seen.debug("Secrets", &Secrets::pending());
    seen.debug("WebhookSecret", &WebhookSecret::new(OLD).unwrap());
    seen.debug("Signature", &signature());

    let mut verifier = secrets.verifier(signature());
    verifier.update(&body());
    seen.debug("Verifier", &verifier);

    let hex = signature().to_hex();
    let wrong = [
        hex[..63].to_owned(),
        format!("{hex}0"),
        format!("sha256={}", &hex[1..]),
        format!("{}g", &hex[..63]),
        BASE64_STANDARD.encode(&hex[..32]),
        String::new(),
    ];
    for text in wrong {
        let invalid = Signature::from_hex(&text).unwrap_err();
        seen.error("InvalidSignature", &invalid);
        assert!(!format!("{invalid}{invalid:?}").contains(&hex[..60]));
    }
    let name = "MY_N33DLE_VARIABLE";
    for bad in [
        format!(" {OLD}"),
        format!("{OLD}\n"),
        format!("{OLD} {NEW}"),
        format!("\u{feff}{OLD}"),
        format!("“{OLD}”"),
        format!("{name}={OLD}"),
        format!("${{{OLD}}}"),
        "mock-webhook-secret".to_owned(),
        String::new(),
    ] {
        let invalid = WebhookSecret::new(&bad).unwrap_err();
        let shown = format!("{invalid}{invalid:?}");
        assert!(!shown.contains(name) && !shown.contains("mock"), "{shown}");
        seen.error("InvalidSecret", &WebhookSecret::new(&bad).unwrap_err());
        seen.error("InvalidSecret", &Secrets::new(&bad).unwrap_err());
        seen.error(
            "InvalidSecret",
            &secrets.rotate(bad, Duration::ZERO).unwrap_err(),
        );
    }
    seen.error("InvalidSecret", &Secrets::any_of([OLD; 5]).unwrap_err());
    let unset = Secrets::from_env("TOWER_NYLAS_NOT_SET").unwrap_err();
    seen.error("InvalidSecret", &unset);
    for error in [
        secrets.verify(b"other", &signature()).unwrap_err(),
        Secrets::pending().verify(b"", &signature()).unwrap_err(),
        VerifiedBody::verify(Bytes::new(), &signature(), &secrets).unwrap_err(),
    ] {
        seen.error("VerifyError", &error);
    }
    seen.assert_clean();
}

#[test]
fn nor_by_notifications() {
    #[derive(Debug, Clone, Deserialize)]
    #[allow(dead_code)]
    struct Mail {
        body: String,
    }

    let mut seen = Seen::default();
    let body = verified();
    seen.debug("VerifiedBody", &body);
    seen.debug("Envelope", &Envelope::peek(&body).unwrap());
    seen.debug("Trigger", &Trigger::from("message.created"));

    let mail = Notification::<Mail>::try_from(body.clone()).unwrap();
    assert_eq!(mail.object.body, CONFIDENTIAL);
    seen.debug("Notification<Mail>", &mail);
    seen.debug("Notification<()>", &mail.map(|_| ()));
    let value: Notification = body.clone().try_into().unwrap();
    seen.debug("Notification<Value>", &value);
    seen.debug(
        "Wire",
        &<serde_json::Value as Payload>::read(body.bytes()).unwrap(),
    );
    seen.assert_clean();
}

/// `serde_json` quotes what does not fit, and that is the body.
#[test]
fn nor_by_what_is_malformed() {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Empty {}
    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Number {
        body: u64,
    }
    #[derive(Deserialize)]
    enum One {
        First,
    }
    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Variant {
        body: One,
    }
    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Letter {
        body: char,
    }
    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Missing {
        absent: String,
    }
    let _ = One::First;

    let mut seen = Seen::default();
    let body = verified();
    let empty: Notification<Empty> = body.clone().try_into().unwrap();
    assert!(!empty.unfit().is_empty());
    for unfit in empty.unfit() {
        seen.display("Unfit", unfit);
    }
    macro_rules! malformed {
        ($($type:ty),+) => {$(
            let malformed = Notification::<$type>::try_from(body.clone()).err().unwrap();
            assert_eq!(malformed.body().bytes(), body.bytes());
            seen.error(stringify!($type), &malformed);
        )+};
    }
    malformed!(Number, Variant, Letter, Missing, String, bool, Vec<u8>);

    let secrets = secrets();
    let texts = [
        CONFIDENTIAL.to_owned(),
        format!("\"{CONFIDENTIAL}\""),
        format!("{{\"{CONFIDENTIAL}\":1}}"),
        format!("{{\"type\":[\"{CONFIDENTIAL}\"]}}"),
        format!("{{\"deltas\":[\"{CONFIDENTIAL}\"]}}"),
        format!("{{\"type\":\"a.b\",\"data\":\"{CONFIDENTIAL}\"}}"),
        format!("{{\"type\":\"a.b\",\"time\":\"{CONFIDENTIAL}\"}}"),
        format!("{{\"type\":\"a.b\",\"{CONFIDENTIAL}\":1,\"{CONFIDENTIAL}\":2}}"),
        format!("{{\"type\":\"a.b\",\"data\":{{\"object\":{{\"{CONFIDENTIAL}"),
        format!("{{\"type\":\"a.b\",\"id\":{{\"{CONFIDENTIAL}\":1}},\"data\":{{\"object\":1}}}}"),
    ];
    for text in texts {
        let signature = sign_with(OLD, text.as_bytes());
        let body = VerifiedBody::verify(text.into(), &signature, &secrets).unwrap();
        if let Err(malformed) = Envelope::peek(&body) {
            seen.error("Envelope::peek", &malformed);
        }
        match Notification::<serde_json::Value>::try_from(body) {
            Ok(read) => {
                for unfit in read.unfit() {
                    seen.display("Unfit", unfit);
                }
            }
            Err(malformed) => seen.error("Notification", &malformed),
        }
    }
    seen.assert_clean();
}

fn request<B>(body: B) -> Request<B> {
    let request = Request::post(PATH).header("x-nylas-signature", signature().to_hex());
    request.body(body).unwrap()
}

#[test]
fn nor_by_layers_services_and_futures() {
    #[derive(Debug, Clone)]
    struct Inner;

    impl<B> Service<Request<B>> for Inner {
        type Response = Response<Full<Bytes>>;
        type Error = Infallible;
        type Future = std::future::Pending<Result<Self::Response, Infallible>>;

        fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Request<B>) -> Self::Future {
            std::future::pending()
        }
    }

    let mut seen = Seen::default();
    let cx = &mut Context::from_waker(Waker::noop());

    let set = secrets();
    for source in [
        SecretSource::from(secrets()),
        SecretSource::lookup(move |_| Ok(Some(set.clone()))),
        SecretSource::extensions(),
    ] {
        seen.debug("SecretSource", &source);
        let verify = VerifySignatureLayer::with_timer(source, VirtualClock::new());
        seen.debug("VerifySignatureLayer", &verify);
        seen.debug("VerifySignature", &verify.layer(Inner));
        let webhook = WebhookLayer::with_timer(secrets(), VirtualClock::new());
        seen.debug("WebhookLayer", &webhook);
        seen.debug("Webhook", &webhook.layer(Inner));
    }

    // Half of the body is there, in two frames; all of it is there; it is refused at once.
    let text = body();
    let half = || {
        Scripted::new([
            Step::Data(text.slice(..5)),
            Step::Data(text.slice(5..80)),
            Step::Stuck,
        ])
    };
    let verify = VerifySignatureLayer::with_timer(secrets(), VirtualClock::new());
    let webhook = WebhookLayer::with_timer(secrets(), VirtualClock::new());
    for _ in 0..2 {
        let mut future = pin!(verify.layer(Inner).call(request(half())));
        seen.debug("verify::ResponseFuture", &future);
        assert!(future.as_mut().poll(cx).is_pending());
        seen.debug("verify::ResponseFuture", &future);

        let mut future = pin!(verify.layer(Inner).call(request(Full::new(body()))));
        assert!(future.as_mut().poll(cx).is_pending());
        seen.debug("verify::ResponseFuture", &future);

        let mut future = pin!(webhook.layer(Inner).call(request(half())));
        assert!(future.as_mut().poll(cx).is_pending());
        seen.debug("webhook::ResponseFuture", &future);

        let mut future = pin!(webhook.layer(Inner).call(request(Full::new(body()))));
        assert!(future.as_mut().poll(cx).is_pending());
        seen.debug("webhook::ResponseFuture", &future);
    }
    let mut bad = request(Untouchable { claims: 0 });
    bad.headers_mut()
        .append("x-nylas-signature", signature().to_hex().parse().unwrap());
    seen.debug("verify::ResponseFuture", &verify.layer(Inner).call(bad));

    let acknowledge = AcknowledgeLayer::with_timer(VirtualClock::new());
    seen.debug("AcknowledgeLayer", &acknowledge);
    let mut acknowledge = acknowledge.layer(Inner);
    seen.debug("Acknowledge", &acknowledge);
    seen.debug(
        "acknowledge::ResponseFuture",
        &acknowledge.call(request(verified())),
    );

    seen.debug("DecompressionLayer", &DecompressionLayer::new());
    let mut decompression = DecompressionLayer::new().layer(Inner);
    seen.debug("Decompression", &decompression);
    let mut encoded = request(verified());
    encoded
        .headers_mut()
        .insert("content-encoding", "br".parse().unwrap());
    for request in [request(verified()), encoded] {
        seen.debug(
            "decompression::ResponseFuture",
            &decompression.call(request),
        );
    }

    seen.debug("ChallengeLayer", &ChallengeLayer::new());
    let mut challenge = ChallengeLayer::new().layer(Inner);
    seen.debug("Challenge", &challenge);
    seen.debug(
        "challenge::ResponseFuture",
        &challenge.call(request(Full::new(body()))),
    );

    let mut router = TriggerRouter::new().fallback(async |_: Notification| {});
    seen.debug("TriggerRouter", &router);
    seen.debug("router::ResponseFuture", &router.call(request(verified())));
    let mut routeless = TriggerRouter::new();
    seen.debug(
        "router::ResponseFuture",
        &routeless.call(request(verified())),
    );

    seen.debug("UnknownTenant", &UnknownTenant);
    seen.debug("ResponseBody", &ResponseBody::<Full<Bytes>>::default());
    seen.assert_clean();
}

/// A handler may log the whole request it gets, with all its headers.
#[tokio::test]
async fn nor_by_the_request_that_reaches_the_inner_service() {
    let seen = Arc::new(Mutex::new(Seen::default()));
    let shared = seen.clone();
    let inner = service_fn(move |request: Request<VerifiedBody>| {
        shared
            .lock()
            .unwrap()
            .debug("Request<VerifiedBody>", &request);
        async { Ok::<_, Infallible>(Response::<Full<Bytes>>::default()) }
    });
    let webhook = WebhookLayer::with_timer(secrets(), VirtualClock::new()).layer(inner);
    let response = webhook.oneshot(request(Full::new(body()))).await.unwrap();
    assert_eq!(response.status(), 200);
    seen.lock().unwrap().assert_clean();
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn nor_by_extractors() {
    use axum::response::IntoResponse;
    use tower_nylas::extract::NotificationRejection;

    #[derive(Deserialize)]
    struct Number {
        #[allow(dead_code)]
        body: u64,
    }
    type Extracted = Result<Notification<Number>, NotificationRejection>;

    let seen = Arc::new(Mutex::new(Seen::default()));
    let shared = seen.clone();
    let handler = async move |extracted: Extracted| {
        let rejection = extracted.expect_err("a text is no number");
        shared
            .lock()
            .unwrap()
            .error("NotificationRejection", &rejection);
        let response = rejection.into_response();
        shared.lock().unwrap().debug("its response", &response);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let mut seen = shared.lock().unwrap();
        seen.text("its body", std::str::from_utf8(&body).unwrap());
    };
    let route = axum::routing::post(handler);
    let webhook = WebhookLayer::with_timer(secrets(), VirtualClock::new()).layer(route);
    let response = webhook.oneshot(request(Full::new(body()))).await.unwrap();
    assert_eq!(response.status(), 200);
    let seen = seen.lock().unwrap();
    assert!(seen.0.len() >= 5);
    seen.assert_clean();
}

#[cfg(feature = "testing")]
#[tokio::test]
async fn nor_by_the_sender_of_tests() {
    use tower_nylas::testing::Nylas;

    let webhook = WebhookLayer::with_timer(secrets(), VirtualClock::new());
    let endpoint = webhook.layer(TriggerRouter::new());
    let nylas = Nylas::new(endpoint, WebhookSecret::new(OLD).unwrap());
    let mut seen = Seen::default();
    seen.debug("Nylas", &nylas);
    let delivery = tower_nylas::testing::signed_request(&WebhookSecret::new(OLD).unwrap(), body());
    let response = webhook.layer(TriggerRouter::new()).oneshot(delivery).await;
    assert_eq!(response.unwrap().status(), 200);
    seen.assert_clean();
}

/// One request for each answer there is: what the client reads, and what the operator does.
#[tokio::test]
async fn nor_by_answers_and_reports() {
    let seen = Arc::new(Mutex::new(Seen::default()));
    let reported = seen.clone();
    let observe = move |report: Report<'_>| {
        reported.lock().unwrap().display("Report", &report);
    };
    let webhook = |secrets, router| {
        WebhookLayer::with_timer(secrets, VirtualClock::new())
            .observe(observe.clone())
            .layer(router)
    };
    let expecting = secrets();
    expecting.expect_rotation(Duration::from_secs(60));
    let handler = |ack: Ack| {
        TriggerRouter::new().fallback(move || {
            let ack = ack.clone();
            async move { ack }
        })
    };
    let failing = TriggerRouter::new()
        .fallback(async || Err::<(), BoxError>("an error of the application".into()));
    let panicking = TriggerRouter::new().fallback(async |mail: Notification| -> () {
        assert!(mail.object.is_null(), "a bug");
    });

    let genuine = || request(Full::new(body()));
    let forged = || request(Full::new(Bytes::from("another body")));
    let mut repeated = genuine();
    let value = sign_with(NEW, &body()).to_hex().parse().unwrap();
    repeated.headers_mut().append("x-nylas-signature", value);
    let mut malformed = genuine();
    let value = format!("sha1={}", signature().to_hex()).parse().unwrap();
    malformed.headers_mut().insert("x-nylas-signature", value);
    let mut put = genuine();
    *put.method_mut() = http::Method::PUT;
    let mut encoded = genuine();
    encoded
        .headers_mut()
        .insert("content-encoding", CONFIDENTIAL.parse().unwrap());
    let mut challenge = genuine();
    *challenge.method_mut() = http::Method::GET;
    *challenge.uri_mut() = "/?challenge=public".parse().unwrap();

    let done = handler(Ack::Done);
    let cases = [
        (secrets(), done.clone(), put, 405),
        (secrets(), done.clone(), challenge, 200),
        (secrets(), done.clone(), repeated, 401),
        (secrets(), done.clone(), malformed, 401),
        (Secrets::pending(), done.clone(), genuine(), 503),
        (secrets(), done.clone(), forged(), 401),
        (expecting, done.clone(), forged(), 503),
        (Secrets::new(OLD).unwrap(), done.clone(), forged(), 503),
        (secrets(), done.clone(), encoded, 200),
        (secrets(), TriggerRouter::new(), genuine(), 200),
        (secrets(), done, genuine(), 200),
        (secrets(), handler(Ack::Discard), genuine(), 200),
        (secrets(), handler(Ack::Retry), genuine(), 503),
        (
            secrets(),
            handler(Ack::RetryAfter(Duration::from_secs(3))),
            genuine(),
            429,
        ),
        (secrets(), failing, genuine(), 503),
        (secrets(), panicking, genuine(), 503),
    ];
    let answered = cases.len();
    for (secrets, router, request, status) in cases {
        let response = webhook(secrets, router).oneshot(request).await.unwrap();
        assert_eq!(response.status(), status);
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let mut seen = seen.lock().unwrap();
        seen.debug("response", &parts);
        if let Some(rejection) = parts.extensions.get::<Rejection>() {
            seen.error("Rejection", rejection);
            seen.text("Rejection", rejection.text());
        }
        if let Some(outcome) = parts.extensions.get::<Outcome>() {
            seen.display("Outcome", outcome);
        }
        seen.text("response body", std::str::from_utf8(&body).unwrap());
    }
    let seen = seen.lock().unwrap();
    let reports = seen.0.iter().filter(|(place, _)| place == "Report").count();
    assert_eq!(reports, 3 * answered);
    seen.assert_clean();
}

/// Nobody can write lines into a log that is not theirs.
#[tokio::test]
async fn a_report_is_one_line_whatever_it_tells() {
    let reports = Arc::new(Mutex::new(Vec::new()));
    let seen = reports.clone();
    let secrets = secrets();
    let source = SecretSource::lookup(move |request| match request.uri.path() {
        "/failing" => Err("first line\r\nsecond line".into()),
        _ => Ok(Some(secrets.clone())),
    });
    let layer = WebhookLayer::with_timer(source, VirtualClock::new())
        .observe(move |report| seen.lock().unwrap().push(report.to_string()));
    let router = TriggerRouter::new().on_unlisted("do.fail", async || {
        Err::<(), _>("first line\nsecond line\u{1b}[31m")
    });
    for (path, trigger) in [
        ("/", r"an.event\nforged: 200 OK"),
        ("/", r"an.event\u2028\u0085\u202e\u0007\u001b[2J"),
        ("/", "do.fail"),
        ("/failing", "a.b"),
    ] {
        let body = Bytes::from(format!(r#"{{"type":"{trigger}"}}"#));
        let mut request = request(Full::new(body.clone()));
        *request.uri_mut() = path.parse().unwrap();
        let signature = sign_with(OLD, &body).to_hex().parse().unwrap();
        request.headers_mut().insert("x-nylas-signature", signature);
        layer.layer(router.clone()).oneshot(request).await.unwrap();
    }
    let reports = reports.lock().unwrap();
    assert_eq!(reports.len(), 4);
    for report in &*reports {
        let breaks = |c: char| c.is_control() || ['\u{2028}', '\u{2029}', '\u{202e}'].contains(&c);
        assert!(!report.contains(breaks), "{report:?}");
    }
    assert!(
        reports[0].contains(r"an.event\nforged: 200 OK"),
        "{reports:?}"
    );
}
