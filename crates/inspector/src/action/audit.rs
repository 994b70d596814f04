//! The record of what was done, and by whom.

use std::{fmt, sync::Arc};

use crate::authorize::Access;

/// An action of an operator, or of somebody who was refused it, for the application's own record.
///
/// [`Display`](fmt::Display) is one line.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Action<'a> {
    /// What it is; `None` if it was refused before that was read, or is none of them.
    pub kind: Option<ActionKind>,
    /// Who has asked for it, as [`Access`] named them; `None` for somebody without a name, and for
    /// whoever may not even see the pages.
    pub who: Option<&'a str>,
    /// Which entries were meant, in words; empty if it was refused before that was read.
    pub selection: &'a str,
    /// The reason that was given.
    pub reason: Option<&'a str>,
    /// How many entries were selected.
    pub selected: usize,
    /// How many were changed.
    pub done: usize,
    /// Whether more may have been meant than [one action changes](crate::Builder::most_changed),
    /// which it left as they are.
    pub is_cut: bool,
    /// How it ended.
    pub result: ActionResult<'a>,
}

/// What an operator can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ActionKind {
    /// Entries are handled again.
    Replay,
    /// Dead entries are deleted.
    Discard,
    /// All entries of a grant are deleted.
    Purge,
    /// Workers claim nothing any more.
    Pause,
    /// Workers claim again.
    Resume,
}

impl ActionKind {
    pub(super) const ALL: [Self; 5] = [
        Self::Replay,
        Self::Discard,
        Self::Purge,
        Self::Pause,
        Self::Resume,
    ];

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// `replay`, `discard`, `purge`, `pause` or `resume`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Replay => "replay",
            Self::Discard => "discard",
            Self::Purge => "purge",
            Self::Pause => "pause",
            Self::Resume => "resume",
        }
    }
}

impl fmt::Display for ActionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How an action ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ActionResult<'a> {
    /// As it should.
    Completed,
    /// The engine failed with this text.
    Failed(&'a str),
    /// The client disconnected before it was complete. The engine may have done more than is
    /// counted.
    Interrupted,
    /// Nothing was done, for this reason: who asked may not do it, the request came from elsewhere,
    /// it was not confirmed, or its form is not understood.
    Refused(&'a str),
}

impl<'a> Action<'a> {
    /// One that was refused before it was read.
    pub(crate) fn refused(who: Option<&'a str>, why: &'a str) -> Self {
        Self {
            kind: None,
            who,
            selection: "",
            reason: None,
            selected: 0,
            done: 0,
            is_cut: false,
            result: ActionResult::Refused(why),
        }
    }
}

impl fmt::Display for Action<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind.map_or("an action", ActionKind::as_str);
        write!(f, "{kind} by {:?}", self.who.unwrap_or("somebody"))?;
        if !self.selection.is_empty() {
            write!(f, " of {}", self.selection)?;
            if !matches!(self.result, ActionResult::Refused(_)) {
                write!(f, ": {} of {}", self.done, self.selected)?;
            }
        }
        if self.is_cut {
            f.write_str(", and there may be more")?;
        }
        if let Some(reason) = self.reason {
            write!(f, ", since {reason:?}")?;
        }
        match self.result {
            ActionResult::Completed => Ok(()),
            ActionResult::Failed(why) => write!(f, ", failed: {why:?}"),
            ActionResult::Interrupted => f.write_str(", interrupted"),
            ActionResult::Refused(why) => write!(f, ", refused: {why:?}"),
        }
    }
}

pub(crate) type Hook = Arc<dyn Fn(&Action<'_>) + Send + Sync>;

const TARGET: &str = "tower_nylas_inspector";

/// Records an action at its end, also if its future is dropped.
pub(crate) struct Audit<'a> {
    hook: Option<&'a Hook>,
    kind: ActionKind,
    who: Option<&'a str>,
    selection: String,
    reason: Option<&'a str>,
    pub(crate) selected: usize,
    pub(crate) done: usize,
    pub(crate) is_cut: bool,
    end: End,
}

/// How it has ended, if it has.
enum End {
    None,
    Completed,
    Failed(String),
    Refused(&'static str),
}

impl<'a> Audit<'a> {
    /// Says that it begins: the process may die before its end.
    pub(crate) fn begin(
        hook: Option<&'a Hook>,
        kind: ActionKind,
        access: &'a Access,
        selection: String,
        reason: Option<&'a str>,
    ) -> Self {
        let who = access.who.as_deref();
        tracing::info!(target: TARGET, action = kind.as_str(), who, selection, reason, "begins");
        Self {
            hook,
            kind,
            who,
            selection,
            reason,
            selected: 0,
            done: 0,
            is_cut: false,
            end: End::None,
        }
    }

    pub(crate) fn completed(&mut self) {
        self.end = End::Completed;
    }

    pub(crate) fn failed(&mut self, why: &impl ToString) {
        self.end = End::Failed(why.to_string());
    }

    pub(crate) fn refused(&mut self, why: &'static str) {
        self.end = End::Refused(why);
    }
}

impl Drop for Audit<'_> {
    fn drop(&mut self) {
        let result = match &self.end {
            End::Completed => ActionResult::Completed,
            End::Failed(why) => ActionResult::Failed(why),
            End::Refused(why) => ActionResult::Refused(why),
            End::None => ActionResult::Interrupted,
        };
        let action = Action {
            kind: Some(self.kind),
            who: self.who,
            selection: &self.selection,
            reason: self.reason,
            selected: self.selected,
            done: self.done,
            is_cut: self.is_cut,
            result,
        };
        let (kind, who) = (self.kind.as_str(), action.who);
        let (selected, done) = (action.selected, action.done);
        match result {
            ActionResult::Failed(_) | ActionResult::Interrupted => {
                tracing::warn!(target: TARGET, action = kind, who, selected, done, "{action}");
            }
            _ => tracing::info!(target: TARGET, action = kind, who, selected, done, "{action}"),
        }
        if let Some(hook) = self.hook {
            hook(&action);
        }
    }
}

/// Records an action that was refused before anything was begun.
pub(crate) fn refused(hook: Option<&Hook>, action: &Action<'_>) {
    let kind = action.kind.map(ActionKind::as_str);
    let Action { who, selection, .. } = action;
    if let ActionResult::Refused(why) = action.result {
        tracing::info!(
            target: TARGET, action = kind, who, selection, why, "an action was refused"
        );
    }
    if let Some(hook) = hook {
        hook(action);
    }
}

/// A page that was refused. Anybody can ask for some, so this is for debugging.
pub(crate) fn refused_page(who: Option<&str>, why: &str) {
    tracing::debug!(target: TARGET, who, why, "a request was refused");
}
