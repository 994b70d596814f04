//! The life of one notification: its attempts, until it is accepted or given up.

use std::{
    collections::HashSet, future::poll_fn, io, pin::Pin, sync::Arc, task::Poll, time::Duration,
};

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Full};

use super::{
    AttemptRecord, DestinationId, RetrySecret, Shared,
    draws::Purpose,
    event::Notification,
    fault::Kind,
    network::{Answer, Route},
    schedule::{LONGEST_RETRY_AFTER, Schedule},
};
use crate::{
    signature::WebhookSecret,
    testing::{
        DeliveryAttempt, NoAnswer,
        nylas::{random::Random, request},
    },
    time::within,
};

/// Where a notification is sent.
pub(super) struct Target {
    pub(super) id: DestinationId,
    /// A number of its own, for what is drawn.
    pub(super) ordinal: u64,
    /// Whether it was sent there with gzip when it happened.
    pub(super) is_compressed: bool,
    /// The secret of the first attempt.
    pub(super) first_key: Option<WebhookSecret>,
    /// There while an attempt is due, and not between two.
    pub(super) in_flight: Option<InFlight>,
}

/// An attempt that is due or sent, and not answered.
pub(super) struct InFlight(Arc<Shared>);

impl InFlight {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        shared.state().in_flight += 1;
        Self(shared.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.state().in_flight -= 1;
    }
}

/// What Nylas does after an attempt.
#[derive(Default)]
struct Verdict {
    is_repeated: bool,
    retry_after: Duration,
}

/// Delivers a notification to destinations that share its attempts: what one of them does not
/// accept is sent again to all.
pub(super) async fn deliver(
    shared: Arc<Shared>,
    number: u64,
    notification: Arc<Notification>,
    mut targets: Vec<Target>,
) {
    let purpose = targets.first().map_or(0, |target| target.ordinal);
    let mut random = shared.random(Purpose::Schedule, [number, purpose]);
    let attempts = shared.readings.attempts;
    let schedule = Schedule::draw(attempts, &mut random);
    let mut due = shared.time.elapsed();
    let mut not_before = Duration::ZERO;
    for attempt in 1..=attempts.count() {
        due = not_before.max(due + schedule.wait_before(attempt));
        shared.time.sleep_until(due).await;
        let mut attempts = Vec::with_capacity(targets.len());
        for target in &mut targets {
            attempts.push(shared.attempt(number, &notification, target, attempt));
        }
        let verdicts = all(attempts).await;
        if !verdicts.iter().any(|verdict| verdict.is_repeated) {
            break;
        }
        let longest = verdicts.iter().map(|verdict| verdict.retry_after).max();
        not_before = shared.time.elapsed() + longest.unwrap_or_default();
    }
    let ended: HashSet<_> = targets.into_iter().map(|target| target.id).collect();
    shared.state().ledger.end(number, &ended);
}

/// The outputs of all futures.
async fn all<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut running: Vec<Result<F::Output, Pin<Box<F>>>> = futures
        .into_iter()
        .map(|future| Err(Box::pin(future)))
        .collect();
    poll_fn(|cx| {
        let mut is_ready = true;
        for slot in &mut running {
            if let Err(future) = slot {
                match future.as_mut().poll(cx) {
                    Poll::Ready(output) => *slot = Ok(output),
                    Poll::Pending => is_ready = false,
                }
            }
        }
        if is_ready {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    running.into_iter().filter_map(Result::ok).collect()
}

impl Shared {
    /// One attempt, or two of the same number if it is sent twice.
    async fn attempt(
        self: &Arc<Self>,
        number: u64,
        notification: &Notification,
        target: &mut Target,
        attempt: u32,
    ) -> Verdict {
        // Of what is not sent, no fault is used up.
        if !self.is_delivering(&target.id) {
            target.in_flight = None;
            return Verdict::default();
        }
        let numbers = [number, u64::from(attempt), target.ordinal];
        let mut random = self.random(Purpose::Attempt, numbers);
        let faults = self.faults(Some(&target.id), &mut random);
        let mut verdict = Verdict::default();
        let late = delay(&faults, &mut random);
        if !late.is_zero() {
            target.in_flight = None;
            self.time.sleep(late).await;
        }
        let in_flight = target.in_flight.take();
        let _in_flight = in_flight.unwrap_or_else(|| InFlight::new(self));
        for _ in 0..times(&faults) {
            // It may have been paused meanwhile.
            let Some((route, request)) = self.prepare(notification, target, attempt, &faults)
            else {
                return verdict;
            };
            let at = self.time.elapsed();
            let mut hidden = None;
            let (answer, retry_after) = self.send(route, request, &faults, &mut hidden).await;
            verdict = Verdict {
                is_repeated: self.is_repeated(&answer),
                retry_after,
            };
            let took = self.time.elapsed().saturating_sub(at);
            self.record(number, |order| AttemptRecord {
                at,
                took,
                number: attempt,
                destination: target.id.clone(),
                seen: answer,
                hidden,
                faults: faults.iter().map(ToString::to_string).collect(),
                is_forged: faults.contains(&Kind::WrongSignature),
                order,
            });
        }
        verdict
    }

    /// What goes wrong now with a request to this destination, or to one that is not there yet.
    pub(super) fn faults(
        &self,
        destination: Option<&DestinationId>,
        random: &mut Random,
    ) -> Vec<Kind> {
        let faults = &mut self.state().faults;
        let hit = faults.iter().filter_map(|it| it.hit(destination, random));
        let hit = hit.collect();
        faults.retain(|it| !it.is_used_up());
        hit
    }

    fn is_delivering(&self, destination: &DestinationId) -> bool {
        let mut state = self.state();
        let entry = state.entry(destination.as_str());
        entry.is_some_and(|entry| entry.destination.status.is_delivering())
    }

    fn prepare(
        &self,
        notification: &Notification,
        target: &mut Target,
        attempt: u32,
        faults: &[Kind],
    ) -> Option<(Route, Request<Full<Bytes>>)> {
        let mut state = self.state();
        let entry = state.entry(target.id.as_str())?;
        if !entry.destination.status.is_delivering() {
            return None;
        }
        let (url, key) = (entry.url.clone(), entry.key.clone());
        let is_compressed = entry.destination.compressed_delivery || notification.is_compressed;
        let route = state.network.route(&url);
        drop(state);
        let first_key = target.first_key.get_or_insert_with(|| key.clone());
        let key = match self.readings.retry_secret {
            RetrySecret::New => &key,
            RetrySecret::Old => first_key,
        };
        let forged = forged_key(faults);
        let key = forged.as_ref().unwrap_or(key);
        let body = notification.body(attempt, is_compressed);
        Some((route, request::delivery(&url, key, body, is_compressed)))
    }

    /// Sends a request through what goes wrong; the answer, and what its `Retry-After` asks for.
    pub(super) async fn send(
        &self,
        route: Route,
        request: Request<Full<Bytes>>,
        faults: &[Kind],
        hidden: &mut Option<DeliveryAttempt>,
    ) -> (DeliveryAttempt, Duration) {
        let proxied = faults.iter().find_map(|fault| match fault {
            Kind::Proxy(status) => Some(*status),
            _ => None,
        });
        if let Some(status) = proxied {
            return (DeliveryAttempt::of_proxy(status), Duration::ZERO);
        }
        let is_in_process = route.is_in_process;
        let timer = &*self.time.timer;
        let answer = request::within_deadline(timer, self.reach(route, request, faults, hidden));
        match answer.await {
            Ok(answer) => {
                *hidden = None;
                let seen = DeliveryAttempt::answered(&answer, is_in_process);
                let retry_after = retry_after(&answer);
                if !is_in_process {
                    within(timer, READ_FOR, read(answer)).await;
                }
                (seen, retry_after)
            }
            Err(why) => (DeliveryAttempt::unanswered(why), Duration::ZERO),
        }
    }

    /// Sends a request through what goes wrong, except for a proxy's answer. `hidden` is what the
    /// endpoint has answered.
    pub(super) async fn reach(
        &self,
        route: Route,
        request: Request<Full<Bytes>>,
        faults: &[Kind],
        hidden: &mut Option<DeliveryAttempt>,
    ) -> Result<Answer, NoAnswer> {
        let timer = &*self.time.timer;
        if faults.contains(&Kind::ResetBefore) {
            return Err(reset());
        }
        let is_in_process = route.is_in_process;
        let reset_after = faults.iter().find_map(|fault| match fault {
            Kind::ResetAfter(delay) => Some(*delay),
            _ => None,
        });
        let sending = route.send(request);
        let answer = match reset_after {
            Some(delay) => within(timer, delay, sending).await.ok_or_else(reset)??,
            None => sending.await?,
        };
        *hidden = Some(DeliveryAttempt::answered(&answer, is_in_process));
        for fault in faults {
            if let Kind::Slow(by) = fault {
                timer.sleep(*by).await;
            }
        }
        if reset_after.is_some() || faults.contains(&Kind::AnswerLost) {
            return Err(reset());
        }
        Ok(answer)
    }

    fn is_repeated(&self, answer: &DeliveryAttempt) -> bool {
        let retried = self.readings.retried;
        answer
            .answer()
            .map_or(true, |status| retried.is_repeated(status))
    }
}

/// How much of an answer's body is read, and for how long.
const MAX_ANSWER: usize = 64 << 10;
const READ_FOR: Duration = Duration::from_secs(1);

/// A connection can be used again once the answer was read.
async fn read(answer: Answer) {
    let (mut body, mut left) = (answer.into_body(), MAX_ANSWER);
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(length) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

/// How many times the same request is sent.
pub(super) fn times(faults: &[Kind]) -> u32 {
    if faults.contains(&Kind::Twice) { 2 } else { 1 }
}

/// How much later it is sent.
pub(super) fn delay(faults: &[Kind], random: &mut Random) -> Duration {
    let delays = faults.iter().filter_map(|fault| match fault {
        Kind::Delayed(within) => Some(random.between(Duration::ZERO, *within)),
        _ => None,
    });
    delays.sum()
}

/// What is signed with in the place of the right secret.
pub(super) fn forged_key(faults: &[Kind]) -> Option<WebhookSecret> {
    let is_forged = faults.contains(&Kind::WrongSignature);
    is_forged.then(|| WebhookSecret::new("a-secret-of-nobody").expect("it is no mistake"))
}

fn reset() -> NoAnswer {
    NoAnswer::of(io::Error::from(io::ErrorKind::ConnectionReset))
}

/// What a `429` asks for. The documentation names no other status.
fn retry_after(answer: &Answer) -> Duration {
    if answer.status() != StatusCode::TOO_MANY_REQUESTS {
        return Duration::ZERO;
    }
    let value = answer.headers().get(header::RETRY_AFTER);
    let value = value.and_then(|value| value.to_str().ok());
    let seconds = value.and_then(|value| value.trim().parse().ok());
    Duration::from_secs(seconds.unwrap_or_default()).min(LONGEST_RETRY_AFTER)
}
