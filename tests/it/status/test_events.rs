//! Nylas' test events, signed with a public secret.

use super::*;
use tower_nylas_kit::delivery::notification;

fn test_event() -> Vec<u8> {
    let body = notification("folder.created", "n-1");
    delivery_signed(&body, &sign_test_event(&body).to_hex())
}

#[tokio::test]
async fn are_401_with_a_hint_for_the_operator() {
    let (router, calls) = counting_router();
    let endpoint = Endpoint::serve(layer(), router).await;
    let answer = endpoint.send(&test_event()).await;
    assert_rejected(&answer, 401, "signature not accepted");
    assert_reported(&endpoint, "acknowledge_test_events(true)");
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

/// Finding it out costs an HMAC more, which a flood of forgeries must not get for free.
#[tokio::test]
async fn are_recognised_for_a_hint_at_most_once_a_second() {
    let timer = VirtualClock::new();
    let layer = WebhookLayer::with_timer(secrets(), timer.clone());
    // A layer that is mounted twice has one allowance.
    let endpoints = [endpoint(layer.clone()).await, endpoint(layer).await];
    for _ in 0..3 {
        let mut hinted = Vec::new();
        for endpoint in endpoints.iter().cycle().take(4) {
            assert_eq!(endpoint.send(&test_event()).await.status, 401);
            hinted.push(endpoint.reports().concat().contains("test events"));
        }
        assert_eq!(hinted, [true, false, false, false]);
        timer.advance(Duration::from_secs(1));
    }
}

#[tokio::test]
async fn are_200_and_never_routed_when_they_are_acknowledged() {
    let (router, calls) = counting_router();
    let layer = layer().acknowledge_test_events(true);
    let endpoint = Endpoint::serve(layer, router.clone()).await;
    assert_settled(&endpoint.send(&test_event()).await, 200, None);
    assert_reported(&endpoint, "acknowledged: a test event, not routed");

    // Neither a genuine notification nor a forged one is taken for a test event.
    let genuine = endpoint.send(&delivery(&notification("a.b", "n-1"))).await;
    assert_settled(&genuine, 200, None);
    assert_reported(&endpoint, "acknowledged: handled");
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    let forged = delivery_signed(b"{}", &sign(b"{ }").to_hex());
    let answer = endpoint.send(&forged).await;
    assert_rejected(&answer, 401, "signature not accepted");
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    assert_eq!(router.unrouted_count(), 0);
}

#[tokio::test]
async fn are_acknowledged_while_a_rotation_is_expected_too() {
    let secrets = secrets();
    secrets.expect_rotation(Duration::from_secs(60));
    let layer = WebhookLayer::with_timer(secrets, VirtualClock::new());
    let endpoint = endpoint(layer.acknowledge_test_events(true)).await;
    assert_settled(&endpoint.send(&test_event()).await, 200, None);
}
