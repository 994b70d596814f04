//! What other processes tell, over a connection that belongs to no pool: notifications come to the
//! session that listens.

use std::{fmt, future::poll_fn, pin::Pin, sync::Arc};

use tokio_postgres::{
    AsyncMessage, Config, Socket,
    tls::{MakeTlsConnect, TlsConnect},
};

use crate::error::Failure;

/// Listens to a channel until the connection ends.
#[derive(Clone)]
pub(crate) struct Listener(Arc<Listen>);

type Listen =
    dyn Fn(String, Hear) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>> + Send + Sync;

/// Is called with what was told; with nothing when listening has begun.
pub(crate) type Hear = Arc<dyn Fn(&str) + Send + Sync>;

impl Listener {
    pub(crate) fn new<T>(config: Config, tls: T) -> Self
    where
        T: MakeTlsConnect<Socket, Stream: Send, TlsConnect: Send> + Clone + Send + Sync + 'static,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        Self(Arc::new(move |statement, hear| {
            Box::pin(listen(config.clone(), tls.clone(), statement, hear))
        }))
    }

    /// The statement says to which channel.
    pub(crate) async fn listen(&self, statement: String, hear: Hear) -> Result<(), Failure> {
        (self.0)(statement, hear).await
    }
}

async fn listen<T>(config: Config, tls: T, statement: String, hear: Hear) -> Result<(), Failure>
where
    T: MakeTlsConnect<Socket>,
{
    let (client, mut connection) = config.connect(tls).await?;
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
        client.batch_execute(&statement).await?;
        hear("");
        // The connection ends with its client.
        std::future::pending().await
    };
    tokio::select! {
        ended = hearing => ended,
        failed = asking => failed,
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener(..)")
    }
}
