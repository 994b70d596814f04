//! Reads a value as a type that it does not quite fit.
//!
//! A value of another kind than its field's is taken out, and the rest is read: see
//! [`deserializer`] for how they are found. Each pass costs as much as the value is long, and there
//! are few: one finds all values of a wrong kind, and each further one takes out another value that
//! only its own type could refuse. After some of those, whole members of the object go, and in the
//! end the object does not fit.
//!
//! `serde_path_to_error` tells where the first error is and no more: each wrong value would take a
//! pass, and a text for a number would be taken out. Its paths are made for reading, so that a name
//! with a dot in it leads elsewhere.

mod deserializer;
mod error;
mod number;
mod pass;

use std::collections::HashSet;

use serde::de::DeserializeOwned;
use serde_json::Value;

use self::{
    deserializer::Fit,
    error::Error,
    pass::{Findings, Gone, Node, Pass, Taken},
};
pub(super) use self::{
    number::whole_in_text,
    pass::{Place, push_name},
};
use super::unfit::{Unfit, shown};
use crate::report::MalformedReason;

/// So many passes look for single values in any case, and more of them until they have read so many
/// values, fewer than a single body of 1 MiB can have; those behind them take whole members out.
const PASSES: usize = 32;
const VALUES: usize = 1 << 18;

/// What was read, and the places of the values that were not.
pub(super) struct Fitted<T> {
    pub(super) read: T,
    pub(super) unfit: Vec<Place>,
}

/// Reads `json`, whose path is `base`, leniently. `supply` may stand in for missing members.
///
/// # Errors
///
/// The reason, if it does not fit without something that it needs.
pub(super) fn places<T: DeserializeOwned>(
    json: &Value,
    base: &str,
    supply: impl Fn(&str) -> Option<Value>,
) -> Result<Fitted<T>, MalformedReason> {
    let mut taken = Taken::default();
    let mut supplied = Vec::new();
    // A value without which nothing can be read, if it was one of a wrong kind.
    let mut culprit = None;
    let (mut passes, mut values, mut passes_over_members) = (0, 0, 0);
    while passes_over_members < PASSES {
        let whole_members = passes >= PASSES && values >= VALUES || taken.is_full();
        passes += 1;
        passes_over_members += usize::from(whole_members);
        let state = Pass::new(base, &taken, &supplied, whole_members);
        let read = T::deserialize(Fit::new(&Node::root(json), &state));
        let Findings {
            found,
            aside,
            failure,
            visited,
        } = state.findings();
        values += visited;
        if !found.is_empty() {
            for (address, place) in found {
                taken.insert(address, place);
            }
            continue;
        }
        match (read, failure) {
            (Ok(read), _) => {
                let places = taken.places.into_iter().map(|(_, place)| place);
                return Ok(Fitted {
                    read,
                    unfit: outermost(places.chain(aside).collect(), base),
                });
            }
            (Err(Error::Recorded), Some(failure)) => match failure.missing {
                Some(member) => {
                    taken.gone.insert(member, Gone::AsNull);
                }
                None => taken.insert(failure.address, failure.place),
            },
            (Err(Error::Missing(field)), _) => {
                let is_new = supplied.iter().all(|(name, _)| *name != field);
                let own = json.get(field).map(std::ptr::from_ref);
                let gone = own.and_then(|own| taken.gone.get_mut(&own));
                if let Some(value) = supply(field).filter(|_| is_new) {
                    supplied.push((field, Box::new(value)));
                } else if let Some(gone) = gone.filter(|gone| **gone == Gone::LeftOut) {
                    *gone = Gone::AsNull;
                    culprit = own;
                } else {
                    return Err(MalformedReason::MissingField {
                        field: field.to_owned(),
                        path: shown(base),
                    });
                }
            }
            (Err(Error::Unfit(expected)), _) => {
                let culprit = taken
                    .places
                    .into_iter()
                    .find(|(address, _)| Some(*address) == culprit);
                let place = culprit.map_or_else(
                    || Place {
                        path: base.to_owned(),
                        expected,
                    },
                    |(_, place)| place,
                );
                return Err(unfit_value(&place));
            }
            (Err(Error::Recorded), None) => break,
        }
    }
    Err(unfit_value(&Place {
        path: base.to_owned(),
        expected: error::OTHER.into(),
    }))
}

/// Reads a value leniently, as [`places`], and takes the wrong ones out of it.
///
/// # Errors
///
/// The reason, if it does not fit; then it is left as it was.
pub(super) fn take<T: DeserializeOwned>(
    json: &mut Value,
    base: &str,
    supply: impl Fn(&str) -> Option<Value>,
) -> Result<(T, Vec<Unfit>), MalformedReason> {
    let Fitted { read, unfit } = places(json, base, supply)?;
    let take = |Place { path, expected }| {
        let value = json.pointer_mut(path.get(base.len()..)?)?.take();
        Some(Unfit::new(path, expected, value))
    };
    Ok((read, unfit.into_iter().filter_map(take).collect()))
}

fn unfit_value(place: &Place) -> MalformedReason {
    MalformedReason::UnfitValue {
        path: shown(&place.path),
        expected: place.expected.clone().into_owned(),
    }
}

/// Without those inside others.
fn outermost(places: Vec<Place>, base: &str) -> Vec<Place> {
    let paths: HashSet<&str> = places.iter().map(|place| &*place.path).collect();
    let is_inner = |path: &str| {
        let below = path.get(base.len()..).unwrap_or_default();
        let slashes = below.match_indices('/').map(|(at, _)| base.len() + at);
        slashes
            .skip(1)
            .any(|end| path.get(..end).is_some_and(|outer| paths.contains(outer)))
    };
    let keep: Vec<bool> = places.iter().map(|place| !is_inner(&place.path)).collect();
    let kept = places.into_iter().zip(keep);
    kept.filter_map(|(place, keep)| keep.then_some(place))
        .collect()
}
