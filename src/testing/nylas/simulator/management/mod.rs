//! Nylas' management API.

mod answer;
mod body;
mod fields;
mod route;

use std::{
    collections::VecDeque,
    convert::Infallible,
    fmt, mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response, header};
use http_body::Body;
use http_body_util::{BodyExt, Limited};
use tower_service::Service;

pub use self::body::ManagementBody;
use super::{ManagementError, Shared, draws::Purpose};
use crate::report::BoxError;

/// The management API of a [`Simulator`](super::Simulator), as a service for any HTTP server or, in
/// process, any client
/// ([source](https://developer.nylas.com/docs/reference/api/webhook-notifications/)).
///
/// It has the operations on destinations, mock payloads, test events, the list of addresses, and
/// the objects that were [stored](super::Simulator::store_object). Errors have the shape of Nylas':
/// `{"request_id": …, "error": {"type": …, "message": …}}`, see [`ManagementError`].
#[derive(Clone)]
pub struct Management {
    shared: Arc<Shared>,
}

/// Where the connection of a request is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Before Nylas has got the request.
    Request,
    /// Behind that: Nylas has done what it was asked for, and its answer does not arrive.
    Answer,
}

/// What was asked for, and what is to be cut.
#[derive(Default)]
pub(super) struct Api {
    requests: VecDeque<String>,
    /// How many there were since they were last taken.
    count: usize,
    cut: Option<(usize, Cut)>,
}

/// How many requests are kept.
const KEPT: usize = 10_000;

/// What is read of a request.
const MAX_BODY: usize = 1 << 20;

impl Management {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Cuts the connection of the request with this number, from 0 for the next one, and of no
    /// other.
    ///
    /// Its response is a body that fails: a server ends the connection, and a client in process
    /// gets an [`io::Error`](std::io::Error).
    pub fn cut(&self, request: usize, at: Cut) {
        let api = &mut self.shared.state().api;
        api.cut = Some((api.count + request, at));
    }

    /// The requests with the right key since the last call, such as `POST /v3/webhooks`; the last
    /// 10,000 of them, with up to 256 characters of the path.
    /// Nothing is to be [cut](Self::cut) afterwards.
    pub fn requests(&self) -> Vec<String> {
        mem::take(&mut self.shared.state().api).requests.into()
    }

    async fn answer<B>(self, request: Request<B>) -> Response<ManagementBody>
    where
        B: Body<Error: Into<BoxError>>,
    {
        let (parts, body) = request.into_parts();
        let key = parts.headers.get(header::AUTHORIZATION);
        let expected = format!("Bearer {}", self.shared.api_key);
        if key.is_none_or(|key| *key != expected) {
            let refused = Err(ManagementError::Unauthorized);
            return answer::response(&self.shared.next_random(Purpose::Request).uuid(), refused);
        }
        let line = format!("{} {:.256}", parts.method, parts.uri.path());
        let cut = self.shared.state().api.enter(line);
        if cut == Some(Cut::Request) {
            return Response::new(ManagementBody::cut());
        }
        let body = Limited::new(body, MAX_BODY).collect().await;
        let answered = if let Ok(body) = body {
            let body = body.to_bytes();
            route::act(&self.shared, &parts.method, parts.uri.path(), &body).await
        } else {
            Err(ManagementError::Invalid(
                "the body of the request cannot be read".to_owned(),
            ))
        };
        if cut == Some(Cut::Answer) {
            return Response::new(ManagementBody::cut());
        }
        answer::response(&self.shared.next_random(Purpose::Request).uuid(), answered)
    }
}

impl Api {
    /// Whether this request is to be cut.
    fn enter(&mut self, request: String) -> Option<Cut> {
        let number = self.count;
        self.count += 1;
        self.requests.push_back(request);
        if self.requests.len() > KEPT {
            self.requests.pop_front();
        }
        self.cut.and_then(|(cut, at)| (cut == number).then_some(at))
    }
}

impl<B> Service<Request<B>> for Management
where
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<ManagementBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let answer = self.clone().answer(request);
        Box::pin(async { Ok(answer.await) })
    }
}

impl fmt::Debug for Management {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Management").finish_non_exhaustive()
    }
}
