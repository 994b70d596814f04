//! The servers that are compared. Each file is a whole server, as short as its author would write
//! it.

mod axum_bare;
mod by_hand_expert;
mod by_hand_usual;
mod ours;

use std::{io::Read, net::SocketAddr, thread};

use clap::ValueEnum;
use tokio::net::TcpListener;

use crate::{Result, args::Serve};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Server {
    /// axum, reading the body and nothing else: the floor
    AxumBare,
    /// tower-nylas on axum
    OursAxum,
    /// tower-nylas on hyper, without a framework
    OursHyper,
    /// An axum handler as most people write it
    ByHandUsual,
    /// An axum handler by somebody who looks at the cost
    ByHandExpert,
    /// Express 5 on Node, as Nylas' documentation shows
    Express,
}

impl Server {
    /// How tables and plot call it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::AxumBare => "axum, body read only",
            Self::OursAxum => "tower-nylas on axum",
            Self::OursHyper => "tower-nylas on hyper",
            Self::ByHandUsual => "axum by hand, as usual",
            Self::ByHandExpert => "axum by hand, expert",
            Self::Express => "Express 5 on Node",
        }
    }

    /// How the command line calls it.
    pub(crate) fn name(self) -> String {
        self.to_possible_value()
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    }

    pub(crate) fn is_ours(self) -> bool {
        matches!(self, Self::OursAxum | Self::OursHyper)
    }

    /// Whether it must refuse a forged notification.
    pub(crate) fn verifies(self) -> bool {
        self != Self::AxumBare
    }
}

/// Runs one server until the process is ended.
pub(crate) async fn serve(serve: &Serve) -> Result<()> {
    if serve.until_stdin_ends {
        // The other end of the pipe closes with the process that started this one, however that
        // ended. The thread sleeps until then.
        thread::spawn(|| {
            let _ = std::io::stdin().read(&mut [0]);
            std::process::exit(0);
        });
    }
    let listener = TcpListener::bind(serve.addr).await?;
    announce(listener.local_addr()?);
    match serve.server {
        Server::AxumBare => axum::serve(listener, axum_bare::app()).await?,
        Server::OursAxum => axum::serve(listener, ours::app()?).await?,
        Server::OursHyper => ours::serve(listener).await?,
        Server::ByHandUsual => axum::serve(listener, by_hand_usual::app()).await?,
        Server::ByHandExpert => axum::serve(listener, by_hand_expert::app()?).await?,
        Server::Express => return Err("start it with `node express/server.js`".into()),
    }
    Ok(())
}

/// What stands before the address in the line with which a server says that it listens.
pub(crate) const LISTENING: &str = "listening on ";

fn announce(addr: SocketAddr) {
    println!("{LISTENING}{addr}");
}
