//! What an operator sees and does.

use tokio_postgres::types::Type;
use tower_nylas::{
    BoxError,
    inbox::{
        Browse, DeadCause, DeadGroup, EntryKey, EntryState, Inspect, Query, Stats, StoredEntry,
        TimelineEvent,
    },
};

use crate::{
    clock::duration, core::Core, database::Parameter, error::Failure, history,
    inbox::PostgresInbox, lanes::entry, state, text::text,
};

/// How many entries one transaction purges at most.
const MOST_PURGED: i64 = 1024;

/// And how many it looks at.
const MOST_LOOKED_AT: i64 = 16 * 1024;

/// How much of contents, in bytes, one look shows. One entry it always shows.
const MOST_BYTES: i64 = 32 << 20;

impl Browse for PostgresInbox {
    async fn stats(&self) -> Result<Stats, BoxError> {
        let core = self.open_core()?;
        let (now, unix) = core.moment();
        let moment = [(&now as _, Type::INT8), (&unix as _, Type::INT8)];
        let rows = core.database.query(&core.statements.stats, &moment).await?;
        let row = rows.first().ok_or_else(Failure::no_row)?;
        let number = |column: usize| -> Result<u64, BoxError> {
            Ok(u64::try_from(row.try_get::<_, i64>(column)?).unwrap_or(0))
        };
        let mut stats = Stats::default();
        stats.ready = number(0)?;
        stats.waiting = number(1)?;
        stats.claimed = number(2)?;
        stats.done = number(3)?;
        stats.dead = number(4)?;
        stats.oldest_ready = row.try_get::<_, Option<i64>>(5)?.map(duration);
        stats.bytes = number(6)?;
        Ok(stats)
    }

    async fn dead(&self, before: Option<u64>, max: usize) -> Result<Vec<StoredEntry>, BoxError> {
        let mut query = Query::default();
        (query.before, query.max) = (before, max);
        let of_state = OfState {
            state: Some(state::DEAD),
            ..OfState::default()
        };
        Ok(list(self.open_core()?, &query, of_state).await?)
    }

    async fn dead_groups(&self, max: usize) -> Result<Vec<DeadGroup>, BoxError> {
        let core = self.open_core()?;
        let max = i64::try_from(max).unwrap_or(i64::MAX);
        let sql = &core.statements.dead_groups;
        let rows = core.database.query(sql, &[(&max, Type::INT8)]).await?;
        let mut groups = Vec::new();
        for row in rows {
            let position = u64::try_from(row.try_get::<_, i64>(3)?).unwrap_or(0);
            let Some(last) = self.dead(Some(position.saturating_add(1)), 1).await?.pop() else {
                continue;
            };
            // It was replayed or discarded since they were counted: the one below is of any group.
            if last.position != position {
                continue;
            }
            let cause: Option<&str> = row.try_get(0)?;
            // A later version may know other causes.
            let cause = cause.and_then(DeadCause::from_name);
            let cause = cause.unwrap_or(DeadCause::Undecodable);
            let count = row.try_get::<_, i64>(2)?.unsigned_abs();
            groups.push(DeadGroup::new(row.try_get(1)?, cause, count, last));
        }
        Ok(groups)
    }

    async fn replay(&self, keys: &[EntryKey]) -> Result<usize, BoxError> {
        let core = self.open_core()?;
        let (now, unix) = core.moment();
        let rows = core
            .database
            .query(
                &core.statements.replay,
                &[
                    (&now, Type::INT8),
                    (&unix, Type::INT8),
                    (&core.slot(0), Type::INT4),
                    (&bytes_of(keys), Type::BYTEA_ARRAY),
                ],
            )
            .await?;
        core.note_due();
        Ok(rows.len())
    }

    async fn discard(&self, keys: &[EntryKey]) -> Result<usize, BoxError> {
        let core = self.open_core()?;
        let rows = core
            .database
            .query(
                &core.statements.discard,
                &[
                    (&core.slot(0), Type::INT4),
                    (&bytes_of(keys), Type::BYTEA_ARRAY),
                ],
            )
            .await?;
        Ok(rows.len())
    }
}

impl Inspect for PostgresInbox {
    async fn list(&self, query: &Query) -> Result<Vec<StoredEntry>, BoxError> {
        let core = self.open_core()?;
        match OfState::of(query.state) {
            Some(mut of_state) => {
                if query.any_cause {
                    of_state.cause = None;
                }
                Ok(list(core, query, of_state).await?)
            }
            None => Ok(Vec::new()),
        }
    }

    async fn timeline(&self, key: EntryKey) -> Result<Vec<TimelineEvent>, BoxError> {
        let core = self.open_core()?;
        let key = key.as_bytes().as_slice();
        let sql = &core.statements.timeline;
        let rows = core.database.query(sql, &[(&key, Type::BYTEA)]).await?;
        Ok(history::timeline(&rows)?)
    }

    async fn purge_grant(&self, grant_id: &str) -> Result<usize, BoxError> {
        let core = self.open_core()?;
        let (mut purged, mut from) = (0, i64::MIN);
        // There is no index of grants: each statement looks at a bounded number of entries.
        while let Some(to) = page_end(core, from).await? {
            let positions = purge(core, grant_id, from, to).await?;
            purged += positions.len();
            from = match positions.iter().max() {
                Some(last) if positions.len() as u64 == MOST_PURGED.unsigned_abs() => *last,
                _ => to,
            };
        }
        Ok(purged)
    }
}

/// The last of the next positions; `None` if there is none.
async fn page_end(core: &Core, from: i64) -> Result<Option<i64>, Failure> {
    let parameters = [(&from as _, Type::INT8), (&MOST_LOOKED_AT as _, Type::INT8)];
    let rows = core
        .database
        .query(&core.statements.page, &parameters)
        .await?;
    let row = rows.first().ok_or_else(Failure::no_row)?;
    Ok(row.try_get(0)?)
}

/// Returns the positions of those that are gone.
async fn purge(core: &Core, grant_id: &str, from: i64, to: i64) -> Result<Vec<i64>, Failure> {
    let rows = core
        .database
        .query(
            &core.statements.purge,
            &[
                (&core.slot(0), Type::INT4),
                (&text(grant_id), Type::TEXT),
                (&MOST_PURGED, Type::INT8),
                (&from, Type::INT8),
                (&to, Type::INT8),
            ],
        )
        .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

impl PostgresInbox {
    fn open_core(&self) -> Result<&Core, Failure> {
        let core = self.core();
        if core.is_closed() {
            return Err(Failure::closed());
        }
        Ok(core)
    }
}

/// The conditions of a state.
#[derive(Default)]
struct OfState {
    state: Option<i32>,
    /// Whether an entry that waits is ready is decided by the time.
    waits: Option<bool>,
    cause: Option<DeadCause>,
}

impl OfState {
    /// `None` for a state that this crate does not know yet, and has no entry of.
    fn of(wanted: Option<EntryState>) -> Option<Self> {
        let mut of_state = Self::default();
        of_state.state = match wanted {
            None => None,
            Some(EntryState::Ready) => {
                of_state.waits = Some(false);
                Some(state::OPEN)
            }
            Some(EntryState::Waiting) => {
                of_state.waits = Some(true);
                Some(state::OPEN)
            }
            Some(EntryState::Claimed) => Some(state::CLAIMED),
            Some(EntryState::Done) => Some(state::DONE),
            Some(EntryState::Dead(cause)) => {
                of_state.cause = Some(cause);
                Some(state::DEAD)
            }
            Some(_) => return None,
        };
        Some(of_state)
    }
}

async fn list(core: &Core, query: &Query, of_state: OfState) -> Result<Vec<StoredEntry>, Failure> {
    let (now, unix) = core.moment();
    let as_number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let before = query.before.map_or(i64::MAX, as_number);
    let max = as_number(query.max as u64);
    let key = query.key.as_ref().map(|key| key.as_bytes().as_slice());
    let cause = of_state.cause.map(DeadCause::as_str);
    let trigger = query.trigger.as_deref().map(text);
    let grant = query.grant_id.as_deref().map(text);
    let rows = if of_state.state == Some(state::DEAD) {
        let parameters: [Parameter<'_>; 8] = [
            (&cause, Type::TEXT),
            (&trigger, Type::TEXT),
            (&grant, Type::TEXT),
            (&key, Type::BYTEA),
            (&before, Type::INT8),
            (&max, Type::INT8),
            (&MOST_BYTES, Type::INT8),
            (&query.no_trigger, Type::BOOL),
        ];
        let sql = &core.statements.list_dead;
        core.database.query(sql, &parameters).await?
    } else {
        let parameters: [Parameter<'_>; 11] = [
            (&now, Type::INT8),
            (&unix, Type::INT8),
            (&of_state.state, Type::INT4),
            (&of_state.waits, Type::BOOL),
            (&trigger, Type::TEXT),
            (&grant, Type::TEXT),
            (&before, Type::INT8),
            (&max, Type::INT8),
            (&key, Type::BYTEA),
            (&MOST_BYTES, Type::INT8),
            (&query.no_trigger, Type::BOOL),
        ];
        let sql = &core.statements.list;
        core.database.query(sql, &parameters).await?
    };
    let mut entries = Vec::new();
    for row in rows {
        let key: Result<[u8; EntryKey::LENGTH], _> = row.try_get::<_, &[u8]>(1)?.try_into();
        let Ok(key) = key else { continue };
        let shown = state::shown(row.try_get(2)?, row.try_get(3)?, row.try_get(4)?);
        let position = u64::try_from(row.try_get::<_, i64>(0)?).unwrap_or(0);
        let entry = entry(&row, 1, 8)?.ok();
        let mut stored = StoredEntry::new(EntryKey::from_bytes(key), entry, shown, position);
        stored.crashes = row.try_get::<_, i32>(5)?.unsigned_abs();
        stored.failures = row.try_get::<_, i32>(6)?.unsigned_abs();
        stored.why = row.try_get(7)?;
        entries.push(stored);
    }
    Ok(entries)
}

fn bytes_of(keys: &[EntryKey]) -> Vec<&[u8]> {
    keys.iter().map(|key| key.as_bytes().as_slice()).collect()
}
