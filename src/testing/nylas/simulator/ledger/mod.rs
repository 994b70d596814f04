//! Everything that the simulated Nylas has done, and what can be asserted of it.

mod assertions;
mod display;
mod record;
mod totals;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    time::Duration,
};

pub use self::{
    record::{AttemptRecord, EventRecord, Fate, Note, Step, TestEventRecord},
    totals::Totals,
};
use super::{DestinationId, Status};

/// Every event, every attempt to deliver it, and every change of a destination.
///
/// [`Display`](std::fmt::Display) has a line for each, in the order in which they ended; with the
/// same seed and clock, and an endpoint that is deterministic as well, it is the same text.
///
/// It has the last 100,000 events, unless [another number](super::Builder::ledger_capacity) was
/// set.
#[derive(Debug, Clone)]
pub struct Ledger {
    capacity: usize,
    events: VecDeque<EventRecord>,
    notes: VecDeque<Note>,
    test_events: VecDeque<TestEventRecord>,
    forgotten: Forgotten,
    totals: Totals,
    /// For each destination.
    forgotten_of: HashMap<DestinationId, (Forgotten, Totals)>,
    order: u64,
}

/// How many events are no longer here.
#[derive(Debug, Clone, Copy, Default)]
struct Forgotten {
    all: u64,
    /// Of them, those that were sent.
    tried: u64,
    /// Those that were lost or open.
    lost: u64,
}

impl Forgotten {
    fn add(&mut self, has: impl Fn(Fate) -> bool) {
        // What becomes of an open one is not recorded any more, so it is not taken for kept.
        let is_lost = has(Fate::Lost) || has(Fate::Open);
        self.all += 1;
        self.tried += u64::from(is_lost || has(Fate::Accepted));
        self.lost += u64::from(is_lost);
    }
}

impl Ledger {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity: capacity.max(1),
            events: VecDeque::new(),
            notes: VecDeque::new(),
            test_events: VecDeque::new(),
            forgotten: Forgotten::default(),
            totals: Totals::default(),
            forgotten_of: HashMap::new(),
            order: 0,
        }
    }

    /// The events, in the order in which they happened.
    pub fn events(
        &self,
    ) -> impl ExactSizeIterator<Item = &EventRecord> + DoubleEndedIterator + Clone {
        self.events.iter()
    }

    /// The event whose notification has this id.
    pub fn event(&self, id: &str) -> Option<&EventRecord> {
        self.events.iter().find(|event| *event.id == *id)
    }

    /// The attempts with their events, in the order in which they ended.
    pub fn attempts(&self) -> Vec<(&EventRecord, &AttemptRecord)> {
        let of = |event| EventRecord::attempts_of(event);
        let mut attempts: Vec<_> = self.events.iter().flat_map(of).collect();
        attempts.sort_by_key(|(_, attempt)| attempt.order);
        attempts
    }

    /// What happened to destinations, in its order.
    pub fn notes(&self) -> impl ExactSizeIterator<Item = &Note> + DoubleEndedIterator + Clone {
        self.notes.iter()
    }

    /// The test events, in the order in which they ended.
    pub fn test_events(
        &self,
    ) -> impl ExactSizeIterator<Item = &TestEventRecord> + DoubleEndedIterator + Clone {
        self.test_events.iter()
    }

    /// What became of everything until now, also of what is no longer here.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// When a destination got which status.
    pub fn statuses(&self, destination: &DestinationId) -> Vec<(Duration, Status)> {
        let of = |note: &Note| match note.step {
            Step::Status(status) if note.destination.as_ref() == Some(destination) => {
                Some((note.at, status))
            }
            _ => None,
        };
        self.notes.iter().filter_map(of).collect()
    }

    /// The events with this fate for at least one destination.
    pub fn with_fate(&self, fate: Fate) -> Vec<&EventRecord> {
        let with = self.events.iter().filter(|event| event.has(fate));
        with.collect()
    }

    /// How many events happened, with those that are no longer here.
    pub fn len(&self) -> u64 {
        self.forgotten.all + self.events.len() as u64
    }

    /// Whether nothing has happened.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Only what concerns this destination: its events, with the attempts and the fate of no other,
    /// and its notes. What handlers have handled is asserted for one destination at a time.
    #[must_use]
    pub fn of(&self, destination: &DestinationId) -> Self {
        let mut ledger = self.clone();
        ledger.events.retain_mut(|event| {
            event.fates.retain(|(other, _)| other == destination);
            event.attempts.retain(|it| it.destination == *destination);
            event.under_way.retain(|other| other == destination);
            !event.fates.is_empty()
        });
        let notes = &mut ledger.notes;
        notes.retain(|note| note.destination.as_ref() == Some(destination));
        let test_events = &mut ledger.test_events;
        test_events.retain(|it| it.destination.as_ref() == Some(destination));
        let forgotten = ledger.forgotten_of.remove(destination);
        (ledger.forgotten, ledger.totals) = forgotten.unwrap_or_default();
        for (_, fate) in ledger.events.iter().flat_map(|event| &event.fates) {
            ledger.totals.add(*fate);
        }
        ledger.forgotten_of.clear();
        ledger
    }

    pub(super) fn next_order(&mut self) -> u64 {
        self.order += 1;
        self.order
    }

    /// The number of the event that is added next.
    pub(super) fn next_number(&self) -> u64 {
        self.len()
    }

    pub(super) fn add_event(&mut self, event: EventRecord) {
        for (_, fate) in &event.fates {
            self.totals.add(*fate);
        }
        self.events.push_back(event);
        while self.events.len() > self.capacity {
            let Some(oldest) = self.events.pop_front() else {
                return;
            };
            self.forgotten.add(|fate| oldest.has(fate));
            for (destination, fate) in oldest.fates {
                self.totals.forget(fate);
                let (forgotten, totals) = self.forgotten_of.entry(destination).or_default();
                forgotten.add(|other| other == fate);
                totals.add(fate);
                totals.forget(fate);
            }
        }
    }

    pub(super) fn add_attempt(&mut self, number: u64, attempt: AttemptRecord) {
        let Some(event) = event_mut(&mut self.events, self.forgotten.all, number) else {
            return;
        };
        let mut fates = event.fates.iter_mut();
        let found = fates.find(|(other, _)| *other == attempt.destination);
        if let (Some((_, fate)), true) = (found, attempt.is_accepted()) {
            self.totals.change(*fate, Fate::Accepted);
            *fate = Fate::Accepted;
        }
        event.attempts.push(attempt);
    }

    pub(super) fn add_test_event(&mut self, record: impl FnOnce(u64) -> TestEventRecord) {
        let record = record(self.next_order());
        self.test_events.push_back(record);
        while self.test_events.len() > self.capacity {
            self.test_events.pop_front();
        }
    }

    /// No more attempts are made for these destinations.
    pub(super) fn end(&mut self, number: u64, destinations: &HashSet<DestinationId>) {
        let Some(event) = event_mut(&mut self.events, self.forgotten.all, number) else {
            return;
        };
        event.under_way.retain(|it| !destinations.contains(it));
        let attempts = &event.attempts;
        for (destination, fate) in &mut event.fates {
            if *fate == Fate::Open && destinations.contains(destination) {
                let was_sent = attempts.iter().any(|it| it.destination == *destination);
                let end = if was_sent { Fate::Lost } else { Fate::Unsent };
                self.totals.change(*fate, end);
                *fate = end;
            }
        }
    }

    pub(super) fn note(&mut self, at: Duration, destination: Option<&DestinationId>, step: Step) {
        let note = Note {
            at,
            destination: destination.cloned(),
            step,
            order: self.next_order(),
        };
        self.notes.push_back(note);
        while self.notes.len() > self.capacity {
            self.notes.pop_front();
        }
    }
}

/// The event of this number, if it is still there.
fn event_mut(
    events: &mut VecDeque<EventRecord>,
    forgotten: u64,
    number: u64,
) -> Option<&mut EventRecord> {
    let at = usize::try_from(number.checked_sub(forgotten)?).ok()?;
    events.get_mut(at)
}

impl EventRecord {
    fn attempts_of(&self) -> impl Iterator<Item = (&Self, &AttemptRecord)> {
        self.attempts.iter().map(move |attempt| (self, attempt))
    }
}
