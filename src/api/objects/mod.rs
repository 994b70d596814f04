//! The objects that notifications name.

mod attachment;
mod get;
mod of_notification;
mod raw;

pub(crate) use self::raw::GetRawObject;
pub use self::{attachment::DownloadAttachment, get::GetObject, of_notification::RefetchError};

use super::path::Path;

/// How many bytes an object may have: 32 MiB. A mail has up to 25 MB.
pub(crate) const MAX_OBJECT: usize = 32 << 20;

/// What belongs to grants.
const GRANTS: Path = Path::fixed("/v3/grants");
