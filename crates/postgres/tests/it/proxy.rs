//! A network in front of a server, which breaks at a chosen moment.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
};

use crate::server::Server;

pub(crate) struct Proxy {
    pub(crate) url: String,
    cut: Arc<Cut>,
}

#[derive(Default)]
struct Cut {
    /// Part of the statement of whose answer nothing comes through.
    at: Mutex<Option<&'static str>>,
    happened: Notify,
    silent: watch::Sender<()>,
}

impl Cut {
    /// Whether these bytes are those that were chosen, which then are chosen no more.
    fn is_at(&self, bytes: &[u8]) -> bool {
        let mut at = self.at.lock().unwrap();
        let has = |text: &str| {
            bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        };
        at.take_if(|text| has(text)).is_some()
    }
}

impl Proxy {
    pub(crate) async fn start(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let behind = server.address();
        let cut = Arc::new(Cut::default());
        let of_connections = cut.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(behind).await.unwrap();
                let cut = of_connections.clone();
                tokio::spawn(async move { pass(client, server, &cut).await });
            }
        });
        Self {
            url: at(server, &[address]),
            cut,
        }
    }

    /// Cuts one connection between a statement with this text, which takes place, and its answer.
    /// Returns when that has happened.
    pub(crate) async fn cut_answer_of(&self, text: &'static str) {
        *self.cut.at.lock().unwrap() = Some(text);
        self.cut.happened.notified().await;
    }

    /// From now on nothing comes through the connections that there are, and none of them ends.
    pub(crate) fn fall_silent(&self) {
        self.cut.silent.send_replace(());
    }
}

/// The URL of a server with these addresses in the place of its own.
pub(crate) fn at(server: &Server, addresses: &[SocketAddr]) -> String {
    let (before, rest) = server.url().rsplit_once('@').unwrap();
    let (_, after) = rest.split_once('/').unwrap();
    let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    format!("{before}@{}/{after}", addresses.join(","))
}

async fn pass(mut client: TcpStream, mut server: TcpStream, cut: &Cut) {
    let (mut asked, mut answered) = (vec![0; 64 << 10], vec![0; 64 << 10]);
    let mut is_cut = false;
    let mut silent = cut.silent.subscribe();
    loop {
        tokio::select! {
            _ = silent.changed() => std::future::pending().await,
            count = client.read(&mut asked) => match count {
                Ok(count @ 1..) => {
                    is_cut |= cut.is_at(&asked[..count]);
                    if server.write_all(&asked[..count]).await.is_err() {
                        return;
                    }
                }
                _ => return,
            },
            count = server.read(&mut answered) => match count {
                // Of a statement that is a transaction, the answer comes after its commit.
                Ok(1..) if is_cut => {
                    cut.happened.notify_one();
                    return;
                }
                Ok(count @ 1..) => {
                    if client.write_all(&answered[..count]).await.is_err() {
                        return;
                    }
                }
                _ => return,
            },
        }
    }
}
