//! What tests assert of a ledger. The messages name the events.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt::Write,
};

use super::{EventRecord, Fate, Ledger, display::At};

/// How many events a message names.
const NAMED: usize = 5;

impl Ledger {
    /// Asserts that every event was accepted by every destination that it was sent to. What was
    /// [not sent at all](Fate::Unsent) no receiver can keep, and is no loss here.
    ///
    /// # Panics
    ///
    /// Panics if one is lost, with the first of them and their attempts; if one is still open,
    /// since more time has to pass first; and if there was none, since nothing was tried then.
    #[track_caller]
    pub fn no_event_lost(&self) {
        self.assert_tried();
        self.assert_none("lost", &self.with_fate(Fate::Lost), self.forgotten_lost);
        self.assert_settled();
    }

    /// Asserts that exactly these events are lost, by the ids of their notifications, in any order.
    ///
    /// # Panics
    ///
    /// Panics if others are, or if one of these is not; and where
    /// [`no_event_lost`](Self::no_event_lost) does for other reasons.
    #[track_caller]
    pub fn only_lost<I: AsRef<str>>(&self, ids: impl IntoIterator<Item = I>) {
        self.assert_tried();
        let ids: Vec<I> = ids.into_iter().collect();
        let named: HashSet<&str> = ids.iter().map(AsRef::as_ref).collect();
        let lost = self.with_fate(Fate::Lost);
        let others = lost.iter().filter(|event| !named.contains(&*event.id));
        let others: Vec<_> = others.copied().collect();
        self.assert_none("lost", &others, self.forgotten_lost);
        let lost: HashSet<&str> = lost.iter().map(|event| &*event.id).collect();
        for id in named {
            assert!(lost.contains(id), "the notification {id} is not lost");
        }
        self.assert_settled();
    }

    /// Asserts that the handlers have handled every accepted notification once, and nothing else
    /// more often. `handled` has the id of a notification for each time that one was handled.
    ///
    /// # Panics
    ///
    /// Panics if one was handled not at all or more than once, if one was handled that there is
    /// not, and where [`no_event_lost`](Self::no_event_lost) does, except for what is lost.
    #[track_caller]
    pub fn handled_exactly_once<I: AsRef<str>>(&self, handled: impl IntoIterator<Item = I>) {
        self.assert_tried();
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for id in handled {
            *counts.entry(id.as_ref().to_owned()).or_default() += 1;
        }
        let known: HashMap<&str, &EventRecord> = self
            .events
            .iter()
            .map(|event| (&*event.id, event))
            .collect();
        let strangers = counts.keys().filter(|id| !known.contains_key(id.as_str()));
        let strangers: Vec<_> = strangers.take(NAMED).collect();
        assert!(
            strangers.is_empty() || self.forgotten > 0,
            "handled, but never sent: {strangers:?}"
        );
        let count = |event: &EventRecord| counts.get(&*event.id).copied().unwrap_or_default();
        let select = |is: &dyn Fn(&EventRecord) -> bool| -> Vec<&EventRecord> {
            self.events.iter().filter(|event| is(event)).collect()
        };
        let repeated = select(&|event| count(event) > 1);
        self.assert_none("handled more than once", &repeated, 0);
        let missing = select(&|event| count(event) == 0 && event.has(Fate::Accepted));
        self.assert_none("accepted and not handled", &missing, 0);
        self.assert_settled();
    }

    #[track_caller]
    fn assert_tried(&self) {
        let was_due = self.events.iter().any(|event| !event.fates.is_empty());
        assert!(
            was_due || self.forgotten > 0,
            "nothing has happened that a destination is subscribed to, so nothing was tried"
        );
    }

    #[track_caller]
    fn assert_settled(&self) {
        let open = self.with_fate(Fate::Open);
        self.assert_none("still open: let more time pass", &open, 0);
    }

    /// `more` of them are no longer here.
    #[track_caller]
    fn assert_none(&self, what: &str, events: &[&EventRecord], more: u64) {
        if events.is_empty() && more == 0 {
            return;
        }
        let count = events.len() as u64 + more;
        let mut message = format!("{count} of {} events {what}", self.len());
        for event in events.iter().take(NAMED) {
            let at = At(event.at);
            let _ = write!(message, "\n  {at} {} {}", event.id, event.trigger);
            for (destination, fate) in &event.fates {
                let _ = write!(message, "\n    {destination}: {fate}");
            }
            for attempt in &event.attempts {
                let _ = write!(message, "\n    {} {attempt}", At(attempt.at));
            }
        }
        if count > NAMED as u64 {
            let _ = write!(message, "\n  …");
        }
        panic!("{message}");
    }
}
