//! Which of several causes is the answer.

use super::*;
use tower_nylas_kit::delivery::notification;

/// What may be wrong with a request, in the order in which it counts.
const CAUSES: [(&str, u16); 8] = [
    ("neither a notification", 405),
    ("not 64 hexadecimal", 401),
    ("the lookup found no", 401),
    ("the lookup of the webhook secret failed", 503),
    ("no webhook secret is known yet", 503),
    ("is larger than", 413),
    ("within the read deadline", 408),
    ("does not match", 401),
];
const LOOKUPS: [usize; 3] = [2, 3, 4];

/// Every set of causes together, and the first one is the answer.
#[tokio::test]
async fn the_first_cause_is_the_answer() {
    let timer = VirtualClock::new();
    let (known, pending) = (secrets(), Secrets::pending());
    let source = SecretSource::lookup(move |request| match request.uri.path() {
        path if path.ends_with("/lookup2") => Ok(None),
        path if path.ends_with("/lookup3") => Err("away".into()),
        path if path.ends_with("/lookup4") => Ok(Some(pending.clone())),
        _ => Ok(Some(known.clone())),
    });
    let layer = WebhookLayer::with_timer(source, timer.clone());
    let (router, calls) = counting_router();
    let endpoint = Endpoint::serve(layer, router).await;

    let mut tried = 0;
    for causes in 0_u32..1 << CAUSES.len() {
        let has = |cause: usize| causes & (1 << cause) != 0;
        let lookups = LOOKUPS.into_iter().filter(|cause| has(*cause));
        if lookups.count() > 1 {
            continue;
        }
        tried += 1;
        let first = (0..CAUSES.len()).find(|cause| has(*cause));
        let request = request_with(has);
        let mut connection = Connection::open(endpoint.address).await;
        connection.write(&request).await;
        if first == Some(6) {
            timer.wait_for_sleeper().await;
            timer.advance(Duration::from_secs(3));
        }
        let answer = connection.read(false).await;
        let (report, status) = first.map_or(("acknowledged: handled", 200), |at| CAUSES[at]);
        assert_eq!(answer.status, status, "{causes:b}");
        assert_reported(&endpoint, report);
    }
    assert_eq!(tried, 4 << 5);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

fn request_with(has: impl Fn(usize) -> bool) -> Vec<u8> {
    let body = notification("a.b", "n-1");
    let method = if has(0) { "PUT" } else { "POST" };
    let signature = match (has(1), has(7)) {
        (true, _) => "no signature".to_owned(),
        (false, true) => sign(b"something else").to_hex(),
        (false, false) => sign(&body).to_hex(),
    };
    let lookup = LOOKUPS.into_iter().find(|cause| has(*cause));
    let target = lookup.map_or(PATH.to_owned(), |cause| format!("{PATH}/lookup{cause}"));
    let length = if has(5) {
        HUNDRED_MEBIBYTES.to_owned()
    } else {
        body.len().to_string()
    };
    let headers = [
        ("content-length", &*length),
        ("x-nylas-signature", &signature),
    ];
    let mut request = head(method, &target, &headers).into_bytes();
    let sent = if has(6) { &body[..9] } else { &body };
    request.extend_from_slice(sent);
    request
}
