//! Sends a body without a length that is larger than any limit.

use std::{io, time::Duration};

use super::{Target, forgery};
use crate::{delivery::delivery_head, wire::Connection};

const CHUNK: usize = 64 * 1024;
const CHUNKS: usize = 80;

pub(super) async fn attack(target: &Target) -> io::Result<()> {
    let (signature, _) = forgery(0)?;
    let head = delivery_head(None, Some(&signature));
    let mut chunk = format!("{CHUNK:x}\r\n").into_bytes();
    chunk.resize(chunk.len() + CHUNK, b'x');
    chunk.extend(b"\r\n");
    target.bandwidth.take(CHUNK * CHUNKS).await;
    let mut connection = Connection::try_open(target.address).await?;
    target.connected();
    target.requested();
    let mut pieces = vec![&*chunk; 1 + CHUNKS];
    pieces[0] = &head;
    let answer = connection.try_exchange(&pieces, Duration::ZERO).await;
    target.ended(&answer);
    answer.map(drop)
}
