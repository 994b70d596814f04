//! One verified notification, to its answer.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use http::Response;
use pin_project_lite::pin_project;

#[cfg(feature = "tracing")]
use super::log::Told;
#[cfg(feature = "metrics")]
use super::meter::Metered;
use super::{
    facts::{End, Facts},
    labels,
    monitor::Arrival,
};
use crate::{Outcome, VerifiedBody, notification::Head};

/// A verified notification under way. Dropped before its end, it tells of that.
pub(crate) struct Delivery {
    arrival: Arrival,
    verified_at: Instant,
    #[cfg(feature = "metrics")]
    metered: Metered,
    #[cfg(feature = "tracing")]
    told: Told,
    ended: bool,
}

impl Delivery {
    pub(super) fn begin(
        arrival: &Arrival,
        on_the_wire: usize,
        body: Option<&VerifiedBody>,
    ) -> Self {
        let verified_at = arrival.monitor.now();
        let facts = Facts {
            head: body.filter(|_| wanted()).map(|body| Head::of(body.bytes())),
            on_the_wire,
            reading: verified_at.saturating_duration_since(arrival.at),
        };
        Self {
            #[cfg(feature = "metrics")]
            metered: Metered::begin(&facts),
            #[cfg(feature = "tracing")]
            told: Told::begin(&facts),
            arrival: arrival.clone(),
            verified_at,
            ended: false,
        }
    }

    /// Calls the handler. Its future runs inside the span as well, and ends this delivery.
    pub(crate) fn watch<F>(self, call: impl FnOnce() -> F) -> Watched<F> {
        Watched {
            inner: Some(self.within(call)),
            delivery: self,
        }
    }

    pub(crate) fn end<R>(mut self, response: &Response<R>) {
        self.answered(response);
    }

    fn answered<R>(&mut self, response: &Response<R>) {
        let outcome = response.extensions().get().unwrap_or(&Outcome::Done);
        let answer = (response.status().as_u16(), outcome);
        self.tell(labels::outcome(outcome), Some(answer));
    }

    fn tell(&mut self, label: &'static str, answer: Option<(u16, &Outcome)>) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let now = self.arrival.monitor.now();
        let end = End {
            label,
            answer,
            handling: now.saturating_duration_since(self.verified_at),
            whole: now.saturating_duration_since(self.arrival.at),
        };
        #[cfg(feature = "metrics")]
        self.metered.end(&end);
        #[cfg(feature = "tracing")]
        self.told.end(self.arrival.monitor.log(), now, &end);
    }

    /// Runs the handler, or drops it.
    fn within<T>(&self, run: impl FnOnce() -> T) -> T {
        #[cfg(feature = "tracing")]
        return self.told.span().in_scope(run);
        #[cfg(not(feature = "tracing"))]
        run()
    }
}

/// Whether anybody wants to know what the notification says. Whether a recorder of metrics is there
/// cannot be known.
fn wanted() -> bool {
    #[cfg(feature = "metrics")]
    return true;
    #[cfg(not(feature = "metrics"))]
    super::log::is_read()
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.tell(labels::DROPPED, None);
    }
}

pin_project! {
    /// The handler's future inside the span of its delivery.
    pub struct Watched<F> {
        // Taken out on drop, so that what it logs then is inside as well.
        #[pin]
        inner: Option<F>,
        delivery: Delivery,
    }

    impl<F> PinnedDrop for Watched<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            this.delivery.within(|| this.inner.set(None));
        }
    }
}

impl<F, R, E> Future for Watched<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(inner) = this.inner.as_pin_mut() else {
            return Poll::Pending;
        };
        let response = ready!(this.delivery.within(|| inner.poll(cx)))?;
        this.delivery.answered(&response);
        Poll::Ready(Ok(response))
    }
}
