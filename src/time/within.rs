//! A bound on how long something may take.

use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};

use super::Timer;

/// What the future returns; `None` if that takes longer, and then the future is dropped.
pub(crate) async fn within<F: Future>(
    timer: &dyn Timer,
    limit: Duration,
    future: F,
) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut sleep = None;
    poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        // Only now, since most never wait and need no timer.
        let sleep = sleep.get_or_insert_with(|| timer.sleep(limit));
        sleep.as_mut().poll(cx).map(|()| None)
    })
    .await
}
