//! What operators do.

mod audit;
mod perform;
mod selection;
mod walk;

pub use self::audit::{Action, ActionKind, ActionResult};
pub(crate) use self::{
    audit::{Hook, refused, refused_page},
    perform::{Done, Refusal, perform},
    selection::Selection,
    walk::Walk,
};

use crate::{
    filter::{Filter, StateFilter},
    params::Params,
};

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
        let check = |known: &[&[&str]]| {
            let of_all: &[&str] = &["action", "confirm"];
            form.check(&[&[of_all], known].concat())
        };
        let selection = |action, also: &[&str]| {
            check(&[&Selection::PARAMS, &Filter::PARAMS, also])?;
            Selection::parse(form, action)
        };
        let command = match form.one("action")? {
            Some("replay") => Self::Replay(selection(ActionKind::Replay, &[])?),
            Some("discard") => {
                let selection = selection(ActionKind::Discard, &["reason"])?;
                Self::Discard(selection, reason(form)?)
            }
            Some("purge") => {
                check(&[&["grant"]])?;
                let grant = form.one("grant")?.ok_or("a grant is needed")?;
                Self::Purge(grant.to_owned())
            }
            Some("pause") => check(&[]).map(|()| Self::Pause)?,
            Some("resume") => check(&[]).map(|()| Self::Resume)?,
            _ => return Err("there is no such action".to_owned()),
        };
        Ok((command, form.flag("confirm")?))
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

    /// Which entries it is about, in words.
    pub(crate) fn selection(&self) -> String {
        match self {
            Self::Replay(selection) | Self::Discard(selection, _) => selection.to_string(),
            Self::Purge(grant) => format!("all entries of the grant {grant:?}"),
            Self::Pause | Self::Resume => String::new(),
        }
    }

    pub(crate) fn reason(&self) -> Option<&str> {
        match self {
            Self::Discard(_, reason) => Some(reason),
            _ => None,
        }
    }

    /// Whether it may change more than one entry, or what was handled is handled again.
    pub(crate) fn needs_confirmation(&self) -> bool {
        match self {
            Self::Replay(selection) | Self::Discard(selection, _) => {
                selection.only().is_none() || selection.was() == Some(StateFilter::Done)
            }
            Self::Purge(_) => true,
            Self::Pause | Self::Resume => false,
        }
    }
}

/// The names of the parameters of a dry run, beside those of what it selects. Any page may reload
/// itself.
const OF_DRY_RUN: &[&str] = &["page", "refresh"];

/// What the page before an action asks for.
pub(crate) fn dry_run(query: &Params, action: ActionKind) -> Result<Selection, String> {
    query.check(&[OF_DRY_RUN, &Selection::PARAMS, &Filter::PARAMS])?;
    Selection::parse(query, action)
}

/// The grant that the page before a purge asks for.
pub(crate) fn dry_purge(query: &Params) -> Result<&str, String> {
    query.check(&[OF_DRY_RUN, &["grant"]])?;
    Ok(query.one("grant")?.ok_or("a grant is needed")?)
}

fn reason(form: &Params) -> Result<String, String> {
    let reason = form.one("reason")?.unwrap_or_default().trim();
    if reason.is_empty() {
        return Err("a reason is needed".to_owned());
    }
    if reason.chars().count() > LONGEST_REASON {
        return Err(format!("a reason has up to {LONGEST_REASON} characters"));
    }
    Ok(reason.to_owned())
}
