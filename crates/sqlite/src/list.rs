//! What is listed of the entries, and counted of the dead ones.

use rusqlite::{Connection, Result, Row, params};
use tower_nylas::inbox::{
    DeadCause, DeadGroup, EntryKey, EntryState, Query, StoredEntry, engine::stored_cause,
};

use crate::{
    state,
    transaction::{as_limit, entry},
};

/// Fewer entries than this are found by their state and sorted; more are looked for in the order of
/// their positions, where one of them is never far.
const FEW: i64 = 2000;

/// `position` is that of the key of the query, if it has one and there is such a key.
pub(crate) fn list(
    connection: &Connection,
    query: &Query,
    position: Option<i64>,
    now: i64,
) -> Result<Vec<StoredEntry>> {
    let cause = match query.state {
        Some(EntryState::Dead(cause)) if !query.any_cause => Some(cause.as_str()),
        _ => None,
    };
    let before = query
        .before
        .map_or(i64::MAX, |before| i64::try_from(before).unwrap_or(i64::MAX));
    let sql = statement(connection, query)?;
    let mut select = connection.prepare_cached(&sql)?;
    let mut rows = select.query(params![
        now,
        cause,
        query.trigger,
        query.grant_id,
        before,
        as_limit(query.max),
        position,
    ])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        entries.push(stored(connection, row, now)?);
    }
    Ok(entries)
}

/// The causes that are shown as they are stored.
fn own_causes() -> String {
    let own = DeadCause::ALL
        .iter()
        .filter(|cause| **cause != DeadCause::Undecodable);
    let own: Vec<_> = own.map(|cause| format!("'{cause}'")).collect();
    own.join(", ")
}

/// Whether any entry is dead of a cause that only a later version knows: one step of the index for
/// each cause that there is.
fn are_other_causes(connection: &Connection) -> Result<bool> {
    let sql = "WITH RECURSIVE causes(cause) AS ( \
         SELECT min(cause) FROM jobs INDEXED BY dead_by_group WHERE state = 4 \
         UNION ALL SELECT (SELECT min(cause) FROM jobs INDEXED BY dead_by_group \
             WHERE state = 4 AND jobs.cause > causes.cause) \
         FROM causes WHERE cause IS NOT NULL) \
         SELECT cause FROM causes WHERE cause IS NOT NULL \
         UNION ALL SELECT * FROM (SELECT cause FROM jobs INDEXED BY dead_by_group \
             WHERE state = 4 AND cause IS NULL LIMIT 1)";
    let mut select = connection.prepare_cached(sql)?;
    let mut causes = select.query([])?;
    while let Some(row) = causes.next()? {
        let cause: Option<String> = row.get(0)?;
        if cause.as_deref().and_then(DeadCause::from_name).is_none() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The statement for a query. Each of its parameters is in it, since all are bound.
fn statement(connection: &Connection, query: &Query) -> Result<String> {
    // A later version may know other causes, which are shown as this one, and so are counted and
    // selected with it.
    let is_undecodable = query.state == Some(EntryState::Dead(DeadCause::Undecodable));
    let with_others = is_undecodable && !query.any_cause && are_other_causes(connection)?;
    let of_state = |sign| of_state(query, sign, with_others);
    let (from, of_state) = if query.key.is_some() {
        ("jobs", of_state(""))
    } else if let Some(EntryState::Dead(_)) = query.state {
        let is_of_type = query.trigger.is_some() || query.no_trigger;
        let from = if is_of_type && !query.any_cause && !with_others {
            "jobs INDEXED BY dead_by_group"
        } else {
            "jobs INDEXED BY dead_by_position"
        };
        (from, of_state(""))
    } else if are_few(connection, query.state)? {
        ("jobs", of_state(""))
    } else {
        // With a sign, the column is in no index.
        ("jobs", of_state("+"))
    };
    let of_type = match query.trigger {
        // So that an index applies to it.
        Some(_) if query.no_trigger => "FALSE AND ?3 IS NOT NULL",
        Some(_) => "type = ?3",
        None if query.no_trigger => "type IS NULL AND ?3 IS NULL",
        None => "?3 IS NULL",
    };
    let of_key = match query.key {
        Some(_) => "jobs.position = ?7",
        None => "?7 IS NULL",
    };
    Ok(format!(
        "SELECT position, key, state, at, cause, crashes, failures, why \
         FROM {from} CROSS JOIN keys USING (position) \
         WHERE {of_state} AND {of_type} AND (?4 IS NULL OR grant_id = ?4) AND {of_key} \
         AND position < ?5 AND ?1 IS NOT NULL AND (?2 IS NULL OR TRUE) \
         ORDER BY position DESC LIMIT ?6"
    ))
}

/// The condition of a state. Whether an entry that waits is ready is decided by the time.
fn of_state(query: &Query, sign: &str, with_others: bool) -> String {
    match query.state {
        None => "TRUE".to_owned(),
        Some(EntryState::Ready) => format!("({sign}state = 0 OR {sign}state = 1 AND at <= ?1)"),
        Some(EntryState::Waiting) => format!("{sign}state = 1 AND at > ?1"),
        Some(EntryState::Claimed) => format!("{sign}state = 2"),
        Some(EntryState::Done) => format!("{sign}state = 3"),
        Some(EntryState::Dead(_)) if query.any_cause => "state = 4".to_owned(),
        Some(EntryState::Dead(_)) if with_others => {
            format!(
                "state = 4 AND (cause IS NULL OR cause NOT IN ({}))",
                own_causes()
            )
        }
        Some(EntryState::Dead(_)) => "state = 4 AND cause = ?2".to_owned(),
        // A state that this crate does not know yet, and has no entry of.
        Some(_) => "FALSE".to_owned(),
    }
}

/// Whether so few entries are in a state that they are found by it.
fn are_few(connection: &Connection, state: Option<EntryState>) -> Result<bool> {
    let states = match state {
        Some(EntryState::Ready) => "0, 1",
        Some(EntryState::Waiting) => "1",
        Some(EntryState::Claimed) => "2",
        Some(EntryState::Done) => "3",
        _ => return Ok(false),
    };
    let sql =
        format!("SELECT count(*) FROM (SELECT 1 FROM jobs WHERE state IN ({states}) LIMIT {FEW})");
    let count: i64 = connection
        .prepare_cached(&sql)?
        .query_row([], |row| row.get(0))?;
    Ok(count < FEW)
}

fn stored(connection: &Connection, row: &Row<'_>, now: i64) -> Result<StoredEntry> {
    let position: i64 = row.get(0)?;
    let key = EntryKey::from_bytes(row.get(1)?);
    let cause: Option<String> = row.get(4)?;
    let state = state::shown(row.get(2)?, row.get(3)?, cause.as_deref(), now);
    let entry = entry(connection, position)?.ok();
    let shown = u64::try_from(position).unwrap_or(0);
    let mut stored = StoredEntry::new(key, entry, state, shown);
    stored.crashes = row.get(5)?;
    stored.failures = row.get(6)?;
    stored.why = row.get(7)?;
    Ok(stored)
}

/// In the order of the index, so that nothing is sorted but the groups.
const STORED_GROUPS: &str = "SELECT cause, type, count(*) AS entries, max(position) AS last \
     FROM jobs INDEXED BY dead_by_group WHERE state = 4 GROUP BY cause, type";

/// As they are shown: those of causes that only a later version knows are one.
fn shown_groups() -> String {
    let shown = format!(
        "iif(cause IN ({}), cause, '{}')",
        own_causes(),
        DeadCause::Undecodable
    );
    format!(
        "SELECT {shown} AS shown, type, sum(entries) AS entries, max(last) AS last \
         FROM ({STORED_GROUPS}) GROUP BY shown, type ORDER BY entries DESC, last DESC LIMIT ?1"
    )
}

pub(crate) fn dead_groups(connection: &Connection, max: usize, now: i64) -> Result<Vec<DeadGroup>> {
    let mut select = connection.prepare_cached(&shown_groups())?;
    let mut rows = select.query([as_limit(max)])?;
    let mut groups = Vec::new();
    while let Some(row) = rows.next()? {
        let cause: String = row.get(0)?;
        let position: i64 = row.get(3)?;
        let mut query = Query::default();
        query.state = Some(EntryState::Dead(DeadCause::Undecodable));
        query.any_cause = true;
        query.before = u64::try_from(position.saturating_add(1)).ok();
        query.max = 1;
        let Some(last) = list(connection, &query, None, now)?.pop() else {
            continue;
        };
        let cause = stored_cause(Some(&cause));
        let count = row.get::<_, i64>(2)?.unsigned_abs();
        groups.push(DeadGroup::new(row.get(1)?, cause, count, last));
    }
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(connection: &Connection, sql: &str) -> Vec<String> {
        let mut plan = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap();
        let count = plan.parameter_count();
        let nulls = vec![rusqlite::types::Null; count];
        let steps = plan
            .query_map(rusqlite::params_from_iter(nulls), |row| row.get(3))
            .unwrap();
        steps.collect::<Result<_>>().unwrap()
    }

    fn open() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        for migration in [include_str!("schema/1.sql"), include_str!("schema/2.sql")] {
            connection.execute_batch(migration).unwrap();
        }
        connection
    }

    /// With 100,000 of them, a sort takes longer than a page may.
    #[test]
    fn pages_of_the_dead_are_not_sorted() {
        let connection = open();
        let dead = Some(EntryState::Dead(DeadCause::Expired));
        for (any_cause, trigger) in [(true, None), (false, None), (false, Some("grant.expired"))] {
            let mut query = Query::default();
            query.state = dead;
            query.any_cause = any_cause;
            query.trigger = trigger.map(str::to_owned);
            query.no_trigger = trigger.is_none() && !any_cause;
            let steps = plan(&connection, &statement(&connection, &query).unwrap());
            let sorted = steps.iter().any(|step| step.contains("ORDER BY"));
            assert!(!sorted, "{query:?}: {steps:#?}");
        }
    }

    #[test]
    fn groups_are_counted_in_the_order_of_an_index() {
        let steps = plan(&open(), STORED_GROUPS);
        let sorted = steps.iter().any(|step| step.contains("GROUP BY"));
        assert!(!sorted, "{steps:#?}");
    }
}
