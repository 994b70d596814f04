//! Runs a future that never waits, without the cost of a runtime.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use http::Request;
use tokio::runtime::{self, Runtime};
use tower_service::Service;

/// To be entered before any layer is called, since a layer refuses requests where it cannot sleep.
/// Nothing runs in it.
pub(crate) fn runtime() -> Runtime {
    let mut builder = runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().build();
    runtime.expect("a runtime")
}

pub(crate) fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

/// Calls a service that is always ready, as a server does: a clone per request.
pub(crate) fn call<S, B>(service: &S, request: Request<B>) -> S::Response
where
    S: Service<Request<B>> + Clone,
    S::Error: std::fmt::Debug,
{
    let mut service = service.clone();
    run(async {
        std::future::poll_fn(|cx| service.poll_ready(cx))
            .await
            .expect("ready");
        service.call(request).await.expect("an answer")
    })
}

/// Answers at once and does nothing.
#[derive(Clone)]
pub(crate) struct Nothing;

impl<B> Service<Request<B>> for Nothing {
    type Response = http::Response<String>;
    type Error = std::convert::Infallible;
    type Future = std::future::Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        drop(request);
        std::future::ready(Ok(http::Response::new(String::new())))
    }
}
