//! What a handler can ask for: the state, the attempt and the notification, in any order.

use std::{
    convert::Infallible,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower::{ServiceExt, service_fn};
use tower_nylas::{
    Ack, Attempt, FromRef, Notification, Outcome, State, TriggerRouter, VerifiedBody,
    notification::{Deltas, Malformed, object::Message},
    router::Handler,
    testing,
};

/// What the handlers write down.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn write(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// A state that is not `Clone`, of which handlers take parts.
struct App {
    log: Log,
    limit: usize,
}

impl App {
    fn new(log: &Log) -> Self {
        let log = log.clone();
        Self { log, limit: 7 }
    }
}

impl FromRef<App> for Log {
    fn from_ref(app: &App) -> Self {
        app.log.clone()
    }
}

impl FromRef<App> for usize {
    fn from_ref(app: &App) -> Self {
        app.limit
    }
}

type Body = VerifiedBody;
type Whole = Request<VerifiedBody>;

/// A notification with members in front of `data`.
fn body(trigger: &str, members: &str) -> VerifiedBody {
    let object = r#""data":{"object":{"id":"m-1","grant_id":"g-1"}}"#;
    testing::verified(format!(
        r#"{{"type":"{trigger}","id":"n-1",{members}{object}}}"#
    ))
}

async fn send<S>(router: &TriggerRouter<S>, body: VerifiedBody) -> Response<()> {
    let response = router.clone().oneshot(Request::new(body)).await.unwrap();
    response.map(drop)
}

#[tokio::test]
async fn arguments_come_in_any_order() {
    fn note(log: &Log, limit: Option<usize>, attempt: Option<Attempt>, body: Option<&Bytes>) {
        let attempt = attempt.map(|attempt| attempt.number().unwrap());
        let body = body.map(Bytes::len);
        log.write(format!("{limit:?} {attempt:?} {body:?}"));
    }
    async fn call<Args: 'static>(handler: impl Handler<Args, App>) -> String {
        let log = Log::default();
        let router = TriggerRouter::with_state(App::new(&log)).on("message.created", handler);
        let body = body("message.created", r#""webhook_delivery_attempt":2,"#);
        assert_eq!(send(&router, body).await.status(), 200);
        log.take().concat()
    }
    type L = State<Log>;
    type N = State<usize>;
    let length = body("message.created", r#""webhook_delivery_attempt":2,"#)
        .bytes()
        .len();
    let (n, a, b) = (Some(7), Some(2), Some(length));
    let expected =
        |n: Option<usize>, a: Option<u32>, b: Option<usize>| format!("{n:?} {a:?} {b:?}");

    let called = [
        call(async |l: L, n: N, a: Attempt| note(&l, Some(*n), Some(a), None)).await,
        call(async |a: Attempt, n: N, l: L| note(&l, Some(*n), Some(a), None)).await,
    ];
    assert_eq!(called, [(); 2].map(|()| expected(n, a, None)));

    let called = [
        call(async |l: L, a: Attempt, b: Body| note(&l, None, Some(a), Some(b.bytes()))).await,
        call(async |l: L, b: Body, a: Attempt| note(&l, None, Some(a), Some(b.bytes()))).await,
        call(async |a: Attempt, l: L, b: Body| note(&l, None, Some(a), Some(b.bytes()))).await,
        call(async |a: Attempt, b: Body, l: L| note(&l, None, Some(a), Some(b.bytes()))).await,
        call(async |b: Body, l: L, a: Attempt| note(&l, None, Some(a), Some(b.bytes()))).await,
        call(async |b: Body, a: Attempt, l: L| note(&l, None, Some(a), Some(b.bytes()))).await,
    ];
    assert_eq!(called, [(); 6].map(|()| expected(None, a, b)));

    let called = [
        call(async |l: L, n: N, m: Notification| note(&l, Some(*n), None, Some(m.body().bytes())))
            .await,
        call(async |l: L, m: Notification<Message>, n: N| {
            note(&l, Some(*n), None, Some(m.body().bytes()));
        })
        .await,
        call(async |r: Whole, n: N, l: L| note(&l, Some(*n), None, Some(r.body().bytes()))).await,
    ];
    assert_eq!(called, [(); 3].map(|()| expected(n, None, b)));

    let called = [
        call(async |l: L, b: Body| note(&l, None, None, Some(b.bytes()))).await,
        call(async |r: Whole, l: L| note(&l, None, None, Some(r.body().bytes()))).await,
    ];
    assert_eq!(called, [(); 2].map(|()| expected(None, None, b)));
    let called = call(async |l: L| note(&l, None, None, None)).await;
    assert_eq!(called, expected(None, None, None));
}

#[tokio::test]
async fn the_attempt_is_that_of_nylas() {
    async fn on_message(attempt: Attempt, State(log): State<Log>) {
        log.write(format!("{:?} {}", attempt.number(), attempt.is_last()));
    }
    let log = Log::default();
    let router = TriggerRouter::with_state(log.clone()).on("message.created", on_message);
    for (members, expected) in [
        (r#""webhook_delivery_attempt":1,"#, "Some(1) false"),
        (r#""webhook_delivery_attempt":2,"#, "Some(2) false"),
        (r#""webhook_delivery_attempt":3,"#, "Some(3) true"),
        (r#""webhook_delivery_attempt":4,"#, "Some(4) true"),
        (r#""webhook_delivery_attempt":"3","#, "Some(3) true"),
        (r#""webhook_delivery_attempt":-3,"#, "None false"),
        (r#""webhook_delivery_attempt":4294967299,"#, "None false"),
        (r#""webhook_delivery_attempt":null,"#, "None false"),
        ("", "None false"),
    ] {
        let response = send(&router, body("message.created", members)).await;
        assert_eq!(response.status(), 200, "{members}");
        assert_eq!(log.take(), [expected], "{members}");
    }
    // The rest of the body is not read.
    let cut =
        r#"{"type":"message.created","id":"n","time":1,"webhook_delivery_attempt":3,"data":{"#;
    send(&router, testing::verified(cut)).await;
    assert_eq!(log.take(), ["Some(3) true"]);
}

/// A body that does not fit does not reach the handler, wherever the notification stands.
#[tokio::test]
async fn what_does_not_fit_is_malformed() {
    let log = Log::default();
    let router = TriggerRouter::with_state(log.clone())
        .on(
            "message.created",
            async |State(log): State<Log>, _: Notification, _: Attempt| log.write("called"),
        )
        .on_malformed(async || Ack::Retry);
    let response = send(&router, testing::verified(r#"{"type":"message.created","#)).await;
    assert_eq!((response.status().as_u16(), log.take().len()), (503, 0));
    let outcome = response.extensions().get::<Outcome>().unwrap();
    assert!(matches!(outcome, Outcome::Retry), "{outcome}");
}

#[tokio::test]
async fn every_kind_of_route_has_the_state() {
    let log = Log::default();
    let service = {
        let log = log.clone();
        service_fn(move |_: Request<VerifiedBody>| {
            log.write("service");
            async { Ok::<_, Infallible>(Response::<Full<Bytes>>::default()) }
        })
    };
    let router = TriggerRouter::with_state(App::new(&log))
        .on("message.created", async |State(log): State<Log>| {
            log.write("on");
        })
        .on_unlisted("yacht.sunk", async |State(log): State<Log>| {
            log.write("on_unlisted");
        })
        .on_service("event.created", service.clone())
        .on_unlisted_service("yacht.found", service)
        .on_deltas(async |_: Deltas, a: Attempt, State(log): State<Log>| {
            assert_eq!((a.number(), a.is_last()), (None, false));
            log.write("on_deltas");
        })
        .fallback(async |_: Notification, State(log): State<Log>| log.write("fallback"));
    for (trigger, expected) in [
        ("message.created", "on"),
        ("yacht.sunk", "on_unlisted"),
        ("event.created", "service"),
        ("yacht.found", "service"),
        ("yacht.rescued", "fallback"),
    ] {
        assert_eq!(send(&router, body(trigger, "")).await.status(), 200);
        assert_eq!(log.take(), [expected]);
    }
    let deltas = testing::verified(r#"{"deltas":[]}"#);
    assert_eq!(send(&router, deltas).await.status(), 200);
    assert_eq!(log.take(), ["on_deltas"]);
}

/// A state that knows how often it was cloned.
struct Counted(Arc<AtomicUsize>);

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.0.fetch_add(1, SeqCst);
        Self(self.0.clone())
    }
}

#[tokio::test]
async fn only_what_a_handler_asks_for_is_cloned() {
    let clones = Arc::new(AtomicUsize::new(0));
    let router = TriggerRouter::with_state(Counted(clones.clone()))
        .on("event.created", async |_: Notification| ())
        .on("message.created", async |_: State<Counted>| ())
        .on(
            "grant.created",
            async |_: State<Counted>, _: State<Counted>| (),
        );
    let router = router.clone().fallback(async || ());
    assert_eq!(clones.load(SeqCst), 0, "to build a router takes no clone");
    for (trigger, expected) in [
        ("event.created", 0),
        ("message.created", 1),
        ("grant.created", 2),
    ] {
        send(&router, body(trigger, "")).await;
        assert_eq!(clones.swap(0, SeqCst), expected, "{trigger}");
    }
}

#[tokio::test]
async fn a_state_is_what_it_holds() {
    let mut state = State(vec![1]);
    state.push(2);
    assert_eq!((state.len(), state), (2, State(vec![1, 2])));
}

mod merging {
    use super::*;

    async fn nothing() {}

    fn message<S>(build: impl FnOnce() -> TriggerRouter<S>) -> String {
        let thrown = catch_unwind(AssertUnwindSafe(build)).expect_err("this is a conflict");
        match thrown.downcast::<String>() {
            Ok(text) => *text,
            Err(other) => (*other.downcast::<&str>().expect("a message")).to_owned(),
        }
    }

    /// Each of these would never be called, or never with what it takes.
    #[test]
    fn what_a_route_cannot_bring_is_refused_when_the_router_is_built() {
        let new = TriggerRouter::new;
        for (refused, expected) in [
            (
                message(|| new().on_malformed(async |_: Notification| ())),
                "takes `Malformed`",
            ),
            (
                message(|| new().on_malformed(async |_: Deltas| ())),
                "takes `Malformed`",
            ),
            (
                message(|| new().on_deltas(async |_: Malformed| ())),
                "takes `Deltas`",
            ),
            (
                message(|| new().on("event.*", async |_: Malformed| ())),
                "takes no notification",
            ),
            // No name is known that this one covers.
            (
                message(|| new().on_unlisted("yacht.sunk", async |_: Malformed| ())),
                "takes no notification",
            ),
            (
                message(|| new().on_unlisted("yacht.sunk", async |_: Deltas| ())),
                "takes no notification",
            ),
            (
                message(|| new().fallback(async |_: Malformed| ())),
                "does not model",
            ),
            (
                message(|| new().on_malformed(nothing).on_malformed(nothing)),
                "two handlers for malformed bodies",
            ),
        ] {
            assert!(refused.contains(expected), "{refused}");
        }
    }

    #[tokio::test]
    async fn each_handler_keeps_its_own_state() {
        let (one, two) = (Log::default(), Log::default());
        let first = TriggerRouter::with_state(one.clone())
            .on("message.created", async |State(log): State<Log>| {
                log.write("a");
            })
            .on("event.*", async |State(log): State<Log>| log.write("b"));
        let second = TriggerRouter::with_state(App::new(&two))
            .on(
                "message.created.truncated",
                async |State(log): State<Log>| {
                    log.write("c");
                },
            )
            .on("event.created", async |State(log): State<Log>| {
                log.write("d");
            })
            .on_deltas(async |State(log): State<Log>| log.write("e"))
            .on_malformed(async || Ack::Retry)
            .fallback(async |State(log): State<Log>| log.write("f"));
        // The first goes on after it, with its own state.
        let router = first
            .merge(second)
            .merge(TriggerRouter::new().on("thread.replied", nothing))
            .on("grant.created", async |State(log): State<Log>| {
                log.write("g");
            });
        for (trigger, expected) in [
            ("message.created", ("a", "")),
            ("message.created.truncated", ("", "c")),
            ("event.updated", ("b", "")),
            ("event.created", ("", "d")),
            ("grant.created", ("g", "")),
            ("folder.created", ("", "f")),
            ("thread.replied", ("", "")),
        ] {
            assert_eq!(send(&router, body(trigger, "")).await.status(), 200);
            let logs = (one.take().concat(), two.take().concat());
            assert_eq!((&*logs.0, &*logs.1), expected, "{trigger}");
        }
        send(&router, testing::verified(r#"{"deltas":[]}"#)).await;
        assert_eq!(two.take(), ["e"]);
        let response = send(&router, testing::verified("[]")).await;
        assert_eq!(response.status(), 503);
        assert_eq!(router.unrouted_count(), 0);
    }

    #[tokio::test]
    async fn the_count_goes_on_from_the_first() {
        let (first, second) = (TriggerRouter::new(), TriggerRouter::new());
        for router in [&first, &second] {
            send(router, body("message.created", "")).await;
        }
        let router = first.clone().merge(second.clone());
        send(&router, body("message.created", "")).await;
        let counts = [&first, &second, &router].map(TriggerRouter::unrouted_count);
        assert_eq!(counts, [2, 1, 2]);
    }

    #[test]
    fn what_both_have_is_a_conflict() {
        let at = |line: u32| format!("{}:{line}:", file!());
        let first = TriggerRouter::new().on("event.*", nothing);
        let line = line!() - 1;
        let second = TriggerRouter::with_state(7).on("event.*", nothing);
        let conflict = message(|| first.merge(second));
        assert!(conflict.contains("a route for `event.*`"), "{conflict}");
        assert!(
            conflict.contains(&at(line)) && conflict.contains(&at(line + 2)),
            "{conflict}"
        );

        let fallback = || TriggerRouter::new().fallback(nothing);
        let conflict = message(|| fallback().merge(fallback()));
        assert!(conflict.contains("a fallback"), "{conflict}");
        let deltas = || TriggerRouter::new().on_deltas(nothing);
        let conflict = message(|| deltas().merge(deltas()));
        assert!(conflict.contains("a handler for deltas"), "{conflict}");
        let malformed = || TriggerRouter::new().on_malformed(async || Ack::Retry);
        let conflict = message(|| malformed().merge(malformed()));
        assert!(conflict.contains("malformed"), "{conflict}");
    }
}

#[tokio::test]
async fn debug_shows_the_routes_and_nothing_of_the_state() {
    async fn nothing() {}
    let first_line = line!() + 2;
    let router = TriggerRouter::with_state("a password")
        .on("message.created.truncated", nothing)
        .on("message.created", nothing)
        .on("event.*", nothing)
        .fallback(nothing);
    let at = |nth: u32, column: u32| format!("{}:{}:{column}", file!(), first_line + nth);
    assert_eq!(
        format!("{router:?}"),
        format!(
            "TriggerRouter {{ routes: {{\"event.*\": {}, \"message.created\": {}, \
             \"message.created.truncated\": {}}}, fallback: Some({}), deltas: None, \
             on_malformed: None, unrouted: 0, .. }}",
            at(2, 10),
            at(1, 10),
            at(0, 10),
            at(3, 10)
        )
    );

    let router = TriggerRouter::new().on_deltas(nothing);
    send(&router, body("message.created", "")).await;
    let shown = format!("{router:?}");
    assert!(shown.starts_with("TriggerRouter { routes: {}, fallback: None, deltas: Some("));
    assert!(shown.ends_with(" unrouted: 1, .. }"), "{shown}");
}
