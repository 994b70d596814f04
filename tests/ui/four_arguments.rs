//! More arguments than three.
//~ is no handler
//~ a handler is an `async fn` with up to three arguments

use tower_nylas::{Attempt, TriggerRouter};

async fn on_message(_: Attempt, _: Attempt, _: Attempt, _: Attempt) {}

fn main() {
    let _ = TriggerRouter::new().on("message.created", on_message);
}
