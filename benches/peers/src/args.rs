//! What the command line says.

use std::{fmt, net::SocketAddr, str::FromStr, time::Duration};

use clap::{Parser, Subcommand, ValueEnum};

use crate::{cores::Cores, server::Server};

/// Compares tower-nylas end to end with handlers written by hand and with Express: requests per
/// second, latency, CPU per request and memory, on one core each.
///
/// Each server runs alone in a process of its own on one core; the load comes from this process on
/// another core, over keep-alive connections on the loopback interface, and every response must be
/// a
/// 200. The tables and the plot are written into `target/peers` of this package.
#[derive(Debug, Parser)]
#[command(name = "peers", args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) compare: Compare,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Compare {
    /// Sizes of the notifications, such as 0.6k, 2k, 16k, 100k (1k = 1024 bytes)
    #[arg(long, value_delimiter = ',', default_value = "2k,100k")]
    pub(crate) sizes: Vec<Size>,
    /// Seconds measured per server, size and round
    #[arg(long, default_value = "3", value_parser = seconds, value_name = "N")]
    pub(crate) seconds: Duration,
    /// Seconds of load before measuring, each time
    #[arg(long, default_value = "1.5", value_parser = seconds, value_name = "N")]
    pub(crate) warm_up: Duration,
    /// How often all servers take their turn, one after the other
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub(crate) rounds: u16,
    /// Connections that are kept busy at the same time
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) connections: u16,
    /// The servers to compare
    #[arg(long, value_delimiter = ',', value_enum, default_values_t = Server::value_variants().to_vec(), hide_default_value = true)]
    pub(crate) only: Vec<Server>,
    /// The cores of the server and of the load, by default the first two that are allowed
    #[arg(long, value_name = "SERVER,LOAD")]
    pub(crate) cores: Option<Cores>,
    /// One very short round, to see that everything works; the figures mean nothing
    #[arg(long, conflicts_with_all = ["seconds", "warm_up", "rounds"])]
    pub(crate) smoke: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs one of the servers, as the comparison does
    Serve(Serve),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Serve {
    /// Which server
    #[arg(value_enum)]
    pub(crate) server: Server,
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0", value_parser = loopback)]
    pub(crate) addr: SocketAddr,
    /// Ends with the process that started it
    #[arg(long, hide = true)]
    pub(crate) until_stdin_ends: bool,
}

/// The length of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Size(pub(crate) usize);

impl Size {
    /// Beyond that, Nylas truncates.
    const MAX: usize = 1024 * 1024;
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.to_ascii_lowercase();
        let (digits, unit) = match text.strip_suffix(['k', 'm']) {
            Some(digits) if text.ends_with('k') => (digits, 1024.0),
            Some(digits) => (digits, 1024.0 * 1024.0),
            None => (text.as_str(), 1.0),
        };
        let bytes = digits.parse::<f64>().map_err(|e| e.to_string())? * unit;
        if !(1.0..=Self::MAX as f64).contains(&bytes) {
            return Err("Nylas sends at most 1m; beyond that it truncates".to_owned());
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "in range, and parts of a byte do not matter"
        )]
        Ok(Self(bytes as usize))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kilobytes = self.0 as f64 / 1024.0;
        // At most one decimal, and none that is zero.
        write!(f, "{} KB", (kilobytes * 10.0).round() / 10.0)
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.05..=600.0).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err("give 0.05 to 600 seconds".to_owned())
    }
}

/// The servers know one secret that stands in this source code; nobody else should reach them.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    let addr: SocketAddr = text.parse().map_err(|_| "not IP:PORT".to_owned())?;
    if addr.ip().is_loopback() {
        Ok(addr)
    } else {
        Err("only loopback addresses".to_owned())
    }
}
