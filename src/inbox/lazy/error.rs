use std::{error::Error, fmt, time::Duration};

use crate::{inbox::engine::Failure, report::Causes};

/// Why a call was not passed on to the inbox.
#[derive(Debug)]
pub(super) enum NotOpen {
    /// The last attempt has failed.
    Failed(Failure),
    /// The attempt that is under way takes longer than a call waits, and the one before has failed.
    Opening(Duration, Option<Failure>),
}

/// With the causes, as one reason for all that show no others.
impl fmt::Display for NotOpen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(why) => write!(f, "it could not be opened: {}", Causes(why)),
            Self::Opening(limit, None) => {
                write!(f, "opening it takes longer than {limit:?}")
            }
            Self::Opening(limit, Some(why)) => write!(
                f,
                "opening it takes longer than {limit:?}; before, it could not be opened: {}",
                Causes(why)
            ),
        }
    }
}

impl Error for NotOpen {}

impl From<NotOpen> for Failure {
    fn from(why: NotOpen) -> Self {
        match why {
            NotOpen::Failed(why) => why,
            opening @ NotOpen::Opening(..) => Self::new(opening),
        }
    }
}
