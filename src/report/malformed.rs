//! Why a verified body is not a notification for its handler.

use std::{error::Error, fmt};

use super::UpTo;
use crate::trigger::Trigger;

/// Why a verified body is not a notification, or does not fit the handler's type.
///
/// It contains no values of the body, only places in it, and what the handler's own type expects
/// there. A path is a JSON pointer from the top of the body, such as `/data/object/to/0`, with `*`
/// for each name that is no usual name of a field; it is empty for the body itself. Lines count
/// from 1, and a column is the number of bytes read of that line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MalformedReason {
    /// It is not a JSON object, has no `type`, or ends before it.
    NoType,
    /// Its `type` is not a string.
    TypeNotString,
    /// It contains deltas of Nylas API v2, which only a route for deltas takes.
    Deltas,
    /// It is not JSON.
    Syntax {
        /// The line.
        line: usize,
        /// The column.
        column: usize,
    },
    /// Its JSON ends too early.
    UnexpectedEnd {
        /// The line.
        line: usize,
        /// The column.
        column: usize,
    },
    /// It is JSON, but nested more than 127 levels deep.
    TooDeep,
    /// A value does not fit its field, and nothing can be read without it.
    UnfitValue {
        /// Where it is.
        path: String,
        /// What is expected there, such as `a string`.
        expected: String,
    },
    /// A field is missing.
    MissingField {
        /// Its name, in the handler's type.
        field: String,
        /// The object that lacks it.
        path: String,
    },
}

#[cfg(feature = "router")]
impl MalformedReason {
    /// Of an error in reading any JSON, into a `Value`. Its text is not kept: it may quote the
    /// body.
    pub(crate) fn of_syntax(error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        if error.is_eof() {
            Self::UnexpectedEnd { line, column }
        } else {
            Self::Syntax { line, column }
        }
    }
}

impl fmt::Display for MalformedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoType => f.write_str("it is not a JSON object with a `type`"),
            Self::TypeNotString => f.write_str("its `type` is not a string"),
            Self::Deltas => f.write_str(
                "it is a notification of Nylas API v2, which only a route for deltas takes",
            ),
            Self::Syntax { line, column } => {
                write!(f, "it is not JSON at line {line} column {column}")
            }
            Self::UnexpectedEnd { line, column } => {
                write!(f, "its JSON ends too early at line {line} column {column}")
            }
            Self::TooDeep => f.write_str("it is nested more than 127 levels deep"),
            Self::UnfitValue { path, expected } if path.is_empty() => {
                write!(f, "it is not {expected}")
            }
            Self::UnfitValue { path, expected } => {
                write!(f, "the value at {path} is not {expected}")
            }
            Self::MissingField { field, path } if path.is_empty() => {
                write!(f, "the field `{field}` is missing")
            }
            Self::MissingField { field, path } => {
                write!(f, "the field `{field}` is missing at {path}")
            }
        }
    }
}

impl Error for MalformedReason {}

/// A trigger, as far as it is known, and what is wrong.
pub(crate) struct Misfit<'a>(
    pub(crate) Option<&'a Trigger>,
    pub(crate) &'a MalformedReason,
);

impl fmt::Display for Misfit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(trigger, reason) = self;
        if let Some(trigger) = trigger {
            write!(f, "{}: ", UpTo::name(trigger))?;
        }
        reason.fmt(f)
    }
}
