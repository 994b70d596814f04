//! The hosts of a URL, each of which has a limited time.
//!
//! `tokio_postgres` tries them one after the other, and bounds only how long each address may take
//! to accept a connection. A host that accepts it and says nothing would be waited for without end,
//! and the one behind it, which may be the primary, never be tried.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use deadpool_postgres::Connect;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    task::JoinHandle,
    time::timeout,
};
use tokio_postgres::{
    Client, Config, Error, NoTls,
    config::{Host, LoadBalanceHosts},
};

pub(crate) struct ByHost<C> {
    connect: C,
    /// For each host.
    patience: Duration,
}

type Connected = (Client, JoinHandle<()>);

impl<C> ByHost<C> {
    pub(crate) fn new(connect: C, patience: Duration) -> Self {
        Self { connect, patience }
    }
}

impl<C: Connect> Connect for ByHost<C> {
    fn connect(
        &self,
        config: &Config,
    ) -> Pin<Box<dyn Future<Output = Result<Connected, Error>> + Send + '_>> {
        let hosts = hosts(config);
        Box::pin(async move {
            let mut failed = None;
            for host in hosts {
                match timeout(self.patience, self.connect.connect(&host)).await {
                    Ok(Ok(connected)) => return Ok(connected),
                    Ok(Err(why)) => failed = Some(why),
                    Err(_) => failed = no_answer().await,
                }
            }
            match failed {
                Some(why) => Err(why),
                // There was no host, which is told in this way.
                None => self.connect.connect(&Config::new()).await,
            }
        })
    }
}

/// A configuration for each host, in the order in which they are tried.
pub(crate) fn hosts(config: &Config) -> Vec<Config> {
    let (names, addresses) = (config.get_hosts(), config.get_hostaddrs());
    let ports = config.get_ports();
    let count = names.len().max(addresses.len());
    let fits = |length: usize| length == 0 || length == count;
    if count < 2
        || !fits(names.len())
        || !fits(addresses.len())
        || ports.len() > 1 && !fits(ports.len())
    {
        // Of one host, or wrong, which is told as it is tried.
        return vec![config.clone()];
    }
    let host = |at: usize| {
        let mut host = without_hosts(config);
        match names.get(at) {
            Some(Host::Tcp(name)) => drop(host.host(name)),
            #[cfg(unix)]
            Some(Host::Unix(path)) => drop(host.host_path(path)),
            None => {}
        }
        if let Some(address) = addresses.get(at) {
            host.hostaddr(*address);
        }
        if let Some(port) = ports.get(at).or(ports.first()) {
            host.port(*port);
        }
        host
    };
    let mut hosts: Vec<_> = (0..count).map(host).collect();
    if config.get_load_balance_hosts() == LoadBalanceHosts::Random {
        hosts.sort_by_cached_key(|_| getrandom::u64().unwrap_or(0));
    }
    hosts
}

/// Everything else.
fn without_hosts(config: &Config) -> Config {
    let mut other = Config::new();
    if let Some(user) = config.get_user() {
        other.user(user);
    }
    if let Some(password) = config.get_password() {
        other.password(password);
    }
    if let Some(name) = config.get_dbname() {
        other.dbname(name);
    }
    if let Some(options) = config.get_options() {
        other.options(options);
    }
    if let Some(name) = config.get_application_name() {
        other.application_name(name);
    }
    if let Some(timeout) = config.get_connect_timeout() {
        other.connect_timeout(*timeout);
    }
    if let Some(timeout) = config.get_tcp_user_timeout() {
        other.tcp_user_timeout(*timeout);
    }
    if let Some(interval) = config.get_keepalives_interval() {
        other.keepalives_interval(interval);
    }
    if let Some(retries) = config.get_keepalives_retries() {
        other.keepalives_retries(retries);
    }
    other
        .ssl_mode(config.get_ssl_mode())
        .ssl_negotiation(config.get_ssl_negotiation())
        .keepalives(config.get_keepalives())
        .keepalives_idle(config.get_keepalives_idle())
        .target_session_attrs(config.get_target_session_attrs())
        .channel_binding(config.get_channel_binding())
        .load_balance_hosts(config.get_load_balance_hosts());
    other
}

/// The error of a host that has not answered in its time. There is no other way to make one.
async fn no_answer() -> Option<Error> {
    Config::new()
        .user("")
        .connect_raw(NoAnswer, NoTls)
        .await
        .err()
}

/// A connection that has timed out.
struct NoAnswer;

impl NoAnswer {
    fn error<T>() -> Poll<io::Result<T>> {
        let why = "the host does not answer";
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, why)))
    }
}

impl AsyncRead for NoAnswer {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Self::error()
    }
}

impl AsyncWrite for NoAnswer {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Self::error()
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Self::error()
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Self::error()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever adds a setting to one has it in each.
    #[test]
    fn each_host_has_the_settings_of_all() {
        let of = |hosts: &str, ports: &str| {
            format!(
                "host={hosts} port={ports} user=u password=p dbname=d options=o application_name=a \
                 sslmode=require sslnegotiation=direct connect_timeout=3 tcp_user_timeout=4 \
                 keepalives=0 keepalives_idle=5 keepalives_interval=6 keepalives_retries=7 \
                 target_session_attrs=read-write channel_binding=require load_balance_hosts=disable"
            )
            .parse::<Config>()
            .unwrap()
        };
        assert_eq!(hosts(&of("a,/b", "1,2")), [of("a", "1"), of("/b", "2")]);
        assert_eq!(hosts(&of("a,b", "1")), [of("a", "1"), of("b", "1")]);
        let odd = of("a,b", "1,2,3");
        assert_eq!(hosts(&odd), [odd]);
    }
}
