//! Which type belongs to which trigger.

use std::any::TypeId;

use serde::Serialize;
use serde_json::Value;

use super::{
    Alert, Booking, BounceDetected, Calendar, Contact, ContactDeleted, Event, EventDeleted, Folder,
    Grant, Intelligence, LegacyTracking, LinkClicked, Message, MessageBounced, MessageComplaint,
    MessageDeleted, MessageDelivered, MessageOpened, MessageRejected, Notetaker, SendResult,
    ThreadReplied,
};
use crate::{
    notification::{Unfit, payload::UnfitObject},
    trigger::with_triggers,
};

macro_rules! objects {
    ($(
        $object:ident $(also [$($also:literal)+])? {
            $($variant:ident = $name:literal [$($form:literal)*])+
        }
    )+) => {
        /// The object of any notification, in the type that belongs to its trigger.
        ///
        /// It has no `Deserialize`: the JSON alone does not tell which type it is, the trigger
        /// does.
        #[derive(Debug, Clone, PartialEq, Serialize)]
        #[serde(untagged)]
        #[non_exhaustive]
        pub enum Object {
            $(
                #[doc = concat!("The object of", $(" `", $name, "`",)+ ".")]
                $object(Box<$object>),
            )+
            /// The object of a trigger that this version of the crate does not know, or one that
            /// lacks its ids, as it came.
            Unknown(Value),
        }

        impl Object {
            /// Which type belongs to which trigger: pairs of the trigger, without `.transformed`
            /// and `.truncated`, and the name of the type.
            pub const TYPES: &'static [(&'static str, &'static str)] = &[
                $($(($name, stringify!($object)),)+)+
            ];

            /// The name of the type inside, `Unknown` for an object without one.
            pub fn type_name(&self) -> &'static str {
                match self {
                    $(Self::$object(_) => stringify!($object),)+
                    Self::Unknown(_) => "Unknown",
                }
            }

            /// Reads the object of a notification whose trigger, without `.transformed` and
            /// `.truncated`, is `stem`.
            pub(crate) fn parse(stem: &str, json: &str) -> serde_json::Result<Self> {
                match stem {
                    $($($name)|+ => serde_json::from_str(json).map(Self::$object),)+
                    _ => serde_json::from_str(json).map(Self::Unknown),
                }
            }

            /// Reads leniently what [`parse`](Self::parse) refused; as it is, if it has no ids.
            pub(crate) fn reread(mut object: UnfitObject<'_>) -> (Self, Vec<Unfit>) {
                let read = match object.stem {
                    $($($name)|+ => object.take().map(|(read, unfit)| {
                        (Self::$object(Box::new(read)), unfit)
                    }).ok(),)+
                    _ => None,
                };
                read.unwrap_or_else(|| (Self::Unknown(object.json), Vec::new()))
            }
        }

        /// Whether `T` can hold the object of the trigger `stem`; `None` when `T` is not a type of
        /// this crate.
        pub(crate) fn models<T: 'static>(stem: &str) -> Option<bool> {
            let asked = TypeId::of::<T>();
            if asked == TypeId::of::<Object>() {
                return Some(true);
            }
            $(
                if asked == TypeId::of::<$object>() {
                    return Some(matches!(stem, $($name)|+ $($(| $also)+)?));
                }
            )+
            None
        }
    };
}

with_triggers!(objects);

/// The table in the documentation of the module.
macro_rules! documentation_table {
    ($(
        $object:ident $(also [$($also:literal)+])? {
            $($variant:ident = $name:literal [$($form:literal)*])+
        }
    )+) => {
        concat!(
            "| Trigger | Type |\n|---|---|\n",
            $($("| `", $name, "` | [`", stringify!($object), "`] |\n",)+)+
        )
    };
}

pub(crate) use documentation_table;
