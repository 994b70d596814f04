//! A pool for a URL, and a connection beside it.

use std::time::Duration;

use deadpool_postgres::{
    ConfigConnectImpl, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime,
};
#[cfg(not(feature = "tls"))]
use tokio_postgres::NoTls;
use tokio_postgres::{Config, config::TargetSessionAttrs};

use crate::{
    error::{OpenError, with_sources},
    hosts::ByHost,
    inbox::PostgresInbox,
    listen::Listener,
};

/// How long it takes to find out that nobody answers at an address, unless the URL says otherwise.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// After how long a connection over which nothing comes back is closed.
const USER_TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) fn pool(
    url: &str,
    #[cfg(feature = "tls")] tls: Option<rustls::ClientConfig>,
) -> Result<(Pool, Listener), OpenError> {
    let parsed = url.parse::<Config>();
    let mut config = parsed.map_err(|why| OpenError::Url(with_sources(&why).into()))?;
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(USER_TIMEOUT);
    }
    if config.get_application_name().is_none() {
        config.application_name("tower-nylas");
    }
    let hosts = config.get_hosts().len().max(config.get_hostaddrs().len());
    if hosts > 1 && config.get_target_session_attrs() == TargetSessionAttrs::Any {
        // Otherwise a standby that stands first would be connected to again and again.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
    let patience = config
        .get_connect_timeout()
        .map_or(CONNECT_TIMEOUT, |each| *each);
    let patience = patience.saturating_mul(2);
    let manager_config = ManagerConfig {
        recycling_method: RecyclingMethod::Fast,
    };
    #[cfg(feature = "tls")]
    let connector = {
        let tls = tls.map_or_else(system_certificates, Ok)?;
        tokio_postgres_rustls::MakeRustlsConnect::new(tls)
    };
    #[cfg(not(feature = "tls"))]
    let connector = NoTls;
    let listener = Listener::new(config.clone(), connector.clone(), patience);
    let connect = ByHost::new(ConfigConnectImpl { tls: connector }, patience);
    let manager = Manager::from_connect(config, connect, manager_config);
    let pool = Pool::builder(manager)
        .max_size(PostgresInbox::CONNECTIONS)
        .runtime(Runtime::Tokio1);
    let pool = pool.build().map_err(|why| OpenError::Url(why.into()))?;
    Ok((pool, listener))
}

#[cfg(feature = "tls")]
fn system_certificates() -> Result<rustls::ClientConfig, OpenError> {
    let mut roots = rustls::RootCertStore::empty();
    // Those that cannot be read are left out: without them, a connection that needs them fails.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|why| OpenError::Other(why.into()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
