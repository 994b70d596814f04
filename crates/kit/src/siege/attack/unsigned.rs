//! Sends whole notifications without any signature, as fast as it can.

use std::io;

use super::{Target, forged::repeat, forgery};
use crate::delivery::delivery_head;

pub(super) async fn attack(target: &Target) -> io::Result<()> {
    let (_, body) = forgery(2_000)?;
    let mut request = delivery_head(Some(body.len()), None);
    request.extend(body);
    repeat(target, &request).await
}
