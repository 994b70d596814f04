//! For random requests, frames, times, secrets and handlers, the stack answers as the reference
//! implementation says.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use serde_json::{Value, json};
use tower_nylas::{
    Secrets, Trigger, TriggerRouter, VerifyError, WebhookSecret,
    testing::{self, SAMPLES, VirtualClock},
    trigger::Filter,
};
use tower_nylas_kit::{
    accounting, fuzz,
    reference::{
        Kind,
        generate::{self, SECRETS},
        naive, predict, route,
        scenario::Event,
        secrets::KnownSecrets,
        split, stage,
    },
};
use tower_service::Service;

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..500)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_stack_answers_as_the_reference_does(bytes in bytes()) {
        stage::play(&generate::scenario(&bytes));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn secrets_are_accepted_as_long_as_the_reference_does(
        starts_pending: bool,
        bytes in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let start = if starts_pending { &[][..] } else { &SECRETS[..1] };
        let mut known = KnownSecrets::new(start);
        let timer = VirtualClock::new();
        let secrets = Secrets::builder().clock(timer.clone());
        let secrets = if starts_pending {
            secrets.pending()
        } else {
            secrets.secret(SECRETS[0]).unwrap()
        };
        for (wait, operation) in generate::secret_operations(&bytes) {
            timer.advance(wait);
            // Before and after: what ends must end by itself.
            assert_accepts(&secrets, &mut known, timer.elapsed());
            let is_accepted = known.operate(timer.elapsed(), &operation);
            prop_assert_eq!(stage::operate(&secrets, &operation), is_accepted);
            assert_accepts(&secrets, &mut known, timer.elapsed());
        }
    }

    #[test]
    fn several_values_of_a_sample_may_be_of_another_kind(
        sample in prop::sample::select(SAMPLES),
        changes in prop::collection::vec((any::<prop::sample::Index>(), value()), 1..5),
    ) {
        let mut body: Value = serde_json::from_str(sample.1).unwrap();
        for (at, value) in changes {
            let pointers = accounting::pointers(&body);
            let pointer = &pointers[at.index(pointers.len())];
            *body.pointer_mut(pointer).unwrap() = value;
        }
        fuzz::typed_objects::run(body.to_string().as_bytes());
    }

    #[test]
    fn a_trigger_goes_where_its_name_says(
        names in prop::collection::vec(name(), 1..12),
        filters in prop::collection::vec((name(), prop::bool::weighted(0.2)), 0..12),
    ) {
        let mut known: Vec<String> = Vec::new();
        let called = Arc::new(AtomicUsize::new(usize::MAX));
        let mut router = TriggerRouter::new();
        for (name, is_family) in filters {
            let filter = if is_family { format!("{name}.*") } else { name };
            if known.iter().any(|other| split(other) == split(&filter)) {
                continue;
            }
            let (index, called) = (known.len(), called.clone());
            router = router.on_unlisted(&filter, move || {
                called.store(index, Ordering::SeqCst);
                async {}
            });
            known.push(filter);
        }
        let filters: Vec<&str> = known.iter().map(|filter| &**filter).collect();
        for name in names {
            called.store(usize::MAX, Ordering::SeqCst);
            let body = testing::verified(format!(r#"{{"type":"{name}"}}"#));
            naive::at_once(router.call(http::Request::new(body))).unwrap();
            let went = Some(called.load(Ordering::SeqCst)).filter(|went| *went < filters.len());
            prop_assert_eq!(went, route(&name, &filters), "{} among {:?}", name, filters);
            for (index, filter) in filters.iter().enumerate() {
                let filter: Filter = filter.parse().unwrap();
                let matches = filter.matches(&Trigger::from(&*name));
                prop_assert_eq!(matches, route(&name, &filters[index..=index]).is_some());
            }
        }
    }
}

fn value() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!(null),
        json!(true),
        json!(7),
        json!(-1),
        json!(0.5),
        json!(7.0),
        json!(u64::MAX),
        json!(1e300),
        json!(""),
        json!("7"),
        json!("soon"),
        json!([]),
        json!([null, "soon"]),
        json!([[7]]),
        json!({}),
        json!({"id": null, "grant_id": 7}),
    ])
}

/// Two to five segments, among them those with a meaning.
fn name() -> impl Strategy<Value = String> {
    let segment = prop::sample::select(vec![
        "a",
        "a",
        "b",
        "b",
        "truncated",
        "transformed",
        "metadata",
        "cleaned",
    ]);
    prop::collection::vec(segment, 2..6).prop_map(|segments| segments.join("."))
}

fn assert_accepts(secrets: &Secrets, known: &mut KnownSecrets, now: Duration) {
    assert_eq!(secrets.is_pending(), known.is_pending());
    let accepted = known.accepted(now);
    for secret in SECRETS {
        let signature = WebhookSecret::new(secret).unwrap().sign(b"{}");
        let expected = if known.is_pending() {
            Err(VerifyError::Pending)
        } else if accepted.contains(&secret) {
            known.verified(secret);
            Ok(())
        } else if known.expects_rotation(now) {
            Err(VerifyError::RotationExpected)
        } else if known.is_proven() {
            Err(VerifyError::Mismatch)
        } else {
            Err(VerifyError::Unproven)
        };
        assert_eq!(secrets.verify(b"{}", &signature), expected, "{secret}");
        assert_eq!(secrets.is_proven(), known.is_proven());
    }
}

/// Otherwise the property above would hold of much less than it seems to.
#[test]
fn scenarios_lead_to_every_kind_of_answer() {
    let mut runner = TestRunner::deterministic();
    let mut kinds = BTreeSet::new();
    let (mut routes, mut statuses) = (BTreeSet::new(), BTreeSet::new());
    let mut repeated = BTreeSet::new();
    for _ in 0..2000 {
        let bytes = bytes().new_tree(&mut runner).unwrap().current();
        let scenario = generate::scenario(&bytes);
        let requests = scenario.events.iter().filter_map(|event| match event {
            Event::Request(request) => Some(request),
            _ => None,
        });
        for (prediction, request) in predict(&scenario).into_iter().zip(requests) {
            let is_joined = request.signatures.iter().any(|field| field.contains(&b','));
            if let Kind::Ended(_) = prediction.kind {
                repeated.insert((is_joined, request.signatures.len() > 1));
            }
            kinds.insert(format!("{:?}", prediction.kind));
            statuses.insert(prediction.status);
            routes.extend(prediction.handled.map(|(route, _)| route));
        }
    }
    assert_eq!(kinds.len(), 1 + 16 + 14, "{kinds:#?}");
    assert_eq!(
        repeated.len(),
        4,
        "accepted with each form of the header: {repeated:?}"
    );
    assert!(routes.len() > 4, "{routes:?}");
    for status in [200, 400, 401, 405, 408, 413, 429, 503] {
        assert!(statuses.contains(&status), "{status} never comes");
    }
    assert!(statuses.len() > 8, "no client error is passed on");
}
