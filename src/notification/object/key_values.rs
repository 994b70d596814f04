use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::NumberOrString;

/// Key-value pairs that somebody outside Nylas chose: an integrator's `metadata`, a guest's
/// `additional_fields`.
///
/// Nylas documents text values only, and up to 50 pairs; other values are kept as they are.
/// Metadata may be missing from a message although it was set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyValues(Option<Map<String, Value>>);

impl KeyValues {
    /// Whether the field was missing or `null`, rather than an empty object.
    pub fn is_absent(&self) -> bool {
        self.0.is_none()
    }

    /// All pairs, `None` when the field is absent.
    pub fn as_map(&self) -> Option<&Map<String, Value>> {
        self.0.as_ref()
    }

    /// The value of a key, whatever its type.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.as_ref()?.get(key)
    }

    /// The value of a key if it is text, as documented.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_str()
    }

    /// The value of a key if it is a whole number, or the text of one.
    ///
    /// Nylas' scheduler writes Unix seconds as text (`scheduler_last_start`, `scheduler_last_end`,
    /// `scheduler_updated_at`).
    pub fn integer(&self, key: &str) -> Option<i64> {
        NumberOrString::deserialize(self.get(key)?).ok()?.as_i64()
    }
}

impl From<Map<String, Value>> for KeyValues {
    fn from(pairs: Map<String, Value>) -> Self {
        Self(Some(pairs))
    }
}

impl Serialize for KeyValues {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for KeyValues {
    // By way of `Option`, so that serde takes a missing field for absent pairs without being told.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::KeyValues;

    #[test]
    fn gives_text_and_numbers_written_as_text() {
        let pairs: KeyValues = serde_json::from_str(
            r#"{"source":"scheduler","scheduler_last_start":"1790342000","berth":7}"#,
        )
        .unwrap();
        assert_eq!(pairs.text("source"), Some("scheduler"));
        assert_eq!(pairs.integer("scheduler_last_start"), Some(1_790_342_000));
        assert_eq!(pairs.integer("berth"), Some(7));
        assert_eq!(pairs.text("berth"), None);
        assert_eq!(pairs.integer("source"), None);
        assert_eq!(pairs.integer("vessel"), None);
    }

    #[test]
    fn keeps_empty_and_absent_apart() {
        let empty: KeyValues = serde_json::from_str("{}").unwrap();
        let absent: KeyValues = serde_json::from_str("null").unwrap();
        assert!(!empty.is_absent() && absent.is_absent());
        assert_eq!(absent.text("source"), None);
        assert_eq!(serde_json::to_string(&empty).unwrap(), "{}");
    }
}
