//! Enumerations that Nylas may extend at any time.

/// Declares an enum over text: the known values by name, any other one kept as it is.
macro_rules! open_enum {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $($(#[$variant_meta:meta])* $variant:ident = $text:literal,)+
        }
    ) => {
        $(#[$meta])*
        ///
        /// Nylas may add values at any time: one that has no name here is kept in `Other`.
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $(
                #[doc = concat!("`", $text, "`")]
                $(#[$variant_meta])*
                $variant,
            )+
            /// A value that this version of the crate has no name for.
            Other(String),
        }

        impl $name {
            /// The text on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other(text) => text,
                }
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                match text.as_str() {
                    $($text => Self::$variant,)+
                    _ => Self::Other(text),
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::from(text.to_owned())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <String as serde::Deserialize>::deserialize(deserializer).map(Self::from)
            }
        }
    };
}

pub(crate) use open_enum;

#[cfg(test)]
mod tests {
    use crate::notification::object::event::EventStatus;

    #[test]
    fn names_the_known_and_keeps_the_unknown() {
        for (json, status) in [
            ("\"tentative\"", EventStatus::Tentative),
            ("\"postponed\"", EventStatus::Other("postponed".into())),
        ] {
            assert_eq!(serde_json::from_str::<EventStatus>(json).unwrap(), status);
            assert_eq!(serde_json::to_string(&status).unwrap(), json);
        }
        assert_eq!(EventStatus::from("cancelled"), EventStatus::Cancelled);
        // Another case is another value: it must come back as it was.
        assert_eq!(EventStatus::from("Cancelled").to_string(), "Cancelled");
    }
}
