//! A reverse proxy that keeps its connections to the server behind it.

use std::{convert::Infallible, net::SocketAddr};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, Either, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use tower::service_fn;

use crate::{
    pool::{self, Connector},
    serve::serve_hyper,
};

/// What becomes of the body of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It is passed on as it comes.
    Streaming,
    /// It is received whole before the server behind hears of the request.
    Buffering,
}

/// Starts a proxy with at most so many connections to the server behind it. It sends nothing twice:
/// a request that is lost behind it gets 502.
pub async fn serve(upstream: SocketAddr, connections: usize, mode: Mode) -> SocketAddr {
    let client = pool::client(upstream, connections);
    serve_hyper(service_fn(move |request| {
        let client = client.clone();
        async move { Ok::<_, Infallible>(forward(&client, upstream, mode, request).await) }
    }))
    .await
}

async fn forward(
    client: &Client<Connector, Either<Incoming, Full<Bytes>>>,
    upstream: SocketAddr,
    mode: Mode,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let (mut head, body) = request.into_parts();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let Ok(uri) = format!("http://{upstream}{path}").parse::<Uri>() else {
        return status(StatusCode::BAD_REQUEST);
    };
    head.uri = uri;
    remove_hop_by_hop(&mut head.headers);
    let body = match mode {
        Mode::Streaming => Either::Left(body),
        Mode::Buffering => match body.collect().await {
            Ok(body) => Either::Right(Full::new(body.to_bytes())),
            Err(_) => return status(StatusCode::BAD_REQUEST),
        },
    };
    let Ok(response) = client.request(Request::from_parts(head, body)).await else {
        return status(StatusCode::BAD_GATEWAY);
    };
    let (mut head, body) = response.into_parts();
    let Ok(body) = body.collect().await else {
        return status(StatusCode::BAD_GATEWAY);
    };
    remove_hop_by_hop(&mut head.headers);
    Response::from_parts(head, Full::new(body.to_bytes()))
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::default();
    *response.status_mut() = status;
    response
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    for name in [
        header::CONNECTION,
        header::TE,
        header::TRAILER,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
    ] {
        headers.remove(name);
    }
    headers.remove("keep-alive");
}
