//! Why a value does not fit, in words that never quote it.

use std::{borrow::Cow, fmt};

use serde::de;

/// What is expected where a type gives no words for it.
pub(super) const OTHER: &str = "what its type takes";

/// An error of one pass.
#[derive(Debug)]
pub(super) enum Error {
    /// The pass has a record of it, with its place.
    Recorded,
    /// An object lacks this member.
    Missing(&'static str),
    /// What was expected; the place is where the error comes by first.
    Unfit(Cow<'static, str>),
}

impl de::Error for Error {
    /// The text may contain values.
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Unfit(OTHER.into())
    }

    fn invalid_type(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::Unfit(expected.to_string().into())
    }

    fn invalid_value(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::Unfit(expected.to_string().into())
    }

    fn invalid_length(_: usize, expected: &dyn de::Expected) -> Self {
        Self::Unfit(expected.to_string().into())
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::Unfit(format!("one of `{}`", expected.join("`, `")).into())
    }

    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        Self::Unfit("an object without unknown members".into())
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }

    fn duplicate_field(_: &'static str) -> Self {
        Self::Unfit("the only member of its meaning".into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value does not fit its type")
    }
}

impl std::error::Error for Error {}

/// Of `serde_json`'s own reading of a value.
impl From<serde_json::Error> for Error {
    fn from(_: serde_json::Error) -> Self {
        Self::Unfit(OTHER.into())
    }
}
