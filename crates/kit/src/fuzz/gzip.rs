//! Signed bodies with any `Content-Encoding` through the whole layer. The oracle: flate2, member by
//! member, where the first bytes or else the coding's names say so.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use arbitrary::Unstructured;
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderValue, Request, Response};
use tower_nylas::{
    CodingFault, Outcome, ResponseBody, Secrets, VerifiedBody, WebhookLayer, WebhookSecret,
    testing::{self, VirtualClock},
};
use tower_service::Service;

use crate::reference::naive;

const SECRET: &str = "k7-Hq_inventedSecret";
const CODINGS: [&str; 14] = [
    "gzip",
    "",
    "identity",
    "GZip",
    "x-gzip",
    "identity, gzip",
    "gzip, identity",
    "gzip, gzip",
    "br",
    "deflate",
    "gzip;q=1",
    " gzip ,",
    "UTF-8",
    "none",
];

pub fn run(data: &[u8]) {
    let _ = read(&mut Unstructured::new(data));
}

fn read(u: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let limit = usize::from(u.arbitrary::<u8>()?) * 64;
    let coding: usize = u.arbitrary::<u8>()?.into();
    // Half of the inputs have the header that compressed deliveries have.
    let coding = (coding < 128)
        .then_some("gzip")
        .or_else(|| CODINGS.get(coding - 128).copied());
    let declares_length = u.arbitrary::<u8>()? % 2 == 0;
    let is_packed_here = u.arbitrary::<u8>()?;
    let body = u.bytes(u.len())?;
    let body = match (is_packed_here / 224, is_packed_here % 4) {
        // A fuzzer does not guess a checksum.
        (0, 0) => packed(body),
        (0, 1) => [packed(body), packed(b"and another")].concat(),
        (0, 2) => {
            let mut packed = packed(body);
            let at = usize::from(is_packed_here) * 7 % packed.len();
            packed[at] ^= is_packed_here;
            packed
        }
        (0, _) => body.to_vec(),
        // Something behind the last member.
        (_, 0 | 1) => [&packed(b"{}"), body].concat(),
        _ => {
            let fronts = [&b"{"[..], b" [", b"\xef\xbb\xbf{", b"\xef\xbb\xbf", b"\n"];
            let front = fronts[usize::from(is_packed_here) % fronts.len()];
            [front, body].concat()
        }
    };
    check(&body, coding, declares_length, limit);
    Ok(())
}

fn packed(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    std::io::Write::write_all(&mut encoder, plain).unwrap();
    encoder.finish().unwrap()
}

fn check(body: &[u8], coding: Option<&str>, declares_length: bool, limit: usize) {
    let inner = Inner::default();
    let secrets = Secrets::new(SECRET).unwrap();
    let layer = WebhookLayer::with_timer(secrets, VirtualClock::new()).max_inflated_size(limit);
    let secret = WebhookSecret::new(SECRET).unwrap();
    let mut request = testing::signed_request(&secret, body.to_vec());
    let headers = request.headers_mut();
    headers.remove("content-length");
    if declares_length {
        headers.insert("content-length", body.len().into());
    }
    if let Some(coding) = coding {
        headers.insert("content-encoding", HeaderValue::from_str(coding).unwrap());
    }
    let Ok(response) = naive::at_once(layer.layer(inner.clone()).call(request));

    let handled = inner.handled.lock().unwrap().take();
    if let Some(plain) = naive::decode(body, coding, limit) {
        assert_eq!(response.status(), 200);
        let handled = handled.expect("the body is decodable");
        assert_eq!(handled.bytes, plain.content);
        let coding = coding.filter(|_| plain.keeps_label);
        assert_eq!(handled.coding.as_deref(), coding);
        let length = declares_length.then(|| plain.content.len().to_string());
        assert_eq!(handled.length, length);
        let fault = (plain.is_mislabelled, plain.ignored);
        assert_eq!(handled.fault, fault);
    } else {
        assert_eq!(response.status(), 503);
        let outcome = response.extensions().get::<Outcome>();
        assert!(matches!(outcome, Some(Outcome::Undecodable(_))));
        assert!(handled.is_none());
    }
    assert!(naive::read(response.into_body()).is_empty());
}

#[derive(Clone, Default)]
struct Inner {
    handled: Arc<Mutex<Option<Handled>>>,
}

struct Handled {
    bytes: Bytes,
    coding: Option<String>,
    length: Option<String>,
    fault: (bool, usize),
}

impl Service<Request<VerifiedBody>> for Inner {
    type Response = Response<ResponseBody<VerifiedBody>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<VerifiedBody>) -> Self::Future {
        let header = |name| {
            let value = request.headers().get(name)?;
            Some(value.to_str().unwrap().to_owned())
        };
        *self.handled.lock().unwrap() = Some(Handled {
            bytes: request.body().bytes().clone(),
            coding: header("content-encoding"),
            length: header("content-length"),
            fault: request
                .extensions()
                .get::<CodingFault>()
                .map_or((false, 0), |fault| (fault.is_mislabelled, fault.ignored)),
        });
        ready(Ok(Response::new(ResponseBody::default())))
    }
}
