//! What happens to a body on its way in.

use super::*;
use tower_nylas_kit::delivery::notification;

#[tokio::test]
async fn chunks_over_the_limit_are_413() {
    let (router, calls) = counting_router();
    let endpoint = Endpoint::serve(layer().max_body_size(10), router).await;
    let signature = sign(b"0123456789a").to_hex();
    let headers = [
        ("transfer-encoding", "chunked"),
        ("x-nylas-signature", &*signature),
    ];
    let mut connection = Connection::open(endpoint.address).await;
    let head = head("POST", PATH, &headers);
    connection.write(head.as_bytes()).await;
    // No end: the answer comes with the eleventh byte.
    connection.write(b"a\r\n0123456789\r\n1\r\na\r\n").await;
    assert_rejected(&connection.read(false).await, 413, "body too large");
    assert_reported(&endpoint, "413");
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_slow_body_is_408_after_the_read_deadline_in_total() {
    let timer = VirtualClock::new();
    let (router, calls) = counting_router();
    let layer = WebhookLayer::with_timer(secrets(), timer.clone());
    let endpoint = Endpoint::serve(layer, router).await;
    let request = delivery(&notification("a.b", "n-1"));
    let (first, rest) = request.split_at(request.len() - 10);

    let mut connection = Connection::open(endpoint.address).await;
    connection.write(first).await;
    timer.wait_for_sleeper().await;
    // A byte now and then buys no time.
    for byte in &rest[..5] {
        timer.advance(Duration::from_millis(500));
        let polls = endpoint.polls();
        connection.write(&[*byte]).await;
        while endpoint.polls() < polls + 2 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(endpoint.reports(), Vec::<String>::new());
    timer.advance(Duration::from_millis(500));
    let answer = connection.read(false).await;
    assert_rejected(&answer, 408, "body not received in time");
    assert_reported(&endpoint, "408");
    let recheck = Duration::from_millis(250);
    assert!(timer.longest_sleep().is_some_and(|sleep| sleep <= recheck));
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_body_without_end_does_not_escape_its_deadline() {
    let timer = VirtualClock::new();
    let late = timer.clone();
    // Always ready, and time passes with each frame.
    let body = Scripted::frames(vec![Bytes::new(); 100_000])
        .on_poll(move |_| late.advance(Duration::from_millis(1)));
    let request = Request::post(PATH)
        .header("x-nylas-signature", sign(b"").to_hex())
        .body(body)
        .unwrap();
    let webhook = WebhookLayer::with_timer(secrets(), timer).layer(counting_router().0);
    let response = webhook.oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::REQUEST_TIMEOUT);
}

#[tokio::test]
async fn a_broken_body_is_503() {
    let (router, calls) = counting_router();
    let endpoint = Endpoint::serve(layer(), router).await;
    let signature = sign(b"01234").to_hex();
    let headers = [
        ("transfer-encoding", "chunked"),
        ("x-nylas-signature", &*signature),
    ];
    let mut request = head("POST", PATH, &headers).into_bytes();
    request.extend_from_slice(b"5\r\n01234\r\nno size\r\n");
    let answer = endpoint.send(&request).await;
    assert_rejected(&answer, 503, "try again later");
    assert_reported(&endpoint, "the connection failed while the body was read");
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

/// What was received so far is signed rightly, and still it is no notification.
#[tokio::test]
async fn a_transport_error_behind_a_genuine_body_is_503() {
    let body = notification("a.b", "n-1");
    let (router, calls) = counting_router();
    let request = Request::post(PATH)
        .header("x-nylas-signature", sign(&body).to_hex())
        .body(Scripted::new([Step::Data(&*body), Step::Broken]))
        .unwrap();
    let response = layer().layer(router).oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(matches!(
        response.extensions().get(),
        Some(Rejection::Transport)
    ));
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn no_match_is_401_but_503_while_a_rotation_is_expected() {
    let secrets = secrets();
    let (router, calls) = counting_router();
    let layer = WebhookLayer::with_timer(secrets.clone(), VirtualClock::new());
    let endpoint = Endpoint::serve(layer, router).await;
    let forged = delivery_signed(b"{}", &sign(b"{ }").to_hex());

    let answer = endpoint.send(&forged).await;
    assert_rejected(&answer, 401, "signature not accepted");
    assert_reported(&endpoint, "does not match");

    secrets.expect_rotation(Duration::from_secs(60));
    let answer = endpoint.send(&forged).await;
    assert_rejected(&answer, 503, "try again later");
    assert_reported(&endpoint, "a rotation is expected");

    secrets
        .rotate("another-secret", Secrets::KEEP_OLD_FOR)
        .unwrap();
    let answer = endpoint.send(&forged).await;
    assert_rejected(&answer, 503, "try again later");
    assert_reported(&endpoint, "has not verified any body yet");
    assert_eq!(calls.load(Ordering::SeqCst), 0);

    let body = notification("a.b", "n-1");
    let genuine = delivery_signed(&body, &sign_with("another-secret", &body).to_hex());
    assert_settled(&endpoint.send(&genuine).await, 200, None);
    endpoint.reports();
    let answer = endpoint.send(&forged).await;
    assert_rejected(&answer, 401, "signature not accepted");
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

/// After a restart with a wrong secret everything is signed with another one.
#[tokio::test]
async fn no_match_is_503_until_the_newest_secret_has_verified_a_body() {
    let wrong = Secrets::new("of-another-destination").unwrap();
    let layer = |secrets: &Secrets| WebhookLayer::with_timer(secrets.clone(), VirtualClock::new());
    let endpoint = endpoint(layer(&wrong)).await;
    let body = notification("a.b", "n-1");
    let genuine = delivery(&body);
    for _ in 0..2 {
        let answer = endpoint.send(&genuine).await;
        assert_rejected(&answer, 503, "try again later");
        assert_reported(
            &endpoint,
            "compare the secret with the `webhook_secret` of this destination",
        );
    }
    // Mended in time, nothing is lost, and then a stranger's is final.
    wrong.set(SECRET).unwrap();
    assert_settled(&endpoint.send(&genuine).await, 200, None);
    let forged = delivery_signed(&body, &sign(b"{ }").to_hex());
    let answer = endpoint.send(&forged).await;
    assert_rejected(&answer, 401, "signature not accepted");
}

/// Over one set of secrets, a lookup, and a set that an outer layer has put there.
#[tokio::test]
async fn the_answer_to_a_mismatch_can_be_chosen() {
    let fresh = || Secrets::new(SECRET).unwrap();
    let found = |secrets: Secrets| SecretSource::lookup(move |_| Ok(Some(secrets.clone())));
    let body = notification("a.b", "n-1");
    let forged = delivery_signed(&body, &sign(b"{ }").to_hex());
    for (source, chosen, status, report) in [
        (fresh().into(), None, 503, "has not verified any body yet"),
        (proven().into(), None, 401, "does not match the body"),
        (found(fresh()), None, 401, "does not match the body"),
        (found(proven()), None, 401, "does not match the body"),
        (
            fresh().into(),
            Some(Mismatch::Refuse),
            401,
            "does not match the body",
        ),
        (
            fresh().into(),
            Some(Mismatch::Retry),
            503,
            "has not verified any body yet",
        ),
        (proven().into(), Some(Mismatch::Retry), 503, "compare"),
        (
            found(fresh()),
            Some(Mismatch::RetryUntilProven),
            503,
            "has not verified any body yet",
        ),
        (
            found(proven()),
            Some(Mismatch::RetryUntilProven),
            401,
            "does not match the body",
        ),
        (found(proven()), Some(Mismatch::Retry), 503, "compare"),
    ] {
        let what = format!("{source:?} {chosen:?} {status}");
        let mut layer = WebhookLayer::with_timer(source, VirtualClock::new());
        if let Some(chosen) = chosen {
            layer = layer.on_mismatch(chosen);
        }
        let endpoint = endpoint(layer).await;
        let answer = endpoint.send(&forged).await;
        assert_eq!(answer.status, status, "{what}");
        assert_reported(&endpoint, report);
    }
}

/// `Refuse` is about secrets that may be wrong, not about those that are about to change.
#[tokio::test]
async fn an_expected_rotation_is_503_whatever_is_chosen() {
    for chosen in [
        Mismatch::RetryUntilProven,
        Mismatch::Retry,
        Mismatch::Refuse,
    ] {
        let secrets = secrets();
        secrets.expect_rotation(Duration::from_secs(60));
        let layer = WebhookLayer::with_timer(secrets, VirtualClock::new()).on_mismatch(chosen);
        let endpoint = endpoint(layer).await;
        let forged = delivery_signed(b"{}", &sign(b"{ }").to_hex());
        assert_rejected(&endpoint.send(&forged).await, 503, "try again later");
        assert_reported(&endpoint, "a rotation is expected");
    }
}
