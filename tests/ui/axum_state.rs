//! axum's `State` in place of ours.
//~ State<App>` is no argument of a handler
//~ axum's `State` and `Json` are other types: take `tower_nylas::State<T>`

use axum::extract::State;
use tower_nylas::{Notification, TriggerRouter};

#[derive(Clone)]
struct App;

async fn on_message(State(_): State<App>, _: Notification) {}

fn main() {
    let _ = TriggerRouter::with_state(App).on("message.created", on_message);
}
