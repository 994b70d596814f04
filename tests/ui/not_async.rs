//! A function without `async`.
//~ `()` is not a future

use tower_nylas::{Notification, TriggerRouter};

fn on_message(_: Notification) {}

fn main() {
    let _ = TriggerRouter::new().on("message.created", on_message);
}
