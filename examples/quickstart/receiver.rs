//! The application: what a user of the crate writes.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::Router;
use tower_nylas::{Ack, Notification, Secrets, TriggerRouter, VerifiedBody, WebhookLayer};

/// Short, so that the scenes about slow bodies and slow handlers do not take long.
pub(crate) const READ_TIMEOUT: Duration = Duration::from_millis(500);
pub(crate) const HANDLER_TIMEOUT: Duration = Duration::from_millis(500);

pub(crate) const INTENDED_PANIC: &str = "a bug in a handler";

/// What the handlers saw, for the scenes to compare.
#[derive(Clone, Default)]
pub(crate) struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    fn write(&self, entry: String) {
        self.entries().push(entry);
    }

    /// Everything since the last look, as one line.
    pub(crate) fn take(&self) -> String {
        std::mem::take(&mut *self.entries()).join(", ")
    }

    fn entries(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

pub(crate) fn app(secrets: Secrets, diary: &Diary) -> Router {
    let seen = |family: &'static str| {
        let diary = diary.clone();
        move |notification: Notification| {
            diary.write(format!("{family} got {}", notification.trigger()));
            async {}
        }
    };
    let triggers = TriggerRouter::new()
        .on("message.created", seen("message.created"))
        .on("message.created.cleaned", seen("message.created.cleaned"))
        .on("message.*", seen("message.*"))
        .on("thread.replied", seen("thread.replied"))
        .on("thread.replied.legacy", seen("thread.replied.legacy"))
        .on("grant.*", seen("grant.*"))
        .on("folder.*", seen("folder.*"))
        .on("calendar.*", seen("calendar.*"))
        .on("event.*", seen("event.*"))
        .on("contact.*", seen("contact.*"))
        .on("booking.*", seen("booking.*"))
        .on("notetaker.*", seen("notetaker.*"))
        .on("demo.fails", async || Err::<(), _>("the database is away"))
        .on("demo.panics", panics)
        .on("demo.sleeps", async || {
            tokio::time::sleep(HANDLER_TIMEOUT * 20).await
        })
        .on("demo.throttles", async || {
            Ack::RetryAfter(Duration::from_secs(30))
        })
        .on("demo.discards", async || Ack::Discard);

    let webhooks = WebhookLayer::new(secrets)
        .read_timeout(READ_TIMEOUT)
        .handler_timeout(HANDLER_TIMEOUT)
        .layer(triggers);
    Router::new().route_service("/webhooks/nylas", webhooks)
}

async fn panics(_: VerifiedBody) {
    std::panic::panic_any(INTENDED_PANIC);
}
