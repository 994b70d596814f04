//! Every way to mount the endpoint, over a socket: each test mounts it in one way and then plays
//! Nylas against it, challenge and all.

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{OriginalUri, Request},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get, post},
};
use bytes::Bytes;
use http::{Method, StatusCode, Version, request::Parts as Head};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    service::TowerToHyperService,
};
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    rustls::{self, pki_types},
};
use tonic::{
    server::NamedService,
    transport::{Endpoint, server::TcpIncoming},
};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tower::ServiceBuilder;
use tower_nylas::{
    AcknowledgeLayer, ChallengeLayer, DecompressionLayer, TriggerRouter, VerifiedBody,
    VerifySignatureLayer, WebhookLayer,
};
use tower_nylas_kit::{
    delivery::{PATH, UUID, notification, notification_of, proven},
    parts::{Log, Parts},
    serve::{listen, serve_axum, serve_hyper},
    wire::{Ask, PATIENCE, Wire, assert_exact, exchange, send_over},
};

/// What Nylas and a forger do, over every protocol of `wires`.
async fn answers_over(wires: &[Wire], address: SocketAddr, handled: &Log) {
    for &wire in wires {
        answers_on(wire, handled, async || {
            TcpStream::connect(address).await.unwrap()
        })
        .await;
    }
}

async fn answers(address: SocketAddr, handled: &Log) {
    answers_over(&Wire::ALL, address, handled).await;
}

async fn answers_on<IO>(wire: Wire, handled: &Log, connect: impl AsyncFn() -> IO)
where
    IO: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let send = async |ask: &Ask| exchange(connect().await, wire, ask).await;
    let what = format!("{wire:?}");

    let challenge = format!("challenge={UUID}");
    let reply = send(&Ask::challenge(&challenge)).await;
    assert_exact(&reply, UUID.as_bytes(), &what);
    assert_eq!(reply.version == Version::HTTP_2, wire == Wire::Http2);

    let reply = send(&Ask::new(Method::HEAD, format!("{PATH}?{challenge}"))).await;
    assert_eq!(reply.status, StatusCode::OK, "{what}");
    assert_eq!(reply.header("content-length"), Some("36"), "{what}");
    assert_eq!(reply.text(), "", "{what}");

    // The longer one comes in several frames.
    for (id, size) in [("short", 0), ("long", 300_000)] {
        let body = notification_of("message.created", id, 1, size);
        let reply = send(&Ask::delivery(body)).await;
        assert_eq!(reply.status, StatusCode::OK, "{what}, {id}: {reply:?}");
        assert_eq!(reply.text(), "", "{what}, {id}");
        assert_eq!(handled.take(), [id], "{what}");
    }

    let mut forged = Ask::delivery(notification("message.created", "forged"));
    forged.body[0] = b'[';
    let reply = send(&forged).await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{what}");
    assert_eq!(reply.text(), "signature not accepted", "{what}");
    let unsigned = Ask::new(Method::POST, PATH);
    assert_eq!(
        send(&unsigned).await.status,
        StatusCode::UNAUTHORIZED,
        "{what}"
    );
    assert!(handled.take().is_empty(), "{what}");
}

/// An axum handler that notes the id of the notification.
fn axum_handler<S: Clone + Send + Sync + 'static>(log: Log) -> MethodRouter<S> {
    post(async move |body: Bytes| {
        let envelope: serde_json::Value = serde_json::from_slice(&body).unwrap();
        log.note(envelope["id"].as_str().unwrap());
    })
}

#[tokio::test]
async fn tower_service_builder() {
    let it = Parts::known();
    let service = ServiceBuilder::new().layer(it.webhook).service(it.triggers);
    answers(serve_hyper(service).await, &it.handled).await;
}

#[tokio::test]
async fn tower_service_builder_layer_by_layer() {
    let it = Parts::known();
    let service = ServiceBuilder::new()
        .layer(ChallengeLayer::new())
        .layer(VerifySignatureLayer::new(proven()))
        .layer(DecompressionLayer::new())
        .layer(AcknowledgeLayer::new())
        .service(it.triggers);
    answers(serve_hyper(service.clone()).await, &it.handled).await;
    let app = Router::new().route_service(PATH, service);
    answers(serve_axum(app).await, &it.handled).await;
}

#[tokio::test]
async fn axum_route_service() {
    let it = Parts::known();
    let app = Router::new().route_service(PATH, it.webhook.layer(it.triggers));
    answers(serve_axum(app).await, &it.handled).await;
}

#[tokio::test]
async fn axum_nest_service() {
    let it = Parts::known();
    let app = Router::new().nest_service("/webhooks", it.webhook.layer(it.triggers));
    answers(serve_axum(app).await, &it.handled).await;
}

/// Two tenants below a prefix that axum takes off: whoever looks at the path of the URI finds no
/// tenant, and `OriginalUri` has it.
#[tokio::test]
async fn axum_nest_takes_the_prefix_off_before_a_lookup_sees_the_path() {
    fn original(request: &Head) -> &str {
        let original = request.extensions.get::<OriginalUri>();
        original.map_or(&request.uri, |OriginalUri(uri)| uri).path()
    }
    fn rest(request: &Head) -> &str {
        request.uri.path()
    }
    let endpoint = |path: fn(&Head) -> &str, tenant: &'static str| {
        let secrets = proven();
        let webhook = WebhookLayer::by_lookup(move |request| {
            Ok((path(request) == tenant).then(|| secrets.clone()))
        });
        webhook.layer(TriggerRouter::new().fallback(async || ()))
    };
    let nested = |path, tenant| {
        let inner = Router::new().route_service("/nylas/{tenant}", endpoint(path, tenant));
        Router::new().nest("/webhooks", inner)
    };
    let whole = "/webhooks/nylas/acme";
    let service = |path, tenant| Router::new().nest_service("/webhooks", endpoint(path, tenant));
    let route = |path, tenant| {
        Router::new().route_service("/webhooks/nylas/{tenant}", endpoint(path, tenant))
    };
    for (mount, app, expected) in [
        ("nest", nested(rest, whole), 401),
        ("nest", nested(rest, "/nylas/acme"), 200),
        ("nest", nested(original, whole), 200),
        ("nest_service", service(rest, whole), 401),
        ("nest_service", service(rest, "/nylas/acme"), 200),
        ("nest_service", service(original, whole), 200),
        ("route_service", route(rest, whole), 200),
        ("route_service", route(original, whole), 200),
    ] {
        let address = serve_axum(app).await;
        let delivery = Ask::delivery(notification("message.created", "n-1")).at(whole);
        let reply = send_over(address, Wire::Http11, &delivery).await;
        assert_eq!(reply.status, expected, "{mount}");

        // The challenge needs no secret, so it hides what is wrong.
        let challenge = Ask::challenge("").at(format!("{whole}?challenge=x"));
        assert_exact(
            &send_over(address, Wire::Http11, &challenge).await,
            b"x",
            mount,
        );
        let elsewhere = Ask::challenge("").at("/webhooks/elsewhere?challenge=x");
        let reply = send_over(address, Wire::Http11, &elsewhere).await;
        let everywhere = mount == "nest_service";
        assert_eq!(reply.status, if everywhere { 200 } else { 404 }, "{mount}");
    }
}

#[tokio::test]
async fn axum_fallback_service() {
    let it = Parts::known();
    let app = Router::new()
        .route("/", get(async || "the rest of the application"))
        .fallback_service(it.webhook.layer(it.triggers));
    let address = serve_axum(app).await;
    answers(address, &it.handled).await;
    let rest = send_over(address, Wire::Http11, &Ask::new(Method::GET, "/")).await;
    assert_eq!(rest.text(), "the rest of the application");
}

/// `Router::layer` wraps every path that was added before, the application's own 404 among them.
#[tokio::test]
async fn axum_router_layer() {
    let it = Parts::known();
    let app = Router::new()
        .route(PATH, axum_handler(it.handled.clone()))
        .layer(it.webhook)
        .route("/later", get(async || "not wrapped"));
    let address = serve_axum(app).await;
    answers(address, &it.handled).await;

    let elsewhere = Ask::challenge("challenge=x").at("/elsewhere?challenge=x");
    assert_exact(
        &send_over(address, Wire::Http11, &elsewhere).await,
        b"x",
        "another path",
    );
    let later = send_over(address, Wire::Http11, &Ask::new(Method::GET, "/later")).await;
    assert_eq!(later.text(), "not wrapped");
}

#[tokio::test]
async fn axum_router_route_layer() {
    let it = Parts::known();
    let app = Router::new()
        .route(PATH, axum_handler(it.handled.clone()))
        .route_layer(it.webhook);
    let address = serve_axum(app).await;
    answers(address, &it.handled).await;

    let elsewhere = Ask::challenge("challenge=x").at("/elsewhere?challenge=x");
    let reply = send_over(address, Wire::Http11, &elsewhere).await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn axum_method_router_layer() {
    let it = Parts::known();
    let app = Router::new().route(PATH, axum_handler(it.handled.clone()).layer(it.webhook));
    let address = serve_axum(app).await;
    answers(address, &it.handled).await;

    // The layer knows more methods than the `post` inside it.
    let reply = send_over(address, Wire::Http11, &Ask::new(Method::PUT, PATH)).await;
    assert_eq!(reply.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(reply.header("allow"), Some("GET, HEAD, POST"));
}

/// `MethodRouter::route_layer` wraps only the methods that have a handler, so `post(..)` alone
/// keeps the challenge out; a method of any kind lets it in.
#[tokio::test]
async fn axum_method_router_route_layer() {
    let it = Parts::known();
    let wrapped = axum_handler(it.handled.clone()).route_layer(it.webhook.clone());
    let address = serve_axum(Router::new().route(PATH, wrapped)).await;
    let reply = send_over(address, Wire::Http11, &Ask::challenge("challenge=x")).await;
    assert_eq!(reply.status, StatusCode::METHOD_NOT_ALLOWED);

    let wrapped = axum_handler(it.handled.clone())
        .get(async || StatusCode::NOT_FOUND)
        .route_layer(it.webhook);
    answers(
        serve_axum(Router::new().route(PATH, wrapped)).await,
        &it.handled,
    )
    .await;
}

/// A router nested in a router, with the layer on the inner one.
#[tokio::test]
async fn axum_nested_router_with_state() {
    let it = Parts::known();
    let inner = Router::<u8>::new()
        .route("/nylas", axum_handler(it.handled.clone()))
        .layer(it.webhook);
    let app = Router::new()
        .nest("/webhooks", inner)
        .route(
            "/",
            get(async |state: axum::extract::State<u8>| state.to_string()),
        )
        .with_state(7_u8);
    answers(serve_axum(app).await, &it.handled).await;
}

#[tokio::test]
async fn hyper_with_http1_only() {
    let it = Parts::known();
    let service = it.webhook.layer(it.triggers);
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let connection = hyper::server::conn::http1::Builder::new().serve_connection(
                TokioIo::new(stream),
                TowerToHyperService::new(service.clone()),
            );
            tokio::spawn(connection);
        }
    });
    answers_over(&[Wire::Http10, Wire::Http11], address, &it.handled).await;
}

/// h2c by prior knowledge: no TLS, no upgrade.
#[tokio::test]
async fn hyper_with_http2_only() {
    let it = Parts::known();
    let service = it.webhook.layer(it.triggers);
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                .serve_connection(
                    TokioIo::new(stream),
                    TowerToHyperService::new(service.clone()),
                );
            tokio::spawn(connection);
        }
    });
    answers_over(&[Wire::Http2], address, &it.handled).await;
}

/// HTTP/1.0, HTTP/1.1 and HTTP/2 on one port.
#[tokio::test]
async fn hyper_with_both() {
    let it = Parts::known();
    answers(
        serve_hyper(it.webhook.layer(it.triggers)).await,
        &it.handled,
    )
    .await;
}

/// A gRPC call that must be answered on the same port as the webhooks.
async fn grpc_answers(address: SocketAddr) {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let mut client = HealthClient::new(endpoint.connect().await.unwrap());
    let request = HealthCheckRequest {
        service: <Health as NamedService>::NAME.to_owned(),
    };
    let response = client.check(request).await.unwrap().into_inner();
    assert_eq!(response.status(), ServingStatus::Serving);

    let unknown = HealthCheckRequest {
        service: "unheard.of".to_owned(),
    };
    let status = client.check(unknown).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::NotFound);
}

type Health = tonic_health::pb::health_server::HealthServer<tonic_health::server::HealthService>;

/// tonic's ready-made health service, which is as real a gRPC service as any.
async fn grpc_and(webhooks: Router) -> tonic::service::Routes {
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_serving::<Health>().await;
    let app = tonic::service::Routes::new(health)
        .into_axum_router()
        .merge(webhooks);
    tonic::service::Routes::from(app)
}

#[tokio::test]
async fn tonic_routes_merged_into_an_axum_router() {
    let it = Parts::known();
    let webhooks = Router::new().route_service(PATH, it.webhook.layer(it.triggers));
    let app = grpc_and(webhooks).await.into_axum_router();
    let address = serve_axum(app).await;
    answers(address, &it.handled).await;
    grpc_answers(address).await;
}

#[tokio::test]
async fn tonic_server_with_accept_http1() {
    let it = Parts::known();
    let webhooks = Router::new().route_service(PATH, it.webhook.layer(it.triggers));
    let server = tonic::transport::Server::builder()
        .accept_http1(true)
        .add_routes(grpc_and(webhooks).await);
    let (listener, address) = listen().await;
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    answers(address, &it.handled).await;
    grpc_answers(address).await;
}

/// Without `accept_http1(true)` tonic speaks HTTP/2 only. Nobody may take the test above for one
/// that could not fail.
#[tokio::test]
async fn tonic_server_needs_accept_http1() {
    let it = Parts::known();
    let webhooks = Router::new().route_service(PATH, it.webhook.layer(it.triggers));
    let server = tonic::transport::Server::builder().add_routes(grpc_and(webhooks).await);
    let (listener, address) = listen().await;
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    answers_over(&[Wire::Http2], address, &it.handled).await;

    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {PATH}?challenge=x HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let mut answer = Vec::new();
    tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes())
        .await
        .unwrap();
    let _ = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut answer).await;
    assert!(
        !answer.starts_with(b"HTTP/1"),
        "{:?}",
        String::from_utf8_lossy(&answer)
    );
}

/// tonic's own layers around webhooks and gRPC alike.
#[tokio::test]
async fn tonic_server_with_layers_of_its_own() {
    let it = Parts::known();
    let webhooks = Router::new().route_service(PATH, it.webhook.layer(it.triggers));
    let server = tonic::transport::Server::builder()
        .accept_http1(true)
        .concurrency_limit_per_connection(4)
        .timeout(PATIENCE)
        .layer(tower_http::trace::TraceLayer::new_for_http())
        .add_routes(grpc_and(webhooks).await);
    let (listener, address) = listen().await;
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    answers(address, &it.handled).await;
    grpc_answers(address).await;
}

/// TLS through axum-server, with what ALPN settles on.
#[tokio::test]
async fn axum_server_with_rustls() {
    let it = Parts::known();
    let app = Router::new().route_service(PATH, it.webhook.layer(it.triggers));
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = pki_types::PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
    let certificate = signed.cert.der().clone();

    let mut server = rustls::ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let server = axum_server::tls_rustls::RustlsConfig::from_config(Arc::new(server));
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let serving = axum_server::from_tcp_rustls(listener, server).unwrap();
    tokio::spawn(serving.serve(app.into_make_service()));

    for (wire, protocol) in [(Wire::Http11, "http/1.1"), (Wire::Http2, "h2")] {
        let connector = TlsConnector::from(Arc::new(client(&certificate, protocol)));
        answers_on(wire, &it.handled, async || {
            let stream = TcpStream::connect(address).await.unwrap();
            let name = pki_types::ServerName::try_from("localhost").unwrap();
            let stream = connector.connect(name, stream).await.unwrap();
            assert_eq!(
                stream.get_ref().1.alpn_protocol(),
                Some(protocol.as_bytes())
            );
            stream
        })
        .await;
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn client(
    certificate: &pki_types::CertificateDer<'static>,
    protocol: &str,
) -> rustls::ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let mut config = rustls::ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    config
}

/// A service that wants axum's body, right inside the layer.
#[tokio::test]
async fn around_a_service_with_a_concrete_body() {
    async fn own(request: Request) -> Result<Response, Infallible> {
        let body = axum::body::to_bytes(request.into_body(), usize::MAX).await;
        let envelope: serde_json::Value = serde_json::from_slice(&body.unwrap()).unwrap();
        Ok(envelope["id"].as_str().unwrap().to_owned().into_response())
    }
    let it = Parts::known();
    let log = it.handled.clone();
    let service = ServiceBuilder::new()
        .layer(it.webhook)
        .map_request(|request: http::Request<VerifiedBody>| request.map(Body::new))
        .and_then(async move |response: Response| {
            let id = axum::body::to_bytes(response.into_body(), usize::MAX)
                .await
                .unwrap();
            log.note(String::from_utf8_lossy(&id));
            Ok::<_, Infallible>(StatusCode::OK.into_response())
        })
        .service(tower::service_fn(own));
    let address = serve_axum(Router::new().route_service(PATH, service)).await;
    answers(address, &it.handled).await;
}
