//! The layer's own answer, or the response of its inner service.

use std::{
    future::{self, Ready},
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::Response;
use pin_project_lite::pin_project;

use super::{Answer, ResponseBody};

pin_project! {
    /// The response of a layer that may answer without calling its inner service.
    #[project = AnswerOrProjection]
    pub(crate) enum AnswerOr<F> {
        Answer { answer: Ready<Answer> },
        Future { #[pin] future: F },
    }
}

impl<F> AnswerOr<F> {
    pub(crate) fn answer(answer: Answer) -> Self {
        Self::Answer {
            answer: future::ready(answer),
        }
    }

    pub(crate) fn future(future: F) -> Self {
        Self::Future { future }
    }
}

impl<F, R, E> Future for AnswerOr<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<ResponseBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            AnswerOrProjection::Answer { answer } => {
                let answer = Pin::new(answer).poll(cx);
                answer.map(|answer| Ok(answer.map(ResponseBody::widen)))
            }
            AnswerOrProjection::Future { future } => {
                let response = ready!(future.poll(cx))?;
                Poll::Ready(Ok(response.map(ResponseBody::inner)))
            }
        }
    }
}
