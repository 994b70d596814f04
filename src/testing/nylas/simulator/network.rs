//! Which endpoint a request reaches.

use std::{
    fmt, io,
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use http::{Request, Response, Uri};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::Shared;
use crate::{middleware::CallReady, report::BoxError, testing::NoAnswer};

pub(super) type Answer = Response<UnsyncBoxBody<Bytes, BoxError>>;
type Answering = Pin<Box<dyn Future<Output = Result<Answer, BoxError>> + Send>>;
pub(super) type Call = Arc<dyn Fn(Request<Full<Bytes>>) -> Answering + Send + Sync>;

/// An endpoint at a URL, from [`Simulator::host`](super::Simulator::host) until it is removed.
/// Dropping it changes nothing.
#[derive(Clone)]
pub struct Hosted {
    call: Call,
    shared: Weak<Shared>,
}

impl Hosted {
    pub(super) fn new(call: Call, shared: Weak<Shared>) -> Self {
        Self { call, shared }
    }

    /// Sends no more requests there. Those that it is handling are answered.
    pub fn remove(&self) {
        if let Some(shared) = self.shared.upgrade() {
            let endpoints = &mut shared.state().network.endpoints;
            for endpoint in endpoints.iter_mut() {
                endpoint
                    .replicas
                    .retain(|other| !Arc::ptr_eq(other, &self.call));
            }
            endpoints.retain(|endpoint| !endpoint.replicas.is_empty());
        }
    }
}

impl fmt::Debug for Hosted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hosted").finish_non_exhaustive()
    }
}

/// The endpoints in this process, and the client for all others.
pub(super) struct Network {
    endpoints: Vec<Endpoint>,
    client: Option<Call>,
}

struct Endpoint {
    url: Uri,
    replicas: Vec<Call>,
    /// Whose turn it is.
    next: usize,
}

impl Network {
    /// Only endpoints in this process, unless there is a client.
    pub(super) fn new(client: Option<Call>) -> Self {
        Self {
            endpoints: Vec::new(),
            client,
        }
    }

    pub(super) fn host(&mut self, url: Uri, call: Call) {
        let found = self.endpoints.iter_mut().find(|it| it.url == url);
        match found {
            Some(endpoint) => endpoint.replicas.push(call),
            None => self.endpoints.push(Endpoint {
                url,
                replicas: vec![call],
                next: 0,
            }),
        }
    }

    /// What answers requests to this URL.
    pub(super) fn route(&mut self, url: &Uri) -> Route {
        let found = self.endpoints.iter_mut().find(|it| it.url == *url);
        match (found, &self.client) {
            (Some(endpoint), _) => {
                let turn = endpoint.next % endpoint.replicas.len().max(1);
                endpoint.next = turn + 1;
                Route {
                    call: endpoint.replicas.get(turn).cloned(),
                    is_in_process: true,
                }
            }
            (None, client) => Route {
                call: client.clone(),
                is_in_process: false,
            },
        }
    }
}

pub(super) struct Route {
    call: Option<Call>,
    pub(super) is_in_process: bool,
}

impl Route {
    pub(super) async fn send(self, request: Request<Full<Bytes>>) -> Result<Answer, NoAnswer> {
        let Some(call) = self.call else {
            let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
            return Err(NoAnswer::of(refused));
        };
        call(request).await.map_err(NoAnswer::of)
    }
}

/// The same service for all types of bodies and errors.
pub(super) fn erase<S, R>(service: S) -> Call
where
    S: Service<Request<Full<Bytes>>, Response = Response<R>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    R: Body<Error: Into<BoxError>> + Send + 'static,
{
    Arc::new(move |request| {
        let call = CallReady::new(service.clone(), request);
        Box::pin(async move {
            let response = call.await.map_err(Into::into)?;
            Ok(response.map(|inner| AnswerBody { inner }.boxed_unsync()))
        })
    })
}

pin_project! {
    /// A body with another type of data and of errors, and the same length, which a challenge
    /// depends on.
    struct AnswerBody<R> {
        #[pin]
        inner: R,
    }
}

impl<R: Body<Error: Into<BoxError>>> Body for AnswerBody<R> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(self.project().inner.poll_frame(cx));
        let whole = |mut data: R::Data| data.copy_to_bytes(data.remaining());
        Poll::Ready(frame.map(|frame| match frame {
            Ok(frame) => Ok(frame.map_data(whole)),
            Err(why) => Err(why.into()),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
