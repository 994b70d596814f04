//! What a route asks for.

use std::{fmt, str::FromStr};

use super::{Suffix, Trigger};

/// The triggers that one route receives.
///
/// A filter is written like a subscription and, like one, receives the forms that Nylas sends on
/// its own account:
///
/// | filter | receives | does not receive |
/// |---|---|---|
/// | `message.created` | itself, `….truncated`, `….transformed`, `….metadata` and their combinations | `message.created.cleaned`: a subscription of its own, each mail would come twice |
/// | `message.opened` | itself and its automatic forms | `message.opened.legacy`: another payload |
/// | `message.created.truncated` | the truncated forms only | `message.created` |
/// | `message.*` | every name that begins with `message.` | `messages.x` |
///
/// Where several filters of a router receive a trigger, the most specific one gets it.
///
/// ```
/// use tower_nylas::trigger::{Filter, Trigger};
///
/// let filter: Filter = "message.created".parse()?;
/// assert!(filter.matches(&Trigger::from("message.created.transformed.truncated")));
/// assert!(!filter.matches(&Trigger::from("message.created.cleaned")));
/// # Ok::<(), tower_nylas::trigger::InvalidFilter>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Filter(Pattern);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Pattern {
    /// A name without its automatic suffixes, and those suffixes.
    Name { stem: Box<str>, suffix: Suffix },
    /// The part of a name before the `*`, with its last dot.
    Family(Box<str>),
}

impl Filter {
    /// Whether a route with this filter may receive `trigger`.
    pub fn matches(&self, trigger: &Trigger) -> bool {
        self.matches_parts(trigger.kind().as_str(), trigger.suffix())
    }

    pub(super) fn matches_parts(&self, sent: &str, suffix: Suffix) -> bool {
        match &self.0 {
            Pattern::Family(prefix) => match prefix.strip_prefix(sent) {
                Some(rest) => suffix.as_str().starts_with(rest),
                None => sent.starts_with(&**prefix),
            },
            Pattern::Name {
                stem,
                suffix: wanted,
            } => {
                let base = sent.strip_suffix(".metadata");
                (**stem == *sent || base == Some(stem))
                    && (!wanted.is_truncated() || suffix.is_truncated())
                    && (!wanted.is_transformed() || suffix.is_transformed())
            }
        }
    }

    #[cfg(feature = "router")]
    pub(crate) fn pattern(&self) -> &Pattern {
        &self.0
    }
}

#[cfg(feature = "router")]
impl From<Pattern> for Filter {
    fn from(pattern: Pattern) -> Self {
        Self(pattern)
    }
}

impl FromStr for Filter {
    type Err = InvalidFilter;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = |why| {
            Err(InvalidFilter {
                text: text.to_owned(),
                why,
            })
        };
        if text == "*" {
            return invalid("for every trigger without a route use the fallback");
        }
        let name = text.strip_suffix(".*").unwrap_or(text);
        let segments = || name.split('.');
        if segments().any(str::is_empty) {
            return invalid("a segment is empty");
        }
        if name.contains('*') {
            return invalid("a `*` can only stand for everything after the last dot");
        }
        let legible =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
        if segments().any(|segment| !segment.chars().all(legible)) {
            return invalid("triggers consist of lower-case letters, digits, `_`, `-` and dots");
        }
        if name.len() < text.len() {
            return Ok(Self(Pattern::Family(text[..=name.len()].into())));
        }
        if segments().count() < 2 {
            return invalid("a trigger has at least two segments, as in `message.created`");
        }
        let (stem, suffix) = Suffix::split(text);
        // The order of the suffixes matters to nobody.
        let suffix = match suffix {
            Suffix::TruncatedTransformed => Suffix::TransformedTruncated,
            other => other,
        };
        Ok(Self(Pattern::Name {
            stem: stem.into(),
            suffix,
        }))
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Pattern::Name { stem, suffix } => write!(f, "{stem}{}", suffix.as_str()),
            Pattern::Family(prefix) => write!(f, "{prefix}*"),
        }
    }
}

/// A text that can be no [`Filter`], and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidFilter {
    text: String,
    why: &'static str,
}

impl fmt::Display for InvalidFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no trigger filter: {}", self.text, self.why)
    }
}

impl std::error::Error for InvalidFilter {}
