//! Carries out a command.

use serde::Serialize;
use tower_nylas::{
    BoxError,
    inbox::{EntryKey, Query},
};

use super::{ActionKind, Command, Selection, Walk, audit::Audit};
use crate::{
    authorize::Access,
    filter::StateFilter,
    settings::Settings,
    source::{READ_AT_A_TIME, Source},
};

/// What was done.
#[allow(clippy::struct_field_names)] // as they are called in JSON
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Done {
    pub(crate) action: &'static str,
    /// How many entries were selected: all keys that were given, or what could have been changed
    /// of what a filter selects.
    pub(crate) selected: usize,
    /// How many were changed.
    pub(crate) done: usize,
    /// Whether there may be more than one action may be about.
    pub(crate) is_cut: bool,
    /// Below which position the rest of a filter is, if there may be more.
    pub(crate) next_before: Option<u64>,
    /// How many entries a purge has left, which are being handled: counted up to 16.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) left: Option<usize>,
    /// The only entry, if it was one.
    #[serde(skip)]
    pub(crate) key: Option<EntryKey>,
}

#[derive(Debug)]
pub(crate) enum Refusal {
    /// The inspector was built without what it needs.
    Impossible(&'static str),
    /// The engine has failed, after so much was done.
    Engine {
        why: BoxError,
        selected: usize,
        done: usize,
    },
}

pub(crate) async fn perform(
    settings: &Settings,
    access: &Access,
    command: &Command,
) -> Result<Done, Refusal> {
    let kind = command.kind();
    let hook = settings.hook.as_ref();
    let mut audit = Audit::begin(hook, kind, access, command.selection(), command.reason());
    let rest = match carry_out(settings, command, &mut audit).await {
        Ok(rest) => {
            audit.is_cut = rest.is_cut;
            audit.completed();
            rest
        }
        Err(Stopped::Impossible(why)) => {
            audit.refused(why);
            return Err(Refusal::Impossible(why));
        }
        Err(Stopped::Engine(why)) => {
            audit.failed(&why);
            let (selected, done) = (audit.selected, audit.done);
            return Err(Refusal::Engine {
                why,
                selected,
                done,
            });
        }
    };
    let key = match command {
        Command::Replay(selection) | Command::Discard(selection, _) => selection.only(),
        _ => None,
    };
    Ok(Done {
        action: kind.as_str(),
        selected: audit.selected,
        done: audit.done,
        is_cut: rest.is_cut,
        next_before: rest.before,
        left: rest.of_grant,
        key,
    })
}

/// What an action leaves.
#[derive(Default)]
struct Rest {
    is_cut: bool,
    before: Option<u64>,
    of_grant: Option<usize>,
}

/// Why an action has ended before its end.
enum Stopped {
    Impossible(&'static str),
    Engine(BoxError),
}

impl From<BoxError> for Stopped {
    fn from(why: BoxError) -> Self {
        Self::Engine(why)
    }
}

async fn carry_out(
    settings: &Settings,
    command: &Command,
    audit: &mut Audit<'_>,
) -> Result<Rest, Stopped> {
    match command {
        Command::Replay(selection) | Command::Discard(selection, _) => {
            let source = settings
                .source()
                .ok_or(Stopped::Impossible("there is no inbox"))?;
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
                .ok_or(Stopped::Impossible("there is no inbox"))?;
            let search = source.search();
            let search = search.ok_or(Stopped::Impossible("the engine cannot purge"))?;
            let purged = search.purge_grant(grant).await?;
            (audit.selected, audit.done) = (purged, purged);
            let mut of_grant = Query::default();
            of_grant.grant_id = Some(grant.to_owned());
            of_grant.max = READ_AT_A_TIME;
            // Entries that are claimed, and those that have arrived meanwhile.
            let left = search.list(&of_grant).await?.len();
            Ok(Rest {
                of_grant: Some(left),
                ..Rest::default()
            })
        }
        Command::Pause | Command::Resume => {
            let pause = settings.pause.as_ref();
            let pause = pause.ok_or(Stopped::Impossible("no worker can be paused from here"))?;
            if matches!(command, Command::Pause) {
                pause.pause();
            } else {
                pause.resume();
            }
            Ok(Rest::default())
        }
    }
}

/// Looks a few entries up and changes them, so that little time passes between the two. The engine
/// looks at the state once more: what is not dead any more is passed over, and of what was done,
/// what is neither done nor dead.
async fn change(
    source: &dyn Source,
    selection: &Selection,
    kind: ActionKind,
    max: usize,
    audit: &mut Audit<'_>,
) -> Result<Rest, Stopped> {
    let mut walk = Walk::new(source, selection, kind, max);
    audit.selected = selection.keys().unwrap_or(0);
    while let Some(part) = walk.next().await? {
        let keys: Vec<_> = part.iter().map(|stored| stored.key).collect();
        drop(part);
        if selection.keys().is_none() {
            audit.selected = walk.taken();
        }
        audit.done += match kind {
            ActionKind::Discard => source.discard(&keys).await?,
            _ if selection.was() == Some(StateFilter::Dead) => source.replay_dead(&keys).await?,
            _ => source.replay(&keys).await?,
        };
    }
    if walk.is_cut() {
        audit.selected = walk.taken();
    }
    Ok(Rest {
        is_cut: walk.is_cut(),
        before: walk.next_before(),
        of_grant: None,
    })
}
