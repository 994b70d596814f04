//! Which names of the table a filter covers.

use std::{borrow::Cow, collections::BTreeSet};

use super::{Filter, Pattern, Suffix, TriggerKind};

impl Filter {
    /// Whether it receives any name that this version of the crate knows, or an automatic form of
    /// one.
    pub(crate) fn is_listed(&self) -> bool {
        self.listed().next().is_some()
    }

    /// The filter for known names that is most like this one.
    pub(crate) fn nearest_listed(&self) -> String {
        let (text, suffix) = match self.pattern() {
            Pattern::Name { stem, suffix } => (Cow::Borrowed(&**stem), *suffix),
            Pattern::Family(prefix) => (Cow::Owned(format!("{prefix}*")), Suffix::None),
        };
        let names = TriggerKind::KNOWN.iter().map(TriggerKind::as_str);
        let families: BTreeSet<&str> = names.clone().flat_map(families).collect();
        let names = names.map(|name| (distance(&text, name), format!("{name}{}", suffix.as_str())));
        let families = families.into_iter().map(|prefix| format!("{prefix}*"));
        let families = families.map(|family| (distance(&text, &family), family));
        let nearest = names.chain(families).min_by_key(|(distance, _)| *distance);
        nearest.expect("there are known names").1
    }

    /// What one subscribes to at Nylas, to receive what this filter receives.
    pub(crate) fn subscriptions(&self) -> Vec<String> {
        match self.pattern() {
            Pattern::Name { stem, .. } => vec![subscription(stem).to_owned()],
            Pattern::Family(_) => self
                .listed()
                .filter(|kind| kind.is_documented())
                .map(|kind| subscription(kind.as_str()).to_owned())
                .collect(),
        }
    }

    fn listed(&self) -> impl Iterator<Item = &'static TriggerKind> {
        // Both orders of the suffixes, so that the family of a name's automatic forms covers it.
        let forms = [Suffix::TransformedTruncated, Suffix::TruncatedTransformed];
        let covers = move |name| forms.iter().any(|form| self.matches_parts(name, *form));
        let known = TriggerKind::KNOWN.iter();
        known.filter(move |kind| covers(kind.as_str()))
    }
}

/// The name without `.metadata`, which comes by itself instead of the name before it.
fn subscription(name: &str) -> &str {
    let base = name.strip_suffix(".metadata");
    base.filter(|base| base.contains('.')).unwrap_or(name)
}

/// The families of a name, each up to a dot.
fn families(name: &str) -> impl Iterator<Item = &str> {
    name.match_indices('.').map(|(dot, _)| &name[..=dot])
}

/// How many bytes have to be put in, left out or changed (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, a) in from.bytes().enumerate() {
        let mut diagonal = line;
        row[0] = line + 1;
        for (column, b) in to.bytes().enumerate() {
            let changed = diagonal + usize::from(a != b);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_distance_is_levenshtein_s() {
        for (from, to, expected) in [
            ("", "", 0),
            ("abc", "", 3),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("flaw", "lawn", 2),
            ("message.craeted", "message.created", 2),
        ] {
            assert_eq!(distance(from, to), expected, "{from} -> {to}");
        }
    }

    proptest! {
        #[test]
        fn one_typing_error_is_found(at in 0..TriggerKind::KNOWN.len(), letter in 0..30_usize) {
            let name = TriggerKind::KNOWN[at].as_str();
            let letter = letter % name.len();
            prop_assume!(name.as_bytes()[letter] != b'.');
            let mut mistyped = name.to_owned();
            mistyped.remove(letter);
            prop_assume!(!mistyped.contains("..") && !mistyped.ends_with('.'));
            let filter: Filter = mistyped.parse().unwrap();
            prop_assume!(!filter.is_listed());
            prop_assert_eq!(distance(&mistyped, &filter.nearest_listed()), 1);
        }
    }
}
