//! Durations as they are typed: `500ms`, `5s`, `10m`, `2h`.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

/// A duration with its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Span(pub(crate) Duration);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let end = text.find(|c: char| !c.is_ascii_digit());
        let (number, unit) = text.split_at(end.unwrap_or(text.len()));
        let millis = match unit {
            "ms" => Some(1),
            "s" => Some(1000),
            "m" => Some(60_000),
            "h" => Some(3_600_000),
            _ => None,
        };
        let number = number.parse::<u64>().ok();
        let millis = number.zip(millis).and_then(|(n, unit)| n.checked_mul(unit));
        let span = millis.map(|millis| Self(Duration::from_millis(millis)));
        span.ok_or_else(|| format!("{text:?} is no duration such as 500ms, 5s, 10m or 2h"))
    }
}

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

/// In the largest unit that leaves no rest.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        let units = [(3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")];
        let fits = units
            .iter()
            .find(|(unit, _)| millis >= *unit && millis.is_multiple_of(*unit));
        match fits {
            Some((unit, name)) => write!(f, "{}{name}", millis / unit),
            None => f.write_str("0s"),
        }
    }
}
