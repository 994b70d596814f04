//! How a server gets its first secret, and how it lives through a rotation without losing anything.

use std::{
    collections::HashSet,
    env,
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use tokio::task::yield_now;
use tower::{Service, ServiceExt, service_fn};
use tower_nylas::{
    BoxError, InvalidSecret, Rejection, SecretSource, Secrets, TriggerRouter, VerifiedBody,
    VerifyError, WebhookLayer, WebhookSecret,
    testing::{Nylas, VirtualClock},
    webhook::Webhook,
};
use tower_nylas_kit::{
    body::{Scripted, Step},
    delivery::{PATH, sign_with},
};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

fn notification(number: usize) -> Bytes {
    format!(r#"{{"type":"message.created","id":"n-{number}","data":{{"object":{{}}}}}}"#).into()
}

/// As if a genuine notification had come, signed with this secret, the newest.
fn prove(secrets: &Secrets, with: &str) {
    secrets.verify(b"", &sign_with(with, b"")).unwrap();
    assert!(secrets.is_proven());
}

fn webhook(secrets: &Secrets) -> Webhook<TriggerRouter> {
    WebhookLayer::with_timer(secrets.clone(), VirtualClock::new()).layer(TriggerRouter::new())
}

type Answer = <Webhook<TriggerRouter> as Service<Request<Scripted<Bytes>>>>::Response;

/// What the simulated Nylas delivers: its request with its signature, of which the body arrives as
/// `on_the_way` says.
async fn deliver<F>(
    webhook: &Webhook<TriggerRouter>,
    path: &'static str,
    signed_with: &str,
    body: &Bytes,
    on_the_way: F,
) -> Answer
where
    F: FnOnce(Request<Bytes>) -> Request<Scripted<Bytes>> + Send,
{
    let on_the_way = Mutex::new(Some(on_the_way));
    let endpoint = service_fn(|request: Request<Full<Bytes>>| {
        let on_the_way = on_the_way.lock().unwrap().take().expect("it is sent once");
        async move {
            let (head, body) = request.into_parts();
            let Ok(body) = body.collect().await;
            let request = on_the_way(Request::from_parts(head, body.to_bytes()));
            webhook.clone().oneshot(request).await
        }
    });
    let secret = WebhookSecret::new(signed_with).unwrap();
    let nylas = Nylas::new(endpoint, secret).timer(VirtualClock::new());
    let mut nylas = nylas.uri(Uri::from_static(path));
    nylas.deliver_once(body.clone()).await.unwrap()
}

/// In one frame.
fn at_once(request: Request<Bytes>) -> Request<Scripted<Bytes>> {
    request.map(|body| Scripted::frames([body]))
}

/// A body in three frames, with something that happens before the last: two are being hashed then,
/// with the secrets of that moment.
fn interrupted(body: &Bytes, event: impl FnOnce() + Send + 'static) -> Scripted<Bytes> {
    let mut event = Some(event);
    Scripted::frames(in_three(body)).on_poll(move |poll| {
        if poll == 2 {
            event.take().expect("the third poll comes once")();
        }
    })
}

fn in_three(body: &Bytes) -> [Bytes; 3] {
    [body.slice(..9), body.slice(9..20), body.slice(20..)]
}

mod in_flight {
    use tower_nylas::testing::nylas::{NewDestination, Simulator, Status};

    use super::*;

    const REQUESTS: usize = 10_000;

    const DESTINATION: &str = "wh-1";

    struct World {
        /// Which has the secret of the moment, and exchanges it at once.
        nylas: Simulator,
        secrets: Secrets,
        handled: Mutex<HashSet<String>>,
        forgeries_handled: AtomicUsize,
    }

    /// What became of one delivery.
    struct Delivery {
        number: usize,
        signed_with: String,
        status: StatusCode,
    }

    impl World {
        fn new() -> Arc<Self> {
            let nylas = Simulator::builder().clock(VirtualClock::new()).build();
            let url = format!("https://app.example.com{PATH}");
            let new = NewDestination::new(url, ["message.created"]);
            let put = nylas.put(DESTINATION, "secret-0", &new, Status::Active);
            put.unwrap();
            Arc::new(Self {
                nylas,
                secrets: Secrets::new("secret-0").unwrap(),
                handled: Mutex::default(),
                forgeries_handled: AtomicUsize::new(0),
            })
        }

        /// What Nylas signs with.
        fn secret(&self) -> String {
            self.nylas.destinations()[0].secret().to_owned()
        }

        /// Returns the new one.
        fn rotate(&self) -> String {
            let rotated = self.nylas.rotate(DESTINATION).unwrap();
            rotated.secret().to_owned()
        }

        fn webhook(self: &Arc<Self>) -> Webhook<TriggerRouter> {
            let world = self.clone();
            let router = TriggerRouter::new().fallback(move |n: tower_nylas::Notification| {
                if n.id().is_some_and(|id| id.starts_with("forged")) {
                    world.forgeries_handled.fetch_add(1, Ordering::SeqCst);
                } else {
                    world
                        .handled
                        .lock()
                        .unwrap()
                        .insert(n.id().unwrap_or_default().to_owned());
                }
                async {}
            });
            WebhookLayer::with_timer(self.secrets.clone(), VirtualClock::new()).layer(router)
        }

        /// Signs, then takes its time on the way.
        async fn deliver(
            self: Arc<Self>,
            webhook: Webhook<TriggerRouter>,
            number: usize,
        ) -> Delivery {
            for _ in 0..number % 60 {
                yield_now().await;
            }
            let body = notification(number);
            let signed_with = self.secret();
            if number.is_multiple_of(5) {
                // Other bytes with the signature of these.
                let forged = format!(r#"{{"type":"a.b","id":"forged-{number}"}}"#);
                let status = send_slowly(&webhook, &signed_with, &body, number % 3, |request| {
                    request
                        .headers_mut()
                        .insert("content-length", forged.len().into());
                    *request.body_mut() = forged.into();
                });
                assert_ne!(status.await, StatusCode::OK);
            }
            let sending = send_slowly(&webhook, &signed_with, &body, number % 7, |_| ());
            let status = sending.await;
            Delivery {
                number,
                signed_with,
                status,
            }
        }

        async fn send_again(&self, webhook: &Webhook<TriggerRouter>, lost: &Delivery) {
            let body = notification(lost.number);
            // It is not documented which signature a repetition carries.
            for secret in [&lost.signed_with, &self.secret()] {
                let status = send_slowly(webhook, secret, &body, 0, |_| ()).await;
                assert_eq!(status, StatusCode::OK, "{}", lost.number);
            }
        }
    }

    async fn send_slowly(
        webhook: &Webhook<TriggerRouter>,
        signed_with: &str,
        body: &Bytes,
        pauses: usize,
        change: impl FnOnce(&mut Request<Bytes>) + Send,
    ) -> StatusCode {
        let on_the_way = |mut request: Request<Bytes>| {
            change(&mut request);
            request.map(|body| {
                let mut steps = Vec::new();
                for frame in in_three(&body) {
                    steps.push(Step::Data(frame));
                    steps.resize(steps.len() + pauses, Step::Later);
                }
                Scripted::new(steps)
            })
        };
        let answer = deliver(webhook, PATH, signed_with, body, on_the_way).await;
        answer.status()
    }

    /// Returns the new secret.
    async fn rotate_as_documented(world: Arc<World>, expecting: bool) -> String {
        let pause = async |rounds| {
            for _ in 0..rounds {
                yield_now().await;
            }
        };
        pause(20).await;
        if expecting {
            world.secrets.expect_rotation(2 * MINUTE);
        }
        pause(10).await;
        let new = world.rotate();
        pause(20).await;
        world.secrets.rotate(&*new, HOUR).unwrap();
        new
    }

    async fn run<T: Send + 'static>(
        world: &Arc<World>,
        requests: usize,
        rotation: impl Future<Output = T> + Send + 'static,
    ) -> Vec<Delivery> {
        let webhook = world.webhook();
        let deliver = |number| tokio::spawn(world.clone().deliver(webhook.clone(), number));
        let under_way: Vec<_> = (0..requests).map(deliver).collect();
        let rotation = tokio::spawn(rotation);
        let mut deliveries = Vec::new();
        for delivery in under_way {
            deliveries.push(delivery.await.unwrap());
        }
        rotation.await.unwrap();
        deliveries
    }

    async fn check(world: &Arc<World>, deliveries: &[Delivery]) {
        let webhook = world.webhook();
        let handled = world.handled.lock().unwrap().len();
        let mut repeated = 0;
        for delivery in deliveries {
            match delivery.status {
                StatusCode::OK => {}
                StatusCode::SERVICE_UNAVAILABLE => {
                    repeated += 1;
                    world.send_again(&webhook, delivery).await;
                }
                lost => panic!("{} was lost with {lost}", delivery.number),
            }
        }
        assert_eq!(handled + repeated, REQUESTS);
        assert_eq!(world.handled.lock().unwrap().len(), REQUESTS);
        assert_eq!(world.forgeries_handled.load(Ordering::SeqCst), 0);
    }

    /// On one thread, so that the order of things is always the same.
    #[tokio::test]
    async fn nothing_genuine_is_lost() {
        let world = World::new();
        let deliveries = run(&world, REQUESTS, rotate_as_documented(world.clone(), true)).await;
        check(&world, &deliveries).await;

        // All that can happen did.
        let count = |status: u16, secret: &str| {
            let is_by = |one: &&Delivery| one.signed_with == secret;
            let of_status = deliveries.iter().filter(|one| one.status == status);
            of_status.filter(is_by).count()
        };
        let new = world.secret();
        assert_ne!(new, "secret-0");
        assert!(count(200, "secret-0") > 100);
        assert!(count(200, &new) > 100);
        assert!(count(503, &new) > 100);
        assert_eq!(count(503, "secret-0"), 0);
    }

    /// What shows that the test above can fail, and why `expect_rotation` exists.
    #[tokio::test]
    async fn without_expecting_the_rotation_much_is_lost() {
        let world = World::new();
        let deliveries = run(
            &world,
            REQUESTS / 4,
            rotate_as_documented(world.clone(), false),
        )
        .await;
        let lost = deliveries.iter().filter(|one| one.status == 401).count();
        assert!(lost > 100, "{lost}");
    }

    /// With real races between threads.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn nothing_genuine_is_lost_on_several_threads() {
        let world = World::new();
        let rotation = {
            let world = world.clone();
            async move {
                let known = rotate_as_documented(world.clone(), true).await;
                // Once more, and again what everybody knows already.
                world.secrets.rotate(known, HOUR).unwrap();
                world.secrets.expect_rotation(MINUTE);
                yield_now().await;
                let new = world.rotate();
                yield_now().await;
                world.secrets.rotate(new, HOUR).unwrap();
            }
        };
        let deliveries = run(&world, REQUESTS, rotation).await;
        check(&world, &deliveries).await;
    }

    /// Verification on plain bytes, while another thread exchanges the secrets all the time. A
    /// check that four exchanges interrupted asks for another attempt.
    #[test]
    fn a_secret_that_is_always_in_the_set_is_never_refused() {
        let secrets = Secrets::new("always").unwrap();
        let (body, done) = (notification(1), AtomicBool::new(false));
        let (genuine, forged) = (sign_with("always", &body), sign_with("never", &body));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for round in 0..500 {
                    secrets.rotate(format!("other-{round}"), HOUR).unwrap();
                    secrets.rotate("always", HOUR).unwrap();
                }
                done.store(true, Ordering::SeqCst);
            });
            while !done.load(Ordering::SeqCst) {
                let verdict = secrets.verify(&body, &genuine);
                assert!(
                    matches!(verdict, Ok(()) | Err(VerifyError::RotationExpected)),
                    "{verdict:?}"
                );
                assert!(secrets.verify(&body, &forged).is_err());
            }
        });
        assert_eq!(secrets.verify(&body, &genuine), Ok(()));
    }
}

mod while_a_body_arrives {
    use super::*;

    async fn answer(
        secrets: &Secrets,
        signed_with: &str,
        event: impl FnOnce() + Send + 'static,
    ) -> Response<()> {
        let interrupt = |request: Request<Bytes>| request.map(|body| interrupted(&body, event));
        let (webhook, body) = (webhook(secrets), notification(1));
        let answer = deliver(&webhook, PATH, signed_with, &body, interrupt).await;
        answer.map(drop)
    }

    fn reason<B>(response: &Response<B>) -> &Rejection {
        response.extensions().get().unwrap()
    }

    #[tokio::test]
    async fn set_drops_the_old_secret_also_for_a_body_half_read() {
        let secrets = Secrets::new("old").unwrap();
        let shared = secrets.clone();
        let response = answer(&secrets, "old", move || shared.set("new").unwrap()).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(matches!(reason(&response), Rejection::SecretUnproven(_)));

        let shared = secrets.clone();
        let response = answer(&secrets, "newer", move || shared.set("newer").unwrap()).await;
        assert_eq!(response.status(), StatusCode::OK);
    }

    /// The only frame is there, the end is not: nothing is hashed yet, and nothing is decided.
    #[tokio::test]
    async fn set_drops_the_old_secret_also_behind_a_single_frame() {
        let secrets = Secrets::new("old").unwrap();
        let shared = secrets.clone();
        let behind_it = |request| {
            at_once(request).map(|body| {
                body.on_poll(move |poll| {
                    if poll == 1 {
                        shared.set("new").unwrap();
                    }
                })
            })
        };
        let webhook = webhook(&secrets);
        let response = deliver(&webhook, PATH, "old", &notification(1), behind_it).await;
        assert!(matches!(reason(&response), Rejection::SecretUnproven(_)));
    }

    #[tokio::test]
    async fn rotate_accepts_both_the_old_and_the_new_one() {
        for signed_with in ["old", "new"] {
            let secrets = Secrets::new("old").unwrap();
            let shared = secrets.clone();
            let rotate = move || shared.rotate("new", HOUR).unwrap();
            let response = answer(&secrets, signed_with, rotate).await;
            assert_eq!(response.status(), StatusCode::OK, "{signed_with}");
        }
        let secrets = Secrets::new("old").unwrap();
        let shared = secrets.clone();
        let rotate = move || shared.rotate("new", HOUR).unwrap();
        let response = answer(&secrets, "neither", rotate).await;
        assert!(matches!(reason(&response), Rejection::SecretUnproven(_)));
    }

    #[tokio::test]
    async fn an_expectation_counts_from_its_beginning_to_its_end() {
        let timer = VirtualClock::new();
        let secrets = Secrets::builder()
            .clock(timer.clone())
            .secret("old")
            .unwrap();
        prove(&secrets, "old");
        let shared = secrets.clone();
        let expect = move || shared.expect_rotation(MINUTE);
        let response = answer(&secrets, "new", expect).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(matches!(reason(&response), Rejection::RotationExpected));

        // It is over before the body is.
        let response = answer(&secrets, "new", move || timer.advance(MINUTE)).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    }

    #[tokio::test]
    async fn an_old_secret_may_expire_meanwhile() {
        let timer = VirtualClock::new();
        let secrets = Secrets::builder()
            .clock(timer.clone())
            .secret("old")
            .unwrap();
        secrets.rotate("new", MINUTE).unwrap();
        prove(&secrets, "new");
        let response = answer(&secrets, "old", || ()).await;
        assert_eq!(response.status(), StatusCode::OK);
        let response = answer(&secrets, "old", move || timer.advance(MINUTE)).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    }

    /// Secrets that are exchanged with every frame must not keep a request from its end.
    #[tokio::test]
    async fn many_exchanges_decide_by_the_last() {
        let secrets = Secrets::new("old").unwrap();
        let (shared, body) = (secrets.clone(), notification(1));
        let last = body.len();
        let byte_by_byte = |request: Request<Bytes>| {
            request.map(|body| {
                let bytes: Vec<_> = (0..last).map(|at| body.slice(at..=at)).collect();
                Scripted::frames(bytes).on_poll(move |poll| {
                    let secret = if poll == last {
                        "last".into()
                    } else {
                        format!("secret-{poll}")
                    };
                    shared.set(secret).unwrap();
                })
            })
        };
        let response = deliver(&webhook(&secrets), PATH, "last", &body, byte_by_byte).await;
        assert_eq!(response.status(), StatusCode::OK);
    }
}

mod in_time {
    use super::*;

    /// A set with one secret, its clock, and a question to it.
    struct Case {
        secrets: Secrets,
        timer: VirtualClock,
    }

    impl Case {
        fn new(secret: &str) -> Self {
            let timer = VirtualClock::new();
            let secrets = Secrets::builder()
                .clock(timer.clone())
                .secret(secret)
                .unwrap();
            prove(&secrets, secret);
            Self { secrets, timer }
        }

        fn check(&self, signed_with: &str) -> Result<(), VerifyError> {
            let body = b"{}";
            let signature = sign_with(signed_with, body);
            let answer = self.secrets.verify(body, &signature);
            let mut verifier = self.secrets.verifier(signature);
            verifier.update(body);
            assert_eq!(verifier.finish(), answer);
            answer
        }

        #[track_caller]
        fn assert_accepts_of(&self, all: &[&str], accepted: &[&str]) {
            for secret in all {
                let accepts = self.check(secret).is_ok();
                assert_eq!(accepts, accepted.contains(secret), "{secret}");
            }
        }
    }

    /// The shortest time there is.
    const INSTANT: Duration = Duration::from_nanos(1);
    const ALL: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

    #[test]
    fn the_old_secret_is_refused_after_keep_old_for() {
        let case = Case::new("a");
        case.secrets.rotate("b", HOUR).unwrap();
        case.timer.advance(HOUR.saturating_sub(INSTANT));
        case.assert_accepts_of(&ALL, &["a", "b"]);
        case.timer.advance(INSTANT);
        case.assert_accepts_of(&ALL, &["b"]);
        assert_eq!(case.check("a"), Err(VerifyError::Mismatch));
        assert!(format!("{:?}", case.secrets).contains("secrets: 1"));
    }

    #[test]
    fn zero_keeps_nothing_and_the_longest_time_keeps_for_good() {
        let case = Case::new("a");
        case.secrets.rotate("b", Duration::ZERO).unwrap();
        case.assert_accepts_of(&ALL, &["b"]);
        case.secrets.rotate("c", Duration::MAX).unwrap();
        case.timer.advance(HOUR * 24 * 365);
        case.assert_accepts_of(&ALL, &["b", "c"]);
    }

    #[test]
    fn an_expectation_ends_with_its_time_a_rotation_or_a_new_secret() {
        let case = Case::new("a");
        case.secrets.expect_rotation(MINUTE);
        assert_eq!(case.check("a"), Ok(()));
        assert_eq!(case.check("b"), Err(VerifyError::RotationExpected));
        case.timer.advance(MINUTE.saturating_sub(INSTANT));
        assert_eq!(case.check("b"), Err(VerifyError::RotationExpected));
        case.timer.advance(INSTANT);
        assert_eq!(case.check("b"), Err(VerifyError::Mismatch));

        case.secrets.expect_rotation(MINUTE);
        case.secrets.rotate("b", HOUR).unwrap();
        assert_eq!(case.check("c"), Err(VerifyError::Unproven));
        case.secrets.expect_rotation(MINUTE);
        case.secrets.set("c").unwrap();
        assert_eq!(case.check("d"), Err(VerifyError::Unproven));
    }

    #[test]
    fn an_expectation_without_end_is_one() {
        let case = Case::new("a");
        case.secrets.expect_rotation(Duration::MAX);
        case.timer.advance(HOUR * 24 * 365);
        assert_eq!(case.check("b"), Err(VerifyError::RotationExpected));
        case.secrets.rotate("b", HOUR).unwrap();
        assert_eq!(case.check("c"), Err(VerifyError::Unproven));
    }

    /// A wrong secret after a restart or a rotation must not lose anything.
    #[test]
    fn a_mismatch_is_unproven_until_the_newest_secret_has_verified_a_body() {
        let secrets = Secrets::any_of(["new", "old"]).unwrap();
        let check = |signed_with| {
            let signature = sign_with(signed_with, b"{}");
            secrets.verify(b"{}", &signature)
        };
        assert_eq!(check("other"), Err(VerifyError::Unproven));
        // An older one proves nothing: it would hide that the newest is wrong.
        assert_eq!(check("old"), Ok(()));
        assert_eq!(check("other"), Err(VerifyError::Unproven));
        assert!(!secrets.is_proven());
        assert_eq!(check("new"), Ok(()));
        assert_eq!(check("other"), Err(VerifyError::Mismatch));
        assert!(secrets.clone().is_proven());
        assert!(!Secrets::pending().is_proven());
    }

    #[test]
    fn a_body_in_pieces_proves_as_well() {
        let secrets = Secrets::new("a").unwrap();
        let mut verifier = secrets.verifier(sign_with("a", b"{}"));
        verifier.update(b"{");
        verifier.update(b"}");
        assert!(!secrets.is_proven());
        assert_eq!(verifier.finish(), Ok(()));
        assert!(secrets.is_proven());
    }

    #[test]
    fn a_secret_stays_proven_as_long_as_it_is_the_newest() {
        let case = Case::new("a");
        case.secrets.rotate("a", HOUR).unwrap();
        assert!(case.secrets.is_proven());
        case.secrets.set("a").unwrap();
        assert!(case.secrets.is_proven());
        case.secrets.expect_rotation(MINUTE);
        assert!(case.secrets.is_proven());
        case.secrets.rotate("b", MINUTE).unwrap();
        assert!(!case.secrets.is_proven());
        prove(&case.secrets, "b");
        // The end of the old secret makes a new set.
        case.timer.advance(MINUTE);
        assert_eq!(case.check("a"), Err(VerifyError::Mismatch));
        assert!(case.secrets.is_proven());
        case.secrets.set("c").unwrap();
        assert_eq!(case.check("b"), Err(VerifyError::Unproven));
        // Back again, it may be wrong again.
        case.secrets.rotate("b", HOUR).unwrap();
        assert!(!case.secrets.is_proven());
    }

    /// A body that was begun before an exchange proves the secret that it was checked with, if that
    /// is the newest still.
    #[test]
    fn an_exchange_meanwhile_keeps_the_proof_of_what_was_checked() {
        let secrets = Secrets::new("a").unwrap();
        let mut verifier = secrets.verifier(sign_with("a", b"{}"));
        verifier.update(b"{}");
        secrets.expect_rotation(MINUTE);
        assert_eq!(verifier.finish(), Err(VerifyError::Exchanged));
        assert!(secrets.is_proven());

        let mut verifier = secrets.verifier(sign_with("a", b"{}"));
        verifier.update(b"{}");
        secrets.set("b").unwrap();
        assert_eq!(verifier.finish(), Err(VerifyError::Exchanged));
        assert!(!secrets.is_proven());
    }

    /// Replicas that fetch the secret every few seconds call `rotate` with what they know already.
    #[test]
    fn rotating_to_the_newest_secret_changes_nothing() {
        let case = Case::new("a");
        case.secrets.rotate("b", HOUR).unwrap();
        case.timer.advance(HOUR / 2);
        for keep_old_for in [Duration::ZERO, HOUR, Duration::MAX] {
            case.secrets.rotate("b", keep_old_for).unwrap();
            case.assert_accepts_of(&ALL, &["a", "b"]);
        }
        case.timer.advance(HOUR / 2);
        case.assert_accepts_of(&ALL, &["b"]);
    }

    /// Above all it must not end an expectation: Nylas may switch at any moment.
    #[test]
    fn rotating_to_the_newest_secret_does_not_end_an_expectation() {
        let case = Case::new("a");
        case.secrets.expect_rotation(MINUTE);
        case.secrets.rotate("a", HOUR).unwrap();
        assert_eq!(case.check("b"), Err(VerifyError::RotationExpected));
        case.secrets.rotate("b", HOUR).unwrap();
        assert_eq!(case.check("c"), Err(VerifyError::Unproven));
        case.assert_accepts_of(&ALL, &["a", "b"]);
    }

    #[test]
    fn rotating_back_and_forth_keeps_both() {
        let case = Case::new("a");
        case.secrets.rotate("b", HOUR).unwrap();
        case.secrets.rotate("a", HOUR).unwrap();
        case.assert_accepts_of(&ALL, &["a", "b"]);
        case.timer.advance(HOUR);
        case.assert_accepts_of(&ALL, &["a"]);
    }

    #[test]
    fn another_rotation_keeps_no_secret_longer() {
        let case = Case::new("a");
        case.secrets.rotate("b", HOUR).unwrap();
        case.timer.advance(HOUR / 2);
        case.secrets.rotate("c", HOUR).unwrap();
        case.assert_accepts_of(&ALL, &["a", "b", "c"]);
        case.timer.advance(HOUR / 2);
        case.assert_accepts_of(&ALL, &["b", "c"]);
        case.timer.advance(HOUR / 2);
        case.assert_accepts_of(&ALL, &["c"]);
    }

    #[test]
    fn a_fifth_secret_drops_the_oldest() {
        let case = Case::new("a");
        for secret in ["b", "c", "d"] {
            case.secrets.rotate(secret, HOUR).unwrap();
        }
        case.assert_accepts_of(&ALL, &["a", "b", "c", "d"]);
        case.secrets.rotate("e", HOUR).unwrap();
        case.assert_accepts_of(&ALL, &["b", "c", "d", "e"]);
        case.secrets.rotate("f", HOUR).unwrap();
        case.assert_accepts_of(&ALL, &["c", "d", "e", "f"]);
        case.timer.advance(HOUR);
        case.assert_accepts_of(&ALL, &["f"]);
    }

    #[test]
    fn a_fifth_secret_drops_the_one_that_would_expire_first() {
        let case = Case::new("a");
        case.secrets.rotate("b", 2 * HOUR).unwrap();
        case.secrets.rotate("c", MINUTE).unwrap();
        case.secrets.rotate("d", HOUR).unwrap();
        case.assert_accepts_of(&ALL, &["a", "b", "c", "d"]);
        case.secrets.rotate("e", HOUR).unwrap();
        case.assert_accepts_of(&ALL, &["a", "c", "d", "e"]);
        case.secrets.rotate("f", HOUR).unwrap();
        case.assert_accepts_of(&ALL, &["a", "d", "e", "f"]);
    }

    #[test]
    fn a_list_of_secrets_is_kept_as_a_whole() {
        let timer = VirtualClock::new();
        let secrets = Secrets::builder()
            .clock(timer.clone())
            .any_of(["a", "b"])
            .unwrap();
        let case = Case { secrets, timer };
        case.timer.advance(HOUR);
        case.assert_accepts_of(&ALL, &["a", "b"]);
        case.secrets.rotate("a", MINUTE).unwrap();
        case.timer.advance(HOUR);
        case.assert_accepts_of(&ALL, &["a", "b"]);
        case.secrets.rotate("c", HOUR).unwrap();
        case.assert_accepts_of(&ALL, &["a", "b", "c"]);
        case.timer.advance(HOUR);
        case.assert_accepts_of(&ALL, &["c"]);
    }

    #[test]
    fn a_bad_secret_changes_nothing() {
        let case = Case::new("a");
        case.secrets.expect_rotation(MINUTE);
        for bad in ["", " b", "b\n", "\u{a0}b"] {
            assert!(case.secrets.set(bad).is_err());
            assert!(case.secrets.rotate(bad, HOUR).is_err());
        }
        case.assert_accepts_of(&ALL, &["a"]);
        assert_eq!(case.check("b"), Err(VerifyError::RotationExpected));
    }
}

mod bootstrap {
    use super::*;

    #[tokio::test]
    async fn everything_is_503_until_the_first_secret_and_then_accepted() {
        let secrets = Secrets::pending();
        let webhook = webhook(&secrets);
        let body = notification(1);
        let send = async |signed_with: &str| {
            let answer = deliver(&webhook, PATH, signed_with, &body, at_once).await;
            answer.status()
        };
        for secret in ["first", "other"] {
            assert_eq!(send(secret).await, StatusCode::SERVICE_UNAVAILABLE);
        }
        // Nor does a rotation that is expected change it.
        secrets.expect_rotation(MINUTE);
        assert!(secrets.is_pending());
        assert_eq!(send("first").await, StatusCode::SERVICE_UNAVAILABLE);

        secrets.rotate("first", HOUR).unwrap();
        assert!(!secrets.is_pending());
        assert_eq!(send("first").await, StatusCode::OK);
        assert_eq!(send("other").await, StatusCode::UNAUTHORIZED);
    }

    #[test]
    fn handles_of_one_builder_call_share_everything_and_those_of_two_nothing() {
        let timer = VirtualClock::new();
        let build = |label: &str| {
            let builder = Secrets::builder().label(label).clock(timer.clone());
            builder.pending()
        };
        let secrets = build("eu");
        let clone = secrets.clone();
        clone.set("first").unwrap();
        assert!(!secrets.is_pending());
        assert_eq!(secrets.label(), "eu");
        assert_eq!(clone.label(), "eu");

        let other = build("us");
        other.set("second").unwrap();
        prove(&other, "second");
        let (body, signature) = (b"{}", sign_with("first", b"{}"));
        assert_eq!(secrets.verify(body, &signature), Ok(()));
        assert_eq!(other.verify(body, &signature), Err(VerifyError::Mismatch));
        assert_eq!(other.label(), "us");

        // The clock is shared as well: the clone's old secret ends for both.
        clone.rotate("third", MINUTE).unwrap();
        prove(&clone, "third");
        assert_eq!(secrets.verify(body, &signature), Ok(()));
        timer.advance(MINUTE);
        assert_eq!(secrets.verify(body, &signature), Err(VerifyError::Mismatch));
        assert_eq!(clone.verify(body, &signature), Err(VerifyError::Mismatch));
    }

    #[test]
    fn the_label_reaches_the_verified_body() {
        let body = notification(1);
        let verified_by = |secrets: Secrets| {
            let signature = sign_with("a-secret", &body);
            let verified = VerifiedBody::verify(body.clone(), &signature, &secrets).unwrap();
            verified.verified_by().to_owned()
        };
        let label = || Secrets::builder().label("eu");
        assert_eq!(verified_by(label().secret("a-secret").unwrap()), "eu");
        assert_eq!(
            verified_by(label().any_of(["b", "a-secret"]).unwrap()),
            "eu"
        );
        let pending = label().pending();
        pending.set("a-secret").unwrap();
        assert_eq!(verified_by(pending.clone()), "eu");
        pending.rotate("b", HOUR).unwrap();
        assert_eq!(verified_by(pending), "eu");
        assert_eq!(verified_by(Secrets::new("a-secret").unwrap()), "default");
    }

    /// In either order, and the last one of two counts.
    #[test]
    fn a_builder_takes_label_and_clock_in_any_order() {
        let timer = VirtualClock::new();
        for builder in [
            Secrets::builder().label("eu").clock(timer.clone()),
            Secrets::builder().clock(timer.clone()).label("eu"),
            Secrets::builder()
                .label("us")
                .clock(timer.clone())
                .label("eu"),
        ] {
            let secrets = builder.secret("old").unwrap();
            assert_eq!(secrets.label(), "eu");
            secrets.rotate("new", MINUTE).unwrap();
            prove(&secrets, "new");
            timer.advance(MINUTE);
            let verdict = secrets.verify(b"{}", &sign_with("old", b"{}"));
            assert_eq!(verdict, Err(VerifyError::Mismatch));
        }
    }

    #[test]
    fn bad_secrets_are_refused_by_every_constructor() {
        use InvalidSecret::{
            Assignment, Empty, InnerWhiteSpace, InvisibleCharacter, Placeholder, Quoted,
            SurroundingWhiteSpace, TestEventSecret, TooMany,
        };
        for (bad, why) in [
            ("", Empty),
            (" ", SurroundingWhiteSpace),
            (" a", SurroundingWhiteSpace),
            ("a\r\n", SurroundingWhiteSpace),
            ("\u{3000}a", SurroundingWhiteSpace),
            ("a b", InnerWhiteSpace),
            ("\u{feff}a", InvisibleCharacter),
            ("'a'", Quoted),
            ("SECRET=a", Assignment),
            ("${SECRET}", Placeholder),
            ("mock-webhook-secret", TestEventSecret),
        ] {
            assert_eq!(
                tower_nylas::WebhookSecret::new(bad).err(),
                Some(why.clone())
            );
            assert_eq!(
                bad.parse::<tower_nylas::WebhookSecret>().err(),
                Some(why.clone())
            );
            assert_eq!(Secrets::new(bad).err(), Some(why.clone()));
            assert_eq!(Secrets::new(bad.to_owned()).err(), Some(why.clone()));
            let owned = bad.to_owned();
            assert_eq!(Secrets::new(&owned).err(), Some(why.clone()));
            assert_eq!(Secrets::any_of(["fine", bad]).err(), Some(why.clone()));
            let builder = Secrets::builder().label("eu");
            assert_eq!(builder.secret(bad).err(), Some(why.clone()));
            assert_eq!(Secrets::pending().set(bad), Err(why.clone()));
            let secrets = Secrets::new("old").unwrap();
            assert_eq!(secrets.rotate(bad, Duration::ZERO), Err(why));
            assert_eq!(secrets.verify(b"{}", &sign_with("old", b"{}")), Ok(()));
        }
        assert_eq!(Secrets::any_of([""; 0]).err(), Some(Empty));
        assert!(Secrets::any_of(["a", "b", "c", "d"]).is_ok());
        let five = Secrets::any_of(["a", "b", "c", "d", "e"]);
        assert_eq!(five.err(), Some(TooMany));
    }

    const VARIABLE: &str = "TOWER_NYLAS_TEST_SECRET";

    /// Runs this program again, since a process must not change its environment while others of
    /// its threads may read it.
    fn in_child(test: &str, value: Option<&std::ffi::OsStr>) {
        let mut child = Command::new(env::current_exe().unwrap());
        let (_, module) = module_path!().split_once("::").unwrap();
        let test = format!("{module}::{test}");
        child.args(["--exact", &test, "--include-ignored"]);
        child
            .env("TOWER_NYLAS_TEST_CHILD", "yes")
            .env_remove(VARIABLE);
        child.envs(value.map(|value| (VARIABLE, value)));
        let output = child.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}");
        assert!(said.contains("1 passed"), "{said}");
    }

    fn is_child() -> bool {
        env::var_os("TOWER_NYLAS_TEST_CHILD").is_some()
    }

    #[test]
    fn from_an_environment_with_a_secret() {
        if !is_child() {
            return in_child(
                "from_an_environment_with_a_secret",
                Some("a-secret".as_ref()),
            );
        }
        let label = || Secrets::builder().label("eu");
        for (secrets, label) in [
            (Secrets::from_env(VARIABLE), "default"),
            (Secrets::from_env_or_pending(VARIABLE), "default"),
            (label().from_env(VARIABLE), "eu"),
            (label().from_env_or_pending(VARIABLE), "eu"),
        ] {
            let secrets = secrets.unwrap();
            let signature = sign_with("a-secret", b"{}");
            assert_eq!(secrets.verify(b"{}", &signature), Ok(()));
            assert_eq!(secrets.label(), label);
        }
    }

    #[test]
    fn from_an_environment_without_a_secret() {
        if !is_child() {
            return in_child("from_an_environment_without_a_secret", None);
        }
        let unset = InvalidSecret::Unset(VARIABLE.to_owned());
        assert!(unset.to_string().contains(VARIABLE));
        assert_eq!(Secrets::from_env(VARIABLE).err(), Some(unset));
        let secrets = Secrets::from_env_or_pending(VARIABLE).unwrap();
        assert!(secrets.is_pending());
        let builder = Secrets::builder().label("eu");
        let secrets = builder.from_env_or_pending(VARIABLE).unwrap();
        assert!(secrets.is_pending());
        assert_eq!(secrets.label(), "eu");
    }

    #[test]
    fn from_an_environment_with_an_empty_secret() {
        if !is_child() {
            return in_child(
                "from_an_environment_with_an_empty_secret",
                Some("".as_ref()),
            );
        }
        assert_eq!(
            Secrets::from_env(VARIABLE).err(),
            Some(InvalidSecret::Empty)
        );
        assert!(Secrets::from_env_or_pending(VARIABLE).unwrap().is_pending());
    }

    /// Only an empty value means that there is no secret yet.
    #[test]
    fn from_an_environment_with_a_placeholder() {
        if !is_child() {
            return in_child(
                "from_an_environment_with_a_placeholder",
                Some("${NYLAS_WEBHOOK_SECRET}".as_ref()),
            );
        }
        let why = Some(InvalidSecret::Placeholder);
        assert_eq!(Secrets::from_env(VARIABLE).err(), why);
        assert_eq!(Secrets::from_env_or_pending(VARIABLE).err(), why);
    }

    #[test]
    fn from_an_environment_with_a_line_break() {
        if !is_child() {
            return in_child(
                "from_an_environment_with_a_line_break",
                Some("a-secret\n".as_ref()),
            );
        }
        let why = Some(InvalidSecret::SurroundingWhiteSpace);
        assert_eq!(Secrets::from_env(VARIABLE).err(), why);
        assert_eq!(Secrets::from_env_or_pending(VARIABLE).err(), why);
    }

    #[cfg(unix)]
    #[test]
    fn from_an_environment_that_is_not_unicode() {
        use std::os::unix::ffi::OsStrExt;
        if !is_child() {
            return in_child(
                "from_an_environment_that_is_not_unicode",
                Some(std::ffi::OsStr::from_bytes(b"\xff-secret")),
            );
        }
        let why = InvalidSecret::NotUnicode(VARIABLE.to_owned());
        assert!(!why.to_string().contains("-secret"));
        assert_eq!(Secrets::from_env(VARIABLE).err(), Some(why.clone()));
        assert_eq!(Secrets::from_env_or_pending(VARIABLE).err(), Some(why));
    }
}

/// Tenants have sets of their own, and a rotation of one is none of the others.
#[tokio::test]
async fn tenants_are_apart() {
    let tenants = [Secrets::new("a").unwrap(), Secrets::new("b").unwrap()];
    let known = tenants.clone();
    let lookup = move |request: &http::request::Parts| -> Result<_, BoxError> {
        Ok(match request.uri.path() {
            "/a" => Some(known[0].clone()),
            "/b" => Some(known[1].clone()),
            _ => None,
        })
    };
    let source = SecretSource::lookup(lookup);
    let webhook = WebhookLayer::with_timer(source, VirtualClock::new()).layer(TriggerRouter::new());
    let send = async |tenant: &'static str, secret: &str| {
        let answer = deliver(&webhook, tenant, secret, &notification(1), at_once).await;
        answer.status()
    };
    tenants[0].expect_rotation(MINUTE);
    tenants[1].rotate("c", HOUR).unwrap();
    for (tenant, secret, status) in [
        ("/a", "a", 200),
        ("/a", "b", 503),
        ("/a", "c", 503),
        ("/b", "a", 401),
        ("/b", "b", 200),
        ("/b", "c", 200),
        ("/other", "a", 401),
    ] {
        assert_eq!(send(tenant, secret).await, status, "{tenant} {secret}");
    }
}
