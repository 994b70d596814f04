use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A list that may be missing: it reads like a slice, empty when Nylas sent none.
///
/// Nylas sends `[]`, `null` or no field at all where there is nothing to list. Loop over a `List`
/// without asking which; [`is_absent`](Self::is_absent) tells an empty list from one that was left
/// out, for instance by field selection (`.transformed`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct List<T>(Option<Vec<T>>);

impl<T> List<T> {
    /// Whether the field was missing or `null`, rather than an empty list.
    pub fn is_absent(&self) -> bool {
        self.0.is_none()
    }

    /// The items, without the difference between empty and missing.
    pub fn into_vec(self) -> Vec<T> {
        self.0.unwrap_or_default()
    }
}

impl<T> Default for List<T> {
    /// A list that is absent.
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Deref for List<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.0.as_deref().unwrap_or_default()
    }
}

impl<T> From<Vec<T>> for List<T> {
    fn from(items: Vec<T>) -> Self {
        Self(Some(items))
    }
}

impl<T> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self(Some(items.into_iter().collect()))
    }
}

impl<T> IntoIterator for List<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.into_vec().into_iter()
    }
}

impl<'a, T> IntoIterator for &'a List<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T: Serialize> Serialize for List<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    // By way of `Option`, so that serde takes a missing field for an absent list without being
    // told.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::List;

    #[test]
    fn empty_and_absent_read_alike_but_stay_apart() {
        let empty: List<u8> = serde_json::from_str("[]").unwrap();
        let absent: List<u8> = serde_json::from_str("null").unwrap();
        assert!(empty.is_empty() && absent.is_empty());
        assert!(!empty.is_absent() && absent.is_absent());
        assert_eq!(serde_json::to_string(&empty).unwrap(), "[]");
        assert_eq!(serde_json::to_string(&absent).unwrap(), "null");
    }

    #[test]
    fn reads_like_a_slice() {
        let list = List::from(vec![1, 2, 3]);
        assert_eq!(list.first(), Some(&1));
        assert_eq!((&list).into_iter().sum::<i32>(), 6);
        assert_eq!(list.iter().copied().collect::<List<_>>(), list);
        assert_eq!(list.into_iter().collect::<Vec<_>>(), [1, 2, 3]);
    }
}
