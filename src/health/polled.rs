//! What Nylas itself says of a destination.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use tower_service::Service;

use super::{Health, Level, reported::Said};
use crate::{
    api::{Api, DestinationStatus, ErrorKind, GetWebhook, SendError, WebhookId, send},
    report::BoxError,
    time::TimerMissing,
};

/// How often a status is read.
const EVERY: Duration = Duration::from_secs(60);

/// How long the last status that was read is told.
const HOLDS: Duration = Duration::from_secs(60 * 60);

const UNKNOWN: Said = (
    Level::Warning,
    "what Nylas says of the destination has not been known for an hour: see the events, or look at \
     its Dashboard",
);

const GONE: Said = (
    Level::Error,
    "Nylas has no such destination: it was deleted, or its id, the key or the base of the API is \
     wrong",
);

impl Health {
    /// Reads the status of a destination from Nylas' API every minute ([`GetWebhook`]), so that
    /// `failing`, `failed` and `pause` raise the level, and a destination that does not exist. To
    /// be spawned once for each destination; ends only if the timer [cannot
    /// sleep](crate::time::Timer::can_sleep). What was read is forgotten when the future is
    /// dropped.
    ///
    /// `label` is that of the destination's [`Secrets`](crate::Secrets), by default `default`. What
    /// cannot be read is an event of the level `WARN`, and the last status holds for an hour; after
    /// that it is a finding of the level `warning` that the status is not known. Nothing is ever
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
        let watched = Watched {
            number: self.shared.reported.next(),
            label: label.into(),
            health: self,
        };
        let timer = watched.health.shared.timer.clone();
        let get = GetWebhook::new(id);
        let mut known_at = timer.now();
        loop {
            match send(&get, &api, client.clone()).await {
                Ok(destination) => {
                    known_at = timer.now();
                    watched.says(said(destination.status));
                }
                Err(SendError::TimerMissing(missing)) => return missing,
                Err(why) => {
                    #[cfg(feature = "tracing")]
                    super::log::status_unknown(&watched.label, &why);
                    if why
                        .api()
                        .is_some_and(|it| *it.kind() == ErrorKind::NotFound)
                    {
                        known_at = timer.now();
                        watched.says(Some(GONE));
                    } else if timer.now().saturating_duration_since(known_at) >= HOLDS {
                        watched.says(Some(UNKNOWN));
                    }
                }
            }
            timer.sleep(EVERY).await;
        }
    }
}

/// A destination whose status is read. Nobody knows it any more when that ends.
struct Watched {
    /// Which of those of this label, since a new one can begin before the old one ends.
    number: u64,
    label: Arc<str>,
    health: Health,
}

impl Watched {
    fn says(&self, said: Option<Said>) {
        let shared = &self.health.shared;
        shared.reported(&self.label, self.number, said);
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.says(None);
    }
}

/// How bad a status is; `None` if it is not.
fn said(status: Option<DestinationStatus>) -> Option<Said> {
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
