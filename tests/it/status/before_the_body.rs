//! What is decided by the head of a request: the body is not polled.

use super::*;
use tower_nylas_kit::delivery::notification;

#[tokio::test]
async fn other_methods_get_405_with_allow() {
    let endpoint = endpoint(layer()).await;
    let genuine = sign(b"").to_hex();
    for method in [
        "GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND",
    ] {
        let headers = [("x-nylas-signature", &*genuine), ("content-length", "0")];
        let answer = endpoint.send(head(method, PATH, &headers).as_bytes()).await;
        assert_rejected(&answer, 405, "method not allowed");
        assert_eq!(answer.header("allow"), Some("GET, HEAD, POST"), "{method}");
        assert_reported(&endpoint, "405");
    }
}

#[tokio::test]
async fn head_without_a_challenge_gets_405_without_a_body() {
    let endpoint = endpoint(layer()).await;
    let mut connection = Connection::open(endpoint.address).await;
    for target in [PATH, &format!("{PATH}?hub.challenge=1")] {
        connection.write(head("HEAD", target, &[]).as_bytes()).await;
        let answer = connection.read(true).await;
        assert_eq!(answer.status, 405);
        assert_eq!(answer.header("allow"), Some("GET, HEAD, POST"));
    }
    // No byte of a body lay in between, or this would not be read as an answer.
    connection.write(&delivery(&notification("a.b", "n"))).await;
    assert_eq!(connection.read(false).await.status, 200);
}

#[tokio::test]
async fn a_missing_repeated_or_bad_signature_is_401_and_the_body_unread() {
    let endpoint = endpoint(layer()).await;
    let (signature, other, short) = (sign(b"{}").to_hex(), "a".repeat(64), "a".repeat(63));
    for signatures in [
        &[][..],
        &[
            ("x-nylas-signature", &*signature),
            ("x-nylas-signature", &other),
        ],
        &[("x-nylas-signature", &signature), ("X-NYLAS-SIGNATURE", "")],
        &[("x-nylas-signature", "")],
        &[("x-nylas-signature", &short)],
    ] {
        let answer = announce_a_large_body(&endpoint, PATH, signatures).await;
        assert_rejected(&answer, 401, "signature not accepted");
        assert_reported(&endpoint, "401");
    }
    assert_eq!(endpoint.polls(), 0);
}

/// Sends the head of a huge delivery. A server that polled its body would first ask for it with
/// `100 Continue`, and this would be read as the answer.
async fn announce_a_large_body(
    endpoint: &Endpoint,
    target: &str,
    headers: &[(&str, &str)],
) -> Answer {
    let mut all = vec![
        ("content-length", HUNDRED_MEBIBYTES),
        ("expect", "100-continue"),
    ];
    all.extend(headers);
    endpoint.send(head("POST", target, &all).as_bytes()).await
}

#[tokio::test]
async fn an_announced_length_over_the_limit_is_413_and_the_body_unread() {
    let endpoint = endpoint(layer()).await;
    let signature = sign(b"{}").to_hex();
    let headers = [("x-nylas-signature", &*signature)];
    let answer = announce_a_large_body(&endpoint, PATH, &headers).await;
    assert_rejected(&answer, 413, "body too large");
    assert_reported(&endpoint, "413");

    let over = (4 * 1024 * 1024 + 1).to_string();
    let headers = [
        ("x-nylas-signature", &*signature),
        ("content-length", &over),
    ];
    let answer = endpoint.send(head("POST", PATH, &headers).as_bytes()).await;
    assert_rejected(&answer, 413, "body too large");
    assert_eq!(endpoint.polls(), 0);
}

/// What shows that the tests above can fail: a body that is wanted is asked for.
#[tokio::test]
async fn a_body_that_is_wanted_is_polled_and_asked_for() {
    let endpoint = endpoint(layer()).await;
    let body = notification("a.b", "n-1");
    let (signature, length) = (sign(&body).to_hex(), body.len().to_string());
    let headers = [
        ("content-length", &*length),
        ("expect", "100-continue"),
        ("x-nylas-signature", &signature),
    ];
    let mut connection = Connection::open(endpoint.address).await;
    connection
        .write(head("POST", PATH, &headers).as_bytes())
        .await;
    assert_eq!(connection.read(true).await.status, 100);
    connection.write(&body).await;
    assert_settled(&connection.read(false).await, 200, None);
    assert!(endpoint.polls() > 0);
}

#[tokio::test]
async fn the_largest_body_allowed_is_taken() {
    let endpoint = endpoint(layer().max_body_size(1000)).await;
    let mut body = notification("a.b", "n-1");
    body.resize(1000, b' ');
    assert_settled(&endpoint.send(&delivery(&body)).await, 200, None);
    body.push(b' ');
    let answer = endpoint.send(&delivery(&body)).await;
    assert_rejected(&answer, 413, "body too large");
}

fn tenants() -> SecretSource {
    let (known, pending) = (secrets(), Secrets::pending());
    SecretSource::lookup(move |request| match request.uri.path() {
        path if path.ends_with("/known") => Ok(Some(known.clone())),
        path if path.ends_with("/pending") => Ok(Some(pending.clone())),
        path if path.ends_with("/failing") => Err("the database is away".into()),
        _ => Ok(None),
    })
}

#[tokio::test]
async fn an_unknown_tenant_is_401_and_a_failed_lookup_503_and_the_body_unread() {
    let endpoint = Endpoint::serve(WebhookLayer::new(tenants()), counting_router().0).await;
    let signature = sign(b"{}").to_hex();
    let headers = [("x-nylas-signature", &*signature)];
    for (tenant, status, text, report) in [
        ("nobody", 401, "signature not accepted", "lookup found no"),
        ("failing", 503, "try again later", "the database is away"),
        (
            "pending",
            503,
            "try again later",
            "no webhook secret is known",
        ),
    ] {
        let target = format!("{PATH}/{tenant}");
        let answer = announce_a_large_body(&endpoint, &target, &headers).await;
        assert_rejected(&answer, status, text);
        assert_reported(&endpoint, report);
    }
    assert_eq!(endpoint.polls(), 0);
}

/// Byte for byte, but for the date, and with the same body unsent: nobody can ask which tenants
/// exist.
#[tokio::test]
async fn a_concealed_unknown_tenant_looks_like_a_wrong_signature() {
    let layer = WebhookLayer::new(tenants().conceal_unknown_tenants())
        .read_timeout(Duration::from_millis(300));
    let (router, calls) = counting_router();
    let endpoint = Endpoint::serve(layer, router).await;
    let decoy = sign_with("nothing-signed-with-this-is-accepted", b"{}").to_hex();
    let forged = sign(b"other").to_hex();
    // Whole, too large, and never sent.
    for (length, signature) in [
        ("2", &forged),
        ("2", &decoy),
        ("99999999", &forged),
        ("3", &forged),
    ] {
        let mut answers = Vec::new();
        for tenant in ["known", "nobody"] {
            let headers = [
                ("content-length", length),
                ("x-nylas-signature", &**signature),
            ];
            let head = head("POST", &format!("{PATH}/{tenant}"), &headers);
            let answer = endpoint.send((head + "{}").as_bytes()).await;
            let lines: Vec<_> = answer.head.lines().map(ToOwned::to_owned).collect();
            let lines = lines.into_iter().filter(|line| !line.starts_with("date: "));
            answers.push((lines.collect::<Vec<_>>(), answer.body));
        }
        assert_eq!(answers[0], answers[1], "{length}");
        let reports = endpoint.reports();
        let unknown = reports
            .iter()
            .filter(|line| line.contains("lookup found no"));
        assert_eq!(unknown.count(), usize::from(length == "2"), "{reports:?}");
    }
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

/// The decoy is public, and a match must not save the time that a refusal costs. It shows in the
/// search for test events, which is made at most once a second and costs another HMAC.
#[tokio::test]
async fn the_decoy_of_concealed_tenants_is_refused_by_the_same_way() {
    for signed_with in ["nothing-signed-with-this-is-accepted", "anything-else"] {
        let source = tenants().conceal_unknown_tenants();
        let endpoint = endpoint(WebhookLayer::with_timer(source, VirtualClock::new())).await;
        for (tenant, signature) in [
            ("nobody", sign_with(signed_with, b"{}")),
            ("known", sign_test_event(b"{}")),
        ] {
            let headers = [
                ("content-length", "2"),
                ("x-nylas-signature", &*signature.to_hex()),
            ];
            let head = head("POST", &format!("{PATH}/{tenant}"), &headers);
            let answer = endpoint.send((head + "{}").as_bytes()).await;
            assert_rejected(&answer, 401, "signature not accepted");
        }
        let reports = endpoint.reports();
        assert!(
            reports[1].contains("the signature does not match the body"),
            "{reports:?}"
        );
    }
}

#[tokio::test]
async fn secrets_from_extensions_decide_like_a_lookup() {
    for (put, status) in [
        (0, StatusCode::SERVICE_UNAVAILABLE),
        (1, StatusCode::UNAUTHORIZED),
        (2, StatusCode::OK),
        (3, StatusCode::UNAUTHORIZED),
    ] {
        let webhook = WebhookLayer::from_extensions().layer(counting_router().0);
        let body = notification("a.b", "n");
        let mut request = Request::post(PATH)
            .header("x-nylas-signature", sign(&body).to_hex())
            .body(Full::new(Bytes::from(body)))
            .unwrap();
        if put & 1 != 0 {
            request.extensions_mut().insert(UnknownTenant);
        }
        if put & 2 != 0 {
            request.extensions_mut().insert(secrets());
        }
        assert_eq!(
            webhook.oneshot(request).await.unwrap().status(),
            status,
            "{put}"
        );
    }
}

#[tokio::test]
async fn pending_secrets_give_503_until_the_first_is_set() {
    let secrets = Secrets::pending();
    let (router, calls) = counting_router();
    let layer = WebhookLayer::with_timer(secrets.clone(), VirtualClock::new());
    let endpoint = Endpoint::serve(layer, router).await;

    let answer = endpoint.send(&delivery(b"{}")).await;
    assert_rejected(&answer, 503, "try again later");
    assert_reported(&endpoint, "no webhook secret is known yet");
    assert_eq!(endpoint.polls(), 0);

    secrets.set(SECRET).unwrap();
    let body = notification("a.b", "n-1");
    assert_settled(&endpoint.send(&delivery(&body)).await, 200, None);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

/// The same with a body that would panic, for every cause at once.
#[tokio::test]
async fn nothing_that_is_decided_by_the_head_polls_the_body() {
    let (good, other) = (sign(b"").to_hex(), sign(b"other").to_hex());
    for (method, signatures, claims, status) in [
        ("PUT", &[&*good][..], 0, 405),
        ("GET", &[&good], 0, 405),
        ("POST", &[], 0, 401),
        ("POST", &["no"], 0, 401),
        ("POST", &[&good, &other], 0, 401),
        ("POST", &[&format!("{good},{other}")], 0, 401),
        ("POST", &[&good], 4 * 1024 * 1024 + 1, 413),
        ("POST", &[&good], u64::MAX, 413),
    ] {
        let mut request = Request::builder().method(method).uri(PATH);
        for signature in signatures {
            request = request.header("x-nylas-signature", *signature);
        }
        let request = request.body(Untouchable { claims }).unwrap();
        let response = layer()
            .layer(counting_router().0)
            .oneshot(request)
            .await
            .unwrap();
        assert_eq!(
            response.status(),
            status,
            "{method} {signatures:?} {claims}"
        );
        let rejection = response.extensions().get::<Rejection>().unwrap();
        assert_eq!(rejection.status(), response.status());
    }
}
