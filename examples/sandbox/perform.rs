//! What the commands do.

use std::{
    fmt::Write,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{sync::Notify, task::AbortHandle};
use tower_nylas::testing::nylas::{
    AttemptRecord, Destination, DestinationUpdate, Event, EventRecord, Injected, Ledger, Simulator,
    Status,
};

use crate::{
    command::{Command, NewFault, NewWebhook, Trigger},
    form, resolve,
    run::{MOST_OPEN, Runs},
    watch,
};

/// The simulated Nylas, and what was started in it.
pub(crate) struct Sandbox {
    pub(crate) nylas: Simulator,
    pub(crate) speed: u32,
    pub(crate) runs: Runs,
    /// Told by the command `quit`.
    pub(crate) quit: Notify,
    faults: Mutex<Faults>,
}

#[derive(Default)]
struct Faults {
    /// Those that go on.
    held: Vec<Held>,
    count: usize,
}

struct Held {
    number: usize,
    text: String,
    injected: Injected,
    /// What ends it after a time.
    end: Option<AbortHandle>,
}

impl Faults {
    /// Without those that have hit as often as they were to.
    fn going_on(&mut self) -> &mut Vec<Held> {
        self.held.retain(|it| {
            let is_over = it.injected.is_over();
            if let (true, Some(end)) = (is_over, &it.end) {
                end.abort();
            }
            !is_over
        });
        &mut self.held
    }
}

/// What a command has to say, for readers and for programs.
pub(crate) struct Reply {
    pub(crate) text: String,
    pub(crate) data: Value,
}

impl Reply {
    fn new(text: impl Into<String>, data: Value) -> Self {
        Self {
            text: text.into(),
            data,
        }
    }
}

/// How many times one command can trigger something.
const MAX_COUNT: u64 = 1_000_000;

/// How many faults go on at once.
const MOST_FAULTS: usize = 1000;

impl Sandbox {
    pub(crate) fn new(nylas: Simulator, speed: u32) -> Self {
        Self {
            nylas,
            speed,
            runs: Runs::default(),
            quit: Notify::new(),
            faults: Mutex::default(),
        }
    }

    pub(crate) async fn perform(self: &Arc<Self>, command: Command) -> Result<Reply, String> {
        match command {
            Command::Trigger(trigger) => self.trigger(&trigger),
            Command::Fault(new) => self.fault(&new),
            Command::Faults {} => Ok(self.list_faults()),
            Command::Clear { number } => self.clear(number),
            Command::Create(new) => self.create(&new).await,
            Command::Destinations {} => Ok(self.list_destinations()),
            Command::Rotate { destination } => {
                let it = resolve::destination(&self.nylas, &destination)?;
                let rotated = self.nylas.rotate(&it.id).map_err(|why| why.to_string())?;
                Ok(issued("the new secret of", &it, rotated.secret()))
            }
            Command::Pause { destination } => {
                self.update(&destination, DestinationUpdate::new().pause())
                    .await
            }
            Command::Activate { destination } => {
                self.update(&destination, DestinationUpdate::new().reactivate())
                    .await
            }
            Command::Delete { destination } => {
                let it = resolve::destination(&self.nylas, &destination)?;
                self.nylas.delete(&it.id).map_err(|why| why.to_string())?;
                let text = format!("{} is deleted", it.webhook_url);
                Ok(Reply::new(text, json!({"id": it.id.as_str()})))
            }
            Command::Ledger { last } => Ok(self.ledger(last.unwrap_or(20))),
            Command::Wait {} => {
                self.runs.ended().await;
                self.nylas.settled().await;
                Ok(self.counts())
            }
            Command::Help {} => Ok(Reply::new(form::help(), form::help().into())),
            Command::Quit {} => {
                self.quit.notify_one();
                Ok(Reply::new("ending", Value::Null))
            }
        }
    }

    fn trigger(self: &Arc<Self>, wanted: &Trigger) -> Result<Reply, String> {
        let name = &*wanted.trigger;
        let changes = resolve::changes(name, &wanted.set)?;
        let mut event = changes.into_iter().fold(Event::new(name), Event::change);
        if wanted.gzip {
            event = event.compressed();
        }
        if wanted.duplicate {
            event = event.duplicates(1);
        }
        let subscribed = resolve::subscribed(self.nylas.destinations(), name);
        let mut count = subscribed.len();
        if let Some(to) = &wanted.to {
            let it = resolve::destination(&self.nylas, to)?;
            if !subscribed.iter().any(|other| other.id == it.id) {
                return Err(format!("{} is not subscribed to {name}", it.webhook_url));
            }
            event = event.only_to(&it.id);
            count = 1;
        }
        if count == 0 {
            return Err(format!("no destination is subscribed to {name}"));
        }
        let times = wanted.count.unwrap_or(1);
        if times == 0 || times > MAX_COUNT {
            return Err(format!("--count is from 1 to {MAX_COUNT}"));
        }
        if wanted
            .rate
            .is_some_and(|rate| !(0.001..=1e6).contains(&rate))
        {
            return Err("--rate is from 0.001 to 1000000 a second".to_owned());
        }
        if times > 1 {
            self.runs.start(self.clone(), event, times, wanted.rate)?;
            let text = format!("{times} × {name} to {}", destinations(count));
            let data = json!({"count": times, "destinations": count});
            return Ok(Reply::new(text, data));
        }
        // Runs wait for less.
        let open = self.nylas.under_way() as u64;
        if open >= 2 * MOST_OPEN {
            return Err(format!("{open} are under way already: `wait` for them"));
        }
        let id = self.nylas.emit(event);
        let text = format!("{name} {id} to {}", destinations(count));
        Ok(Reply::new(text, json!({"id": &*id, "destinations": count})))
    }

    fn fault(self: &Arc<Self>, new: &NewFault) -> Result<Reply, String> {
        let mut fault = resolve::fault(new)?;
        let mut text = fault.to_string();
        if let Some(to) = &new.to {
            let it = resolve::destination(&self.nylas, to)?;
            fault = fault.on(&it.id);
            let _ = write!(text, ", on the way to {}", it.webhook_url);
        }
        if let Some(count) = new.count {
            let _ = write!(text, ", {count}×");
        }
        if let Some(probability) = new.probability {
            let _ = write!(text, ", with a probability of {probability}");
        }
        if let Some(time) = new.r#for {
            let end = self.nylas.elapsed() + time.0;
            let _ = write!(text, ", until {}", clock(end));
        }
        let mut faults = self.faults();
        if faults.going_on().len() >= MOST_FAULTS {
            return Err(format!("{MOST_FAULTS} faults go on: `clear` them"));
        }
        faults.count += 1;
        let number = faults.count;
        let end = new.r#for.map(|time| {
            let sandbox = self.clone();
            let real = time.0 / self.speed;
            let ending = tokio::spawn(async move {
                tokio::time::sleep(real).await;
                let _ = sandbox.clear(Some(number));
            });
            ending.abort_handle()
        });
        faults.held.push(Held {
            number,
            text: text.clone(),
            injected: self.nylas.inject(fault),
            end,
        });
        drop(faults);
        let data = json!({"number": number, "fault": text});
        Ok(Reply::new(format!("{number}: {text}"), data))
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many go wrong.
    pub(crate) fn fault_count(&self) -> usize {
        self.faults().going_on().len()
    }

    fn list_faults(&self) -> Reply {
        let (mut lines, mut data) = (Vec::new(), Vec::new());
        for Held {
            number,
            text,
            injected,
            ..
        } in self.faults().going_on()
        {
            let hits = injected.hits();
            lines.push(format!("{number}: {text}; {hits} attempts until now"));
            data.push(json!({"number": number, "fault": text, "hits": hits}));
        }
        if lines.is_empty() {
            lines.push("nothing goes wrong".to_owned());
        }
        Reply::new(lines.join("\n"), data.into())
    }

    fn clear(&self, number: Option<usize>) -> Result<Reply, String> {
        let mut faults = self.faults();
        let is_meant = |it: &usize| number.is_none_or(|number| number == *it);
        let mut ended = Vec::new();
        for it in faults.going_on().iter().filter(|it| is_meant(&it.number)) {
            it.injected.remove();
            ended.push(it.number);
        }
        faults.going_on();
        match number {
            Some(number) if ended.is_empty() => Err(format!("there is no fault {number}")),
            _ => Ok(Reply::new(
                format!("{} ended", faulty(ended.len())),
                json!({"ended": ended}),
            )),
        }
    }

    async fn create(&self, wanted: &NewWebhook) -> Result<Reply, String> {
        let new = resolve::webhook(wanted)?;
        let created = self.nylas.create(&new).await;
        let created = created.map_err(|why| format!("{}: {why}", wanted.url))?;
        if let Some(secret) = &wanted.secret {
            let (id, active) = (created.id.as_str(), Status::Active);
            let put = self.nylas.put(id, secret, &new, active);
            put.map_err(|why| why.to_string())?;
        }
        let it = resolve::destination(&self.nylas, created.id.as_str())?;
        Ok(issued("created", &it, it.secret()))
    }

    fn list_destinations(&self) -> Reply {
        let (mut lines, mut data) = (Vec::new(), Vec::new());
        for it in self.nylas.destinations() {
            let triggers = match &it.trigger_types[..] {
                [one] => one.clone(),
                many => format!("{} triggers", many.len()),
            };
            let Destination {
                id,
                webhook_url: url,
                status,
                ..
            } = &it;
            lines.push(format!("{id}  {status:7}  {url}  {triggers}"));
            data.push(json!({
                "id": id.as_str(),
                "status": status.to_string(),
                "webhook_url": url,
                "trigger_types": it.trigger_types,
            }));
        }
        if lines.is_empty() {
            lines.push("there is no destination: `create URL` makes one".to_owned());
        }
        Reply::new(lines.join("\n"), data.into())
    }

    async fn update(&self, name: &str, update: DestinationUpdate) -> Result<Reply, String> {
        let it = resolve::destination(&self.nylas, name)?;
        let updated = self.nylas.update(&it.id, &update).await;
        let updated = updated.map_err(|why| why.to_string())?;
        let (url, status) = (&updated.webhook_url, updated.status.to_string());
        let text = format!("{url}: {status}");
        Ok(Reply::new(
            text,
            json!({"id": it.id.as_str(), "status": status}),
        ))
    }

    /// What became of everything until now.
    fn counts(&self) -> Reply {
        let (all, totals) = self
            .nylas
            .with_ledger(|ledger| (ledger.len(), ledger.totals()));
        let (failed, shown) = (self.runs.failed(), watch::shown(&totals));
        // Somebody else may have begun something meanwhile.
        let under_way = if self.nylas.under_way() == 0 {
            "nothing"
        } else {
            "more"
        };
        let mut text = format!("{under_way} is under way: {all} notifications, {shown}");
        if failed > 0 {
            let _ = write!(text, ", {failed} runs failed");
        }
        let data = json!({
            "notifications": all, "accepted": totals.accepted, "open": totals.open,
            "lost": totals.lost, "not_sent": totals.unsent, "forgotten": totals.forgotten,
            "failed_runs": failed,
        });
        Reply::new(text, data)
    }

    /// Whether everything was sent and accepted, and no run has failed.
    pub(crate) fn is_all_well(&self) -> bool {
        let totals = self.nylas.with_ledger(Ledger::totals);
        let failed = totals.lost + totals.open + totals.forgotten + self.runs.failed();
        failed == 0 && !self.runs.is_going_on()
    }

    fn ledger(&self, last: usize) -> Reply {
        // Written down without Nylas standing still.
        let (count, events) = self.nylas.with_ledger(|ledger| {
            let skipped = ledger.events().len().saturating_sub(last);
            let events: Vec<EventRecord> = ledger.events().skip(skipped).cloned().collect();
            (ledger.len(), events)
        });
        let mut text = format!("{count} notifications");
        for event in &events {
            let _ = write!(text, "\n{} {} {}", clock(event.at), event.trigger, event.id);
            for (destination, fate) in &event.fates {
                let _ = write!(text, "\n    {destination}: {fate}");
            }
            for attempt in &event.attempts {
                let AttemptRecord { number, at, .. } = attempt;
                let (answer, to) = (watch::answer(attempt), &attempt.destination);
                let _ = write!(text, "\n    {} {number} to {to}: {answer}", clock(*at));
            }
        }
        let events: Vec<Value> = events.iter().map(|it| event_json(it, self.speed)).collect();
        Reply::new(text, json!({"count": count, "notifications": events}))
    }
}

fn event_json(event: &EventRecord, speed: u32) -> Value {
    let fates = event.fates.iter().map(|(destination, fate)| {
        json!({"destination": destination.as_str(), "fate": fate.to_string()})
    });
    let attempts = event.attempts.iter().map(|attempt| {
        let AttemptRecord {
            number,
            destination,
            seen,
            faults,
            ..
        } = attempt;
        json!({
            "attempt": number,
            "destination": destination.as_str(),
            "at_ms": millis(attempt.at),
            "took_ms": millis(attempt.took / speed),
            "status": seen.answer().ok().map(|status| status.as_u16()),
            "answer": seen.to_string(),
            "unseen": attempt.hidden.as_ref().map(ToString::to_string),
            "faults": faults,
        })
    });
    json!({
        "id": &*event.id,
        "trigger": &*event.trigger,
        "at_ms": millis(event.at),
        "fates": fates.collect::<Vec<_>>(),
        "attempts": attempts.collect::<Vec<_>>(),
    })
}

fn millis(time: Duration) -> u64 {
    time.as_millis().try_into().unwrap_or(u64::MAX)
}

fn issued(what: &str, it: &Destination, secret: &str) -> Reply {
    let Destination {
        id,
        webhook_url: url,
        ..
    } = it;
    let text = format!("{what} {id} at {url}: NYLAS_WEBHOOK_SECRET={secret}");
    let data = json!({"id": id.as_str(), "webhook_url": url, "webhook_secret": secret});
    Reply::new(text, data)
}

fn destinations(count: usize) -> String {
    match count {
        1 => "1 destination".to_owned(),
        more => format!("{more} destinations"),
    }
}

fn faulty(count: usize) -> String {
    match count {
        1 => "1 fault".to_owned(),
        more => format!("{more} faults"),
    }
}

/// A time since the start.
pub(crate) fn clock(time: Duration) -> String {
    let (seconds, millis) = (time.as_secs(), time.subsec_millis());
    let (minutes, seconds) = (seconds / 60, seconds % 60);
    let (hours, minutes) = (minutes / 60, minutes % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}.{millis:03}")
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use bytes::Bytes;
    use http::{Request, Response};
    use http_body_util::Full;
    use tower::service_fn;
    use tower_nylas::testing::{
        VirtualClock,
        nylas::{Fault, NewDestination},
    };

    use super::*;

    const URL: &str = "http://app.example/";

    /// With an endpoint that accepts everything, and a ledger of 10 events.
    fn sandbox(clock: &VirtualClock) -> Arc<Sandbox> {
        let builder = Simulator::builder().clock(clock.clone());
        let nylas = builder.ledger_capacity(10).build();
        let endpoint = service_fn(async |_: Request<Full<Bytes>>| {
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        });
        nylas.host(URL, endpoint);
        let new = NewDestination::new(URL, ["message.created"]);
        let put = nylas.put("wh-1", "an-invented-secret", &new, Status::Active);
        put.unwrap();
        Arc::new(Sandbox::new(nylas, 1))
    }

    #[test]
    fn what_the_ledger_has_forgotten_is_counted_all_the_same() {
        let clock = VirtualClock::new();
        let sandbox = sandbox(&clock);
        let wait = || {
            let waiting = sandbox.perform(Command::Wait {});
            clock.run_until(waiting).map(|reply| reply.text).unwrap()
        };
        let lost = sandbox
            .nylas
            .inject(Fault::proxy_answers(http::StatusCode::NOT_FOUND));
        for _ in 0..3 {
            sandbox.nylas.emit("message.created");
        }
        clock.run_for(Duration::from_secs(1));
        lost.remove();
        for _ in 0..30 {
            sandbox.nylas.emit("message.created");
            clock.run_for(Duration::from_secs(1));
        }
        let counted = "nothing is under way: 33 notifications, 30 accepted, 0 open, 3 lost, \
                       0 not sent";
        assert_eq!(wait(), counted);
        assert!(!sandbox.is_all_well());
    }

    #[test]
    fn what_is_open_or_forgotten_is_not_all_well() {
        let clock = VirtualClock::new();
        let sandbox = sandbox(&clock);
        assert!(sandbox.is_all_well());
        let away = Fault::proxy_answers(http::StatusCode::BAD_GATEWAY);
        let away = sandbox.nylas.inject(away);
        sandbox.nylas.emit("message.created");
        clock.run_for(Duration::from_secs(1));
        assert!(!sandbox.is_all_well());
        away.remove();
        clock.run_until(sandbox.nylas.settled());
        assert!(sandbox.is_all_well());
        for _ in 0..11 {
            sandbox.nylas.emit("message.created");
        }
        clock.run_until(sandbox.nylas.settled());
        let counted = sandbox.counts().text;
        assert!(counted.ends_with(", 1 no longer followed"), "{counted}");
        assert!(!sandbox.is_all_well());
    }

    #[test]
    fn a_fault_that_is_used_up_is_no_fault_any_more_and_their_number_has_an_end() {
        let clock = VirtualClock::new();
        let sandbox = sandbox(&clock);
        let inject = |line: &str| {
            let Ok(Some(Command::Fault(new))) = Command::from_line(line) else {
                panic!("{line}");
            };
            sandbox.fault(&new).map(|reply| reply.text)
        };
        inject("fault lost --count 2").unwrap();
        inject("fault slow 1s").unwrap();
        assert_eq!(sandbox.fault_count(), 2);
        sandbox.nylas.emit("message.created");
        clock.run_until(sandbox.nylas.settled());
        assert_eq!(sandbox.fault_count(), 1);
        let listed = sandbox.list_faults().text;
        assert!(listed.starts_with("2: slow by 1s; "), "{listed}");
        for _ in 1..MOST_FAULTS {
            inject("fault twice").unwrap();
        }
        let refused = inject("fault twice").unwrap_err();
        assert_eq!(refused, "1000 faults go on: `clear` them");
        let cleared = sandbox.clear(None).unwrap();
        assert_eq!(cleared.text, "1000 faults ended");
        assert_eq!(sandbox.fault_count(), 0);
    }
}
