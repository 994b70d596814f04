//! A verified body that is not what it should be.

use std::{error::Error, fmt};

use crate::{Trigger, VerifiedBody};

/// A verified body that is no notification, or whose content does not fit the handler's type.
///
/// Sending it again would bring the same bytes, so by default it is acknowledged and reported. The
/// bytes are [at hand](Self::body); neither `Debug` nor [`Display`](fmt::Display) shows them.
#[derive(Clone)]
pub struct Malformed(Box<Details>);

#[derive(Debug, Clone)]
struct Details {
    why: Why,
    trigger: Option<Trigger>,
    body: VerifiedBody,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Why {
    /// Not a JSON object, or one that ends before its `type`.
    NoType,
    /// The payload of Nylas API v2.
    Deltas,
    /// `type` is no string.
    TypeIsNoString,
    /// What `serde_json` has against it.
    Json {
        category: &'static str,
        missing: Option<String>,
        line: usize,
        column: usize,
    },
}

impl Malformed {
    pub(crate) fn new(why: Why, trigger: Option<Trigger>, body: VerifiedBody) -> Self {
        Self(Box::new(Details { why, trigger, body }))
    }

    /// The trigger, as far as it could be read.
    pub fn trigger(&self) -> Option<&Trigger> {
        self.0.trigger.as_ref()
    }

    /// The verified bytes.
    pub fn body(&self) -> &VerifiedBody {
        &self.0.body
    }
}

impl From<serde_json::Error> for Why {
    /// The text of the error is not kept: it quotes the body, except where it names a field of
    /// the handler's own type.
    fn from(error: serde_json::Error) -> Self {
        let missing = error
            .to_string()
            .strip_prefix("missing field `")
            .and_then(|rest| rest.split_once('`'))
            .map(|(field, _)| field.to_owned());
        Self::Json {
            category: match error.classify() {
                serde_json::error::Category::Io | serde_json::error::Category::Syntax => {
                    "it is not JSON"
                }
                serde_json::error::Category::Eof => "its JSON ends too early",
                serde_json::error::Category::Data => "a value does not fit its type",
            },
            missing,
            line: error.line(),
            column: error.column(),
        }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(trigger) = &self.0.trigger {
            write!(f, "{trigger}: ")?;
        }
        match &self.0.why {
            Why::NoType => f.write_str("it is not a JSON object with a `type`"),
            Why::Deltas => f.write_str(
                "it is a notification of Nylas API v2, which needs the feature `v2` of \
                 tower-nylas and a route for deltas",
            ),
            Why::TypeIsNoString => f.write_str("its `type` is not a string"),
            Why::Json {
                category,
                missing,
                line,
                column,
            } => {
                match missing {
                    Some(field) => write!(f, "the field `{field}` is missing")?,
                    None => f.write_str(category)?,
                }
                write!(f, " at line {line} column {column}")
            }
        }
    }
}

impl fmt::Debug for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Malformed").field(&self.0).finish()
    }
}

impl Error for Malformed {}
