//! actix-web, which has neither tower nor hyper inside: the endpoint is called by hand, as in the
//! example `by_hand`.

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use http_body_util::{BodyExt, Full};
use tower::ServiceExt;
use tower_nylas::{TriggerRouter, VerifySignatureLayer, webhook::Webhook};
use tower_nylas_kit::{delivery::PATH, parts::Parts, wire::Wire};

use crate::play::play_over;

type Endpoint = Webhook<TriggerRouter>;

/// `web::Payload` and not `web::Bytes`: that one inflates, and Nylas signs the compressed bytes.
async fn by_hand(
    request: HttpRequest,
    body: web::Payload,
    endpoint: web::Data<Endpoint>,
) -> HttpResponse {
    let body = match body
        .to_bytes_limited(VerifySignatureLayer::MAX_BODY_SIZE)
        .await
    {
        Ok(Ok(body)) => body,
        Ok(Err(_failed)) => return HttpResponse::ServiceUnavailable().finish(),
        Err(_too_large) => return HttpResponse::PayloadTooLarge().finish(),
    };
    // The types of actix-web are those of http 0.2, so they cross over as text and bytes.
    let mut asked = http::Request::builder()
        .method(request.method().as_str())
        .uri(request.uri().to_string());
    for (name, value) in request.headers() {
        asked = asked.header(name.as_str(), value.as_bytes());
    }
    let Ok(asked) = asked.body(Full::new(body)) else {
        return HttpResponse::BadRequest().finish();
    };

    let Ok(answer) = endpoint.get_ref().clone().oneshot(asked).await;
    let (head, body) = answer.into_parts();
    let status = actix_web::http::StatusCode::from_u16(head.status.as_u16());
    let mut response = HttpResponse::build(status.expect("it was a status before"));
    for (name, value) in &head.headers {
        response.append_header((name.as_str(), value.as_bytes()));
    }
    match body.collect().await {
        Ok(body) => response.body(body.to_bytes()),
        Err(_failed) => HttpResponse::ServiceUnavailable().finish(),
    }
}

#[tokio::test]
async fn actix_web_by_hand() {
    let it = Parts::known();
    let endpoint = web::Data::new(it.webhook.layer(it.triggers));
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let server = HttpServer::new(move || {
        // Not `web::get` and `web::post`: the endpoint answers each method itself.
        App::new()
            .app_data(endpoint.clone())
            .route(PATH, web::route().to(by_hand))
    });
    let server = server.workers(1).disable_signals().listen(listener);
    let server = server.unwrap().run();
    let handle = server.handle();
    tokio::spawn(server);
    play_over(&[Wire::Http10, Wire::Http11], address, &it.handled).await;
    handle.stop(false).await;
}
