//! Errors of others, as the crate passes them on.

use std::{error::Error, sync::Arc};

/// Any error, as tower's middlewares take it.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Any error, for several readers: what the extensions of a response carry.
pub type SharedError = Arc<dyn Error + Send + Sync>;
