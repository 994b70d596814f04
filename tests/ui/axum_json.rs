//! axum's `Json` in place of a notification.
//~ Json<Message>` is no argument of a handler
//~ `Notification<T>`, `VerifiedBody` and `Request<VerifiedBody>`, in any order

use axum::Json;
use tower_nylas::TriggerRouter;

#[derive(serde::Deserialize)]
struct Message;

async fn on_message(_: Json<Message>) {}

fn main() {
    let _ = TriggerRouter::new().on("message.created", on_message);
}
