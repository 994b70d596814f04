//! How an inbox is opened.

use std::{sync::Arc, time::Duration};

use async_nats::{Client, ConnectOptions};
use tower_nylas::{
    inbox::engine::{Settings, builder_settings},
    time::{Clock, SystemClock},
};

use crate::{
    error::OpenError,
    inbox::NatsInbox,
    servers::{Login, Servers},
};

/// How long it takes to find out that nobody answers.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// How often a server is asked whether it is there. One that has not answered for three times as
/// long is left for another: by default, that would take three minutes, in which nothing is
/// accepted after the power of its host, or its network, has failed.
const PING_EACH: Duration = Duration::from_secs(2);

/// The longest pause between two tries to connect again.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The shortest time that a server keeps anything: it takes none at all for a default, or for ever.
const SHORTEST: Duration = Duration::from_millis(100);

/// The settings of an inbox. Processes that share one should have the same ones: those that its
/// streams have are compared when it is opened.
#[derive(Clone)]
#[must_use = "a builder does nothing unless it opens an inbox"]
pub struct NatsInboxBuilder {
    options: Options,
}

#[derive(Clone)]
pub(crate) struct Options {
    pub(crate) name: String,
    pub(crate) settings: Settings,
    pub(crate) replicas: usize,
    pub(crate) sync_always: bool,
    pub(crate) clock: Arc<dyn Clock>,
}

impl NatsInboxBuilder {
    pub(crate) fn new() -> Self {
        let mut settings = Settings::default();
        settings.window = NatsInbox::WINDOW;
        Self {
            options: Options {
                name: NatsInbox::NAME.to_owned(),
                settings,
                replicas: NatsInbox::REPLICAS,
                sync_always: false,
                clock: Arc::new(SystemClock),
            },
        }
    }

    /// The name of the inbox, with which those of its streams and subjects begin; by default
    /// [`nylas_inbox`](NatsInbox::NAME). It has letters, digits, `_` and `-`.
    pub fn name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.options.name);
        self
    }

    builder_settings!(lease);

    fn settings(&mut self) -> &mut Settings {
        &mut self.options.settings
    }

    /// How long a key is remembered, whether its entry is there or not; by default
    /// [an hour](NatsInbox::WINDOW), at least 100 milliseconds. Servers hold the keys of the window
    /// in memory, some 100 bytes each.
    pub fn window(mut self, window: Duration) -> Self {
        self.options.settings.window = window.max(SHORTEST);
        self
    }

    /// How long dead entries are kept; by default [30 days](NatsInbox::KEEP_DEAD_FOR), at least
    /// 100 milliseconds.
    pub fn keep_dead(mut self, time: Duration) -> Self {
        self.options.settings.keep_dead_for = time.max(SHORTEST);
        self
    }

    /// What the entries take at most in their stream, in bytes; by default
    /// [8 GiB](NatsInbox::MAX_BYTES). Beyond it, [`append`](tower_nylas::inbox::Inbox::append) is
    /// [`Full`](tower_nylas::inbox::AppendError::Full). Dead letters and numbers of failures are in
    /// streams of their own, of up to 1 GiB and 256 MiB, which delete what is oldest.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        // For a server, 0 is no limit.
        self.options.settings.max_bytes = bytes.max(1);
        self
    }

    /// How many servers store each entry; by default [3](NatsInbox::REPLICAS). A single server has
    /// one.
    pub fn replicas(mut self, replicas: usize) -> Self {
        self.options.replicas = replicas.max(1);
        self
    }

    /// Asserts that the servers are configured with `sync_interval: always`, which no server tells.
    /// Without it, opening the inbox warns: acknowledged means written, and not yet synced.
    pub fn sync_always(mut self) -> Self {
        self.options.sync_always = true;
        self
    }

    /// Where the time comes from that tells for how long an entry has been failing; by default the
    /// system. Everything else is timed by the servers.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.options.clock = Arc::new(clock);
        self
    }

    /// Connects to a cluster, and creates the streams that are missing. The URL is that of one
    /// server, or of several with commas between them.
    ///
    /// A URL can have a user and a password, or a token (`nats://token@host`), percent-encoded.
    /// They are used at all servers, so one URL with them is enough.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; no server is asked if URLs have different users, passwords or tokens.
    pub async fn open(self, url: &str) -> Result<NatsInbox, OpenError> {
        let Servers { addresses, login } = Servers::read(url)?;
        let connecting = match login {
            None => ConnectOptions::new(),
            Some(Login::Token(token)) => ConnectOptions::with_token(token),
            Some(Login::User(user, password)) => {
                ConnectOptions::with_user_and_password(user, password)
            }
        };
        let connecting = connecting
            .name("tower-nylas")
            .connection_timeout(CONNECT_TIMEOUT)
            .ping_interval(PING_EACH)
            .reconnect_delay_callback(|tries| {
                let tries = u32::try_from(tries).unwrap_or(u32::MAX).min(8);
                (Duration::from_millis(8) * 2_u32.pow(tries)).min(LONGEST_PAUSE)
            });
        let client = connecting.connect(addresses).await;
        let client = client.map_err(|why| OpenError::Unreachable(why.into()))?;
        NatsInbox::start(client, self.options).await
    }

    /// Uses a client that the application has connected, for instance with credentials or
    /// certificates. Closing the inbox leaves the client open.
    ///
    /// Set its `ping_interval` to some seconds, as [`open`](Self::open) does with 2 s: by default
    /// it takes a client three minutes to leave a server that is silent, since its host has lost
    /// its power or its network, and nothing is accepted or handled meanwhile.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub async fn open_client(self, client: Client) -> Result<NatsInbox, OpenError> {
        NatsInbox::start(client, self.options).await
    }
}

impl std::fmt::Debug for NatsInboxBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let options = &self.options;
        f.debug_struct("NatsInboxBuilder")
            .field("name", &options.name)
            .field("settings", &options.settings)
            .field("replicas", &options.replicas)
            .field("sync_always", &options.sync_always)
            .finish_non_exhaustive()
    }
}
