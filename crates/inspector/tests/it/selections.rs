//! That an action is about what was asked for, and what was counted, and nothing else.

use std::{iter::repeat_n, sync::atomic::Ordering, time::Duration};

use http::StatusCode;
use serde_json::Value;
use tower_nylas::{
    BoxError,
    inbox::{
        Browse, DeadCause, Entry, EntryKey, EntryState, Inbox, Inspect, MemoryInbox, MemoryReceipt,
        Query, Settlement,
    },
    testing,
};
use tower_nylas_inspector::Inspector;
use tower_nylas_kit::forward;

use crate::{
    scripted::Scripted,
    stage::{At, Stage, form_of, notification, now, serve},
};

const DEAD: EntryState = EntryState::Dead(DeadCause::Expired);

fn dead(why: &str) -> Settlement {
    Settlement::Dead {
        cause: DeadCause::Expired,
        why: why.to_owned(),
    }
}

/// Each of these was once "everything that is dead".
pub(crate) async fn what_is_not_understood_changes_nothing() {
    let stage = Stage::start().await;
    stage.bury_many(3, DeadCause::Expired).await;
    let long = "x".repeat(600);
    let many = "&key=".to_owned() + &"0".repeat(32);
    for selection in [
        "state=dead&grant=".to_owned(),
        "state=dead&trigger=".to_owned(),
        "state=dead&cause=".to_owned(),
        "state=&trigger=message.created".to_owned(),
        format!("state=dead&grant={long}"),
        format!("state=dead&trigger={long}"),
        format!("state={long}&grant=g-many"),
        "state=dead&grant_id=g-1".to_owned(),
        "state=dead&triger=grant.expired".to_owned(),
        "state=dead&State=dead".to_owned(),
        "state=dead&grant=&grant=g-1".to_owned(),
        "state=dead&grant=g-1&grant=g-many".to_owned(),
        "state=dead&trigger=a&trigger=a".to_owned(),
        "state=dead&state=done".to_owned(),
        "before=5000".to_owned(),
        "was=dead".to_owned(),
        "state=dead&was=dead".to_owned(),
        "state=dead&no_trigger=0".to_owned(),
        "state=dead&no_trigger=1&trigger=message.created".to_owned(),
        "state=dead&empty_trigger=1&trigger=message.created".to_owned(),
        "state=done&cause=expired".to_owned(),
        "state=all&cause=expired".to_owned(),
        format!("state=dead{many}"),
        format!("grant=g-many{many}"),
        format!("was=ready{many}"),
        format!("before=1{many}"),
        format!("state=dead{}", many.repeat(2_100)),
    ] {
        let form = format!("{selection}&confirm=1");
        for action in ["action=replay", "action=discard&reason=x"] {
            let (status, text) = stage.post(&format!("{action}&{form}")).await;
            let name = &form[..form.len().min(80)];
            assert_eq!(status, StatusCode::BAD_REQUEST, "{name}: {text}");
            stage.assert_refused(1, "");
        }
        // No URL is so long.
        let pages = ["replay", "discard"];
        for page in pages.into_iter().filter(|_| selection.len() < 60_000) {
            let (status, text) = stage.get(&format!("?page={page}&{selection}")).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{selection}: {text}");
        }
    }
    for selection in [
        "grant=".to_owned(),
        "grant=&grant=g-many".to_owned(),
        "grant=g-many&grant=g-many".to_owned(),
        "grant=g-many&state=dead".to_owned(),
        format!("grant={long}"),
    ] {
        let form = format!("action=purge&confirm=1&{selection}");
        assert_eq!(stage.post(&form).await.0, StatusCode::BAD_REQUEST, "{form}");
        stage.assert_refused(1, "");
        let (status, _) = stage.get(&format!("?page=purge&{selection}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{selection}");
    }
    assert_eq!(stage.count(DEAD).await, 3);
}

/// Which is a value as any other, in a notification as well as in a link of its group.
pub(crate) async fn an_empty_name_and_blanks_are_names() {
    let stage = Stage::start().await;
    for (trigger, grant) in [
        ("", "g-1"),
        (" a.b", "g-2"),
        ("a.b", " g-1"),
        ("c.d", "g-1"),
    ] {
        let mail = notification(trigger, &format!("n-{trigger}-{grant}"), grant, "a mail");
        stage.bury(mail, DeadCause::Expired, "no").await;
    }
    let page = stage.page("?page=dead").await;
    for query in [
        "?page=discard&state=dead&cause=expired&empty_trigger=1",
        "?page=discard&state=dead&cause=expired&trigger=+a.b",
    ] {
        assert!(
            page.contains(&query.replace('&', "&amp;")),
            "{query}: {page}"
        );
        assert_eq!(stage.json(query).await["count"], 1, "{query}");
        let list = query.replace("discard", "inbox");
        let list = stage.json(&list).await;
        assert_eq!(list["entries"].as_array().unwrap().len(), 1, "{query}");
    }
    let (_, done) = stage.post_json("action=purge&confirm=1&grant=+g-1").await;
    assert_eq!(done["done"], 1);
    assert_eq!(stage.count(DEAD).await, 3);
}

pub(crate) async fn what_was_counted_is_what_is_changed() {
    let stage = Stage::start().await;
    for _ in 0..4 {
        stage.store(stage.message("a mail", "g-1")).await;
    }
    let claims = stage.inbox.claim(4, Duration::ZERO).await.unwrap();
    // The last two are dead, and the first two are still being handled.
    for claim in &claims[2..] {
        stage
            .inbox
            .settle(&claim.receipt, dead("no"))
            .await
            .unwrap();
    }
    let page = stage.page("?page=discard&state=dead").await;
    assert!(page.contains("Discard 2 entries?"), "{page}");
    let form = form_of(&page);
    // An older one dies, another operator replays one of those that were counted.
    stage
        .inbox
        .settle(&claims[0].receipt, dead("no"))
        .await
        .unwrap();
    let replayed = claims[3].entry.key();
    stage.post(&format!("action=replay&key={replayed}")).await;
    let (status, done) = stage.post_json(&format!("{form}&reason=x")).await;
    assert_eq!(status, StatusCode::OK, "{done}");
    assert_eq!((&done["selected"], &done["done"]), (&2.into(), &1.into()));
    let left = stage.inbox.list(&Query::default()).await.unwrap();
    let mut left: Vec<_> = left.iter().map(|stored| stored.key).collect();
    left.sort();
    let mut expected: Vec<_> = [0, 1, 3]
        .map(|place: usize| claims[place].entry.key())
        .to_vec();
    expected.sort();
    assert_eq!(left, expected);
}

/// More of them than one action changes: the others are no part of what was counted.
pub(crate) async fn a_selection_that_is_cut_does_not_slide() {
    let stage = Stage::with(|builder| builder.most_changed(3).loopback_only()).await;
    let keys = stage.bury_many(5, DeadCause::Expired).await;
    let dry = stage.json("?page=discard&state=dead").await;
    assert_eq!((&dry["count"], &dry["is_cut"]), (&3.into(), &true.into()));
    let counted: Vec<_> = dry["keys"].as_array().unwrap().iter().collect();
    let page = stage.page("?page=discard&state=dead").await;
    assert!(
        page.contains("Selected: all entries with state=&quot;dead&quot;."),
        "{page}"
    );
    stage.inbox.replay(&keys[3..]).await.unwrap();
    let (_, location) = stage.post(&format!("{}&reason=x", form_of(&page))).await;
    let page = stage.page(&location).await;
    assert!(
        page.contains("1 entry is discarded. 2 had changed meanwhile"),
        "{page}"
    );
    assert_eq!(stage.count(DEAD).await, 2);
    let gone = keys[2].to_string();
    assert!(counted.iter().any(|key| **key == *gone));
    assert!(
        stage.actions()[0].contains("1 of 3"),
        "{:?}",
        stage.actions()
    );
    // The rest is below.
    let rest = dry["next_before"].as_u64().unwrap();
    let rest = stage
        .json(&format!("?page=discard&state=dead&before={rest}"))
        .await;
    assert_eq!(
        (&rest["count"], &rest["is_cut"]),
        (&2.into(), &false.into())
    );
}

pub(crate) async fn what_was_handled_meanwhile_is_not_handled_again() {
    let inbox = MemoryInbox::new().keep_done(Duration::from_secs(3600), 1 << 20);
    let body = notification("message.created", "n-1", "g-1", "a mail");
    let entry = Entry::new(&testing::verified_by("default", body), now());
    let key = entry.key();
    inbox.append(entry).await.unwrap();
    let settle = async |settlement| {
        let claim = inbox.claim(1, Duration::ZERO).await.unwrap().pop().unwrap();
        inbox.settle(&claim.receipt, settlement).await.unwrap();
    };
    settle(dead("no")).await;
    let builder = Inspector::builder().inbox(inbox.clone());
    let at = At(serve(builder.authorize(|_| true).build()).await);
    let form = form_of(&at.get(&format!("?page=entry&key={key}")).await.1);
    // As it is sent twice, or by two people who look at the same page.
    assert_eq!(at.post(&form).await.1["done"], 1);
    settle(Settlement::Done).await;
    let list = at.get("?page=replay&state=dead").await.1;
    assert!(list.contains("Nothing is selected"), "{list}");
    for form in [&*form, &format!("action=replay&key={key}")] {
        let (status, done) = at.post(form).await;
        assert_eq!(
            (status, &done["done"]),
            (StatusCode::OK, &0.into()),
            "{form}"
        );
        assert_eq!(done["selected"], 1);
    }
    assert_eq!(inbox.stats().await.unwrap().done, 1);
    // To have it handled once more is asked for, and confirmed.
    let page = at.get(&format!("?page=entry&key={key}")).await.1;
    assert!(!page.contains("method=\"post\""), "{page}");
    let done = format!("action=replay&key={key}&was=done");
    assert_eq!(at.post(&done).await.0, StatusCode::BAD_REQUEST);
    let page = at.get(&format!("?page=replay&key={key}&was=done")).await.1;
    assert!(page.contains("handled once more"), "{page}");
    assert_eq!(at.post(&form_of(&page)).await.1["done"], 1);
    assert_eq!(inbox.stats().await.unwrap().ready, 1);
}

/// An inbox in which somebody else is faster by a moment: when an entry is replayed, it was just
/// replayed by them, handled, and kept.
#[derive(Clone)]
struct Outpaced(MemoryInbox);

impl Outpaced {
    async fn be_outpaced(&self, keys: &[EntryKey]) {
        if self.0.replay_dead(keys).await.unwrap() > 0 {
            for claim in self.0.claim(10, Duration::ZERO).await.unwrap() {
                let settled = self.0.settle(&claim.receipt, Settlement::Done);
                settled.await.unwrap();
            }
        }
    }
}

impl Inbox for Outpaced {
    type Receipt = MemoryReceipt;

    forward!(0: append, claim, extend, settle);
}

impl Browse for Outpaced {
    forward!(0: stats, dead, discard);

    async fn replay(&self, keys: &[EntryKey]) -> Result<usize, BoxError> {
        self.be_outpaced(keys).await;
        self.0.replay(keys).await
    }

    async fn replay_dead(&self, keys: &[EntryKey]) -> Result<usize, BoxError> {
        self.be_outpaced(keys).await;
        self.0.replay_dead(keys).await
    }
}

pub(crate) async fn what_is_handled_at_this_moment_is_not_handled_again() {
    let inbox = MemoryInbox::new().keep_done(Duration::from_secs(3600), 1 << 20);
    let builder = Inspector::builder().browse(Outpaced(inbox.clone()));
    let at = At(serve(builder.authorize(|_| true).build()).await);
    let body = notification("message.created", "n-1", "g-1", "a mail");
    let entry = Entry::new(&testing::verified_by("default", body), now());
    let key = entry.key();
    inbox.append(entry).await.unwrap();
    let die = async || {
        let claim = inbox.claim(1, Duration::ZERO).await.unwrap().pop().unwrap();
        inbox.settle(&claim.receipt, dead("no")).await.unwrap();
    };
    for form in [
        format!("action=replay&key={key}"),
        format!("action=replay&key={key}&was=dead"),
        "action=replay&state=dead&confirm=1".to_owned(),
    ] {
        die().await;
        let (status, done) = at.post(&form).await;
        assert_eq!(status, StatusCode::OK, "{done}");
        assert_eq!((&done["selected"], &done["done"]), (&1.into(), &0.into()));
        let counts = inbox.stats().await.unwrap();
        assert_eq!((counts.done, counts.ready), (1, 0), "{form}");
        // For the next form.
        assert_eq!(inbox.replay(&[key]).await.unwrap(), 1);
    }
}

/// Written by a later version: the engine knows the trigger, and cannot read the entry.
pub(crate) async fn what_cannot_be_read_stays_in_its_group() {
    let stage = Stage::start().await;
    stage.bury_many(3, DeadCause::Undecodable).await;
    stage
        .bury("{}".to_owned(), DeadCause::Undecodable, "no trigger")
        .await;
    let file = rusqlite::Connection::open(&stage.file).unwrap();
    let spoil = "UPDATE bodies SET head = x'ff'";
    assert!(file.execute(spoil, []).unwrap() >= 3);
    let groups = stage.json("?page=dead").await;
    for (query, count) in [("no_trigger=1", 1), ("trigger=message.created", 3)] {
        let query = format!("?page=discard&state=dead&cause=undecodable&{query}");
        assert_eq!(stage.json(&query).await["count"], count, "{groups}");
        let list = stage.json(&query.replace("discard", "inbox")).await;
        assert_eq!(list["entries"].as_array().unwrap().len(), count);
    }
}

/// Written by a later version as well, which knows more causes: they are shown as one, of which the
/// link leads to all of them.
pub(crate) async fn every_group_leads_to_what_it_counts() {
    let stage = Stage::start().await;
    for cause in DeadCause::ALL {
        stage.bury_many(2, cause).await;
    }
    let no_trigger = "{\"id\":\"n-none\"}".to_owned();
    stage.bury(no_trigger, DeadCause::Expired, "no").await;
    let file = rusqlite::Connection::open(&stage.file).unwrap();
    for (cause, name) in [("crashed", "a_later_one"), ("malformed", "yet_another")] {
        let rename = "UPDATE jobs SET cause = ?2 WHERE cause = ?1";
        assert_eq!(file.execute(rename, [cause, name]).unwrap(), 2);
    }
    for page in ["", "?page=dead"] {
        let shown = stage.json(page).await;
        let groups = shown[if page.is_empty() { "dead" } else { "groups" }].as_array();
        let groups = groups.unwrap();
        let counts: Vec<_> = groups
            .iter()
            .map(|group| (group["cause"].as_str().unwrap(), group["count"].as_u64()))
            .collect();
        // The last one to die stands first of those that are as many.
        let expected = [
            ("undecodable", Some(6)),
            ("expired", Some(2)),
            ("exhausted", Some(2)),
            ("expired", Some(1)),
        ];
        assert_eq!(counts, expected, "{page}");
        let html = stage.page(page).await;
        for group in groups {
            let link = group["link"].as_str().unwrap();
            assert!(html.contains(&link.replace('&', "&amp;")), "{link}: {html}");
            let list = stage.json(link).await;
            let entries = list["entries"].as_array().unwrap();
            assert_eq!(entries.len() as u64, group["count"].as_u64().unwrap());
            for entry in entries {
                assert_eq!(entry["cause"], group["cause"], "{link}");
                assert_eq!(entry["trigger"], group["trigger"], "{link}");
            }
            let dry = stage.json(&link.replace("inbox", "replay")).await;
            assert_eq!(dry["count"], group["count"], "{link}");
        }
    }
    // By the cause alone.
    let list = stage.json("?page=inbox&state=dead&cause=undecodable").await;
    assert_eq!(list["entries"].as_array().unwrap().len(), 6);
}

/// Of an engine that cannot search, so many entries are read at most.
pub(crate) async fn what_was_not_looked_through_is_told() {
    let triggers = [""].into_iter().chain(repeat_n("message.created", 20_001));
    let inbox = Scripted::new(triggers);
    let at = At(serve(
        Inspector::builder()
            .browse(inbox)
            .authorize(|_| true)
            .build(),
    )
    .await);
    let query = "?page=discard&state=dead&no_trigger=1";
    let page = at.get(query).await.1;
    assert!(page.contains("but there are more"), "{page}");
    let dry = at.json(query).await;
    assert_eq!((&dry["count"], &dry["is_cut"]), (&0.into(), &true.into()));
    let link = format!(
        "{}&amp;before={}",
        query[1..].replace('&', "&amp;"),
        dry["next_before"]
    );
    assert!(page.contains(&link), "{link}: {page}");
    let form = "action=discard&reason=x&confirm=1&state=dead&no_trigger=1";
    let (_, done) = at.post(form).await;
    assert_eq!(
        (&done["selected"], &done["is_cut"]),
        (&0.into(), &true.into())
    );
    assert_eq!(done["next_before"], dry["next_before"]);
    let rest = at
        .json(&format!("{query}&before={}", dry["next_before"]))
        .await;
    assert_eq!(
        (&rest["count"], &rest["is_cut"]),
        (&1.into(), &false.into())
    );
    let list = at.get("?page=inbox&state=dead&no_trigger=1").await.1;
    assert!(list.contains("there are older ones"), "{list}");
}

pub(crate) async fn what_was_done_before_a_failure_is_told() {
    let inbox = Scripted::new(["message.created"; 100]);
    let told = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let record = told.clone();
    let builder = Inspector::builder()
        .browse(inbox.clone())
        .on_action(move |action| record.lock().unwrap().push(action.to_string()));
    let at = At(serve(builder.authorize(|_| true).build()).await);
    let keys: Vec<_> = inbox
        .keys()
        .iter()
        .map(|key| format!("&key={key}"))
        .collect();
    let form = format!("action=discard&reason=x&confirm=1{}", keys.concat());
    inbox.works.store(2, Ordering::SeqCst);
    let (status, answer) = at.post(&form).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer["error"], "the disk is full");
    assert_eq!(
        (&answer["selected"], &answer["done"]),
        (&100.into(), &32.into())
    );
    inbox.works.store(2, Ordering::SeqCst);
    let page = at.post_page(&form).await;
    assert!(page.contains("Not all done: 32 of 100"), "{page}");
    assert!(told.lock().unwrap()[0].contains("32 of 100"));
}

/// A form may have as many keys as an action may change.
pub(crate) async fn a_thousand_keys_are_all_read() {
    let inbox = Scripted::new(repeat_n("message.created", 1_500));
    let builder = Inspector::builder()
        .browse(inbox.clone())
        .most_changed(1_200);
    let at = At(serve(builder.authorize(|_| true).build()).await);
    let fields = |keys: usize| -> String {
        let keys = inbox.keys().into_iter().take(keys);
        let fields: Vec<_> = keys.map(|key| format!("&key={key}")).collect();
        fields.concat()
    };
    let form = |keys| format!("action=replay&confirm=1&was=dead{}", fields(keys));
    let answer = |done: &Value| {
        let number = |name: &str| done[name].as_u64().unwrap();
        (number("selected"), number("done"), done["is_cut"] == true)
    };
    assert_eq!(
        answer(&at.post(&form(1_200)).await.1),
        (1_200, 1_200, false)
    );
    assert_eq!(answer(&at.post(&form(1_500)).await.1), (1_200, 1_200, true));
    // One pass over the dead is enough for all of them.
    inbox.read.store(0, Ordering::SeqCst);
    let dry = at.json(&format!("?page=replay{}", fields(1_000))).await;
    assert_eq!(dry["count"], 1_000);
    assert_eq!(inbox.read.load(Ordering::SeqCst), 1_500);
}

pub(crate) async fn a_reason_may_be_in_any_language() {
    let stage = Stage::start().await;
    let key = stage
        .bury(stage.message("spam", "g-1"), DeadCause::Expired, "no")
        .await;
    let form = |reason: &str| {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("action", "discard")
            .append_pair("key", &key.to_string())
            .append_pair("reason", reason);
        form.finish()
    };
    for reason in ["   ".to_owned(), "垃".repeat(201), "𝄞".repeat(201)] {
        let (status, _) = stage.post(&form(&reason)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{reason}");
    }
    let (status, text) = stage.post(&form(&"𝄞".repeat(200))).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{text}");
}

pub(crate) async fn a_purge_says_what_stays() {
    let stage = Stage::start().await;
    for _ in 0..2 {
        stage.store(stage.message("a mail", "g-1")).await;
    }
    let claim = stage.inbox.claim(1, Duration::ZERO).await.unwrap();
    let (_, location) = stage.post("action=purge&grant=g-1&confirm=1").await;
    let page = stage.page(&location).await;
    assert!(page.contains("1 of the grant are left"), "{page}");
    stage
        .inbox
        .settle(&claim[0].receipt, dead("no"))
        .await
        .unwrap();
    let (_, done) = stage.post_json("action=purge&grant=g-1&confirm=1").await;
    assert_eq!((&done["done"], &done["left"]), (&1.into(), &0.into()));
}
