//! `GET` and `HEAD` with any query. The oracle: `a=b&c=d` split by hand, decoded byte by byte.

use std::convert::Infallible;

use http::{Method, Request, Response, Uri};
use tower_nylas::{ChallengeLayer, Rejection, ResponseBody, VerifiedBody};
use tower_service::Service;

use crate::reference::naive;

/// The service inside answers with this status.
const PASSED_ON: u16 = 299;

pub fn run(data: &[u8]) {
    let (max_length, query) = match data {
        [] => return,
        [limit, rest @ ..] => (usize::from(*limit), rest),
    };
    let Some(uri) = uri(query) else { return };
    let query = uri.query().map(str::as_bytes);
    let challenge = query.and_then(|query| naive::form_field(query, b"challenge"));

    for method in [Method::GET, Method::HEAD, Method::POST] {
        let response = answer(&method, &uri, max_length);
        let headers = response.headers().clone();
        let rejection = response.extensions().get::<Rejection>().cloned();
        let status = response.status().as_u16();
        let body = naive::read(response.into_body());
        let is_head = method == Method::HEAD;
        match &challenge {
            Some(_) if method == Method::POST => assert_eq!(status, PASSED_ON),
            None => assert_eq!(status, PASSED_ON),
            Some(value) if value.len() > max_length => {
                assert_eq!(status, 400);
                assert!(
                    matches!(rejection, Some(Rejection::ChallengeTooLong(limit)) if limit == max_length)
                );
                assert_eq!(body.is_empty(), is_head);
            }
            Some(value) => {
                assert_eq!(status, 200);
                assert!(rejection.is_none());
                assert_eq!(body, if is_head { &[][..] } else { value });
                assert_eq!(headers["content-length"], value.len().to_string());
                assert_eq!(headers["content-type"], "text/plain; charset=utf-8");
                assert_eq!(headers["x-content-type-options"], "nosniff");
                assert_eq!(headers["cache-control"], "no-store, no-transform");
                assert_eq!(headers["content-encoding"], "identity");
            }
        }
    }
}

/// The query as it is, or with every byte encoded that cannot stand there.
fn uri(query: &[u8]) -> Option<Uri> {
    let literal = [b"/webhooks?", query].concat();
    Uri::try_from(literal).ok().or_else(|| {
        let encoded: String = query
            .iter()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'&' | b'=' | b'%' | b'+' => {
                    char::from(*byte).to_string()
                }
                other => format!("%{other:02X}"),
            })
            .collect();
        format!("/webhooks?{encoded}").parse().ok()
    })
}

fn answer(
    method: &Method,
    uri: &Uri,
    max_length: usize,
) -> Response<ResponseBody<ResponseBody<VerifiedBody>>> {
    let layer = ChallengeLayer::new().max_length(max_length);
    let mut request = Request::new(String::new());
    *request.method_mut() = method.clone();
    *request.uri_mut() = uri.clone();
    let Ok(response) = naive::at_once(layer.layer(Inner).call(request));
    response
}

/// Stands where the verification would.
#[derive(Clone)]
struct Inner;

impl Service<Request<String>> for Inner {
    type Response = Response<ResponseBody<VerifiedBody>>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<String>) -> Self::Future {
        let mut response = Response::new(ResponseBody::default());
        *response.status_mut() = http::StatusCode::from_u16(PASSED_ON).unwrap();
        std::future::ready(Ok(response))
    }
}
