//! What operators see and do, in Chromium.

mod driver;

use axum::{Router, response::Html, routing::get};
use fantoccini::key::Key;
use serde_json::json;
use tower_nylas::inbox::{Browse, DeadCause, EntryState};
use tower_nylas_inspector::Access;

use self::driver::Browser;
pub(crate) use self::driver::is_there;
use crate::stage::{PATH, Stage, notification, serve_app};

const DEAD: EntryState = EntryState::Dead(DeadCause::Malformed);

/// As somebody does who is asked why a mail was not handled.
pub(crate) async fn a_dead_letter_is_found_and_replayed() {
    let stage = Stage::start().await;
    stage.work();
    stage
        .deliver(notification("message.created", "the-mail", "g-1", "a mail"))
        .await;
    stage
        .until("it is dead", async || stage.count(DEAD).await == 1)
        .await;
    let browser = Browser::start().await;
    browser.open(&stage.url("")).await;
    browser.follow("table a.main").await;
    assert_eq!(browser.text("h1").await, "Inbox");
    browser.follow("table a.main").await;
    assert!(browser.text("h1").await.starts_with("message.created"));
    assert!(browser.text(".reason").await.contains("not_there"));
    // By the id of the notification as well.
    browser.fill("input[name=q]", "the-mail").await;
    browser.follow(".find button").await;
    assert!(browser.text("main").await.contains("the-mail"));
    browser.follow("button.primary").await;
    assert_eq!(browser.text(".note").await, "1 entry is ready again.");
    stage
        .until("it is dead again", async || stage.count(DEAD).await == 1)
        .await;
    stage.mend();
    browser.open(&stage.url("?page=find&q=the-mail")).await;
    browser.follow("button.primary").await;
    let is_handled = async || {
        let stats = stage.inbox.stats().await.unwrap();
        stats.ready + stats.waiting + stats.claimed + stats.dead == 0
    };
    stage.until("it is handled", is_handled).await;
    browser.open(&stage.url("?page=dead")).await;
    assert!(browser.text("main").await.contains("Nothing is dead."));
    browser.close().await;
}

pub(crate) async fn a_dead_letter_is_discarded() {
    let stage = Stage::start().await;
    let key = stage
        .bury(stage.message("spam", "g-1"), DeadCause::Malformed, "no")
        .await;
    let browser = Browser::start().await;
    browser
        .open(&stage.url(&format!("?page=entry&key={key}")))
        .await;
    browser.click("summary").await;
    // The browser itself asks for a reason.
    browser.click("button.danger").await;
    assert_eq!(stage.count(DEAD).await, 1);
    browser.fill("input[name=reason]", "it is spam").await;
    browser.follow("button.danger").await;
    assert_eq!(browser.text(".note").await, "1 entry is discarded.");
    assert_eq!(stage.count(DEAD).await, 0);
    let actions = stage.actions();
    assert!(actions[0].ends_with(r#"since "it is spam""#), "{actions:?}");
    browser.close().await;
}

pub(crate) async fn entries_are_listed_and_filtered() {
    let stage = Stage::start().await;
    for (trigger, grant) in [
        ("message.created", "g-1"),
        ("event.updated", "g-1"),
        ("message.created", "g-2"),
    ] {
        let number = stage.message("", "");
        let id = format!("n-{}", number.len());
        stage
            .bury(
                notification(trigger, &format!("{id}{trigger}{grant}"), grant, "x"),
                DeadCause::Expired,
                "no",
            )
            .await;
    }
    stage.store(stage.message("ready", "g-3")).await;
    let browser = Browser::start().await;
    browser.open(&stage.url("?page=inbox")).await;
    assert_eq!(browser.count("tbody tr").await, 4);
    browser.follow(".choices a:last-child").await;
    assert_eq!(browser.count("tbody tr").await, 3);
    browser
        .fill(".filter input[name=trigger]", "message.created")
        .await;
    browser.follow(".filter button").await;
    assert_eq!(browser.count("tbody tr").await, 2);
    browser.fill(".filter input[name=grant]", "g-2").await;
    browser.follow(".filter button").await;
    assert_eq!(browser.count("tbody tr").await, 1);
    browser.click(".filter option[value=malformed]").await;
    browser.follow(".filter button").await;
    assert!(
        browser
            .text("main")
            .await
            .contains("none of those fits the filter")
    );
    browser.close().await;
}

pub(crate) async fn a_selection_is_replayed() {
    let stage = Stage::start().await;
    stage.bury_many(3, DeadCause::Malformed).await;
    let browser = Browser::start().await;
    browser.open(&stage.url("?page=inbox&state=dead")).await;
    for input in &browser.find_all("input[type=checkbox]").await[..2] {
        input.click().await.unwrap();
    }
    browser.follow("button[value=replay]").await;
    assert_eq!(browser.text("h1").await, "Replay 2 entries?");
    assert_eq!(stage.count(DEAD).await, 3, "nothing was done so far");
    browser.follow("button.primary").await;
    assert_eq!(browser.text(".note").await, "2 entries are ready again.");
    assert_eq!(stage.count(DEAD).await, 1);
    // To load the page again repeats nothing.
    stage.bury_many(1, DeadCause::Malformed).await;
    browser.reload().await;
    assert_eq!(stage.actions().len(), 1);
    browser.close().await;
}

pub(crate) async fn markup_in_a_subject_is_text() {
    let stage = Stage::with(|builder| builder.show_bodies().loopback_only()).await;
    let subject = "<script>document.title='owned'</script><b id=bold>&amp;\" onclick=\"x()";
    let key = stage
        .bury(stage.message(subject, "g-1"), DeadCause::Malformed, subject)
        .await;
    let browser = Browser::start().await;
    for query in ["?page=inbox".to_owned(), format!("?page=entry&key={key}")] {
        browser.open(&stage.url(&query)).await;
        assert!(browser.text("main").await.contains(subject), "{query}");
        assert_eq!(browser.count("script, #bold, [onclick]").await, 0);
        assert!(browser.title().await.ends_with("Nylas webhooks"));
    }
    browser.close().await;
}

pub(crate) async fn without_authorization_there_is_no_page() {
    let stage = Stage::with(|builder| builder.authorize(|_| false)).await;
    let browser = Browser::start().await;
    browser.open(&stage.url("")).await;
    assert_eq!(browser.text("body").await, "forbidden");
    // A name of another site that resolves to this machine.
    let stage = Stage::start().await;
    browser.open(&stage.url("")).await;
    assert_eq!(browser.text("h1").await, "Overview");
    let rebound = format!("http://rebound.example:{}{PATH}", stage.address.port());
    browser.open(&rebound).await;
    assert_eq!(browser.text("body").await, "forbidden");
    browser.close().await;
}

pub(crate) async fn a_read_only_page_has_no_buttons() {
    let stage = Stage::with(|builder| builder.authorize(|_| Access::read_only("bob"))).await;
    let key = stage
        .bury(stage.message("a mail", "g-1"), DeadCause::Malformed, "no")
        .await;
    let browser = Browser::start().await;
    for query in [
        String::new(),
        "?page=inbox".to_owned(),
        format!("?page=entry&key={key}"),
    ] {
        browser.open(&stage.url(&query)).await;
        assert_eq!(
            browser
                .count("form[method=post], input[type=checkbox]")
                .await,
            0
        );
        assert!(browser.text("footer").await.contains("Read only"));
    }
    // A form that is sent all the same, by this very page.
    let form = format!(
        "document.body.innerHTML = '<form method=post action=\"?\"><input name=action value=replay>\
         <input name=key value={key}></form>'; document.forms[0].submit()"
    );
    browser.run(&form).await;
    let told = async || browser.text("body").await.contains("it is read only");
    stage.until("it is refused", told).await;
    assert_eq!(stage.count(DEAD).await, 1);
    browser.close().await;
}

pub(crate) async fn everything_is_reached_by_keyboard() {
    let stage = Stage::start().await;
    let key = stage
        .bury(stage.message("a mail", "g-1"), DeadCause::Malformed, "no")
        .await;
    let browser = Browser::start().await;
    browser
        .open(&stage.url(&format!("?page=entry&key={key}")))
        .await;
    let mut reached = Vec::new();
    for _ in 0..60 {
        browser.press(Key::Tab).await;
        let described = browser
            .run(
                "const one = document.activeElement; \
                 return one === document.body ? null : \
                 [one.innerText || one.name, getComputedStyle(one).outlineStyle, getComputedStyle(one).outlineWidth]",
            )
            .await;
        if described.is_null() {
            break;
        }
        assert_eq!(described[1], "solid", "its focus is seen: {described}");
        reached.push(described[0].as_str().unwrap().to_owned());
    }
    assert_eq!(reached[0], "Skip to the content");
    for name in [
        "Overview",
        "Deliveries",
        "Inbox",
        "Dead letters",
        "Replay",
        "Discard…",
        "g-1",
        "30 s",
    ] {
        assert!(
            reached.iter().any(|one| one == name),
            "{name} of {reached:?}"
        );
    }
    browser
        .open(&stage.url(&format!("?page=entry&key={key}")))
        .await;
    loop {
        browser.press(Key::Tab).await;
        if browser.run("return document.activeElement.innerText").await == "Replay" {
            break;
        }
    }
    browser.press(Key::Enter).await;
    assert_eq!(browser.text(".note").await, "1 entry is ready again.");
    browser.close().await;
}

pub(crate) async fn nothing_overflows_at_400_pixels() {
    let stage = filled(|builder| builder.show_bodies().loopback_only()).await;
    let browser = Browser::start().await;
    browser.size(400, 800).await;
    for (name, query) in pages(&stage).await {
        browser.open(&stage.url(&query)).await;
        let width = browser
            .run("return document.documentElement.scrollWidth")
            .await;
        assert_eq!(width, 400, "{name}");
        assert!(browser.count("h1").await == 1, "{name}");
    }
    browser.close().await;
}

pub(crate) async fn no_request_leaves_the_origin() {
    let stage = filled(|builder| builder.show_bodies().loopback_only()).await;
    let browser = Browser::start().await;
    let mut requests = Vec::new();
    for (_, query) in pages(&stage).await {
        browser.open(&stage.url(&query)).await;
        requests.extend(browser.requests().await);
    }
    let origin = format!("http://{}/", stage.address);
    let pages = requests.iter().filter(|url| url.contains(PATH)).count();
    assert!(pages >= 7, "{requests:#?}");
    for url in &requests {
        assert!(url.starts_with(&origin), "{url}");
    }
    browser.close().await;
}

pub(crate) async fn a_form_of_another_site_is_refused() {
    let stage = Stage::start().await;
    let key = stage
        .bury(stage.message("a mail", "g-1"), DeadCause::Malformed, "no")
        .await;
    let page = format!(
        "<form method=post action='{}'><input name=action value=replay><input name=key value={key}>\
         <button>Win</button></form>",
        stage.url("")
    );
    let app = Router::new().route("/", get(move || async move { Html(page) }));
    let port = serve_app(app).await.port();
    let browser = Browser::start().await;
    // Another site, and another origin of the same one.
    for host in ["localhost", "127.0.0.1"] {
        browser.open(&format!("http://{host}:{port}/")).await;
        browser.follow("button").await;
        let text = browser.text("body").await;
        assert!(text.contains("not from a page of this origin"), "{text}");
    }
    assert_eq!(stage.count(DEAD).await, 1);
    browser.close().await;
}

/// With some of everything.
async fn filled(
    finish: impl FnOnce(
        tower_nylas_inspector::Builder<tower_nylas_inspector::Closed>,
    ) -> tower_nylas_inspector::Builder<tower_nylas_inspector::Open>,
) -> Stage {
    let stage = Stage::with(finish).await;
    let grants = [
        "5f3c1f7e-8a52-4d0c-9b57-0a6a4d1d2b11",
        "c0ffee00-1111-4222-8333-944445555666",
    ];
    let reasons = [
        (
            DeadCause::Expired,
            "its handler failed: the calendar API answered 500 Internal Server Error",
        ),
        (
            DeadCause::Malformed,
            "nothing reads it: the field `full_name` is missing at /data/object",
        ),
        (
            DeadCause::Crashed,
            "5 claims of it have ended without a settlement",
        ),
    ];
    let subjects = [
        "Invoice 2026-117",
        "Re: offsite in March",
        "Your booking is confirmed",
        "Welcome!",
    ];
    for number in 0..14_usize {
        let (cause, why) = reasons[if number < 8 { 0 } else { number % 3 }];
        let trigger = ["message.created", "event.updated", "contact.updated"]
            [if number < 8 { 1 } else { number % 3 }];
        let id = format!("{number:08x}-7d1b-4c55-9a3e-5b8f2c1d0e{number:02x}");
        let mail = notification(trigger, &id, grants[number % 2], subjects[number % 4]);
        if number % 3 == 0 {
            stage.deliver(mail.clone()).await;
        }
        stage.bury(mail, cause, why).await;
    }
    for number in 20..26_usize {
        let id = format!("{number:08x}-7d1b-4c55-9a3e-5b8f2c1d0e{number:02x}");
        stage
            .deliver(notification(
                "message.created",
                &id,
                grants[number % 2],
                subjects[number % 4],
            ))
            .await;
    }
    for attempt in 1..=3 {
        let failing = notification(
            "grant.expired",
            "0000ff00-7d1b-4c55-9a3e-5b8f2c1d0eff",
            grants[0],
            "",
        );
        let attempt = format!("\"webhook_delivery_attempt\":{attempt}");
        stage
            .fail(failing.replace("\"webhook_delivery_attempt\":1", &attempt))
            .await;
    }
    stage.forge().await;
    stage
}

async fn pages(stage: &Stage) -> Vec<(&'static str, String)> {
    let found = stage.json("?page=inbox&state=dead&cause=expired").await;
    let key = found["entries"][0]["key"].as_str().unwrap().to_owned();
    vec![
        ("overview", String::new()),
        ("deliveries", "?page=deliveries".to_owned()),
        ("inbox", "?page=inbox".to_owned()),
        ("dead", "?page=dead".to_owned()),
        ("entry", format!("?page=entry&key={key}")),
        ("replay", "?page=replay&state=dead&cause=expired".to_owned()),
        ("missing", "?page=inbox&grant=nobody".to_owned()),
    ]
}

/// Into the folder of `TOWER_NYLAS_SCREENSHOTS`, as those in docs/inspector were made, or into
/// cargo's for what tests leave behind.
pub(crate) async fn screenshots() {
    let folder = std::env::var_os("TOWER_NYLAS_SCREENSHOTS");
    let folder = folder.map_or_else(
        || std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("inspector"),
        Into::into,
    );
    std::fs::create_dir_all(&folder).unwrap();
    let stage = filled(|builder| {
        builder
            .show_bodies()
            .authorize(|_| Access::full("ann@example.com"))
    })
    .await;
    let browser = Browser::start().await;
    for (width, scheme, suffix) in [
        (1100, "light", ""),
        (1100, "dark", "-dark"),
        (400, "light", "-narrow"),
    ] {
        browser.size(width, 760).await;
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        browser
            .cdp(
                "Emulation.setEmulatedMedia",
                json!({ "features": features }),
            )
            .await;
        for (name, query) in pages(&stage).await {
            browser.open(&stage.url(&query)).await;
            let image = browser.screenshot().await;
            assert!(
                image.starts_with(b"\x89PNG") && image.len() > 5_000,
                "{name}"
            );
            std::fs::write(folder.join(format!("{name}{suffix}.png")), image).unwrap();
        }
    }
    browser.close().await;
}
