//! Notifications of Nylas API v2.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    fit,
    object::{List, delta::Delta},
    reader::RawValue,
    reread::{members, repaired, values},
    unfit::Unfit,
};
use crate::report::MalformedReason;

/// A notification of Nylas API v2: a list of deltas, of different types, without an envelope.
///
/// Nylas switched v2 off in January 2025, so this serves archives of old notifications. They are
/// signed as in v3, but with the application's client secret as the key, one for all webhooks. v3
/// still sends single deltas in its `.legacy` triggers, see
/// [`LegacyTracking`](super::object::LegacyTracking).
///
/// A handler of them is routed by [`TriggerRouter::on_deltas`](crate::TriggerRouter::on_deltas).
///
/// Source: [Webhook schemas of
/// v2](https://developer.nylas.com/docs/v2/developer-guide-v2/webhooks/webhook-schemas/).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Deltas {
    /// What happened.
    #[serde(skip_serializing_if = "List::is_absent")]
    pub deltas: List<Delta>,
    /// Every field that this version of the crate has no name for, as it came.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
    #[serde(skip)]
    unfit: Vec<Unfit>,
}

impl Deltas {
    /// Reads a request body. Verify its signature first, over these very bytes.
    ///
    /// What does not fit is read leniently, each delta by itself, as the
    /// [module](crate::notification#what-does-not-fit) says.
    ///
    /// # Errors
    ///
    /// When the body is no JSON object, or what it has for `deltas` is no list and no delta.
    pub fn from_slice(body: &[u8]) -> Result<Self, MalformedReason> {
        serde_json::from_slice(body).or_else(|_| Self::reread(body))
    }

    /// The values that did not fit their fields and are not in the deltas, and why.
    pub fn unfit(&self) -> &[Unfit] {
        &self.unfit
    }

    #[cold]
    fn reread(body: &[u8]) -> Result<Self, MalformedReason> {
        let json = repaired(body)?;
        let mut unfit = Vec::new();
        let Some(mut members) = members(&json, "", &["deltas"], &mut unfit) else {
            return Err(unfit_value("", "an object"));
        };
        let deltas = members.remove("deltas").and_then(RawValue::value);
        let mut read = |mut json: Value, path: String| {
            match fit::take(&mut json, &path, |_| None) {
                Ok((delta, inside)) => {
                    unfit.extend(inside);
                    return Some(delta);
                }
                Err(_) => unfit.push(Unfit::new(path, "a delta".into(), json)),
            }
            None
        };
        let deltas: Option<Vec<Delta>> = match deltas {
            None | Some(Value::Null) => None,
            Some(Value::Array(deltas)) => {
                let numbered = deltas.into_iter().enumerate();
                let read = numbered.filter_map(|(at, json)| read(json, format!("/deltas/{at}")));
                Some(read.collect())
            }
            Some(json) => match read(json, "/deltas".to_owned()) {
                Some(delta) => Some(vec![delta]),
                None => return Err(unfit_value("/deltas", "a list")),
            },
        };
        Ok(Self {
            deltas: deltas.map(List::from).unwrap_or_default(),
            extra: values(members),
            unfit,
        })
    }
}

fn unfit_value(path: &str, expected: &str) -> MalformedReason {
    MalformedReason::UnfitValue {
        path: path.to_owned(),
        expected: expected.to_owned(),
    }
}
