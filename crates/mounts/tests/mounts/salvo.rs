//! salvo, by its adapter for tower services.

use salvo::{Router, Server, conn::tcp::TcpAcceptor, http::ReqBody, prelude::TowerServiceCompat};
use tower_nylas_kit::{delivery::PATH, parts::Parts, serve::listen, wire::Wire};

use crate::play::play_over;

#[tokio::test]
async fn salvo() {
    let it = Parts::known();
    // The endpoint takes any body, so salvo must be told which.
    let endpoint = TowerServiceCompat::<ReqBody, _, _, _>::compat(it.webhook.layer(it.triggers));
    // Not `get` and `post`: the endpoint answers each method itself.
    let app = Router::with_path(PATH.trim_start_matches('/')).goal(endpoint);

    let (listener, address) = listen().await;
    let acceptor = TcpAcceptor::try_from(listener).unwrap();
    tokio::spawn(Server::new(acceptor).serve(app));
    play_over(&[Wire::Http10, Wire::Http11], address, &it.handled).await;
}
