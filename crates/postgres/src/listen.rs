//! What other processes tell, over a connection that belongs to no pool: notifications come to the
//! session that listens.

use std::{fmt, future::poll_fn, pin::Pin, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{sleep, timeout},
};
use tokio_postgres::{
    AsyncMessage, Client, Config, Connection, Socket,
    tls::{MakeTlsConnect, TlsConnect},
};

use crate::{error::Failure, hosts::hosts};

/// How often it is asked whether the server is still there: nothing else is sent, so neither a
/// machine nor a network that is gone would show.
const ASK_EACH: Duration = Duration::from_secs(5);

/// How long it may take to answer.
const LONGEST_ANSWER: Duration = Duration::from_secs(5);

/// Listens to a channel until the connection ends.
#[derive(Clone)]
pub(crate) struct Listener(Arc<Listen>);

type Listen =
    dyn Fn(String, Hear) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>> + Send + Sync;

/// Is called with what was told; with nothing when listening has begun.
pub(crate) type Hear = Arc<dyn Fn(&str) + Send + Sync>;

impl Listener {
    /// Each host has so long to let a connection be made.
    pub(crate) fn new<T>(config: Config, tls: T, patience: Duration) -> Self
    where
        T: MakeTlsConnect<Socket, Stream: Send, TlsConnect: Send> + Clone + Send + Sync + 'static,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        Self(Arc::new(move |statement, hear| {
            let (config, tls) = (config.clone(), tls.clone());
            Box::pin(async move {
                let (client, connection) = connect(&config, &tls, patience).await?;
                listen(client, connection, statement, hear).await
            })
        }))
    }

    /// The statement says to which channel.
    pub(crate) async fn listen(&self, statement: String, hear: Hear) -> Result<(), Failure> {
        (self.0)(statement, hear).await
    }
}

/// The last failure is that of all.
async fn connect<T>(
    config: &Config,
    tls: &T,
    patience: Duration,
) -> Result<(Client, Connection<Socket, T::Stream>), Failure>
where
    T: MakeTlsConnect<Socket> + Clone,
{
    let mut failed = Failure::new("there is no host");
    for host in hosts(config) {
        match timeout(patience, host.connect(tls.clone())).await {
            Ok(Ok(connected)) => return Ok(connected),
            Ok(Err(why)) => failed = why.into(),
            Err(_) => failed = Failure::new("the host does not answer"),
        }
    }
    Err(failed)
}

async fn listen<S>(
    client: Client,
    mut connection: Connection<Socket, S>,
    statement: String,
    hear: Hear,
) -> Result<(), Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let heard = hear.clone();
    let hearing = async move {
        while let Some(message) = poll_fn(|cx| connection.poll_message(cx)).await {
            if let AsyncMessage::Notification(told) = message? {
                heard(told.payload());
            }
        }
        Ok(())
    };
    let asking = async {
        ask(&client, &statement).await?;
        hear("");
        // The connection ends with its client.
        loop {
            sleep(ASK_EACH).await;
            ask(&client, &statement).await?;
        }
    };
    tokio::select! {
        ended = hearing => ended,
        failed = asking => failed,
    }
}

/// To listen again changes nothing, and a standby refuses it.
async fn ask(client: &Client, statement: &str) -> Result<(), Failure> {
    let asked = timeout(LONGEST_ANSWER, client.batch_execute(statement)).await;
    let late = |_| Failure::new("the database does not answer");
    Ok(asked.map_err(late)??)
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener(..)")
    }
}
