//! Stores entries, many in one statement.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use tokio::time::Instant;
use tokio_postgres::types::Type;
use tower_nylas::inbox::{AppendError, Appended, Entry, EntryKey, engine::OVERHEAD};

use super::{isolated, queue::Waiting};
use crate::{clock::millis, core::Core, database::PATIENCE, error::Failure, text::text};

/// How many entries one statement has, and how much of their contents, in KiB: the server holds
/// them in memory.
const MOST: usize = 256;
const MOST_KIB: u32 = 2 << 10;

/// How many entries that are done and kept make room at a time.
const MOST_PRUNED: i64 = 256;

type Append = Waiting<Entry, Result<Appended, AppendError>>;

/// What becomes of one entry.
#[derive(Debug, Clone)]
enum Stored {
    New,
    Duplicate,
    Full,
    Failed(Failure),
}

pub(super) async fn run(core: Arc<Core>, slot: i32) {
    while let Some(appends) = core.appends.next(MOST, MOST_KIB).await {
        let core = core.clone();
        isolated(async move { store(&core, slot, appends).await }).await;
    }
}

async fn store(core: &Core, slot: i32, mut appends: Vec<Append>) {
    appends.retain(|append| !append.reply.is_closed());
    let mut keys = HashSet::new();
    let entries: Vec<Entry> = appends
        .iter()
        .map(|append| append.what.clone())
        .filter(|entry| keys.insert(entry.key()))
        .collect();
    if entries.is_empty() {
        return;
    }
    // Those behind them in the queue wait as well.
    let until = Instant::now() + PATIENCE;
    let mut results = HashMap::new();
    let mut parts = vec![&entries[..]];
    while let Some(part) = parts.pop() {
        match insert(core, until, slot, part).await {
            Err(why) if why.is_of_data() && part.len() > 1 => {
                // What one of them is refused for is not what the others are answered.
                let (first, second) = part.split_at(part.len() / 2);
                parts.extend([second, first]);
            }
            result => results.extend(result.unwrap_or_else(|why| failed(part, &why))),
        }
    }
    core.note_due();
    for append in appends {
        let key = append.what.key();
        let result = match results.get_mut(&key) {
            // Of several with one key, the first one is new.
            Some(stored @ Stored::New) => {
                *stored = Stored::Duplicate;
                Ok(Appended::New)
            }
            Some(Stored::Duplicate) => Ok(Appended::Duplicate),
            Some(Stored::Failed(why)) if why.is_full() => Err(AppendError::Full),
            Some(Stored::Failed(why)) => Err(AppendError::Unavailable(why.clone().into())),
            Some(Stored::Full) | None => Err(AppendError::Full),
        };
        let _ = append.reply.send(result);
    }
}

type Results = HashMap<EntryKey, Stored>;

fn failed(entries: &[Entry], why: &Failure) -> Results {
    let failed = |entry: &Entry| (entry.key(), Stored::Failed(why.clone()));
    entries.iter().map(failed).collect()
}

/// Stores all that there is room for.
async fn insert(
    core: &Core,
    until: Instant,
    slot: i32,
    entries: &[Entry],
) -> Result<Results, Failure> {
    let lacking = match insert_all(core, until, slot, entries).await? {
        Ok(results) => return Ok(results),
        Err(lacking) => lacking,
    };
    // What is done and kept makes room first.
    core.prune_done(until, slot, lacking, MOST_PRUNED).await?;
    let (mut room, known) = known(core, until, entries).await?;
    let mut results = Results::new();
    let mut fitting = Vec::new();
    for entry in entries {
        let left = room - size(entry);
        if known.contains(&entry.key()) {
            results.insert(entry.key(), Stored::Duplicate);
        } else if left >= 0 {
            room = left;
            fitting.push(entry.clone());
        } else {
            results.insert(entry.key(), Stored::Full);
        }
    }
    if !fitting.is_empty()
        && let Ok(stored) = insert_all(core, until, slot, &fitting).await?
    {
        results.extend(stored);
    }
    Ok(results)
}

/// Stores all, or none if there is too little room: then how much is missing, in bytes.
async fn insert_all(
    core: &Core,
    until: Instant,
    slot: i32,
    entries: &[Entry],
) -> Result<Result<Results, i64>, Failure> {
    let (now, unix) = core.moment();
    let sizes: Vec<i64> = entries.iter().map(size).collect();
    let types: Vec<_> = entries
        .iter()
        .map(|entry| entry.trigger().map(|trigger| text(&trigger.to_string())))
        .collect();
    let grants: Vec<_> = entries
        .iter()
        .map(|entry| entry.grant_id().map(text))
        .collect();
    let heads: Vec<_> = entries.iter().map(Entry::head).collect();
    let contents: Vec<&[u8]> = entries.iter().map(|entry| &entry.content()[..]).collect();
    let rows = core
        .database
        .query_until(
            until,
            &core.statements.append,
            &[
                (&now, Type::INT8),
                (&unix, Type::INT8),
                (&slot, Type::INT4),
                (&core.most_bytes(), Type::INT8),
                (&millis(core.options.settings.window), Type::INT8),
                (&keys(entries), Type::BYTEA_ARRAY),
                (&sizes, Type::INT8_ARRAY),
                (&types, Type::TEXT_ARRAY),
                (&grants, Type::TEXT_ARRAY),
                (&heads, Type::BYTEA_ARRAY),
                (&contents, Type::BYTEA_ARRAY),
                (&core.options.accept_lossy_commits, Type::BOOL),
            ],
        )
        .await?;
    let row = rows.first().ok_or_else(Failure::no_row)?;
    let lacking = sizes.iter().sum::<i64>() - row.try_get::<_, i64>(0)?;
    if lacking > 0 {
        return Ok(Err(lacking));
    }
    let new = keys_of(row.try_get(1)?);
    let stored = entries.iter().map(|entry| {
        let is_new = new.contains(&entry.key());
        let stored = if is_new {
            Stored::New
        } else {
            Stored::Duplicate
        };
        (entry.key(), stored)
    });
    Ok(Ok(stored.collect()))
}

/// The room that is left, and which of these are known.
async fn known(
    core: &Core,
    until: Instant,
    entries: &[Entry],
) -> Result<(i64, HashSet<EntryKey>), Failure> {
    let (now, unix) = core.moment();
    let rows = core
        .database
        .query_until(
            until,
            &core.statements.known,
            &[
                (&now, Type::INT8),
                (&unix, Type::INT8),
                (&core.most_bytes(), Type::INT8),
                (&millis(core.options.settings.window), Type::INT8),
                (&keys(entries), Type::BYTEA_ARRAY),
            ],
        )
        .await?;
    let row = rows.first().ok_or_else(Failure::no_row)?;
    Ok((row.try_get(0)?, keys_of(row.try_get(1)?)))
}

fn keys(entries: &[Entry]) -> Vec<Vec<u8>> {
    let bytes = |entry: &Entry| entry.key().as_bytes().to_vec();
    entries.iter().map(bytes).collect()
}

fn keys_of(bytes: Option<Vec<Vec<u8>>>) -> HashSet<EntryKey> {
    let keys = bytes.unwrap_or_default().into_iter();
    keys.filter_map(|bytes| Some(EntryKey::from_bytes(bytes.try_into().ok()?)))
        .collect()
}

fn size(entry: &Entry) -> i64 {
    let size = (entry.content().len() as u64).saturating_add(OVERHEAD);
    i64::try_from(size).unwrap_or(i64::MAX)
}
