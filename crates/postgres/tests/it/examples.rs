//! The examples.

use tower_nylas_kit::program::{Program, example_path};

use crate::server::Server;

pub(crate) async fn effects_happen_once(server: &Server) {
    let variables = [("DATABASE_URL", server.url())];
    let ended = Program::start(example_path("once"), &[], &variables)
        .end()
        .await;
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(ended.last_line(), "200 of 200 notifications counted");
}

/// On a server of its own, which it starts.
pub(crate) async fn replicas_are_restarted_under_load() {
    let ended = Program::start(example_path("replicas"), &[], &[])
        .end()
        .await;
    println!("{}", ended.stdout.join("\n"));
    assert!(ended.status.success(), "{ended:?}");
}
