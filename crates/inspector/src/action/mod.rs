//! What operators do.

mod audit;
mod perform;
mod selection;

pub use self::audit::{Action, ActionKind, ActionResult};
pub(crate) use self::{
    audit::{Hook, refused},
    perform::{Done, Refusal, perform},
    selection::Selection,
};

use crate::params::Params;

/// The longest reason of a discard, in characters.
const LONGEST_REASON: usize = 200;

/// What a form asks for.
#[derive(Debug)]
pub(crate) enum Command {
    Replay(Selection),
    Discard(Selection, String),
    Purge(String),
    Pause,
    Resume,
}

impl Command {
    /// The command; whether it was confirmed.
    pub(crate) fn parse(form: &Params) -> Result<(Self, bool), String> {
        let is_confirmed = form.get("confirm") == Some("1");
        let command = match form.get("action") {
            Some("replay") => Self::Replay(Selection::parse(form)?),
            Some("discard") => Self::Discard(Selection::parse(form)?, reason(form)?),
            Some("purge") => {
                let grant = form.get("grant").ok_or("a grant is needed")?;
                Self::Purge(grant.to_owned())
            }
            Some("pause") => Self::Pause,
            Some("resume") => Self::Resume,
            _ => return Err("there is no such action".to_owned()),
        };
        Ok((command, is_confirmed))
    }

    pub(crate) fn kind(&self) -> ActionKind {
        match self {
            Self::Replay(_) => ActionKind::Replay,
            Self::Discard(..) => ActionKind::Discard,
            Self::Purge(_) => ActionKind::Purge,
            Self::Pause => ActionKind::Pause,
            Self::Resume => ActionKind::Resume,
        }
    }

    /// Whether it may change more than one entry.
    pub(crate) fn needs_confirmation(&self) -> bool {
        match self {
            Self::Replay(selection) | Self::Discard(selection, _) => !selection.is_one(),
            Self::Purge(_) => true,
            Self::Pause | Self::Resume => false,
        }
    }
}

fn reason(form: &Params) -> Result<String, String> {
    let reason = form.get("reason").ok_or("a reason is needed")?;
    if reason.chars().count() > LONGEST_REASON {
        return Err(format!("a reason has up to {LONGEST_REASON} characters"));
    }
    Ok(reason.to_owned())
}
