//! The values of the labels `trigger`, `attempt` and `status`: a fixed set, so that requests cannot
//! create series.

use std::borrow::Cow;

use http::StatusCode;

use crate::{
    notification::{Head, Kind},
    report::Report,
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

    pub(super) fn of(number: Option<u32>) -> Self {
        match number {
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

/// What Nylas sees of a verified notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answer(Option<StatusCode>);

impl Answer {
    /// The statuses from 400, which may be the application's own.
    const REFUSALS: usize = 100;

    pub(super) const COUNT: usize = Self::REFUSALS + 4;

    pub(super) fn of(report: &Report<'_>) -> Self {
        Self(report.status())
    }

    pub(super) fn index(self) -> usize {
        match self.0.map(|status| usize::from(status.as_u16())) {
            Some(status @ 400..500) => status - 400,
            Some(200) => Self::REFUSALS,
            Some(503) => Self::REFUSALS + 1,
            None => Self::REFUSALS + 2,
            Some(_) => Self::REFUSALS + 3,
        }
    }

    pub(super) fn label(self) -> String {
        match self.0 {
            Some(status) => status.as_str().to_owned(),
            None => "none".to_owned(),
        }
    }
}
