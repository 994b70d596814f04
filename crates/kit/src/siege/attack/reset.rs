//! Connects, sends a part of a body, and resets the connection.

use std::{io, time::Duration};

use tokio::time::sleep;

use super::{Target, forgery};
use crate::{delivery::delivery_head, wire::Connection};

const SENT: usize = 16 * 1024;

pub(super) async fn attack(target: &Target) -> io::Result<()> {
    let (signature, _) = forgery(0)?;
    let mut request = delivery_head(Some(1_000_000), Some(&signature));
    request.resize(request.len() + SENT, b'x');
    let mut connection = Connection::try_open(target.address).await?;
    target.connected();
    target.requested();
    connection.try_write(&request).await?;
    sleep(Duration::from_millis(5)).await;
    target.tally(|tally| tally.unanswered += 1);
    connection.reset()
}
