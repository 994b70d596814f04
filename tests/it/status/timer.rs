//! A runtime without a timer. Only a slow request would need it, and panic: perhaps months later.

use std::{pin::pin, task::Waker};

use tokio::runtime::{Builder, Runtime};
use tower_nylas::{ChallengeLayer, VerifySignatureLayer, time::TimerMissing};
use tower_nylas_kit::{serve::serve_hyper, wire};

use super::*;

const REPORT: &str = "whose `Builder` got `enable_time` or `enable_all`";

/// The server's, and the client's, who waits with a deadline.
fn runtimes() -> (Runtime, Runtime) {
    let server = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_io()
        .build();
    let client = Builder::new_current_thread().enable_all().build();
    (server.unwrap(), client.unwrap())
}

/// The requests that are refused, as they are on the wire.
fn requests() -> [Vec<u8>; 5] {
    let signed = delivery(b"{}");
    let unsigned = head("POST", PATH, &[("content-length", "0")]);
    let scan = head("GET", PATH, &[]);
    let put = head("PUT", PATH, &[("content-length", "0")]);
    [
        signed.clone(),
        unsigned.into(),
        scan.into(),
        put.into(),
        signed,
    ]
}

#[test]
fn every_request_but_a_challenge_is_503_and_names_it() {
    let (server, client) = runtimes();
    let (router, calls) = counting_router();
    let layer = WebhookLayer::new(secrets());
    let endpoint = server.block_on(Endpoint::serve(layer, router));
    client.block_on(async {
        for request in requests() {
            assert_rejected(&endpoint.send(&request).await, 503, "try again later");
            assert_reported(&endpoint, REPORT);
        }
        let challenge = head("GET", &format!("{PATH}?challenge=bc609b38"), &[]);
        let answer = endpoint.send(challenge.as_bytes()).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (200, "bc609b38"));
    });
    assert_eq!(endpoint.polls(), 0);
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[test]
fn the_verification_alone_refuses_as_well() {
    let (server, client) = runtimes();
    let stack = tower::ServiceBuilder::new()
        .layer(ChallengeLayer::new())
        .layer(VerifySignatureLayer::new(secrets()))
        .service(counting_router().0);
    let address = server.block_on(async { serve_hyper(stack).await });
    client.block_on(async {
        for request in requests() {
            let answer = wire::send(address, &request).await;
            assert_rejected(&answer, 503, "try again later");
        }
        let challenge = head("GET", &format!("{PATH}?challenge=bc609b38"), &[]);
        let answer = wire::send(address, challenge.as_bytes()).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (200, "bc609b38"));
    });
}

#[test]
fn the_acknowledgement_alone_fails_and_does_not_call_the_inner_service() {
    let (server, client) = runtimes();
    let inner = service_fn(
        async |_: Request<hyper::body::Incoming>| -> Result<Response<String>, Infallible> {
            panic!("the deadline for this cannot be kept")
        },
    );
    let outcomes = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = outcomes.clone();
    let acknowledge = tower::ServiceBuilder::new()
        .map_response(move |response: Response<_>| {
            let outcome = response.extensions().get::<Outcome>().unwrap();
            seen.lock().unwrap().push(outcome.clone());
            response
        })
        .layer(AcknowledgeLayer::new())
        .service(inner);
    let address = server.block_on(async { serve_hyper(acknowledge).await });
    client.block_on(async {
        let answer = wire::send(address, &delivery(b"{}")).await;
        assert_settled(&answer, 503, None);
    });
    let outcomes = outcomes.lock().unwrap();
    let [Outcome::Failed(error)] = &outcomes[..] else {
        panic!("{outcomes:?}");
    };
    assert_eq!(error.downcast_ref(), Some(&TimerMissing));
    assert!(error.to_string().contains(REPORT), "{error}");
}

/// It is asked again until it works, and not after that: the same layer serves in a runtime that
/// has one.
#[test]
fn the_same_layer_works_in_another_runtime() {
    let (without, with) = runtimes();
    let service = WebhookLayer::new(secrets()).layer(counting_router().0);
    let status = |runtime: Option<&Runtime>| {
        let body = Bytes::from_static(br#"{"type":"a.b"}"#);
        let request = Request::post(PATH).header("x-nylas-signature", sign(&body).to_hex());
        let response = service
            .clone()
            .oneshot(request.body(Full::new(body)).unwrap());
        let response = match runtime {
            Some(runtime) => runtime.block_on(response),
            None => match pin!(response).poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(response) => response,
                Poll::Pending => panic!("nothing here waits"),
            },
        };
        response.unwrap().status()
    };
    assert_eq!(status(None), 503);
    assert_eq!(status(Some(&without)), 503);
    assert_eq!(status(Some(&with)), 200);
    // Fast requests need none.
    assert_eq!(status(Some(&without)), 200);
    assert_eq!(status(None), 200);
}
