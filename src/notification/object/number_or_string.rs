use std::fmt;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Number, Value};

/// A value that Nylas writes as a number in one place and as text in another.
///
/// It keeps the form in which it came. [`as_i64`](Self::as_i64) and [`as_f64`](Self::as_f64) read
/// both forms, and `Display` shows both alike, so `5` and `"5"` are the same to a caller who does
/// not ask.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
pub enum NumberOrString {
    /// It came as a JSON number.
    Number(Number),
    /// It came as a JSON string, which need not hold a number.
    String(String),
}

impl NumberOrString {
    /// What it calls itself to a deserializer.
    pub(crate) const NAME: &'static str = "$tower_nylas::NumberOrString";

    /// The whole number it holds, `None` for a fraction, other text, or a value outside `i64`.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Number(number) => number.as_i64(),
            Self::String(text) => text.trim().parse().ok(),
        }
    }

    /// The number it holds, `None` for text that holds none.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(number) => number.as_f64(),
            // "inf" and "nan" parse as numbers in Rust, but mean nothing here.
            Self::String(text) => text
                .trim()
                .parse()
                .ok()
                .filter(|number: &f64| number.is_finite()),
        }
    }

    /// The text, `None` if it came as a number.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Number(_) => None,
            Self::String(text) => Some(text),
        }
    }
}

impl fmt::Display for NumberOrString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::String(text) => f.pad(text),
        }
    }
}

impl From<i64> for NumberOrString {
    fn from(number: i64) -> Self {
        Self::Number(number.into())
    }
}

impl From<&str> for NumberOrString {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl<'de> Deserialize<'de> for NumberOrString {
    // Under its name, so that the lenient reader knows what is expected.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(Self::NAME, Either)
    }
}

struct Either;

impl<'de> Visitor<'de> for Either {
    type Value = NumberOrString;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number or a string")
    }

    // By way of `Value`: it alone understands numbers under serde_json's `arbitrary_precision`,
    // which any crate in the build may have switched on.
    fn visit_newtype_struct<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Self::Value, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Number(number) => Ok(NumberOrString::Number(number)),
            Value::String(text) => Ok(NumberOrString::String(text)),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(
                D::Error::invalid_type(Unexpected::Other("something else"), &self),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::NumberOrString;

    fn read(json: &str) -> NumberOrString {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn reads_both_forms_and_keeps_each() {
        for json in [
            "5",
            "\"5\"",
            "-3",
            "0.97",
            "\"0.97\"",
            "18446744073709551615",
            "\"gone\"",
            "\"\"",
        ] {
            assert_eq!(serde_json::to_string(&read(json)).unwrap(), json);
        }
        assert_ne!(read("5"), read("\"5\""));
        assert_eq!(read("5").to_string(), read("\"5\"").to_string());
    }

    #[test]
    fn gives_the_number_when_there_is_one() {
        assert_eq!(read("\"2710\"").as_i64(), Some(2710));
        assert_eq!(read("2710").as_i64(), Some(2710));
        assert_eq!(read("0.97").as_i64(), None);
        assert_eq!(read("\"0.97\"").as_f64(), Some(0.97));
        assert_eq!(read("18446744073709551615").as_i64(), None);
        assert_eq!(read("\"inf\"").as_f64(), None);
        assert_eq!(read("\"550 5.1.1\"").as_i64(), None);
        assert_eq!(read("\"gone\"").as_str(), Some("gone"));
        assert_eq!(read("7").as_str(), None);
    }

    #[test]
    fn refuses_what_is_neither() {
        for json in ["null", "true", "[5]", "{}"] {
            assert!(
                serde_json::from_str::<NumberOrString>(json).is_err(),
                "{json}"
            );
        }
    }
}
