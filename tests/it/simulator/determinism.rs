//! The same seed is the same life, to the byte.

use std::collections::HashSet;

use http::StatusCode;
use http_body_util::BodyExt;
use tower::ServiceExt;
use tower_nylas::testing::nylas::{DestinationUpdate, Event, Fault, Status};

use super::{scripted::Scripted, wire::Wire, *};

const OTHER: &str = "https://other.example.com/";

/// A day.
struct Day {
    /// What was recorded, and what the handlers did.
    ledger: String,
    /// Method, URI, headers with the signature, and the digest of the body, of everything that was
    /// sent to either destination.
    wire: Vec<String>,
}

/// With everything in it.
fn day(seed: u64) -> Day {
    let wire = Wire::default();
    let stage = Stage::with(
        |builder| builder.seed(seed),
        |app, secrets| wire.around(app.deduplicated(secrets)),
    );
    let other = Application::new(&stage.clock);
    let secrets = other.secrets();
    let stored = other.stored(&secrets, other.inbox());
    stage.nylas.host(OTHER, wire.around(stored));
    let new = NewDestination::new(OTHER, ["message.created"]);
    let created = create(&stage.clock, &stage.nylas, &new.compressed_delivery(true));
    secrets.set(created.secret()).unwrap();

    let traffic = Traffic::new(["message.created", "event.*"], MINUTE)
        .day_and_night()
        .bursts(6 * HOUR, 50)
        .duplicates(0.1)
        .large(0.002);
    stage.nylas.run(traffic.during(24 * HOUR));
    for fault in [
        Fault::answer_lost(),
        Fault::slow(4 * SECOND),
        Fault::sent_twice(),
        Fault::out_of_order(MINUTE),
        Fault::reset_after_request(Duration::ZERO),
        Fault::wrong_signature(),
    ] {
        stage.nylas.inject(fault.probability(0.05));
    }
    stage.clock.run_for(12 * HOUR);
    stage.app.set_away(true);
    stage.clock.run_for(HOUR);
    stage.app.set_away(false);
    let rotated = stage.nylas.rotate(&created.id).unwrap();
    secrets.set(rotated.secret()).unwrap();
    let pause = DestinationUpdate::new().pause();
    stage
        .clock
        .run_until(stage.nylas.update(&created.id, &pause))
        .unwrap();
    stage.settle();
    let ledger = format!(
        "{}\n{:?}\n{:?}",
        stage.nylas.ledger(),
        stage.app.handled(),
        other.handled()
    );
    Day {
        ledger,
        wire: wire.lines(),
    }
}

#[test]
fn the_same_seed_gives_the_same_ledger_and_bytes_and_another_one_others() {
    let first = day(7);
    assert!(first.ledger.lines().count() > 1000, "{}", first.ledger);
    let again = day(7);
    assert_eq!(again.ledger, first.ledger);
    assert_eq!(again.wire, first.wire);
    // Every request is there, the challenges as well, with what it was signed with.
    let posts = first.wire.iter().filter(|line| line.starts_with("POST "));
    assert!(
        posts
            .clone()
            .all(|line| line.contains(" x-nylas-signature: "))
    );
    let gzip = posts
        .clone()
        .filter(|line| line.contains(" content-encoding: "));
    let counts = [first.wire.len() - posts.clone().count(), gzip.count()];
    assert!(counts[0] == 2 && counts[1] > 200, "{counts:?}");
    let attempts = first.ledger.lines().filter(|it| it.contains(" attempt "));
    assert_eq!(posts.count(), attempts.count());

    let other = day(8);
    let lines: HashSet<_> = first.ledger.lines().collect();
    let mut attempts = other.ledger.lines().filter(|it| it.contains(" attempt "));
    assert!(!attempts.any(|it| lines.contains(it)));
    let lines: HashSet<_> = first.wire.iter().collect();
    assert!(!other.wire.iter().any(|it| lines.contains(it)));
}

/// Whatever else was asked for before: refused and failed creations, other requests to the API.
#[test]
fn ids_and_secrets_follow_from_the_seed_and_the_order_of_destinations_and_events() {
    let life = |with_disturbances: bool| {
        let clock = VirtualClock::new();
        let nylas = builder(&clock).seed(7).build();
        let disturb = || {
            if !with_disturbances {
                return;
            }
            let proxy = nylas.inject(Fault::proxy_answers(StatusCode::BAD_GATEWAY));
            let failed = NewDestination::new("https://app.example.com/gone", ["grant.expired"]);
            clock.run_until(nylas.create(&failed)).unwrap_err();
            proxy.remove();
            let new = NewDestination::new("no URL", ["grant.expired"]);
            nylas
                .put("wh-1", "a-secret", &new, Status::Active)
                .unwrap_err();
            for path in ["/v3/webhooks", "/v3/webhooks/wh-1", "/"] {
                let request = Request::get(path).body(Full::<Bytes>::default()).unwrap();
                let answer = clock.run_until(nylas.management().oneshot(request));
                let Ok(answer) = answer;
                clock.run_until(answer.into_body().collect()).unwrap();
            }
        };
        let mut seen = Vec::new();
        for url in [URL, OTHER] {
            disturb();
            Scripted::default().host(&nylas, url);
            let created = create(
                &clock,
                &nylas,
                &NewDestination::new(url, ["message.created"]),
            );
            // A challenge between two secrets.
            if with_disturbances {
                let again = DestinationUpdate::new().reactivate();
                clock.run_until(nylas.update(&created.id, &again)).unwrap();
            }
            let rotated = nylas.rotate(&created.id).unwrap();
            seen.extend([created.id.to_string(), created.secret().to_owned()]);
            seen.push(rotated.secret().to_owned());
            disturb();
            seen.push(nylas.emit(Event::new("message.created")).to_string());
        }
        seen
    };
    let alone = life(false);
    assert_eq!(alone.iter().collect::<HashSet<_>>().len(), 8, "{alone:?}");
    assert_eq!(life(true), alone);
}

/// A destination that is put where one is keeps its place.
#[test]
fn a_destination_that_is_put_again_shifts_no_other() {
    let lives = [false, true].map(|is_put_again| {
        let clock = VirtualClock::new();
        let nylas = builder(&clock).build();
        for url in [URL, OTHER] {
            Scripted::default().host(&nylas, url);
        }
        let first = create(&clock, &nylas, &new_destination());
        if is_put_again {
            let new = new_destination();
            let put = nylas.put(first.id.as_str(), "a-secret", &new, Status::Active);
            put.unwrap();
        }
        let second = NewDestination::new(OTHER, ["message.created"]);
        let second = create(&clock, &nylas, &second);
        let rotated = nylas.rotate(&first.id).unwrap();
        [second.id.to_string(), rotated.secret().to_owned()]
    });
    assert_eq!(lives[0], lives[1]);
}
