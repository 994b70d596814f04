//! Sends whole notifications with a wrong signature, one after the other, as fast as it can.

use std::{io, time::Duration};

use super::{Target, forgery};
use crate::{delivery::delivery_signed, wire::Connection};

pub(super) async fn attack(target: &Target) -> io::Result<()> {
    let (signature, body) = forgery(2_000)?;
    repeat(target, &delivery_signed(&body, &signature)).await
}

/// Over one connection as long as it lasts.
pub(super) async fn repeat(target: &Target, request: &[u8]) -> io::Result<()> {
    let mut connection = Connection::try_open(target.address).await?;
    target.connected();
    while connection.is_reusable() {
        target.requested();
        let answer = connection.try_exchange(&[request], Duration::ZERO).await;
        target.ended(&answer);
        answer?;
    }
    Ok(())
}
