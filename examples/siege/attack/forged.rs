//! Sends whole notifications with a wrong signature, one after the other, as fast as it can.

use std::{io, time::Duration};

use super::{Target, forgery};
use crate::wire::{Connection, delivery_head};

pub(super) async fn attack(target: &Target) -> io::Result<()> {
    let (signature, body) = forgery(2_000)?;
    let length = format!("content-length: {}", body.len());
    let mut request = delivery_head(&length, Some(&signature)).into_bytes();
    request.extend(body);
    repeat(target, &request).await
}

/// Over one connection as long as it lasts.
pub(super) async fn repeat(target: &Target, request: &[u8]) -> io::Result<()> {
    let mut connection = Connection::open(target.address).await?;
    target.connected();
    while connection.is_reusable {
        target.requested();
        let answer = connection.exchange(&[request], Duration::ZERO).await;
        target.ended(&answer);
        answer?;
    }
    Ok(())
}
