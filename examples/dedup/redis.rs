//! Ids in Redis, for all replicas: what `SeenIds` takes, over a bare connection. With a client
//! crate it is the same three commands.

use std::{
    collections::hash_map::RandomState,
    future::Future,
    hash::{BuildHasher, Hasher},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream},
    net::TcpStream,
    time::timeout,
};
use tower_nylas::{
    BoxError,
    dedup::{Begun, NotificationKey, SeenIds},
};

/// Well below the handler deadline, so that a notification is still handled if Redis hangs.
const PATIENCE: Duration = Duration::from_secs(1);

const CLAIMED_FOR: Duration = Duration::from_secs(10);
const REMEMBERED_FOR: Duration = Duration::from_secs(72 * 60 * 60);

const DONE: &str = "done";

/// Deletes a claim if it is still this one: a later claim of the same key has another value.
pub(crate) const DELETE_OWN: &str =
    "if redis.call('get',KEYS[1])==ARGV[1] then return redis.call('del',KEYS[1]) end return 0";

/// Every clone is the same.
#[derive(Clone)]
pub(crate) struct Redis(Arc<Shared>);

struct Shared {
    address: String,
    idle: Mutex<Vec<BufStream<TcpStream>>>,
    /// What no other process has, and what no other claim of this one has.
    process: u64,
    claims: AtomicU64,
}

pub(crate) struct Claim {
    key: String,
    value: String,
}

impl Redis {
    pub(crate) fn at(address: &str) -> Self {
        Self(Arc::new(Shared {
            address: address.to_owned(),
            idle: Mutex::default(),
            process: RandomState::new().build_hasher().finish(),
            claims: AtomicU64::new(0),
        }))
    }

    /// The text of the reply, or its number; `None` for a null.
    async fn ask(&self, command: &[&str]) -> Result<Option<String>, BoxError> {
        timeout(PATIENCE, self.exchange(command)).await?
    }

    /// A connection whose exchange failed, or was dropped halfway, is not used again. One that
    /// Redis has closed meanwhile fails once, which a client crate would hide.
    async fn exchange(&self, command: &[&str]) -> Result<Option<String>, BoxError> {
        let idle = self.idle().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => BufStream::new(TcpStream::connect(&self.0.address).await?),
        };
        connection.write_all(&encode(command)).await?;
        connection.flush().await?;
        let reply = read_reply(&mut connection).await?;
        self.idle().push(connection);
        Ok(reply)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<BufStream<TcpStream>>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SeenIds for Redis {
    type Claim = Claim;

    /// One command, since of two the other replica could come in between.
    async fn begin(&self, key: NotificationKey) -> Result<Begun<Claim>, BoxError> {
        let number = self.0.claims.fetch_add(1, Ordering::Relaxed);
        let claim = Claim {
            key: format!("nylas:seen:{key}"),
            value: format!("{:016x}-{number}", self.0.process),
        };
        let before = self
            .ask(&[
                "SET",
                &claim.key,
                &claim.value,
                "NX",
                "GET",
                "PX",
                &millis(CLAIMED_FOR),
            ])
            .await?;
        Ok(match before.as_deref() {
            None => Begun::New(claim),
            Some(DONE) => Begun::Done,
            Some(_) => Begun::InProgress,
        })
    }

    async fn finish(&self, claim: Claim) -> Result<(), BoxError> {
        let remembered_for = millis(REMEMBERED_FOR);
        self.ask(&["SET", &claim.key, DONE, "PX", &remembered_for])
            .await?;
        Ok(())
    }

    /// In a task: when a request is dropped, the future of this is polled only once.
    fn release(&self, claim: Claim) -> impl Future<Output = Result<(), BoxError>> + Send {
        let redis = self.clone();
        let release = tokio::spawn(async move {
            let command = ["EVAL", DELETE_OWN, "1", &claim.key, &claim.value];
            redis.ask(&command).await
        });
        async move {
            release.await??;
            Ok(())
        }
    }
}

fn millis(duration: Duration) -> String {
    duration.as_millis().to_string()
}

/// A command as an array of texts (<https://redis.io/docs/latest/develop/reference/protocol-spec/>).
fn encode(command: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", command.len()).into_bytes();
    for part in command {
        bytes.extend(format!("${}\r\n{part}\r\n", part.len()).bytes());
    }
    bytes
}

async fn read_reply(connection: &mut BufStream<TcpStream>) -> Result<Option<String>, BoxError> {
    let line = read_line(connection).await?;
    match line.split_at_checked(1) {
        Some(("+" | ":", text)) => Ok(Some(text.to_owned())),
        Some(("$", "-1")) => Ok(None),
        Some(("$", length)) => {
            let mut text = vec![0; length.parse::<u16>()?.into()];
            connection.read_exact(&mut text).await?;
            read_line(connection).await?;
            Ok(Some(String::from_utf8(text)?))
        }
        _ => Err(format!("Redis replied {line:?}").into()),
    }
}

pub(crate) async fn read_line(connection: &mut BufStream<TcpStream>) -> Result<String, BoxError> {
    let mut line = String::new();
    connection.read_line(&mut line).await?;
    match line.strip_suffix("\r\n") {
        Some(line) => Ok(line.to_owned()),
        None => Err("the connection was closed".into()),
    }
}
