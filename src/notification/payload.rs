//! What a notification can be read as.

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::{object::Object, wire::Wire};

/// What the `data.object` of a notification is read as: any type that implements
/// [`serde::Deserialize`] without borrowing, and [`Object`].
pub trait Payload: Sized + Send + 'static {
    #[doc(hidden)]
    fn read(json: &[u8]) -> serde_json::Result<Wire<Self>>;
}

impl<T: DeserializeOwned + Send + 'static> Payload for T {
    fn read(json: &[u8]) -> serde_json::Result<Wire<Self>> {
        serde_json::from_slice(json)
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
}
