//! A status as the output.
//~ `StatusCode` is no output of a handler
//~ a handler returns nothing, an `Ack`, or a `Result` of either

use http::StatusCode;
use tower_nylas::{Notification, TriggerRouter};

async fn on_message(_: Notification) -> StatusCode {
    StatusCode::OK
}

fn main() {
    let _ = TriggerRouter::new().on("message.created", on_message);
}
