//! The challenge on the wire: the exact bytes over every protocol, with and without layers around,
//! before any secret exists.

use std::{net::SocketAddr, time::Duration};

use axum::Router;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Empty;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tower::{Service, ServiceBuilder, service_fn};
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::CompressionLayer,
    decompression::RequestDecompressionLayer,
    limit::RequestBodyLimitLayer,
    normalize_path::NormalizePathLayer,
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer},
    sensitive_headers::SetSensitiveHeadersLayer,
    set_header::SetResponseHeaderLayer,
    timeout::TimeoutLayer,
    trace::TraceLayer,
};
use tower_nylas::{ChallengeLayer, Secrets, VerifiedBody, VerifySignatureLayer};
use tower_nylas_kit::{
    delivery::{PATH, SECRET, UUID, notification},
    parts::Parts,
    serve::{serve_axum, serve_hyper},
    wire::{Ask, Connection, PATIENCE, Wire, assert_exact, head, send_over},
};

/// What tower-http and tower have to put around an endpoint, at once.
macro_rules! behind_everything {
    ($service:expr) => {
        ServiceBuilder::new()
            .layer(SetSensitiveHeadersLayer::new([HeaderName::from_static(
                "x-nylas-signature",
            )]))
            .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
            .layer(TraceLayer::new_for_http())
            .layer(CompressionLayer::new())
            .layer(PropagateRequestIdLayer::x_request_id())
            .layer(CatchPanicLayer::new())
            .layer(TimeoutLayer::with_status_code(
                StatusCode::SERVICE_UNAVAILABLE,
                PATIENCE,
            ))
            .layer(RequestBodyLimitLayer::new(8 << 20))
            .layer(RequestDecompressionLayer::new())
            .layer(NormalizePathLayer::trim_trailing_slash())
            .layer(SetResponseHeaderLayer::overriding(
                HeaderName::from_static("x-served-by"),
                HeaderValue::from_static("a test"),
            ))
            .concurrency_limit(64)
            .service($service)
    };
}

/// The endpoint under hyper and axum, bare and behind everything; no secret is known.
async fn endpoints() -> [(&'static str, SocketAddr); 5] {
    let it = Parts::pending();
    let bare = it.webhook.layer(it.triggers);
    let layered = behind_everything!(bare.clone());
    let by_axum = Router::new().route_service(PATH, bare.clone()).layer(
        ServiceBuilder::new()
            .layer(TraceLayer::new_for_http())
            .layer(CompressionLayer::new())
            .layer(CatchPanicLayer::new())
            .layer(RequestBodyLimitLayer::new(8 << 20)),
    );
    [
        ("hyper", serve_hyper(bare.clone()).await),
        ("hyper, layered", serve_hyper(layered.clone()).await),
        (
            "axum",
            serve_axum(Router::new().route_service(PATH, bare)).await,
        ),
        (
            "axum, layered",
            serve_axum(Router::new().route_service(PATH, layered)).await,
        ),
        ("axum, layered by itself", serve_axum(by_axum).await),
    ]
}

/// Query strings, and the bytes to be echoed.
fn echoed() -> Vec<(String, Vec<u8>)> {
    let known: [(&str, &[u8]); 30] = [
        (
            "challenge=bc609b38-c81f-47fb-a275-1d9bd61be968",
            UUID.as_bytes(),
        ),
        ("challenge=a1b2c3d4e5f6g7h8", b"a1b2c3d4e5f6g7h8"),
        ("challenge=a%20b%2Fc%3Dd%26e", b"a b/c=d&e"),
        ("challenge=a+b", b"a b"),
        ("challenge=a%2Bb", b"a+b"),
        ("challenge=%E2%9C%93", "\u{2713}".as_bytes()),
        ("challenge=", b""),
        ("challenge", b""),
        ("challenge=a=b==", b"a=b=="),
        ("challenge=a;b", b"a;b"),
        ("challenge=/a?b", b"/a?b"),
        ("challenge=%22quoted%22", b"\"quoted\""),
        // Markup, which no browser may take for a page.
        (
            "challenge=%3Cscript%3Ealert(1)%3C/script%3E",
            b"<script>alert(1)</script>",
        ),
        // A line break stays in the body.
        ("challenge=a%0D%0AX-Injected:%20b", b"a\r\nX-Injected: b"),
        ("challenge=%00", b"\0"),
        ("challenge=%FF", b"\xff"),
        ("challenge=%ff%FE%80", b"\xff\xfe\x80"),
        // What is no percent-encoding stands for itself.
        ("challenge=%", b"%"),
        ("challenge=100%", b"100%"),
        ("challenge=%4", b"%4"),
        ("challenge=%zz%41", b"%zzA"),
        ("challenge=%%41", b"%A"),
        // Several parameters: the first of that name, wherever it stands.
        ("challenge=first&challenge=second", b"first"),
        ("challenge=&challenge=second", b""),
        ("a=b&challenge=c&d=e", b"c"),
        ("&&challenge=c&&", b"c"),
        ("xchallenge=a&challengex=b&challenge=c", b"c"),
        // The name, encoded and in the case of an older page of the documentation.
        ("ch%61llenge=c", b"c"),
        ("Challenge=c", b"c"),
        // gzip, should a layer mistake it for that.
        ("challenge=%1F%8B%08%00", b"\x1f\x8b\x08\x00"),
    ];
    let mut all: Vec<_> = known
        .into_iter()
        .map(|(query, body)| (query.to_owned(), body.to_vec()))
        .collect();
    // As long as allowed: as it is, and encoded three times as long.
    all.push((format!("challenge={}", "x".repeat(4096)), vec![b'x'; 4096]));
    all.push((
        format!("challenge={}", "%78".repeat(4096)),
        vec![b'x'; 4096],
    ));
    all
}

const ENCODINGS: [Option<&str>; 2] = [None, Some("gzip, deflate, br, zstd")];

fn ask(method: Method, query: &str, encodings: Option<&str>) -> Ask {
    let mut ask = Ask::challenge(query);
    ask.method = method;
    match encodings {
        Some(encodings) => ask.header("accept-encoding", encodings),
        None => ask,
    }
}

#[tokio::test]
async fn exact_bytes_over_every_protocol() {
    for (endpoint, address) in endpoints().await {
        for wire in Wire::ALL {
            for (query, body) in echoed() {
                for encodings in ENCODINGS {
                    let start: String = query.chars().take(60).collect();
                    let what = format!("{endpoint}, {wire:?}, {start}, {encodings:?}");
                    let got = send_over(address, wire, &ask(Method::GET, &query, encodings)).await;
                    assert_exact(&got, &body, &what);
                    for (name, value) in [
                        ("content-type", "text/plain; charset=utf-8"),
                        ("x-content-type-options", "nosniff"),
                        ("cache-control", "no-store, no-transform"),
                        ("content-encoding", "identity"),
                    ] {
                        assert_eq!(got.header(name), Some(value), "{what}");
                    }
                    assert_eq!(got.header("x-injected"), None, "{what}");
                }
            }
        }
    }
}

/// The same head as `GET`, without a body.
#[tokio::test]
async fn head_has_the_head_of_get() {
    for (endpoint, address) in endpoints().await {
        for wire in Wire::ALL {
            for (query, body) in echoed() {
                let what = format!("{endpoint}, {wire:?}, {}", &query[..query.len().min(60)]);
                let mut got =
                    send_over(address, wire, &ask(Method::GET, &query, ENCODINGS[1])).await;
                let mut head =
                    send_over(address, wire, &ask(Method::HEAD, &query, ENCODINGS[1])).await;
                assert!(head.body.is_empty(), "{what}");
                let length = body.len().to_string();
                assert_eq!(head.header("content-length"), Some(&*length), "{what}");
                assert_eq!(head.header("transfer-encoding"), None, "{what}");
                for reply in [&mut got, &mut head] {
                    // These differ from one answer to the next.
                    for name in ["date", "x-request-id"] {
                        reply.headers.remove(name);
                    }
                }
                assert_eq!(head.status, got.status, "{what}");
                assert_eq!(head.headers, got.headers, "{what}");
            }
        }
    }
}

#[tokio::test]
async fn too_long_is_400() {
    let long = ["x".repeat(4097), "%78".repeat(4097), "x".repeat(12_000)];
    for (endpoint, address) in endpoints().await {
        for wire in Wire::ALL {
            for value in &long {
                for method in [Method::GET, Method::HEAD] {
                    let what = format!("{endpoint}, {wire:?}, {method} {}", value.len());
                    let ask = ask(method.clone(), &format!("challenge={value}"), ENCODINGS[1]);
                    let reply = send_over(address, wire, &ask).await;
                    assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{what}");
                    assert_eq!(reply.header("transfer-encoding"), None, "{what}");
                    let text = if method == Method::GET {
                        "challenge too long"
                    } else {
                        ""
                    };
                    assert_eq!(reply.text(), text, "{what}");
                }
            }
        }
    }
}

#[tokio::test]
async fn the_limit_can_be_set() {
    let it = Parts::pending();
    let address = serve_hyper(it.webhook.max_challenge_length(3).layer(it.triggers)).await;
    let reply = send_over(address, Wire::Http11, &Ask::challenge("challenge=%78yz")).await;
    assert_exact(&reply, b"xyz", "as long as allowed");
    let reply = send_over(address, Wire::Http11, &Ask::challenge("challenge=wxyz")).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
}

/// What is no challenge, and challenges by the wrong method.
#[tokio::test]
async fn everything_else_is_405() {
    let elses = [
        (Method::GET, PATH),
        (Method::HEAD, PATH),
        (Method::GET, "/webhooks/nylas?"),
        (Method::GET, "/webhooks/nylas?challenges=x"),
        (Method::GET, "/webhooks/nylas?=challenge"),
        (Method::GET, "/webhooks/nylas?x=challenge%3Dy"),
        (Method::GET, "/webhooks/nylas?x%26challenge=y"),
        (Method::PUT, "/webhooks/nylas?challenge=x"),
        (Method::DELETE, "/webhooks/nylas?challenge=x"),
        (Method::OPTIONS, "/webhooks/nylas?challenge=x"),
        (Method::PATCH, "/webhooks/nylas?challenge=x"),
    ];
    for (endpoint, address) in endpoints().await {
        for wire in Wire::ALL {
            for (method, target) in &elses {
                let what = format!("{endpoint}, {wire:?}, {method} {target}");
                let reply = send_over(address, wire, &Ask::new(method.clone(), *target)).await;
                assert_eq!(reply.status, StatusCode::METHOD_NOT_ALLOWED, "{what}");
                assert_eq!(reply.header("allow"), Some("GET, HEAD, POST"), "{what}");
            }
            // A `POST` is a notification, and those wait for the secret.
            let post = Ask::delivery(b"{}").at("/webhooks/nylas?challenge=x");
            let reply = send_over(address, wire, &post).await;
            assert_eq!(
                reply.status,
                StatusCode::SERVICE_UNAVAILABLE,
                "{endpoint}, {wire:?}"
            );
            assert_eq!(reply.text(), "try again later");
        }
    }
}

/// Neither the secret nor a rotation makes a difference.
#[tokio::test]
async fn before_and_after_the_secret() {
    let secrets = Secrets::pending();
    let it = Parts::new(secrets.clone());
    let address = serve_hyper(it.webhook.layer(it.triggers)).await;
    let challenge = Ask::challenge("challenge=x");
    let delivery = Ask::delivery(notification("message.created", "n-1"));

    for known in [false, true] {
        if known {
            secrets.set(SECRET).unwrap();
            secrets.expect_rotation(Duration::from_secs(60));
        }
        let reply = send_over(address, Wire::Http11, &challenge).await;
        assert_exact(&reply, b"x", "the challenge");
        let reply = send_over(address, Wire::Http11, &delivery).await;
        let status = if known {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        assert_eq!(reply.status, status);
    }
    let reports = it.reports.take();
    let challenged = |line: &&String| *line == "challenge answered";
    assert_eq!(reports.iter().filter(challenged).count(), 2, "{reports:?}");
}

/// The layers for the single steps, and a service of one's own inside.
#[tokio::test]
async fn the_layer_alone() {
    let verified = service_fn(async |_: Request<VerifiedBody>| {
        Ok::<_, std::convert::Infallible>(Response::new(Empty::<Bytes>::new()))
    });
    let service = ServiceBuilder::new()
        .layer(ChallengeLayer::new())
        .layer(VerifySignatureLayer::new(Secrets::pending()))
        .service(verified);
    let layered = behind_everything!(service.clone());
    for address in [serve_hyper(service).await, serve_hyper(layered).await] {
        for wire in Wire::ALL {
            for (query, body) in echoed() {
                let reply = send_over(address, wire, &ask(Method::GET, &query, ENCODINGS[1])).await;
                assert_exact(&reply, &body, &query[..query.len().min(60)]);
            }
            // What is no challenge is passed on, here to the verification.
            for (method, text) in [(Method::GET, "signature not accepted"), (Method::HEAD, "")] {
                let reply = send_over(address, wire, &Ask::new(method, PATH)).await;
                assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
                assert_eq!(reply.text(), text);
                assert_eq!(reply.header("content-length"), Some("22"));
            }
        }
    }
}

/// HTTP/1.1 says by `Content-Length` alone where an answer ends, so the connection can go on.
#[tokio::test]
async fn one_connection_for_many_challenges() {
    for (endpoint, address) in endpoints().await {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let mut requests = String::new();
        for n in 0..3 {
            for method in ["GET", "HEAD"] {
                let line = format!("{method} {PATH}?challenge={UUID}-{n} HTTP/1.1\r\n");
                requests.push_str(&line);
                requests.push_str("host: localhost\r\naccept-encoding: gzip\r\n");
                if (n, method) == (2, "HEAD") {
                    requests.push_str("connection: close\r\n");
                }
                requests.push_str("\r\n");
            }
        }
        stream.write_all(requests.as_bytes()).await.unwrap();
        let mut answers = String::new();
        tokio::time::timeout(PATIENCE, stream.read_to_string(&mut answers))
            .await
            .unwrap()
            .unwrap();
        let mut rest = &*answers;
        // tower-http's request decompression does not pass on that a body has ended, so an answer
        // cannot count on it that the next request is the next bytes.
        if endpoint.ends_with("layered") {
            let (head, body) = rest.split_once("\r\n\r\n").unwrap();
            assert!(head.contains("\r\nconnection: close"), "{endpoint}: {head}");
            assert_eq!(body, format!("{UUID}-0"), "{endpoint}");
            continue;
        }
        for n in 0..3 {
            for body in [format!("{UUID}-{n}"), String::new()] {
                let (head, behind) = rest.split_once("\r\n\r\n").unwrap();
                assert!(
                    head.starts_with("HTTP/1.1 200 OK\r\n"),
                    "{endpoint}: {head}"
                );
                assert!(
                    head.contains("\r\ncontent-length: 38"),
                    "{endpoint}: {head}"
                );
                assert!(!head.contains("transfer-encoding"), "{endpoint}: {head}");
                rest = behind.strip_prefix(&*body).unwrap();
            }
        }
        assert_eq!(rest, "", "{endpoint}");
    }
}

/// A request with a body of its own is a challenge all the same, and the body is not waited for.
#[tokio::test]
async fn a_body_is_not_waited_for() {
    let it = Parts::pending();
    let address = serve_hyper(it.webhook.layer(it.triggers)).await;
    let mut client = Connection::open(address).await;
    let target = format!("{PATH}?challenge=x");
    let head = head("GET", &target, &[("content-length", "1000")]);
    client.write(head.as_bytes()).await;
    let answer = client.read(false).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (200, "x"));
}

/// The service in a test, so that a type of the stack that loses `Clone` is noticed here.
#[allow(dead_code)]
fn stays_mountable(it: Parts) -> impl Service<Request<Empty<Bytes>>> + Clone + Send + Sync {
    it.webhook.layer(it.triggers)
}
