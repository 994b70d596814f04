//! What happens when an inbox is closed.

use tower_nylas_kit::inbox::scenes;
use tower_nylas_nats::NatsInbox;

use crate::server::{builder, named, shared};

pub(crate) async fn a_closed_inbox_refuses_everything() {
    let inbox = builder().open(&shared().await).await.unwrap();
    scenes::closed(inbox, NatsInbox::close).await;
}

pub(crate) async fn what_waits_is_written_before_the_end() {
    let (url, name) = (shared().await, format!("ending_{}", std::process::id()));
    let open = async || named(&name).open(&url).await.unwrap();
    scenes::written_before_the_end(open, NatsInbox::close).await;
}
