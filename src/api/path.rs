//! Paths with ids in them.

use std::{borrow::Cow, fmt};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::InvalidId;

/// What an id keeps as it is in a path; everything else is encoded, since Nylas answers 404 to a
/// bare `<`, `@` or `#`
/// ([source](https://developer.nylas.com/docs/reference/api/)).
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A path of the API, below its base; every part of it is encoded.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Path {
    text: Cow<'static, str>,
    has_query: bool,
}

impl Path {
    /// A path without ids.
    pub(super) const fn fixed(path: &'static str) -> Self {
        Self {
            text: Cow::Borrowed(path),
            has_query: false,
        }
    }

    /// The same path with one more fixed part, such as `/messages`.
    pub(super) fn part(mut self, part: &'static str) -> Self {
        self.text.to_mut().push_str(part);
        self
    }

    /// The same path with an id below it.
    pub(super) fn id(self, id: &str) -> Result<Self, InvalidId> {
        self.append(&["/"], id)
    }

    /// The same path with one more parameter of the query.
    pub(super) fn query(mut self, name: &'static str, value: &str) -> Result<Self, InvalidId> {
        let separator = if self.has_query { "&" } else { "?" };
        self.has_query = true;
        self.append(&[separator, name, "="], value)
    }

    fn append(mut self, before: &[&str], id: &str) -> Result<Self, InvalidId> {
        check(id)?;
        let text = self.text.to_mut();
        text.extend(before.iter().copied());
        text.extend(utf8_percent_encode(id, KEPT));
        if text.len() > MAX_PATH {
            return Err(InvalidId::TooLong(id.len()));
        }
        Ok(self)
    }
}

/// With a base before it, a URL stays below the 64 KiB that it can have.
const MAX_PATH: usize = 62 << 10;

/// Five of them fit into a path, each byte encoded as three.
const MAX_ID: usize = 4096;

/// A message id may come from a stranger's mail, and these two would climb the path.
pub(super) fn check(id: &str) -> Result<(), InvalidId> {
    match id {
        "" | "." | ".." => Err(InvalidId::Unusable),
        id if id.len() > MAX_ID => Err(InvalidId::TooLong(id.len())),
        _ => Ok(()),
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
