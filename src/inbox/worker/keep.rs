//! A claimed entry, from its start to its settlement: its lease is extended, and its handler runs
//! in a task of its own, since a handler that blocks its thread must not cost it the lease.

use std::{future::pending, pin::pin, time::Duration};

use http::Response;
use tokio::sync::oneshot;

use super::{
    core::{Phase, Shared, Unsettled},
    handler::Handler,
    held::Newer,
    race::{First, race},
    verdict::{self, Tried},
};
use crate::inbox::{
    Delivery, Entry, EntryKey, Inbox, SettleError, Settlement,
    observe::{Span, Witness},
};

/// How often a lease is extended at most, whatever the engine says of its length.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

/// What the handler's task sends.
type Answer = Response<()>;

/// Handles an entry in tasks of its own.
pub(super) fn start<I: Inbox, H: Handler>(core: &Shared<I, H>, newer: Newer<I::Receipt>) {
    let core = core.clone();
    let runtime = core.runtime.clone();
    runtime.spawn(async move { keep(&core, newer).await });
}

async fn keep<I: Inbox, H: Handler>(core: &Shared<I, H>, newer: Newer<I::Receipt>) {
    let Newer { claimed, slot } = newer;
    let started = core.runtime.timer.now();
    let delivery = Delivery::of(&claimed);
    let entry = claimed.entry;
    let mut tried = Tried {
        key: entry.key(),
        failures: claimed.failures,
        failing_for: claimed.failing_for,
    };
    let (sender, answered) = oneshot::channel();
    core.runtime
        .spawn(handle(core.clone(), entry.clone(), delivery, sender));
    let mut receipt = claimed.receipt;
    let answer = hold(core, tried.key, &mut receipt, claimed.lease, answered).await;
    let handled_for = core.runtime.timer.now().saturating_duration_since(started);
    tried.failing_for = tried.failing_for.saturating_add(handled_for);
    let settlement = match answer {
        Some(Ok(answer)) => verdict::of(&answer, &tried),
        Some(Err(_)) => {
            verdict::failed("its handler's task ended without an answer".into(), &tried)
        }
        None => Settlement::given_back("the worker has stopped"),
    };
    if settlement == Settlement::Done {
        let unix_time = core.runtime.timer.unix_time();
        let lag = unix_time.saturating_sub(entry.received_at());
        core.observers.done(lag);
    }
    let unsettled = Unsettled::new(tried.key, receipt, settlement, slot);
    core.settle(unsettled).await;
}

/// Extends the lease until the handler has answered; `None` if the worker has stopped before.
async fn hold<I: Inbox, H: Handler>(
    core: &Shared<I, H>,
    key: EntryKey,
    receipt: &mut I::Receipt,
    lease: Duration,
    mut answered: oneshot::Receiver<Answer>,
) -> Option<Result<Answer, oneshot::error::RecvError>> {
    let timer = &core.runtime.timer;
    let mut cut = pin!(core.reaches(Phase::Cut));
    let mut is_lost = false;
    loop {
        let pause = async {
            if is_lost {
                pending::<()>().await;
            } else {
                timer.sleep((lease / 3).max(SHORTEST_PAUSE)).await;
            }
        };
        match race(&mut answered, race(cut.as_mut(), pause)).await {
            First::Left(Err(_)) if core.is_in(Phase::Cut) => return None,
            First::Left(answer) => return Some(answer),
            First::Right(First::Left(())) => return None,
            First::Right(First::Right(())) => {}
        }
        let extended = core
            .runtime
            .call(async { core.inbox.extend(receipt).await });
        match extended.await {
            Ok(()) => {}
            Err(SettleError::LeaseLost) => match core.held.take_over(key) {
                Some(newer) => *receipt = newer,
                None => is_lost = true,
            },
            Err(SettleError::Unavailable(why)) => {
                core.observers.engine_failed("extend", &why, timer.now());
            }
        }
    }
}

async fn handle<I: Inbox, H: Handler>(
    core: Shared<I, H>,
    entry: Entry,
    delivery: Delivery,
    answer: oneshot::Sender<Answer>,
) {
    let span = Span::of(&delivery);
    let mut request = entry.to_request();
    request.extensions_mut().insert(delivery);
    let call = span.around(core.handler.handle(request));
    if let First::Left(Some(response)) = race(call, core.reaches(Phase::Cut)).await {
        span.ended(&response);
        // The worker may have stopped waiting.
        let _ = answer.send(response);
    }
}
