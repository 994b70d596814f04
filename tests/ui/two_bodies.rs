//! The notification twice.
//~ this handler takes the notification more than once
//~ a handler has at most one of `Notification<T>`, `VerifiedBody`

use tower_nylas::{Notification, TriggerRouter, VerifiedBody};

async fn on_message(_: Notification, _: VerifiedBody) {}

fn main() {
    let _ = TriggerRouter::new().on("message.created", on_message);
}
