//! What Nylas itself says of a destination.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use tower_service::Service;

use super::{Health, Level};
use crate::{
    api::{Api, DestinationStatus, GetWebhook, SendError, WebhookId, send},
    report::BoxError,
    time::TimerMissing,
};

/// How often a status is read.
const EVERY: Duration = Duration::from_secs(60);

impl Health {
    /// Reads the status of a destination from Nylas' API every minute ([`GetWebhook`]), so that
    /// `failing`, `failed` and `pause` raise the level. To be spawned once for each destination;
    /// ends only if the timer [cannot sleep](crate::time::Timer::can_sleep).
    ///
    /// `label` is that of the destination's [`Secrets`](crate::Secrets), by default `default`. What
    /// cannot be read is an event of the level `WARN`, and the last status holds. Nothing is ever
    /// changed at Nylas: a destination that has failed is to be reactivated by somebody who knows
    /// why it has ([`reconcile`](crate::api::reconcile) does so if it is asked to).
    pub async fn watch_status<S, B>(
        self,
        label: impl Into<Arc<str>>,
        id: WebhookId,
        api: Api,
        client: S,
    ) -> TimerMissing
    where
        S: Service<Request<Full<Bytes>>, Response = Response<B>> + Clone,
        S::Error: Into<BoxError>,
        B: Body<Error: Into<BoxError>>,
    {
        let label = label.into();
        let get = GetWebhook::new(id);
        loop {
            match send(&get, &api, client.clone()).await {
                Ok(destination) => self.shared.reported(&label, said(destination.status)),
                Err(SendError::TimerMissing(missing)) => return missing,
                Err(why) => {
                    #[cfg(feature = "tracing")]
                    super::log::status_unknown(&label, &why);
                    #[cfg(not(feature = "tracing"))]
                    drop(why);
                }
            }
            self.shared.timer.sleep(EVERY).await;
        }
    }
}

/// How bad a status is; `None` if it is not.
fn said(status: Option<DestinationStatus>) -> Option<(Level, &'static str)> {
    let status = status?;
    if status.is_paused() {
        let text = "Nylas says that the destination is paused: nothing is sent, and what happens \
                    meanwhile never comes";
        return Some((Level::Warning, text));
    }
    match status {
        DestinationStatus::Failing => Some((
            Level::Error,
            "Nylas says that the destination is failing: it stops after 72 hours of that",
        )),
        DestinationStatus::Failed => Some((
            Level::Critical,
            "Nylas says that the destination has failed: nothing is sent until somebody reactivates \
             it, and what happens meanwhile never comes",
        )),
        _ => None,
    }
}
