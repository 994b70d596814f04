//! What a notification can be read as.

use std::any::TypeId;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, value::RawValue};

use super::{
    fit,
    object::{self, Object},
    unfit::Unfit,
    wire::Wire,
};
use crate::report::MalformedReason;

/// What the `data.object` of a notification is read as: any type that implements
/// [`serde::Deserialize`] without borrowing, and [`Object`].
pub trait Payload: Sized + Send + 'static {
    #[doc(hidden)]
    fn read(json: &[u8]) -> serde_json::Result<Wire<Self>>;

    /// Reads an object that a reading of the whole body has failed on.
    #[doc(hidden)]
    fn reread(object: UnfitObject<'_>) -> Result<(Self, Vec<Unfit>), MalformedReason>;

    /// Whether every JSON value is one.
    #[doc(hidden)]
    fn is_any() -> bool;
}

/// An object that does not fit its type at once.
#[doc(hidden)]
#[derive(Debug)]
pub struct UnfitObject<'a> {
    /// The trigger without its automatic suffixes.
    pub(super) stem: &'a str,
    /// `null` if there is none.
    pub(super) json: Value,
    /// The `grant_id` beside it.
    pub(super) grant_id: Option<&'a str>,
}

impl UnfitObject<'_> {
    /// Reads it leniently. If it does not fit, it stays as it was.
    pub(super) fn take<T>(&mut self) -> Result<(T, Vec<Unfit>), MalformedReason>
    where
        T: DeserializeOwned + 'static,
    {
        let is_own = object::models::<T>(self.stem).is_some();
        let grant_id = self.grant_id;
        fit::take(&mut self.json, OBJECT, |field| match field {
            "grant_id" => grant_id.map(Value::from),
            // Parts of types of this crate, without ids.
            "booking_info" | "bounce" | "complaint" | "delivered" if is_own => {
                Some(Value::Object(Map::new()))
            }
            _ => None,
        })
    }
}

/// Where the object stands in the body.
pub(super) const OBJECT: &str = "/data/object";

impl<T: DeserializeOwned + Send + 'static> Payload for T {
    fn read(json: &[u8]) -> serde_json::Result<Wire<Self>> {
        serde_json::from_slice(json)
    }

    fn reread(mut object: UnfitObject<'_>) -> Result<(Self, Vec<Unfit>), MalformedReason> {
        object.take()
    }

    fn is_any() -> bool {
        TypeId::of::<T>() == TypeId::of::<Value>()
    }
}

/// Reads the type that belongs to the trigger, which may come after the object.
impl Payload for Object {
    fn read(json: &[u8]) -> serde_json::Result<Wire<Self>> {
        let wire: Wire<Option<Box<RawValue>>> = serde_json::from_slice(json)?;
        let raw = wire.data.object.as_deref().map_or("null", RawValue::get);
        let object = Self::parse(wire.trigger.kind().as_str(), raw)?;
        let (_, wire) = wire.replace(object);
        Ok(wire)
    }

    fn reread(object: UnfitObject<'_>) -> Result<(Self, Vec<Unfit>), MalformedReason> {
        Ok(Self::reread(object))
    }

    fn is_any() -> bool {
        true
    }
}
