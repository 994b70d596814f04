//! The record of what was done, and by whom.

use std::{fmt, sync::Arc};

use crate::authorize::Access;

/// An action of an operator, for the application's own record.
///
/// [`Display`](fmt::Display) is one line.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Action<'a> {
    /// What it is.
    pub kind: ActionKind,
    /// Who has done it, as [`Access::full`] named them.
    pub who: Option<&'a str>,
    /// Which entries were meant, in words.
    pub selection: &'a str,
    /// The reason that was given.
    pub reason: Option<&'a str>,
    /// How many entries were selected.
    pub selected: usize,
    /// How many were changed.
    pub done: usize,
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
}

impl fmt::Display for Action<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, done, .. } = self;
        write!(f, "{kind} by {:?}", self.who.unwrap_or("somebody"))?;
        if !self.selection.is_empty() {
            write!(f, " of {}: {done} of {}", self.selection, self.selected)?;
        }
        if let Some(reason) = self.reason {
            write!(f, ", since {reason:?}")?;
        }
        match self.result {
            ActionResult::Completed => Ok(()),
            ActionResult::Failed(why) => write!(f, ", failed: {why:?}"),
            ActionResult::Interrupted => f.write_str(", interrupted"),
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
    failed: Option<String>,
    is_complete: bool,
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
            failed: None,
            is_complete: false,
        }
    }

    pub(crate) fn completed(&mut self) {
        self.is_complete = true;
    }

    pub(crate) fn failed(&mut self, why: &impl ToString) {
        self.failed = Some(why.to_string());
    }
}

impl Drop for Audit<'_> {
    fn drop(&mut self) {
        let result = match &self.failed {
            Some(why) => ActionResult::Failed(why),
            None if self.is_complete => ActionResult::Completed,
            None => ActionResult::Interrupted,
        };
        let action = Action {
            kind: self.kind,
            who: self.who,
            selection: &self.selection,
            reason: self.reason,
            selected: self.selected,
            done: self.done,
            result,
        };
        let (kind, who) = (action.kind.as_str(), action.who);
        let (selected, done) = (action.selected, action.done);
        if result == ActionResult::Completed {
            tracing::info!(target: TARGET, action = kind, who, selected, done, "{action}");
        } else {
            tracing::warn!(target: TARGET, action = kind, who, selected, done, "{action}");
        }
        if let Some(hook) = self.hook {
            hook(&action);
        }
    }
}

/// A request that was refused. Anybody can send some, so those that read are for debugging.
pub(crate) fn refused(is_action: bool, who: Option<&str>, why: &str) {
    if is_action {
        tracing::info!(target: TARGET, who, why, "an action was refused");
    } else {
        tracing::debug!(target: TARGET, who, why, "a request was refused");
    }
}
