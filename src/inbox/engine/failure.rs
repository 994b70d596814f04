use std::{error::Error, fmt, sync::Arc};

use crate::report::BoxError;

/// Why a call of an engine has failed. Cloned, it is one error for all whose entries were in the
/// same transaction.
#[derive(Debug, Clone)]
pub struct Failure(Arc<dyn Error + Send + Sync>);

impl Failure {
    /// Of this error, or this text.
    pub fn new(why: impl Into<BoxError>) -> Self {
        Self(why.into().into())
    }

    /// Of an inbox that was closed.
    pub fn closed() -> Self {
        Self::new("the inbox is closed")
    }

    /// The error that it was made of, if it is of this type.
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        self.0.downcast_ref()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
