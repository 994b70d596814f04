//! The values of the labels `trigger` and `attempt`: a fixed set, so that requests cannot create
//! series.

use std::borrow::Cow;

use crate::{
    notification::{Head, Kind},
    trigger::{Suffix, TriggerKind},
};

/// A documented name with its automatic suffixes, or one of four words for everything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Series(usize);

const WORDS: [&str; 4] = ["none", "deltas", "malformed", "unknown"];

impl Series {
    /// No name was read, or it must not be shown.
    pub(super) const NONE: Self = Self(0);
    const DELTAS: Self = Self(1);
    const MALFORMED: Self = Self(2);
    const UNKNOWN: Self = Self(3);

    pub(super) const COUNT: usize = WORDS.len() + TriggerKind::KNOWN.len() * Suffix::ALL.len();

    pub(super) fn of(head: Option<&Head<'_>>) -> Self {
        let name = match head.map(|head| &head.kind) {
            None => return Self::NONE,
            Some(Kind::Deltas) => return Self::DELTAS,
            Some(Kind::Malformed(_)) => return Self::MALFORMED,
            Some(Kind::Trigger(name)) => name,
        };
        let (stem, suffix) = Suffix::split(name);
        match TriggerKind::known(stem).and_then(|kind| kind.index()) {
            Some(kind) => Self(WORDS.len() + kind * Suffix::ALL.len() + suffix as usize),
            None => Self::UNKNOWN,
        }
    }

    pub(super) fn index(self) -> usize {
        self.0
    }

    pub(super) fn label(self) -> Cow<'static, str> {
        let Some(form) = self.0.checked_sub(WORDS.len()) else {
            return WORDS[self.0].into();
        };
        let kind = TriggerKind::KNOWN[form / Suffix::ALL.len()].as_str();
        match Suffix::ALL[form % Suffix::ALL.len()] {
            Suffix::None => kind.into(),
            suffix => Cow::Owned([kind, suffix.as_str()].concat()),
        }
    }
}

/// Which attempt to deliver a notification it is. Nylas makes three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempt {
    None,
    First,
    Second,
    Third,
    Other,
}

impl Attempt {
    pub(super) const COUNT: usize = 5;

    pub(super) fn of(head: Option<&Head<'_>>) -> Self {
        match head.and_then(Head::attempt) {
            None => Self::None,
            Some(1) => Self::First,
            Some(2) => Self::Second,
            Some(3) => Self::Third,
            Some(_) => Self::Other,
        }
    }

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::First => "1",
            Self::Second => "2",
            Self::Third => "3",
            Self::Other => "other",
        }
    }
}
