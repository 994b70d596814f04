//! Ids of destinations.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, de::Error};

use super::path;

/// The id of a destination, as Nylas has given it; opaque, 26 letters and digits so far.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct WebhookId(String);

impl WebhookId {
    /// An id that was stored as a text.
    ///
    /// # Errors
    ///
    /// [`InvalidId`] for what cannot stand in a path.
    pub fn new(id: impl Into<String>) -> Result<Self, InvalidId> {
        let id = id.into();
        path::check(&id)?;
        Ok(Self(id))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WebhookId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for WebhookId {
    type Err = InvalidId;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        Self::new(id)
    }
}

impl<'de> Deserialize<'de> for WebhookId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// Why a text is no id of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidId {
    /// It is empty, or `.` or `..`, with which the path would be another one.
    Unusable,
    /// It has this many bytes: more than 4096, or more than a path with others has room for.
    TooLong(usize),
}

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unusable => f.write_str("an id is empty or has dots only"),
            Self::TooLong(length) => write!(f, "an id is too long, with {length} bytes"),
        }
    }
}

impl std::error::Error for InvalidId {}
