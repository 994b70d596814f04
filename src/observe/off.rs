//! What takes the place of the module `observe` without its features: nothing, in as many types.

#![allow(
    clippy::unused_self,
    clippy::needless_pass_by_value,
    clippy::trivially_copy_pass_by_ref
)]

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::Response;
use pin_project_lite::pin_project;

use crate::{VerifiedBody, report::Report, time::Timer};

#[derive(Clone)]
pub(crate) struct Monitor;

impl Monitor {
    pub(crate) fn new(_timer: &Arc<dyn Timer>) -> Self {
        Self
    }

    pub(crate) fn watch(&self) -> Watch {
        Watch
    }
}

pub(crate) struct Watch;

impl Watch {
    pub(crate) fn verified(
        &mut self,
        _on_the_wire: usize,
        _body: Option<&VerifiedBody>,
    ) -> Delivery {
        Delivery
    }

    pub(crate) fn end<'a>(&mut self, _report: impl FnOnce() -> Report<'a>) {}
}

pub(crate) struct Delivery;

impl Delivery {
    pub(crate) fn watch<F>(self, call: impl FnOnce() -> F) -> Watched<F> {
        Watched { inner: call() }
    }

    pub(crate) fn end<R>(self, _response: &Response<R>) {}
}

pin_project! {
    pub struct Watched<F> {
        #[pin]
        inner: F,
    }
}

impl<F: Future> Future for Watched<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().inner.poll(cx)
    }
}
