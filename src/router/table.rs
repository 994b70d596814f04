//! Which route receives a trigger.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

use crate::trigger::{Filter, Pattern, Suffix};

/// Routes by filter, arranged so that finding one takes a single look into a hash map in the usual
/// case, and no allocation in any.
#[derive(Clone)]
pub(super) struct Table<T> {
    names: HashMap<Box<str>, Forms<T>, BuildHasherDefault<Fnv>>,
    /// Prefixes with their last dot, the longest first.
    families: Vec<(Box<str>, T)>,
}

/// FNV-1a. The names come from verified bodies and the keys from the program, so nobody can make
/// them collide on purpose, and the standard library's guard against that costs more than twice as
/// much (233 instructions for a name instead of 94).
#[derive(Clone)]
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The routes for one name: for itself, and for its automatic forms alone.
#[derive(Clone)]
struct Forms<T> {
    plain: Option<T>,
    truncated: Option<T>,
    transformed: Option<T>,
    both: Option<T>,
}

impl<T> Forms<T> {
    fn slot(&mut self, suffix: Suffix) -> &mut Option<T> {
        match (suffix.is_transformed(), suffix.is_truncated()) {
            (false, false) => &mut self.plain,
            (false, true) => &mut self.truncated,
            (true, false) => &mut self.transformed,
            (true, true) => &mut self.both,
        }
    }

    fn iter(&self) -> impl Iterator<Item = (Suffix, &T)> {
        let slots = [
            (Suffix::None, &self.plain),
            (Suffix::Truncated, &self.truncated),
            (Suffix::Transformed, &self.transformed),
            (Suffix::TransformedTruncated, &self.both),
        ];
        let slots = slots.into_iter();
        slots.filter_map(|(suffix, slot)| Some((suffix, slot.as_ref()?)))
    }

    /// The most specific route for a name with this suffix.
    fn find(&self, suffix: Suffix) -> Option<&T> {
        let truncated = self.truncated.as_ref().filter(|_| suffix.is_truncated());
        let transformed = self
            .transformed
            .as_ref()
            .filter(|_| suffix.is_transformed());
        let both = self
            .both
            .as_ref()
            .filter(|_| suffix.is_truncated() && suffix.is_transformed());
        both.or(truncated).or(transformed).or(self.plain.as_ref())
    }
}

impl<T> Table<T> {
    pub(super) fn new() -> Self {
        Self {
            names: HashMap::default(),
            families: Vec::new(),
        }
    }

    /// Adds a route, unless one with the same filter is there: then that one is returned.
    pub(super) fn insert(&mut self, filter: &Filter, route: T) -> Option<&T> {
        match filter.pattern() {
            Pattern::Name { stem, suffix } => {
                let forms = self.names.entry(stem.clone()).or_insert_with(|| Forms {
                    plain: None,
                    truncated: None,
                    transformed: None,
                    both: None,
                });
                let slot = forms.slot(*suffix);
                if slot.is_none() {
                    *slot = Some(route);
                    return None;
                }
                slot.as_ref()
            }
            Pattern::Family(prefix) => {
                if let Some(at) = self.families.iter().position(|(other, _)| other == prefix) {
                    return self.families.get(at).map(|(_, route)| route);
                }
                let longer = |(other, _): &(Box<str>, T)| other.len() > prefix.len();
                let at = self.families.partition_point(longer);
                self.families.insert(at, (prefix.clone(), route));
                None
            }
        }
    }

    /// All routes with their filters, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Filter, &T)> {
        let names = self.names.iter().flat_map(|(stem, forms)| {
            let named = move |suffix| Pattern::Name {
                stem: stem.clone(),
                suffix,
            };
            forms
                .iter()
                .map(move |(suffix, route)| (named(suffix), route))
        });
        let families = self.families.iter();
        let families = families.map(|(prefix, route)| (Pattern::Family(prefix.clone()), route));
        let all = names.chain(families);
        all.map(|(pattern, route)| (Filter::from(pattern), route))
    }

    /// The route for a trigger's name: its own; for `.metadata` that of its base; then that of the
    /// longest family.
    pub(super) fn find(&self, name: &str) -> Option<&T> {
        let (stem, suffix) = Suffix::split(name);
        let named = |stem: &str| self.names.get(stem)?.find(suffix);
        named(stem)
            .or_else(|| named(stem.strip_suffix(".metadata")?))
            .or_else(|| {
                let mut families = self.families.iter();
                let (_, route) = families.find(|(prefix, _)| name.starts_with(&**prefix))?;
                Some(route)
            })
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::subsequence};

    use super::*;
    use crate::trigger::Trigger;

    fn table(filters: &[&'static str]) -> Table<&'static str> {
        let mut table = Table::new();
        for text in filters {
            assert_eq!(table.insert(&text.parse().unwrap(), *text), None);
        }
        table
    }

    #[test]
    fn the_most_specific_filter_wins() {
        let table = table(&[
            "message.*",
            "message.created",
            "message.created.truncated",
            "message.created.cleaned",
            "message.intelligence.*",
            "message.updated.metadata",
            "message.updated",
        ]);
        for (name, filter) in [
            ("message.created", Some("message.created")),
            (
                "message.created.truncated",
                Some("message.created.truncated"),
            ),
            ("message.created.transformed", Some("message.created")),
            (
                "message.created.transformed.truncated",
                Some("message.created.truncated"),
            ),
            (
                "message.created.truncated.transformed",
                Some("message.created.truncated"),
            ),
            ("message.created.metadata", Some("message.created")),
            (
                "message.created.metadata.truncated",
                Some("message.created.truncated"),
            ),
            ("message.updated.metadata", Some("message.updated.metadata")),
            ("message.created.cleaned", Some("message.created.cleaned")),
            (
                "message.created.cleaned.transformed.truncated",
                Some("message.created.cleaned"),
            ),
            ("message.created.legacy", Some("message.*")),
            ("message.created.unheard_of", Some("message.*")),
            ("message.opened.legacy", Some("message.*")),
            ("message.intelligence.order", Some("message.intelligence.*")),
            ("message.truncated", Some("message.*")),
            ("messages.created", None),
            ("message", None),
            ("", None),
        ] {
            assert_eq!(table.find(name).copied(), filter, "{name}");
        }
    }

    #[test]
    fn the_same_filter_twice_is_noticed_in_any_spelling() {
        let mut table = table(&["message.created.transformed.truncated", "event.*"]);
        for again in ["message.created.truncated.transformed", "event.*"] {
            assert!(
                table.insert(&again.parse().unwrap(), "again").is_some(),
                "{again}"
            );
        }
    }

    const FILTERS: [&str; 10] = [
        "a.b",
        "a.b.truncated",
        "a.b.transformed",
        "a.b.transformed.truncated",
        "a.b.metadata",
        "a.b.cleaned",
        "a.b.*",
        "a.*",
        "b.*",
        "a.b.metadata.truncated",
    ];

    proptest! {
        /// The table finds a route exactly when some filter says that it matches, and a matching
        /// one.
        #[test]
        fn agrees_with_the_filters(
            filters in subsequence(FILTERS.to_vec(), 0..FILTERS.len()),
            name in "(a|b)(\\.(a|b|cleaned|metadata|legacy)){0,3}(\\.(transformed|truncated)){0,3}",
        ) {
            let found = table(&filters).find(&name).copied();
            let trigger = Trigger::from(&*name);
            let matching: Vec<_> = filters
                .iter()
                .copied()
                .filter(|text| text.parse::<Filter>().unwrap().matches(&trigger))
                .collect();
            let mut listed: Vec<_> = table(&filters)
                .iter()
                .map(|(filter, text)| (filter.to_string(), *text))
                .collect();
            listed.sort();
            let mut expected: Vec<_> = filters.iter().map(|text| ((*text).to_owned(), *text)).collect();
            expected.sort();
            prop_assert_eq!(listed, expected);
            match found {
                Some(filter) => prop_assert!(matching.contains(&filter), "{name} -> {filter}"),
                None => prop_assert!(matching.is_empty(), "{name} -> {matching:?}"),
            }
        }
    }
}
