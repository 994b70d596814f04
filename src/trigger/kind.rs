//! The names that Nylas documents.

use std::fmt;

use super::table::with_triggers;

macro_rules! kinds {
    ($(
        $object:ident $(also [$($also:literal)+])? {
            $($variant:ident = $name:literal [$($form:literal)*])+
        }
    )+) => {
        /// What happened: a trigger's name without its automatic suffixes.
        ///
        /// The variants are the 54 documented notification types
        /// ([source](https://developer.nylas.com/docs/reference/notifications/)), and
        /// `contact.created`, which some of Nylas' own clients list, but which has no schema in v3.
        /// Any other name is kept as [`TriggerKind::Unknown`], since Nylas adds new ones all the
        /// time.
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum TriggerKind {
            $($(
                #[doc = concat!("`", $name, "`")]
                $variant,
            )+)+
            /// A name that this version of the crate does not know, as it was sent.
            Unknown(Box<str>),
        }

        /// The variants without `Unknown`, which may be cast to their position.
        enum Known {
            $($($variant,)+)+
        }

        impl TriggerKind {
            /// Every name that this version of the crate knows; those with the same type of
            /// object stand together.
            pub const KNOWN: &[Self] = &[$($(Self::$variant,)+)+];

            /// The name as Nylas writes it.
            pub fn as_str(&self) -> &str {
                match self {
                    $($(Self::$variant => $name,)+)+
                    Self::Unknown(name) => name,
                }
            }

            /// The kind of this name, unless it is unknown.
            pub(crate) fn known(name: &str) -> Option<Self> {
                match name {
                    $($($name => Some(Self::$variant),)+)+
                    _ => None,
                }
            }

            /// Whether Nylas publishes its schema; those without a sample are listed elsewhere.
            #[cfg(feature = "router")]
            pub(crate) fn is_documented(&self) -> bool {
                match self {
                    $($(Self::$variant => {
                        const FORMS: &[&str] = &[$($form),*];
                        !FORMS.is_empty()
                    })+)+
                    Self::Unknown(_) => false,
                }
            }

            /// Its position in [`KNOWN`](Self::KNOWN), for tables with an entry for each kind.
            pub(crate) fn index(&self) -> Option<usize> {
                match self {
                    $($(Self::$variant => Some(Known::$variant as usize),)+)+
                    Self::Unknown(_) => None,
                }
            }
        }
    };
}

with_triggers!(kinds);

impl TriggerKind {
    /// Whether this name was known when this version of the crate was made.
    pub fn is_known(&self) -> bool {
        self.index().is_some()
    }
}

impl From<&str> for TriggerKind {
    fn from(name: &str) -> Self {
        Self::known(name).unwrap_or_else(|| Self::Unknown(name.into()))
    }
}

impl fmt::Display for TriggerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
