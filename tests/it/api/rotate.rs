//! The exchange of a secret, in the order that loses nothing.

use std::{
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::json;
use tower::{ServiceExt, service_fn};
use tower_nylas::{
    BoxError, Secrets, VerifyError,
    api::{self, Desired, DestinationStore, NewSecret, Recorded, RotateError, Rotation, WebhookId},
    testing::{VirtualClock, nylas::Cut},
};
use tower_nylas_kit::delivery::sign_with;

use super::{
    access, id,
    memory::Memory,
    nylas::{Nylas, PUT_SECRET as OLD},
};

/// What the first rotation will issue: the same as that of another simulated Nylas.
static NEW: LazyLock<String> = LazyLock::new(|| {
    let (twin, _, _) = beginning(&VirtualClock::new());
    twin.simulator.rotate("wh-1").unwrap().secret().to_owned()
});

const MINUTE: Duration = Duration::from_secs(60);

/// Nylas with one destination, and its secret everywhere.
fn beginning(clock: &VirtualClock) -> (Nylas, Memory, Secrets) {
    let nylas = Nylas::new();
    nylas.put(
        "wh-1",
        &json!({"webhook_url": "https://app.example/", "description": "own"}),
    );
    assert_eq!(nylas.destinations()[0]["webhook_secret"], OLD);
    let secrets = Secrets::builder().clock(clock.clone()).secret(OLD).unwrap();
    verify(&secrets, OLD).unwrap();
    (nylas, Memory::with("wh-1", OLD), secrets)
}

fn verify(secrets: &Secrets, secret: &str) -> Result<(), VerifyError> {
    secrets.verify(b"{}", &sign_with(secret, b"{}"))
}

fn rotation() -> Rotation {
    Rotation::new(id("wh-1"))
}

#[tokio::test]
async fn both_secrets_are_accepted_after_a_rotation() {
    let clock = VirtualClock::new();
    let (nylas, store, secrets) = beginning(&clock);
    let rotation = rotation().keep_old_for(MINUTE);
    api::rotate(&rotation, &secrets, &access(), nylas.client(), &store)
        .await
        .unwrap();
    assert_eq!(nylas.requests(), ["POST /v3/webhooks/rotate-secret/wh-1"]);
    assert_eq!(store.calls(), ["begin", "save"]);
    assert_eq!(store.secret().as_deref(), Some(NEW.as_str()));
    assert_eq!(store.recorded(), Some(Recorded::current(id("wh-1"))));
    assert_eq!(
        [OLD, &*NEW].map(|secret| verify(&secrets, secret)),
        [Ok(()), Ok(())]
    );
    assert_eq!(verify(&secrets, "another"), Err(VerifyError::Mismatch));
    clock.advance(MINUTE);
    assert_eq!(verify(&secrets, OLD), Err(VerifyError::Mismatch));
}

/// When Nylas gets the request, and when the secret is saved, what cannot be verified is sent
/// again.
#[tokio::test]
async fn every_step_comes_before_the_next() {
    #[derive(Clone)]
    struct Watched(Memory, Secrets, Arc<Mutex<Vec<String>>>);

    impl Watched {
        fn note(&self, step: &str) {
            let seen = verify(&self.1, &NEW);
            self.2.lock().unwrap().push(format!("{step}: {seen:?}"));
        }
    }

    impl DestinationStore for Watched {
        async fn load(&self) -> Result<Option<Recorded>, BoxError> {
            self.0.load().await
        }

        async fn begin_rotation(&self, id: &WebhookId) -> Result<(), BoxError> {
            self.note("begin");
            self.0.begin_rotation(id).await
        }

        async fn save(&self, id: &WebhookId, secret: &NewSecret) -> Result<(), BoxError> {
            self.note("save");
            self.0.save(id, secret).await
        }
    }

    let clock = VirtualClock::new();
    let (nylas, store, secrets) = beginning(&clock);
    let watched = Watched(store, secrets.clone(), Arc::default());
    let client = {
        let watched = watched.clone();
        service_fn(move |request: Request<Full<Bytes>>| {
            watched.note("send");
            nylas.client().oneshot(request)
        })
    };
    api::rotate(&rotation(), &secrets, &access(), client, &watched)
        .await
        .unwrap();
    watched.note("end");
    let steps = watched.2.lock().unwrap().clone();
    let expected = [
        "begin: Err(Mismatch)",
        "send: Err(RotationExpected)",
        "save: Err(RotationExpected)",
        "end: Ok(())",
    ];
    assert_eq!(steps, expected);
}

#[tokio::test]
async fn a_rotation_that_was_cut_is_repaired_by_another_one() {
    for (cut, at_nylas) in [(Cut::Request, OLD), (Cut::Answer, &*NEW)] {
        let clock = VirtualClock::new();
        let (nylas, store, secrets) = beginning(&clock);
        nylas.cut(0, cut);
        let rotation = rotation().expect_for(MINUTE);
        let rotate =
            async || api::rotate(&rotation, &secrets, &access(), nylas.client(), &store).await;
        let error = rotate().await.unwrap_err();
        assert!(matches!(error, RotateError::Send(_)), "{error}");
        assert_eq!(nylas.destinations()[0]["webhook_secret"], at_nylas);
        assert_eq!(store.recorded(), Some(Recorded::in_doubt(id("wh-1"))));
        assert_eq!(store.secret().as_deref(), Some(OLD));
        // Nothing is lost meanwhile.
        assert_eq!(verify(&secrets, OLD), Ok(()));
        assert_eq!(verify(&secrets, &NEW), Err(VerifyError::RotationExpected));

        nylas.requests();
        rotate().await.unwrap();
        let now = nylas.destinations()[0]["webhook_secret"].clone();
        assert_eq!(now, store.secret().unwrap());
        assert_eq!(verify(&secrets, now.as_str().unwrap()), Ok(()));
        assert_eq!(store.recorded(), Some(Recorded::current(id("wh-1"))));
    }
}

/// The program has ended in between, and `reconcile` is the first that it does after its start.
#[tokio::test]
async fn a_rotation_that_was_cut_is_repaired_at_the_next_start() {
    for cut in [Cut::Request, Cut::Answer] {
        let clock = VirtualClock::new();
        let (nylas, store, secrets) = beginning(&clock);
        nylas.cut(0, cut);
        let cut = api::rotate(&rotation(), &secrets, &access(), nylas.client(), &store).await;
        cut.unwrap_err();
        nylas.requests();

        let desired = Desired::new("https://app.example/", "own", Vec::<String>::new());
        let reconciled = api::reconcile(&desired, &access(), nylas.client(), &store)
            .await
            .unwrap();
        let requests = ["GET /v3/webhooks", "POST /v3/webhooks/rotate-secret/wh-1"];
        assert_eq!(nylas.requests(), requests);
        let secret = reconciled.secret.unwrap();
        assert_eq!(nylas.destinations()[0]["webhook_secret"], secret.expose());
        assert_eq!(store.secret().as_deref(), Some(secret.expose()));
        assert_eq!(store.recorded(), Some(Recorded::current(id("wh-1"))));
        let after_start = Secrets::new(&secret).unwrap();
        assert_eq!(verify(&after_start, secret.expose()), Ok(()));
    }
}

#[tokio::test]
async fn a_store_that_fails_stops_the_rotation_or_returns_the_secret() {
    let clock = VirtualClock::new();
    let (nylas, store, secrets) = beginning(&clock);
    store.fail(Some("begin"));
    let rotate =
        async || api::rotate(&rotation(), &secrets, &access(), nylas.client(), &store).await;
    let error = rotate().await.unwrap_err();
    assert!(matches!(error, RotateError::NotBegun(_)), "{error}");
    assert!(nylas.requests().is_empty());
    assert_eq!(verify(&secrets, &NEW), Err(VerifyError::Mismatch));

    store.fail(Some("save"));
    let error = rotate().await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains(&*NEW), "{error:?}");
    let RotateError::NotSaved { secret, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(secret.expose(), *NEW);
    // This process accepts it all the same.
    assert_eq!(
        [OLD, &*NEW].map(|secret| verify(&secrets, secret)),
        [Ok(()), Ok(())]
    );
    store.fail(None);
    store.save(&id("wh-1"), &secret).await.unwrap();
    assert_eq!(store.secret().as_deref(), Some(NEW.as_str()));
}
