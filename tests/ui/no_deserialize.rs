//! An object that cannot be read.
//~ the trait bound `Message: serde::Deserialize<'de>` is not satisfied
//~ consider adding `#[derive(serde::Deserialize)]` to your `Message` type

use tower_nylas::{Notification, TriggerRouter};

struct Message;

async fn on_message(_: Notification<Message>) {}

fn main() {
    let _ = TriggerRouter::new().on("message.created", on_message);
}
