use std::{
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use tower::ServiceExt;
use tower_nylas::{
    BoxError,
    inbox::{
        Appended, Browse, DeadCause, Entry, EntryKey, EntryState, Inbox, MemoryInbox,
        MemoryReceipt, Settlement,
    },
    testing,
};
use tower_nylas_inspector::Inspector;
use tower_nylas_kit::forward;

use crate::stage::Stage;

const DEAD: EntryState = EntryState::Dead(DeadCause::Malformed);

pub(crate) async fn a_dead_letter_is_replayed_until_it_is_handled() {
    let stage = Stage::start().await;
    stage.work();
    let key = stage.store(stage.message("a mail", "g-1")).await;
    stage
        .until("it is dead", async || stage.count(DEAD).await == 1)
        .await;
    let entry = format!("?page=entry&key={key}");
    let page = stage.page(&entry).await;
    assert!(page.contains("not_there"), "the reason is shown: {page}");
    // Not mended yet, so it dies again.
    let form = format!("action=replay&key={key}");
    let (status, location) = stage.post(&form).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert_eq!(
        location,
        format!("?page=entry&key={key}&did=replay&n=1&of=1")
    );
    let died_twice = async || {
        let shown = stage.json(&entry).await;
        let events = shown["timeline"].as_array().unwrap();
        let died = events.iter().filter(|event| event["what"] == "dead");
        died.count() == 2
    };
    stage.until("it is dead again", died_twice).await;
    stage.mend();
    assert_eq!(stage.post(&form).await.0, StatusCode::SEE_OTHER);
    let is_gone = async || stage.get(&entry).await.0 == StatusCode::NOT_FOUND;
    stage.until("it is handled", is_gone).await;
}

pub(crate) async fn a_group_is_counted_first_and_then_replayed() {
    let stage = Stage::start().await;
    stage.bury_many(5, DeadCause::Expired).await;
    stage
        .bury(stage.message("another", "g-1"), DeadCause::Malformed, "no")
        .await;
    let query = "?page=replay&state=dead&cause=expired&trigger=message.created";
    let dry = stage.json(query).await;
    assert_eq!((&dry["count"], &dry["is_cut"]), (&5.into(), &false.into()));
    assert!(stage.page(query).await.contains("Replay 5 entries?"));
    assert_eq!(stage.count(DEAD).await, 6);
    let form = "action=replay&confirm=1&state=dead&cause=expired&trigger=message.created";
    let (status, location) = stage.post(form).await;
    assert_eq!(
        (status, &*location),
        (StatusCode::SEE_OTHER, "?page=dead&did=replay&n=5&of=5")
    );
    assert!(
        stage
            .page(&location)
            .await
            .contains("5 entries are ready again.")
    );
    assert_eq!(stage.count(DEAD).await, 1);
}

pub(crate) async fn a_discard_needs_a_reason_and_leaves_the_key() {
    let stage = Stage::start().await;
    let message = stage.message("spam", "g-1");
    let key = stage
        .bury(message.clone(), DeadCause::Malformed, "no")
        .await;
    let (status, text) = stage.post(&format!("action=discard&key={key}")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(text.contains("a reason is needed"), "{text}");
    let long = "x".repeat(201);
    let (status, _) = stage
        .post(&format!("action=discard&key={key}&reason={long}"))
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(stage.count(DEAD).await, 1);
    let (status, location) = stage
        .post(&format!("action=discard&key={key}&reason=spam"))
        .await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert!(
        stage
            .page(&location)
            .await
            .contains("1 entry is discarded.")
    );
    assert_eq!(stage.count(DEAD).await, 0);
    let again = Entry::new(&testing::verified_by("default", message), Duration::ZERO);
    assert_eq!(
        stage.inbox.append(again).await.unwrap(),
        Appended::Duplicate
    );
}

pub(crate) async fn a_grant_is_purged() {
    let stage = Stage::start().await;
    stage
        .bury(stage.message("dead", "g-1"), DeadCause::Malformed, "no")
        .await;
    stage.store(stage.message("ready", "g-1")).await;
    stage.store(stage.message("of another", "g-2")).await;
    let dry = stage.json("?page=purge&grant=g-1").await;
    assert_eq!(dry["count"], 2);
    assert_eq!(stage.inbox.stats().await.unwrap().ready, 2);
    let (status, _) = stage.post("action=purge&grant=g-1").await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "it is not confirmed");
    let (_, done) = stage.post_json("action=purge&grant=g-1&confirm=1").await;
    assert_eq!(done["done"], 2);
    let left = stage.inbox.stats().await.unwrap();
    assert_eq!((left.ready, left.dead), (1, 0));
}

pub(crate) async fn an_action_has_a_cap() {
    let stage = Stage::with(|builder| builder.most_changed(3).loopback_only()).await;
    let keys = stage.bury_many(7, DeadCause::Expired).await;
    let dry = stage.json("?page=discard&state=dead").await;
    assert_eq!((&dry["count"], &dry["is_cut"]), (&3.into(), &true.into()));
    let (_, done) = stage
        .post_json("action=discard&reason=x&confirm=1&state=dead")
        .await;
    assert_eq!((&done["done"], &done["is_cut"]), (&3.into(), &true.into()));
    assert_eq!(stage.count(DEAD).await, 4);
    // By their keys as well.
    let fields: Vec<_> = keys.iter().map(|key| format!("&key={key}")).collect();
    let form = fields.concat();
    let (_, done) = stage
        .post_json(&format!("action=replay&confirm=1{form}"))
        .await;
    assert_eq!((&done["done"], &done["is_cut"]), (&3.into(), &true.into()));
    assert_eq!(stage.count(DEAD).await, 1);
    let actions = stage.actions();
    assert_eq!(actions.len(), 2);
    for action in actions {
        assert!(
            action.contains(": 3 of 3, and there may be more"),
            "{action}"
        );
    }
}

pub(crate) async fn more_than_one_entry_needs_a_confirmation() {
    let stage = Stage::start().await;
    let keys = stage.bury_many(2, DeadCause::Expired).await;
    for form in [
        format!("action=replay&key={}&key={}", keys[0], keys[1]),
        "action=replay&state=dead".to_owned(),
        "action=discard&reason=x&cause=expired".to_owned(),
    ] {
        let (status, value) = stage.post_json(&form).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(
            value["error"].as_str().unwrap().contains("confirm"),
            "{value}"
        );
    }
    assert_eq!(stage.count(DEAD).await, 2);
    let refused = "refused: \"an action on more than one entry must be confirmed (confirm=1)\"";
    assert_eq!(
        stage.actions(),
        [
            format!(
                "replay by \"loopback\" of entries {} {}, {refused}",
                keys[0], keys[1]
            ),
            format!("replay by \"loopback\" of all entries with state=\"dead\", {refused}"),
            format!(
                "discard by \"loopback\" of all entries with state=\"dead\" cause=\"expired\", \
                 since \"x\", {refused}"
            ),
        ]
    );
}

pub(crate) async fn forms_that_make_no_sense_change_nothing() {
    let stage = Stage::start().await;
    stage.bury_many(2, DeadCause::Expired).await;
    for form in [
        "",
        "action=replay",
        "action=replay&confirm=1",
        "action=replay&confirm=1&key=none",
        "action=replay&confirm=1&state=all",
        "action=replay&confirm=1&state=ready",
        "action=replay&confirm=1&state=Dead",
        "action=replay&confirm=1&cause=unknown",
        "action=replay&confirm=1&state=dead&before=x",
        "action=replay&confirm=1&state=dead&grant=",
        "action=replay&confirm=1&cause=",
        "action=replay&confirm=1&state=done&cause=expired",
        &format!(
            "action=replay&confirm=1&state=dead&grant={}",
            "g".repeat(600)
        ),
        &format!(
            "action=discard&reason=x&confirm=1&state=dead&trigger={}",
            "t".repeat(600)
        ),
        &format!("action=purge&confirm=1&grant={}", "g".repeat(600)),
        "action=purge&confirm=1",
        "action=drop&confirm=1&state=dead",
    ] {
        let (status, text) = stage.post(form).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{form}: {text}");
        stage.assert_refused(1, "");
    }
    assert_eq!(stage.count(DEAD).await, 2);
}

pub(crate) async fn each_action_is_recorded() {
    let stage = Stage::with(|builder| {
        builder.authorize(|_| tower_nylas_inspector::Access::full("ann\n@example.com"))
    })
    .await;
    let key = stage
        .bury(stage.message("a mail", "g-1"), DeadCause::Malformed, "no")
        .await;
    stage.post(&format!("action=replay&key={key}")).await;
    stage.bury_many(2, DeadCause::Expired).await;
    stage
        .post("action=discard&reason=a%0Aline&confirm=1&cause=expired")
        .await;
    stage.store(stage.message("another", "g-2")).await;
    stage.post("action=purge&grant=g-2&confirm=1").await;
    stage.post("action=pause").await;
    stage.post("action=resume").await;
    let who = r#"by "ann\n@example.com""#;
    // A form that is not understood says of which action it is.
    stage.post(&format!("action=discard&key={key}")).await;
    assert_eq!(
        stage.actions(),
        [
            format!("replay {who} of entries {key}: 1 of 1"),
            format!(
                "discard {who} of all entries with state=\"dead\" cause=\"expired\": 2 of 2, since \
                 \"a\\nline\""
            ),
            format!("purge {who} of all entries of the grant \"g-2\": 1 of 1"),
            format!("pause {who}"),
            format!("resume {who}"),
            format!("discard {who}, refused: \"a reason is needed\""),
        ]
    );
}

/// An engine whose replays never end.
#[derive(Clone)]
struct Hanging(MemoryInbox);

impl Inbox for Hanging {
    type Receipt = MemoryReceipt;

    forward!(0: append, claim, extend, settle);
}

impl Browse for Hanging {
    forward!(0: stats, dead, discard);

    async fn replay(&self, _keys: &[EntryKey]) -> Result<usize, BoxError> {
        pending().await
    }
}

pub(crate) async fn an_action_whose_client_leaves_is_recorded() {
    let inbox = MemoryInbox::new();
    let entry = Entry::new(&testing::verified("{}"), Duration::ZERO);
    inbox.append(entry).await.unwrap();
    let claim = inbox.claim(1, Duration::ZERO).await.unwrap().pop().unwrap();
    let (cause, why) = (DeadCause::Malformed, String::new());
    inbox
        .settle(&claim.receipt, Settlement::Dead { cause, why })
        .await
        .unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let record = told.clone();
    let inspector = Inspector::builder()
        .browse(Hanging(inbox))
        .on_action(move |action| record.lock().unwrap().push(action.to_string()))
        .authorize(|_| true)
        .build();
    let form = format!("action=replay&key={}", claim.entry.key());
    let request = Request::post("/")
        .header("sec-fetch-site", "same-origin")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Full::<Bytes>::from(form))
        .unwrap();
    let mut answer = inspector.oneshot(request);
    let polled = futures_poll_once(&mut answer).await;
    assert!(!polled, "the engine hangs");
    assert!(told.lock().unwrap().is_empty());
    drop(answer);
    let told = told.lock().unwrap().clone();
    assert_eq!(told.len(), 1);
    assert!(told[0].ends_with("0 of 1, interrupted"), "{}", told[0]);
}

/// Whether a future is complete after one poll.
async fn futures_poll_once<F: Future + Unpin>(future: &mut F) -> bool {
    std::future::poll_fn(|cx| {
        let polled = std::pin::Pin::new(&mut *future).poll(cx);
        std::task::Poll::Ready(polled.is_ready())
    })
    .await
}

/// Where a subscriber writes to.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

pub(crate) async fn events_say_who_did_what() {
    let stage = Stage::start().await;
    let key = stage
        .bury(stage.message("a mail", "g-1"), DeadCause::Malformed, "no")
        .await;
    let inspector = Inspector::builder()
        .inbox(stage.inbox.clone())
        .authorize(|_| tower_nylas_inspector::Access::full("ann"))
        .build();
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let send = async |site: &str| {
        let request = Request::post("/")
            .header("sec-fetch-site", site)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Full::<Bytes>::from(format!(
                "action=discard&reason=spam&key={key}"
            )))
            .unwrap();
        inspector.clone().oneshot(request).await.unwrap().status()
    };
    // With a single one, the first thread that comes to an event decides for all whether it is of
    // interest, and other tests have none.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let guard = tracing::subscriber::set_default(subscriber);
    assert_eq!(send("cross-site").await, StatusCode::FORBIDDEN);
    assert_eq!(send("same-origin").await, StatusCode::SEE_OTHER);
    drop(guard);
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let told: Vec<_> = text
        .lines()
        .filter(|line| line.contains("tower_nylas_inspector: "))
        .collect();
    assert_eq!(told.len(), 3, "{text}");
    assert!(told[0].contains("an action was refused") && told[0].contains("same-origin"));
    for part in [
        "begins",
        r#"action="discard""#,
        r#"who="ann""#,
        r#"reason="spam""#,
    ] {
        assert!(told[1].contains(part), "{part}: {}", told[1]);
    }
    for part in ["selected=1", "done=1", r#"who="ann""#] {
        assert!(told[2].contains(part), "{part}: {}", told[2]);
    }
    assert!(told.iter().all(|line| line.contains(" INFO ")), "{text}");
}
