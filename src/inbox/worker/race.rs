//! Two futures, of which the first one counts.

use std::{future::poll_fn, pin::pin, task::Poll};

pub(super) enum First<A, B> {
    Left(A),
    Right(B),
}

/// The output of the one that ends first; if both have, of the left one. The other is dropped.
pub(super) async fn race<A: Future, B: Future>(left: A, right: B) -> First<A::Output, B::Output> {
    let (mut left, mut right) = (pin!(left), pin!(right));
    poll_fn(|cx| {
        if let Poll::Ready(output) = left.as_mut().poll(cx) {
            return Poll::Ready(First::Left(output));
        }
        right.as_mut().poll(cx).map(First::Right)
    })
    .await
}
