//! Structs that Nylas may extend at any time.

use serde::{
    Deserialize, Deserializer,
    de::{Error, Unexpected},
};

use super::{KeyValues, List};

/// Whether a field was missing (or `null`), so that it is left out again when the struct is
/// serialised.
pub(crate) trait Absent {
    /// A field that is always there keeps this answer.
    fn is_absent(&self) -> bool {
        false
    }
}

impl Absent for String {}
impl Absent for i64 {}

impl<T> Absent for Option<T> {
    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T> Absent for List<T> {
    fn is_absent(&self) -> bool {
        List::is_absent(self)
    }
}

impl Absent for KeyValues {
    fn is_absent(&self) -> bool {
        KeyValues::is_absent(self)
    }
}

/// The id of a grant. An empty one is none.
pub(crate) fn grant_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let grant_id = String::deserialize(deserializer)?;
    if grant_id.is_empty() {
        return Err(D::Error::invalid_value(
            Unexpected::Str(""),
            &"the id of a grant",
        ));
    }
    Ok(grant_id)
}

/// Declares the struct of a JSON object: serde in both directions, open for further fields, nothing
/// lost on the way.
///
/// A field's type says whether it may be missing: `Option`, [`List`] and [`KeyValues`] may (or be
/// `null`), anything else must be there. `pub struct X or null` also reads a JSON `null`, as its
/// `Default`; it takes the name `Fields` in its module.
macro_rules! open_struct {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)*
        }
    ) => {
        $crate::notification::object::open_struct! {
            @declare []
            $(#[$meta])*
            pub struct $name { $($(#[$field_meta])* pub $field: $type,)* }
        }
    };
    (
        $(#[$meta:meta])*
        pub struct $name:ident or null {
            $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)*
        }
    ) => {
        $crate::notification::object::open_struct! {
            @declare [#[serde(from = "Option<Fields>")]]
            $(#[$meta])*
            pub struct $name { $($(#[$field_meta])* pub $field: $type,)* }
        }

        #[derive(serde::Deserialize)]
        struct Fields {
            $($field: $type,)*
            #[serde(flatten)]
            extra: serde_json::Map<String, serde_json::Value>,
        }

        impl From<Option<Fields>> for $name {
            fn from(fields: Option<Fields>) -> Self {
                fields.map_or_else(Self::default, |fields| Self {
                    $($field: fields.$field,)*
                    extra: fields.extra,
                })
            }
        }
    };
    (
        @declare [$(#[$container:meta])*]
        $(#[$meta:meta])*
        pub struct $name:ident {
            $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
        $(#[$container])*
        #[non_exhaustive]
        pub struct $name {
            $(
                $(#[$field_meta])*
                #[serde(skip_serializing_if = "crate::notification::object::open_struct::Absent::is_absent")]
                pub $field: $type,
            )*
            /// Every field that this version of the crate has no name for, as it came.
            #[serde(flatten)]
            pub extra: serde_json::Map<String, serde_json::Value>,
        }

        impl $crate::notification::object::open_struct::Absent for $name {}
    };
}

pub(crate) use open_struct;
