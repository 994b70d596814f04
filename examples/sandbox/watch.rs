//! Follows the ledger: what is new in it, and what became of everything.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    fmt::Write,
    time::Duration,
};

use tower_nylas::testing::nylas::{
    AttemptRecord, DestinationId, EventRecord, Fate, Ledger, Note, Simulator, Status, Step,
    TestEventRecord, Totals,
};

/// How many events are looked at for more attempts after they were accepted: an answer may not have
/// arrived.
const KEPT: usize = 5000;

/// How many reasons for a loss are told apart.
const REASONS: usize = 100;

#[derive(Default)]
pub(crate) struct Watch {
    /// The number of the first event in `seen`.
    first: u64,
    seen: VecDeque<Seen>,
    /// The last place in the ledger of what else has happened.
    order: u64,
    /// The last challenge that failed, if nothing else has happened since.
    failed: Option<(Option<DestinationId>, String)>,
    places: Places,
    pub(crate) totals: Totals,
    /// Where and why something was lost or not sent, and how often.
    pub(crate) reasons: Reasons,
}

#[derive(Default, Clone, Copy)]
struct Seen {
    attempts: usize,
    is_settled: bool,
}

/// The URLs of more destinations than these are not kept once they are deleted.
const MOST_PLACES: usize = 10_000;

/// The URLs of all destinations that there were, and the statuses of those that there are.
type Places = HashMap<DestinationId, (String, Option<Status>)>;

/// What is new.
pub(crate) struct News {
    pub(crate) at: Duration,
    pub(crate) trigger: String,
    pub(crate) id: String,
    pub(crate) attempt: String,
    pub(crate) to: String,
    pub(crate) answer: String,
    pub(crate) is_accepted: bool,
}

impl Watch {
    pub(crate) fn update(&mut self, nylas: &Simulator, speed: u32) -> Vec<News> {
        for (_, status) in self.places.values_mut() {
            *status = None;
        }
        let present = nylas.destinations().into_iter();
        let present = present.map(|it| (it.id, (it.webhook_url, Some(it.status))));
        self.places.extend(present);
        if self.places.len() > MOST_PLACES {
            self.places.retain(|_, (_, status)| status.is_some());
        }
        let mut news = nylas.with_ledger(|ledger| self.read(ledger, speed));
        news.sort_by_key(|it| it.at);
        news
    }

    fn read(&mut self, ledger: &Ledger, speed: u32) -> Vec<News> {
        let mut news = self.others(ledger, speed);
        let places = &self.places;
        let gone = ledger.len() - ledger.events().len() as u64;
        while self.first < gone {
            self.seen.pop_front();
            self.first += 1;
        }
        let skipped = usize::try_from(self.first - gone).unwrap_or(usize::MAX);
        self.totals = ledger.totals();
        for (index, event) in ledger.events().skip(skipped).enumerate() {
            if index == self.seen.len() {
                self.seen.push_back(Seen::default());
            }
            let Some(seen) = self.seen.get_mut(index) else {
                break;
            };
            for attempt in event.attempts.iter().skip(seen.attempts) {
                news.push(News::of_attempt(event, attempt, places, speed));
            }
            seen.attempts = event.attempts.len();
            let is_open = event.fates.iter().any(|(_, fate)| *fate == Fate::Open);
            if !is_open && !seen.is_settled {
                seen.is_settled = true;
                add_reasons(&mut self.reasons, event, places);
            }
        }
        while self.seen.len() > KEPT && self.seen.front().is_some_and(|it| it.is_settled) {
            self.seen.pop_front();
            self.first += 1;
        }
        news
    }

    /// What has happened beside notifications: the ledger keeps only the last of it.
    fn others(&mut self, ledger: &Ledger, speed: u32) -> Vec<News> {
        let last = self.order;
        let mut news = Vec::new();
        let notes = ledger.notes().rev().take_while(|note| note.order > last);
        for note in notes.collect::<Vec<_>>().into_iter().rev() {
            self.order = self.order.max(note.order);
            if !self.is_repeated(note) {
                news.push(News::of_note(note, &self.places));
            }
        }
        let tests = ledger.test_events().rev().take_while(|it| it.order > last);
        for test in tests {
            self.order = self.order.max(test.order);
            news.push(News::of_test(test, speed));
        }
        news
    }

    /// Whether it says once more that a challenge has failed: somebody tries it again and again.
    fn is_repeated(&mut self, note: &Note) -> bool {
        let failed = match &note.step {
            Step::ChallengeFailed(why) => Some((note.destination.clone(), why.clone())),
            _ => None,
        };
        let is_repeated = failed.is_some() && failed == self.failed;
        self.failed = failed;
        is_repeated
    }
}

type Reasons = BTreeMap<(String, String), u64>;

fn add_reasons(reasons: &mut Reasons, event: &EventRecord, places: &Places) {
    for (id, fate) in &event.fates {
        let why = match fate {
            Fate::Accepted => continue,
            Fate::Lost => {
                let mut attempts = event.attempts.iter().rev();
                let last = attempts.find(|it| it.destination == *id);
                last.map_or_else(String::new, answer)
            }
            _ => match places.get(id) {
                Some((_, Some(status))) => {
                    format!("not sent: it was not active, and is {status} now")
                }
                _ => "not sent: it is deleted".to_owned(),
            },
        };
        let reason = (place(id, places), why);
        if reasons.len() < REASONS || reasons.contains_key(&reason) {
            *reasons.entry(reason).or_default() += 1;
        }
    }
}

/// The totals as a text.
pub(crate) fn shown(totals: &Totals) -> String {
    let Totals {
        accepted,
        open,
        lost,
        unsent,
        forgotten,
        ..
    } = totals;
    let mut text = format!("{accepted} accepted, {open} open, {lost} lost, {unsent} not sent");
    if *forgotten > 0 {
        let _ = write!(text, ", {forgotten} no longer followed");
    }
    text
}

impl News {
    fn of_attempt(
        event: &EventRecord,
        attempt: &AttemptRecord,
        places: &Places,
        speed: u32,
    ) -> Self {
        let took = attempt.took / speed;
        Self {
            at: attempt.at + attempt.took,
            trigger: event.trigger.to_string(),
            id: event.id.to_string(),
            attempt: attempt.number.to_string(),
            to: place(&attempt.destination, places),
            answer: format!("{} after {} ms", answer(attempt), took.as_millis()),
            is_accepted: attempt.seen.answer().is_ok_and(|status| status == 200),
        }
    }

    fn of_note(note: &Note, places: &Places) -> Self {
        let to = match &note.destination {
            Some(id) => place(id, places),
            None => "no destination".to_owned(),
        };
        Self::of_other(note.at, to, note.step.to_string())
    }

    fn of_test(test: &TestEventRecord, speed: u32) -> Self {
        let TestEventRecord { trigger, seen, .. } = test;
        let mut answer = format!("test event {trigger}: {seen}");
        add_faults(&mut answer, &test.faults);
        let took = test.took / speed;
        let _ = write!(answer, " after {} ms", took.as_millis());
        let at = test.at + test.took;
        Self::of_other(at, test.webhook_url.to_string(), answer)
    }

    fn of_other(at: Duration, to: String, answer: String) -> Self {
        Self {
            at,
            trigger: String::new(),
            id: String::new(),
            attempt: String::new(),
            to,
            answer,
            is_accepted: false,
        }
    }
}

/// What Nylas saw, and what went wrong on purpose.
pub(crate) fn answer(attempt: &AttemptRecord) -> String {
    let mut text = attempt.seen.to_string();
    add_faults(&mut text, &attempt.faults);
    text
}

fn add_faults(text: &mut String, faults: &[String]) {
    if !faults.is_empty() {
        let _ = write!(text, " [{}]", faults.join(", "));
    }
}

fn place(id: &DestinationId, places: &Places) -> String {
    let found = places.get(id).map(|(url, _)| url.clone());
    found.unwrap_or_else(|| id.to_string())
}

#[cfg(test)]
mod tests {
    use tower_nylas::testing::{VirtualClock, nylas::NewDestination};

    use super::*;

    fn rows(watch: &mut Watch, nylas: &Simulator) -> Vec<String> {
        let news = watch.update(nylas, 1).into_iter();
        news.map(|it| format!("{}: {}", it.to, it.answer)).collect()
    }

    #[test]
    fn a_challenge_that_fails_again_and_again_is_shown_once() {
        let clock = VirtualClock::new();
        let nylas = Simulator::builder().clock(clock.clone()).build();
        let new = NewDestination::new("http://app.example/", ["message.created"]);
        let mut watch = Watch::default();
        let mut fail = || {
            clock.run_until(nylas.create(&new)).unwrap_err();
            rows(&mut watch, &nylas)
        };
        let first = fail();
        assert_eq!(first.len(), 1);
        assert!(
            first[0].starts_with("no destination: challenge failed: "),
            "{first:?}"
        );
        assert!((0..100).all(|_| fail().is_empty()));
        // Once something else has happened, it is news.
        nylas
            .put("wh-1", "an-invented-secret", &new, Status::Active)
            .unwrap();
        nylas.rotate("wh-1").unwrap();
        let pause = tower_nylas::testing::nylas::DestinationUpdate::new().reactivate();
        clock.run_until(nylas.update("wh-1", &pause)).unwrap_err();
        let rows = rows(&mut watch, &nylas);
        assert_eq!(rows[0], "http://app.example/: has a new secret");
        assert!(rows[1].starts_with("http://app.example/: challenge failed: "));
        assert_eq!(rows.len(), 2);
    }

    #[test]
    fn notes_do_not_end_when_the_ledger_is_full_of_them() {
        let clock = VirtualClock::new();
        let builder = Simulator::builder().clock(clock.clone());
        let nylas = builder.ledger_capacity(10).build();
        let new = NewDestination::new("http://app.example/", ["message.created"]);
        nylas
            .put("wh-1", "an-invented-secret", &new, Status::Active)
            .unwrap();
        let mut watch = Watch::default();
        for _ in 0..30 {
            nylas.rotate("wh-1").unwrap();
            let rows = rows(&mut watch, &nylas);
            assert_eq!(rows, ["http://app.example/: has a new secret"]);
        }
        assert!(rows(&mut watch, &nylas).is_empty());
    }
}
