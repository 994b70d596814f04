//! A future that may not leave its thread.
//~ future cannot be sent between threads safely
//~ the trait `Send` is not implemented for `Rc<()>`

use std::rc::Rc;

use tower_nylas::{Notification, TriggerRouter};

async fn on_message(_: Notification) {
    let held = Rc::new(());
    std::future::ready(()).await;
    drop(held);
}

fn main() {
    let _ = TriggerRouter::new().on("message.created", on_message);
}
