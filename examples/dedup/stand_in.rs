//! A stand-in for Redis on a loopback port: as much of it as the example sends.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufStream},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};
use tower_nylas::BoxError;

use crate::redis::{DELETE_OWN, read_line};

/// Ends with all its connections when it is stopped.
pub(crate) struct StandIn {
    pub(crate) address: SocketAddr,
    server: JoinHandle<()>,
}

/// Each key with its value and its end.
type Store = Arc<Mutex<HashMap<String, (String, Instant)>>>;

impl StandIn {
    pub(crate) async fn start() -> Result<Self, BoxError> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let server = tokio::spawn(async move {
            let (store, mut connections) = (Store::default(), JoinSet::new());
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, store.clone()));
            }
        });
        Ok(Self { address, server })
    }

    pub(crate) async fn stop(self) {
        self.server.abort();
        // An error says that it was stopped.
        let _ = self.server.await;
    }
}

async fn serve(stream: TcpStream, store: Store) -> Result<(), BoxError> {
    let mut connection = BufStream::new(stream);
    loop {
        let command = read_command(&mut connection).await?;
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        let reply = answer(&command, &store);
        connection.write_all(reply.as_bytes()).await?;
        connection.flush().await?;
    }
}

async fn read_command(connection: &mut BufStream<TcpStream>) -> Result<Vec<String>, BoxError> {
    let line = read_line(connection).await?;
    let parts: usize = line.strip_prefix('*').ok_or("not a command")?.parse()?;
    let mut command = Vec::new();
    for _ in 0..parts {
        let line = read_line(connection).await?;
        let length: usize = line.strip_prefix('$').ok_or("not a text")?.parse()?;
        let mut text = vec![0; length];
        connection.read_exact(&mut text).await?;
        read_line(connection).await?;
        command.push(String::from_utf8(text)?);
    }
    Ok(command)
}

fn answer(command: &[&str], store: &Store) -> String {
    let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
    let now = Instant::now();
    store.retain(|_, (_, end)| *end > now);
    match command {
        ["SET", key, value, options @ .., "PX", millis] => {
            let Ok(millis) = millis.parse() else {
                return "-ERR value is not an integer or out of range\r\n".to_owned();
            };
            let before = store.get(*key).map(|(value, _)| value.clone());
            if before.is_none() || !options.contains(&"NX") {
                let end = now + Duration::from_millis(millis);
                store.insert((*key).to_owned(), ((*value).to_owned(), end));
            }
            match before {
                _ if !options.contains(&"GET") => "+OK\r\n".to_owned(),
                Some(before) => format!("${}\r\n{before}\r\n", before.len()),
                None => "$-1\r\n".to_owned(),
            }
        }
        ["EVAL", script, "1", key, own] if *script == DELETE_OWN => {
            let is_own = store.get(*key).is_some_and(|(value, _)| value == own);
            if is_own {
                store.remove(*key);
            }
            format!(":{}\r\n", u8::from(is_own))
        }
        _ => "-ERR unknown command\r\n".to_owned(),
    }
}
