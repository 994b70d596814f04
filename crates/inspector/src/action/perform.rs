//! Carries out a command.

use serde::Serialize;
use tower_nylas::{BoxError, inbox::EntryKey};

use super::{ActionKind, Command, Selection, audit::Audit};
use crate::{authorize::Access, settings::Settings, source::Source};

/// How many keys an engine gets at a time: what is done is counted after each.
const PART: usize = 64;

/// What was done.
#[allow(clippy::struct_field_names)] // as they are called in JSON
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Done {
    pub(crate) action: &'static str,
    /// How many entries were selected, and could have been changed.
    pub(crate) selected: usize,
    /// How many were changed.
    pub(crate) done: usize,
    /// Whether there are more than one action may be about.
    pub(crate) is_cut: bool,
    /// Below which position the rest is, if there is more.
    pub(crate) next_before: Option<u64>,
    /// The only entry, if it was one.
    #[serde(skip)]
    pub(crate) key: Option<EntryKey>,
}

#[derive(Debug)]
pub(crate) enum Refusal {
    /// The inspector was built without what it needs.
    Impossible(&'static str),
    Engine(BoxError),
}

impl From<BoxError> for Refusal {
    fn from(why: BoxError) -> Self {
        Self::Engine(why)
    }
}

pub(crate) async fn perform(
    settings: &Settings,
    access: &Access,
    command: &Command,
) -> Result<Done, Refusal> {
    let kind = command.kind();
    let (selection, reason) = match command {
        Command::Replay(selection) => (selection.to_string(), None),
        Command::Discard(selection, reason) => (selection.to_string(), Some(&**reason)),
        Command::Purge(grant) => (format!("all entries of the grant {grant:?}"), None),
        Command::Pause | Command::Resume => (String::new(), None),
    };
    let hook = settings.hook.as_ref();
    let mut audit = Audit::begin(hook, kind, access, selection, reason);
    let ended = carry_out(settings, command, &mut audit).await;
    match &ended {
        Ok(_) => audit.completed(),
        Err(Refusal::Impossible(why)) => audit.failed(why),
        Err(Refusal::Engine(why)) => audit.failed(why),
    }
    let next_before = ended?;
    let key = match command {
        Command::Replay(Selection::Keys(keys)) | Command::Discard(Selection::Keys(keys), _) => {
            keys.first().copied().filter(|_| keys.len() == 1)
        }
        _ => None,
    };
    Ok(Done {
        action: kind.as_str(),
        selected: audit.selected,
        done: audit.done,
        is_cut: next_before.is_some(),
        next_before,
        key,
    })
}

/// Below which position there is more to do, if there is.
async fn carry_out(
    settings: &Settings,
    command: &Command,
    audit: &mut Audit<'_>,
) -> Result<Option<u64>, Refusal> {
    match command {
        Command::Replay(selection) | Command::Discard(selection, _) => {
            let source = settings
                .source()
                .ok_or(Refusal::Impossible("there is no inbox"))?;
            change(
                source,
                selection,
                command.kind(),
                settings.most_changed,
                audit,
            )
            .await
        }
        Command::Purge(grant) => {
            let source = settings
                .source()
                .ok_or(Refusal::Impossible("there is no inbox"))?;
            let search = source.search();
            let search = search.ok_or(Refusal::Impossible("the engine cannot purge"))?;
            let purged = search.purge_grant(grant).await?;
            (audit.selected, audit.done) = (purged, purged);
            Ok(None)
        }
        Command::Pause | Command::Resume => {
            let pause = settings.pause.as_ref();
            let pause = pause.ok_or(Refusal::Impossible("no worker can be paused from here"))?;
            if matches!(command, Command::Pause) {
                pause.pause();
            } else {
                pause.resume();
            }
            Ok(None)
        }
    }
}

async fn change(
    source: &dyn Source,
    selection: &Selection,
    kind: ActionKind,
    max: usize,
    audit: &mut Audit<'_>,
) -> Result<Option<u64>, Refusal> {
    let found = selection.find(source, kind, max, 0).await?;
    audit.selected = found.keys.len();
    for part in found.keys.chunks(PART) {
        audit.done += match kind {
            ActionKind::Discard => source.discard(part).await?,
            _ => source.replay(part).await?,
        };
    }
    Ok(found.lowest.filter(|_| found.is_cut))
}
