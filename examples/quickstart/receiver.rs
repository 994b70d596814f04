//! The application: what a user of the crate writes.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::Router;
use tower_nylas::{
    Ack, Notification, Secrets, State, TriggerRouter, VerifiedBody, WebhookLayer,
    notification::{
        Deltas,
        object::{Message, Object},
    },
};

/// Short, so that the scenes about slow bodies and slow handlers do not take long.
pub(crate) const READ_TIMEOUT: Duration = Duration::from_secs(1);
pub(crate) const HANDLER_TIMEOUT: Duration = Duration::from_secs(1);

pub(crate) const INTENDED_PANIC: &str = "a bug in a handler";

/// What the handlers saw, for the scenes to compare.
#[derive(Clone, Default)]
pub(crate) struct Diary(Arc<Mutex<String>>);

impl Diary {
    fn write(&self, entry: &str) {
        self.text().extend([" ", entry]);
    }

    /// Everything since the last look, with a space before each entry.
    pub(crate) fn take(&self) -> String {
        std::mem::take(&mut *self.text())
    }

    fn text(&self) -> MutexGuard<'_, String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn app(secrets: Secrets, diary: &Diary) -> Router {
    let was_called = Arc::new(AtomicBool::new(false));
    // A handler may ask for the one type that it serves, or for whatever belongs to the trigger.
    let triggers = TriggerRouter::with_state(diary.clone())
        .on("message.created", on_message)
        .on("message.created.cleaned", on_message)
        .on("message.*", on_object)
        .on("thread.*", on_object)
        .on("grant.*", on_object)
        .on("folder.*", on_object)
        .on("calendar.*", on_object)
        .on("event.*", on_object)
        .on("contact.*", on_object)
        .on("booking.*", on_object)
        .on("alert.*", on_object)
        .on("notetaker.*", on_object)
        .on_unlisted("demo.fails", async || Err::<(), _>("the database is away"))
        .on_unlisted("demo.fails_once", move || {
            let is_back = was_called.swap(true, Ordering::Relaxed);
            async move { is_back.then_some(()).ok_or("the database is away") }
        })
        .on_unlisted("demo.panics", panics)
        .on_unlisted("demo.sleeps", async || {
            tokio::time::sleep(HANDLER_TIMEOUT * 20).await;
        })
        .on_unlisted("demo.throttles", async || {
            Ack::RetryAfter(Duration::from_secs(30))
        })
        .on_unlisted("demo.discards", async || Ack::Discard)
        .on_deltas(on_deltas);

    let webhooks = WebhookLayer::new(secrets)
        .read_timeout(READ_TIMEOUT)
        .handler_timeout(HANDLER_TIMEOUT)
        .layer(triggers);
    Router::new().route_service("/webhooks/nylas", webhooks)
}

async fn on_message(State(diary): State<Diary>, notification: Notification<Message>) {
    diary.write(&entry("Message", notification.object.subject.as_deref()));
}

async fn on_object(State(diary): State<Diary>, notification: Notification<Object>) {
    let object = &notification.object;
    diary.write(&entry(object.type_name(), detail(object)));
}

async fn on_deltas(State(diary): State<Diary>, deltas: Deltas) {
    diary.write(&format!("{} delta", deltas.deltas.len()));
}

fn entry(type_name: &str, detail: Option<&str>) -> String {
    match detail {
        Some(detail) => format!("{type_name} {detail:?}"),
        None => type_name.to_owned(),
    }
}

/// A typed field that tells one object from another.
fn detail(object: &Object) -> Option<&str> {
    match object {
        Object::Message(message) => message.subject.as_deref(),
        Object::Event(event) => event.title.as_deref(),
        Object::Grant(grant) => grant.email.as_deref(),
        Object::Folder(folder) => folder.name.as_deref(),
        Object::Calendar(calendar) => calendar.name.as_deref(),
        Object::Contact(contact) => contact.given_name.as_deref(),
        Object::Booking(booking) => booking.booking_info.title.as_deref(),
        _ => None,
    }
}

async fn panics(_: VerifiedBody) {
    std::panic::panic_any(INTENDED_PANIC);
}
