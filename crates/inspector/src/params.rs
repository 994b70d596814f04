//! The parameters of a request, from its query or its form.

use std::{borrow::Cow, fmt::Write};

use tower_nylas::inbox::EntryKey;

/// How many are read.
const MOST: usize = 1_000;

/// The longest value that is looked at, in bytes.
pub(crate) const LONGEST: usize = 512;

/// Decoded, in their order.
#[derive(Debug, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    pub(crate) fn parse(encoded: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(encoded).take(MOST);
        let owned = |text: Cow<'_, str>| text.into_owned();
        Self(
            pairs
                .map(|(name, value)| (owned(name), owned(value)))
                .collect(),
        )
    }

    /// The first one of this name, without white space around it; `None` if it is empty or longer
    /// than anything that is looked for.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(known, _)| known == name)?;
        let value = value.trim();
        (!value.is_empty() && value.len() <= LONGEST).then_some(value)
    }

    /// A link to the same page, without these.
    pub(crate) fn link_without(&self, names: &[&str]) -> Link {
        let kept = self.0.iter().filter(|(name, value)| {
            !names.contains(&name.as_str()) && !value.is_empty() && value.len() <= LONGEST
        });
        kept.fold(Link::home(), |link, (name, value)| link.with(name, value))
    }

    /// The same as [`get`](Self::get), for what selects entries: one that is longer than anything
    /// is an error, or everything would be selected.
    pub(crate) fn selecting(&self, name: &str) -> Result<Option<&str>, String> {
        match self.0.iter().find(|(known, _)| known == name) {
            Some((_, value)) if value.trim().len() > LONGEST => Err(format!("{name} is too long")),
            _ => Ok(self.get(name)),
        }
    }

    /// Whether it is there, and empty.
    pub(crate) fn is_blank(&self, name: &str) -> bool {
        let mut all = self.0.iter();
        all.any(|(known, value)| known == name && value.trim().is_empty())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.parse().ok()
    }

    /// Those of the name `key`, each once, and how many are none.
    pub(crate) fn keys(&self) -> (Vec<EntryKey>, usize) {
        let mut keys = Vec::new();
        let mut invalid = 0;
        for (_, value) in self.0.iter().filter(|(name, _)| name == "key") {
            match parse_key(value.trim()) {
                Some(key) if keys.contains(&key) => {}
                Some(key) => keys.push(key),
                None => invalid += 1,
            }
        }
        (keys, invalid)
    }
}

/// 32 hex digits.
pub(crate) fn parse_key(text: &str) -> Option<EntryKey> {
    let mut bytes = [0; EntryKey::LENGTH];
    let digits = text.as_bytes();
    if digits.len() != 2 * bytes.len() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        for digit in pair {
            let digit = char::from(*digit).to_digit(16)?;
            *byte = *byte << 4 | u8::try_from(digit).ok()?;
        }
    }
    Some(EntryKey::from_bytes(bytes))
}

/// A link to a page: nothing but a query, so that it holds under any path, with a slash at its end
/// or without one, and behind a proxy that strips a prefix.
#[derive(Debug, Clone)]
pub(crate) struct Link(String);

impl Link {
    /// The overview.
    pub(crate) fn home() -> Self {
        Self("?".to_owned())
    }

    pub(crate) fn to(page: &str) -> Self {
        Self::home().with("page", page)
    }

    #[allow(clippy::needless_pass_by_value)] // so that calls are short
    pub(crate) fn with(mut self, name: &str, value: impl ToString) -> Self {
        if self.0.len() > 1 {
            self.0.push('&');
        }
        let value = value.to_string();
        let encoded: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
        // To write to a text does not fail.
        let _ = write!(self.0, "{name}={encoded}");
        self
    }

    pub(crate) fn with_some(self, name: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_shown() {
        let key = EntryKey::from_bytes(
            *b"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff",
        );
        assert_eq!(parse_key(&key.to_string()), Some(key));
        for text in [
            "",
            "00",
            "zz112233445566778899aabbccddeeff",
            "ä0112233445566778899aabbccddeef",
        ] {
            assert_eq!(parse_key(text), None, "{text}");
        }
    }

    #[test]
    fn a_link_gives_back_what_it_was_made_of() {
        let value = "a&b=c ?#\"<ä>'%";
        let link = Link::to("inbox").with("grant", value);
        let params = Params::parse(&link.as_str().as_bytes()[1..]);
        assert_eq!(params.get("page"), Some("inbox"));
        assert_eq!(params.get("grant"), Some(value));
        assert!(!link.as_str().contains(['"', '<', '>', '\'', ' ']));
    }
}
