//! The parameters of a request, from its query or its form.

use std::{borrow::Cow, collections::HashSet, fmt::Write};

use tower_nylas::inbox::EntryKey;

use crate::filter::Filter;

/// How many a query may have.
pub(crate) const MOST_OF_QUERY: usize = 2_000;

/// The longest value that is read, in bytes: any name that is stored fits.
pub(crate) const LONGEST: usize = 512;

/// The same, of a reason of 200 characters.
const LONGEST_REASON: usize = 4 * 200;

/// Decoded, in their order.
#[derive(Debug, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// More than so many are an error: what stands behind them would not be read.
    pub(crate) fn parse(encoded: &[u8], most: usize) -> Result<Self, String> {
        let pairs = form_urlencoded::parse(encoded).take(most.saturating_add(1));
        let owned = |text: Cow<'_, str>| text.into_owned();
        let pairs: Vec<_> = pairs
            .map(|(name, value)| (owned(name), owned(value)))
            .collect();
        if pairs.len() > most {
            return Err(format!("there are more than {most} parameters"));
        }
        Ok(Self(pairs))
    }

    /// For what changes something, or counts what would be changed: a name that is not known, or a
    /// value that would not be read, is an error, or it would be about more than was asked for.
    pub(crate) fn check(&self, known: &[&[&str]]) -> Result<(), String> {
        for (name, value) in &self.0 {
            if !known.iter().any(|names| names.contains(&name.as_str())) {
                let name: String = name.chars().take(40).collect();
                return Err(format!("no parameter of this is named {name:?}"));
            }
            if value.is_empty() {
                return Err(format!("{name} is empty"));
            }
            if name != "key" {
                self.one(name)?;
            }
        }
        Ok(())
    }

    /// The one of this name, as it is; `None` if it is empty. To have several, or one that is too
    /// long, is an error.
    pub(crate) fn one(&self, name: &str) -> Result<Option<&str>, String> {
        let mut values = self.0.iter().filter(|(known, _)| known == name);
        let Some((_, value)) = values.next() else {
            return Ok(None);
        };
        if values.next().is_some() {
            return Err(format!("there is more than one {name}"));
        }
        let longest = match name {
            "reason" => LONGEST_REASON,
            _ => LONGEST,
        };
        if value.len() > longest {
            return Err(format!("{name} is longer than {longest} bytes"));
        }
        Ok(Some(&**value).filter(|value| !value.is_empty()))
    }

    /// Whether the one of this name is `1`, the only value that it may have.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, String> {
        match self.one(name)? {
            None => Ok(false),
            Some("1") => Ok(true),
            Some(_) => Err(format!("{name} is 1, or not there")),
        }
    }

    /// The first one of this name, without white space around it; `None` if it is empty or too
    /// long. Only for what decides nothing but what is shown.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(known, _)| known == name)?;
        let value = value.trim();
        (!value.is_empty() && value.len() <= LONGEST).then_some(value)
    }

    /// Without these.
    pub(crate) fn without(mut self, names: &[&str]) -> Self {
        self.0.retain(|(name, _)| !names.contains(&name.as_str()));
        self
    }

    /// A link to the same page, with what pages look at.
    pub(crate) fn link(&self) -> Link {
        let of_pages = ["page", "q", "key", "was", "kind", "id"];
        let kept = self.0.iter().filter(|(name, value)| {
            let name = name.as_str();
            (of_pages.contains(&name) || Filter::PARAMS.contains(&name))
                && !value.is_empty()
                && value.len() <= LONGEST
        });
        kept.fold(Link::home(), |link, (name, value)| link.with(name, value))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.parse().ok()
    }

    /// Those of the name `key`, each once.
    pub(crate) fn keys(&self) -> Result<Vec<EntryKey>, String> {
        let mut keys = Vec::new();
        let mut known = HashSet::new();
        for (_, value) in self.0.iter().filter(|(name, _)| name == "key") {
            let key = parse_key(value.trim()).ok_or("a key has 32 hex digits")?;
            if known.insert(key) {
                keys.push(key);
            }
        }
        Ok(keys)
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
        let encoded =
            |text: &str| -> String { form_urlencoded::byte_serialize(text.as_bytes()).collect() };
        // To write to a text does not fail.
        let _ = write!(self.0, "{}={}", encoded(name), encoded(&value));
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
        let params = Params::parse(&link.as_str().as_bytes()[1..], 2).unwrap();
        assert_eq!(params.get("page"), Some("inbox"));
        assert_eq!(params.get("grant"), Some(value));
        assert!(!link.as_str().contains(['"', '<', '>', '\'', ' ']));
    }
}
