//! Sends many forgeries at once on one connection, without waiting for the answers.

use std::io;

use super::{Target, forgery};
use crate::{delivery::delivery_signed, wire::Connection};

const AT_ONCE: usize = 32;

pub(super) async fn attack(target: &Target) -> io::Result<()> {
    let (signature, body) = forgery(600)?;
    let requests = delivery_signed(&body, &signature).repeat(AT_ONCE);
    let mut connection = Connection::try_open(target.address).await?;
    target.connected();
    loop {
        connection.try_write(&requests).await?;
        target.tally(|tally| tally.requests += AT_ONCE as u64);
        for _ in 0..AT_ONCE {
            let answer = connection.try_read().await;
            target.ended(&answer);
            answer?;
        }
    }
}
