//! poem, by its adapter for tower services.

use poem::{Route, Server, endpoint::TowerCompatExt, listener::TcpAcceptor};
use tower_nylas_kit::{delivery::PATH, parts::Parts, serve::listen, wire::Wire};

use crate::play::play_over;

#[tokio::test]
async fn poem() {
    let it = Parts::known();
    let endpoint = it.webhook.layer(it.triggers).compat();
    let app = Route::new().at(PATH, endpoint);

    let (listener, address) = listen().await;
    let acceptor = TcpAcceptor::from_tokio(listener).unwrap();
    tokio::spawn(Server::new_with_acceptor(acceptor).run(app));
    play_over(&Wire::ALL, address, &it.handled).await;
}
