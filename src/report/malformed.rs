//! Why a verified body is not a notification for its handler.

use std::{error::Error, fmt};

/// Why a verified body is not a notification, or does not fit the handler's type.
///
/// It contains no names and no values of the body, only positions in it, and names of fields of the
/// handler's own type. Lines count from 1, and a column is the number of bytes read of that line.
/// Positions refer to the body, or to `data.object` if the object of a `Notification<Object>` does
/// not fit.
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
    /// A value does not fit its field.
    UnfitValue {
        /// The line where it was found.
        line: usize,
        /// The column.
        column: usize,
    },
    /// A field is missing.
    MissingField {
        /// Its name, in the handler's type.
        field: String,
        /// The line where the object ends that lacks it.
        line: usize,
        /// The column.
        column: usize,
    },
}

#[cfg(feature = "router")]
impl MalformedReason {
    /// The text of the error is not kept: it quotes the body, except where it names a field of
    /// the handler's own type.
    pub(crate) fn of_json(error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        let missing = text.strip_prefix("missing field `");
        if let Some((field, _)) = missing.and_then(|rest| rest.split_once('`')) {
            let field = field.to_owned();
            return Self::MissingField {
                field,
                line,
                column,
            };
        }
        match error.classify() {
            serde_json::error::Category::Io | serde_json::error::Category::Syntax => {
                Self::Syntax { line, column }
            }
            serde_json::error::Category::Eof => Self::UnexpectedEnd { line, column },
            serde_json::error::Category::Data => Self::UnfitValue { line, column },
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
            Self::UnfitValue { line, column } => {
                write!(
                    f,
                    "a value does not fit its type at line {line} column {column}"
                )
            }
            Self::MissingField {
                field,
                line,
                column,
            } => {
                write!(
                    f,
                    "the field `{field}` is missing at line {line} column {column}"
                )
            }
        }
    }
}

impl Error for MalformedReason {}
