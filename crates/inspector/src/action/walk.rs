//! Reads what a selection is about, a part at a time: their contents come with the entries.

use tower_nylas::{
    BoxError,
    inbox::{EntryState, Query, StoredEntry},
};

use super::{ActionKind, Selection};
use crate::{
    filter::StateFilter,
    source::{Lookup, READ_AT_A_TIME, Source, list},
};

/// How many are read at most, where fewer of them than were read are wanted.
const MOST_READ: usize = 20_000;

pub(crate) struct Walk<'a> {
    source: &'a dyn Source,
    action: ActionKind,
    reader: Reader,
    /// Which state it must be in.
    was: Option<StateFilter>,
    /// For how many more there is room.
    room: usize,
    taken: usize,
    is_over: bool,
    /// Whether there may be more than were taken.
    is_cut: bool,
    /// Above which position all were looked at.
    lowest: Option<u64>,
}

enum Reader {
    Keys(Lookup),
    Filter { query: Box<Query>, left: usize },
}

impl<'a> Walk<'a> {
    /// Takes up to `max`.
    pub(crate) fn new(
        source: &'a dyn Source,
        selection: &Selection,
        action: ActionKind,
        max: usize,
    ) -> Self {
        let (reader, was) = match selection {
            Selection::Keys { keys, was } => (Reader::Keys(Lookup::new(keys)), Some(*was)),
            Selection::Filter(filter) => {
                let query = Box::new(filter.query(READ_AT_A_TIME));
                let left = MOST_READ;
                (Reader::Filter { query, left }, filter.state)
            }
        };
        Self {
            source,
            action,
            reader,
            was,
            room: max,
            taken: 0,
            is_over: false,
            is_cut: false,
            lowest: None,
        }
    }

    /// The next ones that the action can be about, one or more; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<StoredEntry>>, BoxError> {
        while !self.is_over {
            let Some(read) = self.read().await? else {
                self.is_over = true;
                break;
            };
            let mut part = Vec::new();
            for stored in read {
                if self.fits(stored.state) {
                    if self.room == 0 {
                        (self.is_cut, self.is_over) = (true, true);
                        break;
                    }
                    self.room -= 1;
                    self.lowest = Some(stored.position);
                    part.push(stored);
                }
            }
            if !part.is_empty() {
                self.taken += part.len();
                return Ok(Some(part));
            }
        }
        Ok(None)
    }

    async fn read(&mut self) -> Result<Option<Vec<StoredEntry>>, BoxError> {
        match &mut self.reader {
            Reader::Keys(lookup) => lookup.next(self.source).await,
            Reader::Filter { query, left } => {
                if query.max == 0 {
                    return Ok(None);
                }
                if *left == 0 {
                    self.is_cut = true;
                    self.lowest = query.before;
                    return Ok(None);
                }
                *left = left.saturating_sub(query.max);
                let (found, next) = list(self.source, query).await?;
                match next {
                    Some(next) => query.before = Some(next),
                    // This was the last page.
                    None => query.max = 0,
                }
                Ok(Some(found))
            }
        }
    }

    fn fits(&self, state: EntryState) -> bool {
        let is_of_state = match self.was {
            Some(StateFilter::Dead) => matches!(state, EntryState::Dead(_)),
            Some(StateFilter::Done) => state == EntryState::Done,
            _ => true,
        };
        is_of_state
            && match self.action {
                ActionKind::Discard => matches!(state, EntryState::Dead(_)),
                ActionKind::Replay => matches!(state, EntryState::Dead(_) | EntryState::Done),
                // One that is claimed ends as its handler says.
                _ => state != EntryState::Claimed,
            }
    }

    pub(crate) fn taken(&self) -> usize {
        self.taken
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Below which position the rest of a filter is, if there may be more.
    pub(crate) fn next_before(&self) -> Option<u64> {
        match self.reader {
            Reader::Filter { .. } if self.is_cut => self.lowest,
            _ => None,
        }
    }
}
