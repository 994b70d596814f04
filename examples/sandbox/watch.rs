//! Follows the ledger: what is new in it, and what became of everything.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    fmt::Write,
    time::Duration,
};

use tower_nylas::testing::nylas::{
    AttemptRecord, DestinationId, EventRecord, Fate, Ledger, Simulator, Status,
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
    notes: usize,
    places: Places,
    pub(crate) totals: Totals,
}

#[derive(Default, Clone, Copy)]
struct Seen {
    attempts: usize,
    is_settled: bool,
}

/// The URLs of all destinations that there were, and the statuses of those that there are.
type Places = HashMap<DestinationId, (String, Option<Status>)>;

/// What became of notifications, each counted once for every destination.
#[derive(Default)]
pub(crate) struct Totals {
    pub(crate) accepted: u64,
    pub(crate) lost: u64,
    pub(crate) unsent: u64,
    pub(crate) open: u64,
    /// Too old to be in the ledger, and open until then.
    pub(crate) forgotten: u64,
    /// Where and why.
    pub(crate) reasons: BTreeMap<(String, String), u64>,
}

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
        let mut news = nylas.with_ledger(|ledger| self.read(ledger, speed));
        news.sort_by_key(|it| it.at);
        news
    }

    fn read(&mut self, ledger: &Ledger, speed: u32) -> Vec<News> {
        let places = &self.places;
        let mut news = Vec::new();
        let gone = ledger.len() - ledger.events().len() as u64;
        while self.first < gone {
            let seen = self.seen.pop_front();
            let was_open = seen.is_none_or(|seen| !seen.is_settled);
            self.totals.forgotten += u64::from(was_open);
            self.first += 1;
        }
        let skipped = usize::try_from(self.first - gone).unwrap_or(usize::MAX);
        self.totals.open = 0;
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
            let open = event.fates.iter().filter(|(_, fate)| *fate == Fate::Open);
            let open = open.count() as u64;
            self.totals.open += open;
            if open == 0 && !seen.is_settled {
                seen.is_settled = true;
                self.totals.add(event, places);
            }
        }
        while self.seen.len() > KEPT && self.seen.front().is_some_and(|it| it.is_settled) {
            self.seen.pop_front();
            self.first += 1;
        }
        for note in ledger.notes().skip(self.notes) {
            let id = note.destination.as_ref();
            news.push(News {
                at: note.at,
                trigger: String::new(),
                id: String::new(),
                attempt: String::new(),
                to: id.map_or_else(|| "no destination".to_owned(), |id| place(id, places)),
                answer: note.step.to_string(),
                is_accepted: false,
            });
        }
        self.notes = ledger.notes().len();
        news
    }
}

impl Totals {
    fn add(&mut self, event: &EventRecord, places: &Places) {
        for (id, fate) in &event.fates {
            let why = match fate {
                Fate::Accepted => {
                    self.accepted += 1;
                    continue;
                }
                Fate::Lost => {
                    self.lost += 1;
                    let mut attempts = event.attempts.iter().rev();
                    let last = attempts.find(|it| it.destination == *id);
                    last.map_or_else(String::new, answer)
                }
                _ => {
                    self.unsent += 1;
                    match places.get(id) {
                        Some((_, Some(status))) => {
                            format!("not sent: it was not active, and is {status} now")
                        }
                        _ => "not sent: it is deleted".to_owned(),
                    }
                }
            };
            let reason = (place(id, places), why);
            if self.reasons.len() < REASONS || self.reasons.contains_key(&reason) {
                *self.reasons.entry(reason).or_default() += 1;
            }
        }
    }
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
}

/// What Nylas saw, and what went wrong on purpose.
pub(crate) fn answer(attempt: &AttemptRecord) -> String {
    let mut text = attempt.seen.to_string();
    if !attempt.faults.is_empty() {
        let _ = write!(text, " [{}]", attempt.faults.join(", "));
    }
    text
}

fn place(id: &DestinationId, places: &Places) -> String {
    let found = places.get(id).map(|(url, _)| url.clone());
    found.unwrap_or_else(|| id.to_string())
}
