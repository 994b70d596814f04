//! A call that may take only so long.

use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};

use super::Timer;

/// What the call returns, or `None` if that takes longer than the limit; the call is dropped then.
pub(crate) async fn within<F: Future>(
    timer: &dyn Timer,
    limit: Duration,
    call: F,
) -> Option<F::Output> {
    let mut call = pin!(call);
    let mut sleep = None;
    poll_fn(|cx| {
        if let Poll::Ready(output) = call.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        // Only now, so that a call that completes at once needs no runtime.
        let sleep = sleep.get_or_insert_with(|| timer.sleep(limit));
        sleep.as_mut().poll(cx).map(|()| None)
    })
    .await
}
