//! Webhooks in a framework with neither tower nor hyper inside: the endpoint is called by hand.
//!
//! An endpoint is a function from an `http::Request` to an `http::Response`. So the handler of the
//! framework takes method, URI, headers and body out of its request, calls the endpoint, and copies
//! status, headers and body back: that is `webhook` below. Here the framework is a stand-in of a
//! few lines, and the program plays Nylas against it:
//!
//! ```text
//! cargo run --example by_hand
//! ```
//!
//! Whatever the framework:
//!
//! - Route **every method** to it: the endpoint answers the challenge (`GET`), the notifications
//!   (`POST`), and the rest (`405`).
//! - The body must be the **bytes on the wire**, not inflated and not parsed: Nylas signs those.
//! - Raise the framework's limit on bodies to 4 MiB, or what is larger is lost with the framework's
//!   own `413`. Do not lift it: the body is read before anything is verified, and neither
//!   `memory_budget` nor `read_timeout` of the layer can see that.
//!
//! The calls in three frameworks, for a route of any method:
//!
//! **actix-web** 4, which has the types of `http` 0.2, so names and values cross over as text and
//! bytes (the `http` of the endpoint is 1.x):
//!
//! - `HttpRequest::method().as_str()`, `HttpRequest::uri().to_string()`, and
//!   `for (name, value) in HttpRequest::headers()` with `name.as_str()` and `value.as_bytes()`;
//! - `web::Payload::to_bytes_limited(4 * 1024 * 1024)`. Not `web::Bytes`: that one inflates
//!   compressed bodies, so their signatures never match, and it ends at 256 kB unless
//!   `web::PayloadConfig::new(4 * 1024 * 1024)` is among the `app_data`;
//! - `HttpResponse::build(StatusCode::from_u16(…)?)`, `append_header((name, value))`, `body(bytes)`;
//! - `App::new().app_data(web::Data::new(endpoint)).route(path, web::route().to(handler))`.
//!
//! **rocket** 0.5, in a `rocket::route::Handler`, mounted for `Method::Get` and `Method::Post`:
//!
//! - `Request::method().as_str()`, `Request::uri().to_string()`, and
//!   `for header in Request::headers().iter()` with `header.name()` and `header.value()`;
//! - `Data::open(4.mebibytes()).into_bytes().await?`, and `413` unless its `is_complete()`. A guard
//!   `Vec<u8>` would stop at 8 KiB, unless `rocket::data::Limits` says more for `bytes`;
//! - `Response::build()`, `status(Status::new(code))`, `raw_header_adjoin(name, value)`,
//!   `sized_body(length, Cursor::new(bytes))`.
//!
//! **warp** 0.4, which has the types of `http` 1.x, so the head can be taken over as it is:
//!
//! - `warp::method()`, `warp::path::full()`, `warp::header::headers_cloned()`, and
//!   `warp::query::raw().or(warp::any().map(String::new)).unify()`, since `raw` alone refuses a
//!   request without a query;
//! - `warp::body::bytes()`, which reads without end, so after
//!   `warp::body::content_length_limit(4 * 1024 * 1024)`; that one refuses what has no
//!   `Content-Length` with `411`, challenges too, whose route (`warp::get()`) takes no body instead;
//! - `http::Response<Bytes>` is a `warp::Reply`.

use std::io::Write;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http_body_util::{BodyExt, Full};
use tower::ServiceExt;
use tower_nylas::{
    BoxError, Notification, Secrets, TriggerRouter, WebhookLayer, WebhookSecret, webhook::Webhook,
};

/// It is cheap to clone, and its clones share their secrets and limits: make one when the program
/// starts and keep it in the framework's state.
type Endpoint = Webhook<TriggerRouter>;

/// A request of the framework.
struct ForeignRequest {
    method: &'static str,
    target: String,
    headers: Vec<(&'static str, Vec<u8>)>,
    body: Vec<u8>,
}

/// A response of the framework.
struct ForeignResponse {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

/// The handler.
async fn webhook(endpoint: &Endpoint, request: ForeignRequest) -> ForeignResponse {
    let mut asked = http::Request::builder()
        .method(request.method)
        .uri(request.target);
    for (name, value) in request.headers {
        // Each of them, also those that come twice: the endpoint judges that.
        asked = asked.header(name, value);
    }
    let Ok(asked) = asked.body(Full::new(Bytes::from(request.body))) else {
        // No method, URI or header at all. Nothing that Nylas sends ends here.
        return status_only(400);
    };

    // `Ok` is all there is: the endpoint's error is `Infallible`.
    let Ok(answer) = endpoint.clone().oneshot(asked).await;

    let (head, body) = answer.into_parts();
    let Ok(body) = body.collect().await else {
        // The body of a service given to `on_service` broke off. `503` asks Nylas to repeat it.
        return status_only(503);
    };
    ForeignResponse {
        status: head.status.as_u16(),
        headers: head
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
            .collect(),
        body: body.to_bytes().to_vec(),
    }
}

fn status_only(status: u16) -> ForeignResponse {
    ForeignResponse {
        status,
        headers: Vec::new(),
        body: Vec::new(),
    }
}

const SECRET: &str = "k7-Hq_inventedSecret";

// The endpoint has time limits of its own, for which tokio's clock must run wherever it is polled.
#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let triggers = TriggerRouter::new().on("grant.expired", on_expired);
    let endpoint = WebhookLayer::new(Secrets::new(SECRET)?).layer(triggers);

    let notification = br#"{"type":"grant.expired","data":{"object":{"grant_id":"g-1"}}}"#;
    let mut compressed = GzEncoder::new(Vec::new(), Compression::default());
    compressed.write_all(notification)?;
    let compressed = compressed.finish()?;
    let by_nylas = WebhookSecret::new(SECRET)?;
    let by_another = WebhookSecret::new("zW3_another-inventedOne")?;
    let id = "bc609b38-c81f-47fb-a275-1d9bd61be968";

    let mut stage = Stage {
        endpoint,
        shown: 0,
        right: 0,
    };
    let challenge = get(&format!("/webhooks/nylas?challenge={id}"));
    stage.show("a challenge", challenge, 200, id).await;
    let genuine = post(notification, &by_nylas);
    stage.show("a notification", genuine, 200, "").await;
    let mut genuine = post(&compressed, &by_nylas);
    genuine.headers.push(("content-encoding", b"gzip".to_vec()));
    stage.show("a compressed one", genuine, 200, "").await;
    let forged = post(notification, &by_another);
    let refused = "signature not accepted";
    stage.show("a forged one", forged, 401, refused).await;
    let nothing = ForeignRequest {
        method: "NO METHOD",
        ..get("/webhooks/nylas")
    };
    stage.show("no request of HTTP", nothing, 400, "").await;

    println!("\n{} of {} as expected", stage.right, stage.shown);
    if stage.right == stage.shown {
        Ok(())
    } else {
        Err("not all went as expected".into())
    }
}

async fn on_expired(grant: Notification) -> Result<(), String> {
    let grant_id = grant.grant_id().ok_or("a grant without an id")?;
    println!("    {grant_id} has to log in again");
    Ok(())
}

fn get(target: &str) -> ForeignRequest {
    ForeignRequest {
        method: "GET",
        target: target.to_owned(),
        headers: vec![("host", b"localhost".to_vec())],
        body: Vec::new(),
    }
}

fn post(body: &[u8], by: &WebhookSecret) -> ForeignRequest {
    let mut request = get("/webhooks/nylas");
    request.method = "POST";
    request.headers.extend([
        ("content-type", b"application/json".to_vec()),
        ("x-nylas-signature", by.sign(body).to_hex().into_bytes()),
    ]);
    request.body = body.to_vec();
    request
}

struct Stage {
    endpoint: Endpoint,
    shown: usize,
    right: usize,
}

impl Stage {
    async fn show(&mut self, what: &str, request: ForeignRequest, status: u16, body: &str) {
        let response = webhook(&self.endpoint, request).await;
        let is_right = response.status == status && response.body == body.as_bytes();
        let mark = if is_right { "" } else { "  <-- differs" };
        let text = String::from_utf8_lossy(&response.body);
        println!("{what:<20}  {}  {text}{mark}", response.status);
        for (name, value) in response.headers {
            println!("    {name}: {}", String::from_utf8_lossy(&value));
        }
        self.shown += 1;
        self.right += usize::from(is_right);
    }
}
