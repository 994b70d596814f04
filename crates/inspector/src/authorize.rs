//! Who may see the pages, and who may act.

use std::{fmt, sync::Arc};

use http::request::Parts;

use crate::loopback;

/// What a request may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    pub(crate) right: Right,
    pub(crate) who: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Right {
    Nothing,
    Read,
    Act,
}

impl Access {
    /// Nothing: the answer is `403`.
    pub fn denied() -> Self {
        Self {
            right: Right::Nothing,
            who: None,
        }
    }

    /// To read. `who` is shown on the pages.
    pub fn read_only(who: impl Into<String>) -> Self {
        Self {
            right: Right::Read,
            who: Some(who.into()),
        }
    }

    /// To read, and to replay, discard, purge and pause. `who` stands in the record of each action.
    pub fn full(who: impl Into<String>) -> Self {
        Self {
            right: Right::Act,
            who: Some(who.into()),
        }
    }
}

/// `true` may do everything, without a name.
impl From<bool> for Access {
    fn from(is_allowed: bool) -> Self {
        let right = if is_allowed {
            Right::Act
        } else {
            Right::Nothing
        };
        Self { right, who: None }
    }
}

#[derive(Clone)]
pub(crate) enum Guard {
    Loopback,
    Function(Arc<dyn Fn(&Parts) -> Access + Send + Sync>),
}

impl Guard {
    /// What it may do; or why it may not, for the log.
    pub(crate) fn admit(&self, parts: &Parts) -> Result<Access, &'static str> {
        match self {
            Self::Loopback => loopback::check(parts).map(|()| Access::full("loopback")),
            Self::Function(authorize) => match authorize(parts) {
                access if access.right == Right::Nothing => Err("it is not authorized"),
                access => Ok(access),
            },
        }
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loopback => "Loopback",
            Self::Function(_) => "Function",
        })
    }
}
