//! Sends many forgeries at once on one connection, without waiting for the answers.

use std::io;

use super::{Target, forgery};
use crate::wire::{Connection, delivery_head};

const AT_ONCE: usize = 32;

pub(super) async fn attack(target: &Target) -> io::Result<()> {
    let (signature, body) = forgery(600)?;
    let length = format!("content-length: {}", body.len());
    let mut request = delivery_head(&length, Some(&signature)).into_bytes();
    request.extend(body);
    let requests = request.repeat(AT_ONCE);
    let mut connection = Connection::open(target.address).await?;
    target.connected();
    loop {
        connection.write(&requests).await?;
        target.tally(|tally| tally.requests += AT_ONCE as u64);
        for _ in 0..AT_ONCE {
            let answer = connection.read().await;
            target.ended(&answer);
            answer?;
        }
    }
}
