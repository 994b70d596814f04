//! What has happened to entries that were not done at once.
//!
//! That an entry was stored, and is claimed, stands in its job. So the usual way, stored, claimed
//! and done, writes nothing here.

use rusqlite::{Connection, OptionalExtension, Result, params};
use tower_nylas::inbox::{
    DeadCause, Happened, Settlement, TimelineEvent,
    engine::{EventColumns, MOST_EVENTS},
};

use super::Write;
use crate::{
    clock::{duration, millis},
    state,
};

impl Write<'_> {
    pub(crate) fn note_crash(&self, position: i64) -> Result<()> {
        self.note_claim(position)?;
        self.note(
            position,
            self.now.unix,
            &EventColumns::of(&Happened::Crashed),
        )
    }

    pub(crate) fn note_replay(&self, position: i64) -> Result<()> {
        self.note(
            position,
            self.now.unix,
            &EventColumns::of(&Happened::Replayed),
        )
    }

    pub(crate) fn note_settlement(&self, position: i64, settlement: &Settlement) -> Result<()> {
        self.note_claim(position)?;
        let columns = EventColumns::of_settlement(settlement);
        self.note(position, self.now.unix, &columns)
    }

    /// The claim that ends now, at the time when it began.
    fn note_claim(&self, position: i64) -> Result<()> {
        let sql = "SELECT claimed_unix_ms FROM jobs WHERE position = ?1";
        let mut select = self.connection.prepare_cached(sql)?;
        let claimed: Option<i64> = select.query_row([position], |row| row.get(0))?;
        let columns = EventColumns::of(&Happened::Claimed);
        self.note(position, claimed.unwrap_or(self.now.unix), &columns)
    }

    fn note(&self, position: i64, at: i64, columns: &EventColumns<'_>) -> Result<()> {
        let most = i64::from(MOST_EVENTS);
        let sql = "UPDATE jobs SET events = events + 1 WHERE position = ?1 RETURNING events";
        let mut count = self.connection.prepare_cached(sql)?;
        let event: i64 = count.query_row([position], |row| row.get(0))?;
        let sql = "INSERT INTO history (position, event, unix_ms, what, after_ms, cause, why) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let mut insert = self.connection.prepare_cached(sql)?;
        insert.execute(params![
            position,
            event,
            at,
            columns.what,
            columns.after.map(millis),
            columns.cause.map(DeadCause::as_str),
            columns.why
        ])?;
        if event > most {
            let sql = "DELETE FROM history WHERE position = ?1 AND event <= ?2";
            let mut delete = self.connection.prepare_cached(sql)?;
            delete.execute(params![position, event - most])?;
        }
        Ok(())
    }
}

/// What has happened to the entry at a place, the earliest first.
pub(crate) fn timeline(connection: &Connection, position: i64) -> Result<Vec<TimelineEvent>> {
    let sql = "SELECT stored_unix_ms, claimed_unix_ms, state, events FROM jobs WHERE position = ?1";
    let mut select = connection.prepare_cached(sql)?;
    let job = select.query_row([position], |row| {
        Ok((
            row.get(0)?,
            row.get(1)?,
            row.get::<_, i64>(2)?,
            row.get::<_, i64>(3)?,
        ))
    });
    let Some((stored, claimed, state, events)) = job.optional()? else {
        return Ok(Vec::new());
    };
    let event = |at: i64, what| TimelineEvent::new(duration(at), what);
    let mut timeline = Vec::new();
    if events <= i64::from(MOST_EVENTS) {
        timeline.push(event(stored, Happened::Stored));
    }
    let sql = "SELECT unix_ms, what, after_ms, cause, why FROM history WHERE position = ?1 \
               ORDER BY event";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query([position])?;
    while let Some(row) = rows.next()? {
        let what: String = row.get(1)?;
        let after = row.get::<_, Option<i64>>(2)?.map(duration);
        let cause: Option<String> = row.get(3)?;
        // What a later version has written is left out.
        if let Some(what) = EventColumns::read(&what, after, cause.as_deref(), row.get(4)?) {
            timeline.push(event(row.get(0)?, what));
        }
    }
    if let (state::CLAIMED, Some(claimed)) = (state, claimed) {
        timeline.push(event(claimed, Happened::Claimed));
    }
    Ok(timeline)
}
