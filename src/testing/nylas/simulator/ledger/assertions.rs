//! What tests assert of a ledger. The messages name the events.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::Write,
};

use super::{AttemptRecord, EventRecord, Fate, Ledger, display::At};

/// How many events a message names.
const NAMED: usize = 5;

impl Ledger {
    /// Asserts that every event was accepted by every destination that it was sent to. What was
    /// [not sent at all](Fate::Unsent) no receiver can keep, and is no loss here.
    ///
    /// # Panics
    ///
    /// Panics if one is lost, with the first of them and their attempts; if Nylas may still send
    /// one, since more time has to pass first; if none was sent, since nothing was tried then; and
    /// if one was accepted with a
    /// [wrong signature](crate::testing::nylas::Fault::wrong_signature).
    #[track_caller]
    pub fn no_event_lost(&self) {
        self.assert_tried();
        self.assert_none("lost", &self.with_fate(Fate::Lost), self.forgotten.lost);
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
        let named: BTreeSet<&str> = ids.iter().map(AsRef::as_ref).collect();
        let lost = self.with_fate(Fate::Lost);
        let others = lost.iter().filter(|event| !named.contains(&*event.id));
        let others: Vec<_> = others.copied().collect();
        self.assert_none("lost", &others, self.forgotten.lost);
        let lost: BTreeSet<&str> = lost.iter().map(|event| &*event.id).collect();
        for id in named {
            assert!(lost.contains(id), "the notification {id} is not lost");
        }
        self.assert_settled();
    }

    /// Asserts that the handlers have handled every accepted notification once, and nothing else
    /// more often. `handled` has the id of a notification for each time that one was handled. With
    /// several destinations, it is asserted of the ledger [of](Self::of) each.
    ///
    /// # Panics
    ///
    /// Panics if one was handled not at all or more than once, if one was handled that there is
    /// not, and where [`no_event_lost`](Self::no_event_lost) does, except for what is lost; if the
    /// ledger has forgotten events, whose handling it cannot check; and if one was sent to several
    /// destinations.
    #[track_caller]
    pub fn handled_exactly_once<I: AsRef<str>>(&self, handled: impl IntoIterator<Item = I>) {
        self.assert_tried();
        assert!(
            self.forgotten.all == 0,
            "{} events are no longer in the ledger: raise `ledger_capacity`",
            self.forgotten.all
        );
        let is_shared = |event: &&EventRecord| event.sent_to() > 1;
        let shared: Vec<_> = self.events.iter().filter(is_shared).collect();
        self.assert_none("sent to several destinations: use `Ledger::of`", &shared, 0);
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
            strangers.is_empty(),
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
        let was_sent = self.events.iter().any(|event| event.sent_to() > 0);
        assert!(
            was_sent || self.forgotten.tried > 0,
            "nothing has happened that was sent to a destination, so nothing was tried"
        );
        let is_forged = |event: &&EventRecord| {
            let mut attempts = event.attempts.iter();
            attempts.any(AttemptRecord::is_forgery_accepted)
        };
        let forged: Vec<_> = self.events.iter().filter(is_forged).collect();
        self.assert_none("accepted with a wrong signature", &forged, 0);
    }

    #[track_caller]
    fn assert_settled(&self) {
        let is_under_way = |event: &&EventRecord| !event.under_way.is_empty();
        let under_way: Vec<_> = self.events.iter().filter(is_under_way).collect();
        self.assert_none("still under way: let more time pass", &under_way, 0);
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
