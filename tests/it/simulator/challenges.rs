//! When the challenge is sent, and how strictly its answer is checked.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use http::{HeaderValue, StatusCode, header};
use http_body_util::{BodyExt, combinators::UnsyncBoxBody};
use tower::service_fn;
use tower_nylas::testing::{
    ChallengeError, NoAnswer,
    nylas::{DestinationUpdate, Fault, ManagementError, Step},
};

use super::*;

type Answer = Response<UnsyncBoxBody<Bytes, BoxError>>;

fn exact(text: impl Into<Bytes>) -> Answer {
    Response::new(Full::new(text.into()).map_err(Into::into).boxed_unsync())
}

/// Of no known length, as one that comes in chunks.
fn chunked(text: String) -> Answer {
    let frames = tower_nylas_kit::body::Scripted::frames([Bytes::from(text)]);
    let body = frames.map_err(|_| BoxError::from("it does not fail"));
    Response::new(body.boxed_unsync())
}

/// The values of the challenges that an endpoint has got, which it answers as it is told.
#[derive(Clone, Default)]
struct Values(Arc<Mutex<Vec<String>>>);

impl Values {
    fn host(&self, nylas: &Simulator, url: &str, answer: fn(String) -> Answer) {
        let values = self.clone();
        nylas.host(
            url,
            service_fn(move |request: Request<Full<Bytes>>| {
                assert_eq!(request.method(), "GET");
                assert!(!request.headers().contains_key("x-nylas-signature"));
                let query = request.uri().query().unwrap();
                let value = query.rsplit_once("challenge=").unwrap().1.to_owned();
                values.0.lock().unwrap().push(value.clone());
                async move { Ok::<_, Infallible>(answer(value)) }
            }),
        );
    }

    fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

#[test]
fn the_challenge_is_sent_with_each_creation_activation_and_new_url() {
    let clock = VirtualClock::new();
    let nylas = builder(&clock).build();
    let (values, moved) = (Values::default(), Values::default());
    // A query of its own stays.
    let url = "https://app.example.com/hooks?tenant=7";
    let new_url = "https://new.example.com/";
    values.host(&nylas, url, exact);
    moved.host(&nylas, new_url, exact);
    let created = create(
        &clock,
        &nylas,
        &NewDestination::new(url, ["message.created"]),
    );
    assert_eq!((values.count(), moved.count()), (1, 0));
    let update = |update: DestinationUpdate| {
        clock.run_until(nylas.update(&created.id, &update)).unwrap();
        (values.count(), moved.count())
    };
    let none = DestinationUpdate::new();
    assert_eq!(update(none.clone().pause()), (1, 0));
    assert_eq!(update(none.clone().description("orders")), (1, 0));
    assert_eq!(update(none.clone().webhook_url(url)), (1, 0));
    assert_eq!(update(none.clone().reactivate()), (2, 0));
    assert_eq!(update(none.clone().webhook_url(new_url)), (2, 1));
    assert_eq!(update(none.reactivate()), (2, 2));
    nylas.rotate(&created.id).unwrap();
    assert_eq!((values.count(), moved.count()), (2, 2));
    // Each has a value of its own, a UUID.
    let mut all = [
        values.0.lock().unwrap().clone(),
        moved.0.lock().unwrap().clone(),
    ]
    .concat();
    assert!(all.iter().all(|value| value.len() == 36), "{all:?}");
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 4);
}

/// What is answered, and what is wrong with it.
type Case = (fn(String) -> Answer, &'static str);

#[test]
fn an_answer_that_is_not_exactly_the_value_is_refused() {
    let cases: [Case; 7] = [
        (|it| exact(format!("\"{it}\"")), "value"),
        (|it| exact(it + "\n"), "value"),
        (|it| exact(it.to_uppercase()), "value"),
        (|_| exact(""), "value"),
        (chunked, "chunked"),
        (
            |it| {
                let mut answer = exact(it);
                let chunked = HeaderValue::from_static("chunked");
                answer
                    .headers_mut()
                    .insert(header::TRANSFER_ENCODING, chunked);
                answer
            },
            "chunked",
        ),
        (
            |it| {
                let mut answer = exact(it);
                *answer.status_mut() = StatusCode::CREATED;
                answer
            },
            "status",
        ),
    ];
    for (answer, expected) in cases {
        let clock = VirtualClock::new();
        let nylas = builder(&clock).build();
        Values::default().host(&nylas, URL, answer);
        let refused = clock
            .run_until(nylas.create(&new_destination()))
            .unwrap_err();
        assert_eq!((refused.status().as_u16(), refused.kind()), (400, "70005"));
        let ManagementError::Challenge(why) = &refused else {
            panic!("{refused:?}");
        };
        let seen = match why {
            ChallengeError::Value => "value",
            ChallengeError::Chunked => "chunked",
            ChallengeError::Status(_) => "status",
            _ => "else",
        };
        assert_eq!(seen, expected, "{refused}");
        assert!(nylas.destinations().is_empty());
        let ledger = nylas.ledger();
        let note = ledger.notes().next().unwrap();
        assert!(matches!(note.step, Step::ChallengeFailed(_)), "{note}");
    }
}

#[test]
fn nylas_waits_10_seconds_for_the_answer() {
    for (millis, is_in_time) in [(9_999, true), (10_001, false)] {
        let stage = Stage::direct();
        stage
            .nylas
            .inject(Fault::slow(Duration::from_millis(millis)));
        let reactivate = DestinationUpdate::new().reactivate();
        let before = stage.clock.elapsed();
        let updating = stage.nylas.update(&stage.id, &reactivate);
        let updated = stage.clock.run_until(updating);
        let took = stage.clock.elapsed().checked_sub(before).unwrap();
        assert_eq!(took, Duration::from_millis(millis).min(10 * SECOND));
        match updated {
            Ok(_) => assert!(is_in_time),
            Err(ManagementError::Challenge(ChallengeError::NoAnswer(NoAnswer::TimedOut))) => {
                assert!(!is_in_time);
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}
