//! Connects, sends a part of a body, and resets the connection.

use std::{io, time::Duration};

use tokio::time::sleep;

use super::{Target, forgery};
use crate::wire::{Connection, delivery_head};

const SENT: usize = 16 * 1024;

pub(super) async fn attack(target: &Target) -> io::Result<()> {
    let (signature, _) = forgery(0)?;
    let mut request = delivery_head("content-length: 1000000", Some(&signature)).into_bytes();
    request.resize(request.len() + SENT, b'x');
    let mut connection = Connection::open(target.address).await?;
    target.connected();
    target.requested();
    connection.write(&request).await?;
    sleep(Duration::from_millis(5)).await;
    target.tally(|tally| tally.unanswered += 1);
    connection.reset()
}
