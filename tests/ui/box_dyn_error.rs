//! An error that may not leave its thread.
//~ is no output of a handler
//~ which `Box<dyn Error>` is not (take `BoxError`)

use tower_nylas::{Notification, TriggerRouter};

async fn on_message(_: Notification) -> Result<(), Box<dyn std::error::Error>> {
    Ok(())
}

fn main() {
    let _ = TriggerRouter::new().on("message.created", on_message);
}
