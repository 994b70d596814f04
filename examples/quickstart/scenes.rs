//! What happens to a destination from its creation on.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;
use tokio::net::TcpListener;
use tower_nylas::{
    BoxError, Secrets, Trigger, VerifySignatureLayer, WebhookSecret,
    notification::object::Object,
    testing::{
        self, SAMPLES,
        nylas::{Created, Event, EventRecord, Fate, Fault, NewDestination, Simulator},
    },
};

use crate::{
    receiver::{self, Diary},
    table::Table,
    wire::{Answer, Sending, Wire},
};

/// Embedded, so that the program runs from any folder.
const SAMPLES_OF_V2: &[(&str, &str)] = &include!("../../src/testing/samples/v2/all.rs");

const SIGNATURE: &str = "x-nylas-signature";
const CHALLENGE: &str = "bc609b38-c81f-47fb-a275-1d9bd61ba968";
const KEEP_OLD_FOR: Duration = Duration::from_millis(300);

/// Nylas repeats for 10 to 20 minutes; so fast, these take less than a tenth of a second.
const SPEED: u32 = 20_000;

/// Plays every scene; whether all went as expected.
pub(crate) async fn play() -> Result<bool, BoxError> {
    hide_the_intended_panic();

    let secrets = Secrets::pending();
    let diary = Diary::default();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let app = receiver::app(secrets.clone(), &diary);
    tokio::spawn(async move { axum::serve(listener, app).await });
    println!("an axum server with tower-nylas listens on {address}\n");

    let mut stage = Stage {
        nylas: Simulator::builder().speed(SPEED).build(),
        wire: Wire { address },
        diary,
        table: Table::default(),
    };
    let created = stage.creation(address).await?;
    secrets.set(created.secret())?;
    println!("the destination exists, and its webhook_secret has arrived\n");
    let secret = WebhookSecret::new(created.secret())?;
    stage.samples().await?;
    stage.repetitions().await;
    stage.oddities(&secret).await;
    stage.forgeries(&secret).await;
    stage.bounds(&secret).await;
    stage.handlers(&secret).await;
    stage.rotation(&secrets, &created, &secret).await?;
    stage.verdict().await;
    Ok(stage.table.print())
}

/// One handler panics as part of the play, which is no cause for a backtrace.
fn hide_the_intended_panic() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.payload().downcast_ref() != Some(&receiver::INTENDED_PANIC) {
            usual(panic);
        }
    }));
}

struct Stage {
    nylas: Simulator,
    wire: Wire,
    diary: Diary,
    table: Table,
}

impl Stage {
    /// While no secret exists: the challenge is answered, a notification is to come again.
    async fn creation(&mut self, address: SocketAddr) -> Result<Created, BoxError> {
        let query = format!("?challenge={CHALLENGE}");
        let head = async {
            let answer = self.wire.without_body("HEAD", &query).await;
            if let Ok(answer) = &answer {
                println!("HEAD /webhooks/nylas{query}\n\n{}", answer.head);
            }
            let length = answer.as_ref().map(|a| a.header("content-length"));
            format!(
                "{} length {}",
                status(&answer),
                length.ok().flatten().unwrap_or("unknown")
            )
        };
        self.table
            .row("a challenge with HEAD", "200 length 36", head)
            .await;
        let bare = async { status(&self.wire.without_body("GET", "").await) };
        self.table.row("GET without a challenge", "405", bare).await;

        let url = format!("http://{address}/webhooks/nylas");
        let names = SAMPLES.iter().map(|(name, _)| Trigger::from(*name));
        let listed =
            names.filter(|it| !it.is_truncated() && !it.is_transformed() && !it.is_metadata());
        let new = NewDestination::new(url, listed.map(|it| it.to_string()));
        let mut created = Err("not created".into());
        let creation = async {
            created = self.nylas.create(&new).await.map_err(BoxError::from);
            let why = created.as_ref().err();
            why.map_or("created".to_owned(), ToString::to_string)
        };
        self.table
            .row("challenge before a secret exists", "created", creation)
            .await;
        let created = created?;

        let secret = WebhookSecret::new(created.secret())?;
        let early = notification("message.created");
        self.signed("notification before a secret exists", "503", &secret, early)
            .await;
        Ok(created)
    }

    /// One notification of every type that Nylas documents.
    async fn samples(&mut self) -> Result<(), BoxError> {
        for (name, sample) in SAMPLES {
            let expected = format!("200 {}", typed(&serde_json::from_str(sample)?));
            self.deliver(&format!("v3 {name}"), &expected, *name).await;
        }
        for (name, sample) in SAMPLES_OF_V2 {
            self.deliver(&format!("v2 {name}"), "200 1 delta", raw(*sample))
                .await;
        }
        Ok(())
    }

    async fn repetitions(&mut self) {
        let event = || raw(notification("message.created"));
        self.nylas
            .inject(Fault::proxy_answers(StatusCode::BAD_GATEWAY).count(1));
        self.deliver("a proxy that fails once", "502, 200 Message", event())
            .await;
        self.nylas.inject(Fault::answer_lost().count(1));
        let twice = "no answer, 200 Message Message";
        self.deliver("an answer that is lost once", twice, event())
            .await;
        let once = raw(notification("demo.fails_once"));
        self.deliver("a handler that fails once", "503, 200", once)
            .await;
    }

    async fn oddities(&mut self, secret: &WebhookSecret) {
        let unheard_of = raw(notification("yacht.sunk"));
        self.deliver("a trigger that nobody knows", "200", unheard_of)
            .await;
        let text = raw("not even JSON").id("no JSON");
        self.deliver("signed, but no JSON", "503, 503, 503", text)
            .await;
        let last = raw(r#"{"type":7,"webhook_delivery_attempt":3}"#);
        self.deliver("nobody reads it, last attempt", "200", last)
            .await;
        let mail = notification("message.created");
        let compressed = raw(mail.clone()).compressed();
        self.deliver("a compressed delivery", "200 Message", compressed)
            .await;

        let mut cut = testing::gzip(&mail);
        cut.truncate(cut.len() / 2);
        for (sent, expected, encoding, body) in [
            ("a compressed delivery, cut off", "503", "gzip", cut),
            (
                "a wrong Content-Encoding of plain JSON",
                "200 Message",
                "br",
                mail,
            ),
            (
                "an unknown Content-Encoding",
                "503",
                "br",
                b"\x0b\x02\x80{}\x03".to_vec(),
            ),
        ] {
            let signature = secret.sign(&body).to_hex();
            let headers = [(SIGNATURE, &*signature), ("content-encoding", encoding)];
            self.post(sent, expected, &headers, Sending::Whole(body))
                .await;
        }
    }

    async fn forgeries(&mut self, secret: &WebhookSecret) {
        let body = || notification("message.created");
        let right = secret.sign(&body()).to_hex();
        let forged = secret.sign(b"another body").to_hex();
        let whole = || Sending::Whole(body());
        self.post("a forged body", "401", &[(SIGNATURE, &forged)], whole())
            .await;
        self.post("no signature", "401", &[], whole()).await;
        for (sent, value) in [
            ("an empty signature", ""),
            ("half a signature", &right[..32]),
            (
                "a signature that is no hex",
                &right.replace(|c: char| c.is_ascii_digit(), "g"),
            ),
            ("a signature with another prefix", &format!("v1={right}")),
        ] {
            self.post(sent, "401", &[(SIGNATURE, value)], whole()).await;
        }
        let two = [(SIGNATURE, &*right), (SIGNATURE, &*forged)];
        self.post("two signatures", "401", &two, whole()).await;
        let test = testing::test_event_secret().sign(&body()).to_hex();
        self.post(
            "a test event of Nylas'",
            "401",
            &[(SIGNATURE, &test)],
            whole(),
        )
        .await;
    }

    async fn bounds(&mut self, secret: &WebhookSecret) {
        let limit = VerifySignatureLayer::MAX_BODY_SIZE;
        let signature = secret.sign(b"whatever").to_hex();
        let signed = [(SIGNATURE, &*signature)];
        let announced = Sending::Announced(limit as u64 + 1);
        self.post("over the limit, by its length", "413", &signed, announced)
            .await;
        let chunked = Sending::Chunked(vec![b' '; limit + 1]);
        self.post("over the limit, in chunks", "413", &signed, chunked)
            .await;

        let mut largest = notification("message.created");
        largest.resize(limit, b' ');
        self.deliver("exactly at the limit", "200 Message", raw(largest))
            .await;

        let body = notification("message.created");
        let stalled = Sending::Stalled(body);
        self.post("a body that never ends", "408", &signed, stalled)
            .await;
    }

    async fn handlers(&mut self, secret: &WebhookSecret) {
        for (sent, trigger, expected) in [
            ("a handler that discards", "demo.discards", "200"),
            ("a handler that fails", "demo.fails", "503, 503, 503"),
            ("a handler that panics", "demo.panics", "503, 503, 503"),
        ] {
            let event = raw(notification(trigger)).id(trigger);
            self.deliver(sent, expected, event).await;
        }
        // Three attempts would take three seconds, and the ledger does not have what is asked for.
        for (sent, trigger, expected) in [
            ("a handler that takes too long", "demo.sleeps", "503"),
            (
                "a handler that asks for time",
                "demo.throttles",
                "429 after 30 s",
            ),
        ] {
            self.signed(sent, expected, secret, notification(trigger))
                .await;
        }
    }

    /// The secret changes at Nylas before the server can know the new one.
    async fn rotation(
        &mut self,
        secrets: &Secrets,
        created: &Created,
        old: &WebhookSecret,
    ) -> Result<(), BoxError> {
        let body = || notification("message.created");
        let handled = "200 Message";

        secrets.expect_rotation(Duration::from_secs(60));
        self.deliver("rotation expected, old secret", handled, raw(body()))
            .await;
        let rotated = self.nylas.rotate(&created.id)?;
        let new = WebhookSecret::new(rotated.secret())?;
        self.signed("rotation expected, new secret", "503", &new, body())
            .await;

        secrets.rotate(rotated.secret(), KEEP_OLD_FOR)?;
        self.deliver("rotated, new secret", handled, raw(body()))
            .await;
        self.signed("rotated, old secret", handled, old, body())
            .await;

        tokio::time::sleep(KEEP_OLD_FOR).await;
        self.signed("old secret expired", "401", old, body()).await;
        self.deliver("old secret expired, new secret", handled, raw(body()))
            .await;
        Ok(())
    }

    /// What Nylas has given up, after three attempts each.
    async fn verdict(&mut self) {
        let expected = "no JSON, demo.fails, demo.panics";
        let ledger = self.nylas.ledger();
        let lost = ledger.with_fate(Fate::Lost);
        let lost: Vec<&str> = lost.iter().map(|event| &*event.id).collect();
        let lost = async { lost.join(", ") };
        self.table
            .row("lost, by Nylas' ledger", expected, lost)
            .await;
    }

    /// Lets Nylas deliver it, as often as it takes.
    async fn deliver(&mut self, sent: &str, expected: &str, event: impl Into<Event>) {
        let got = async {
            let id = self.nylas.emit(event);
            self.nylas.settled().await;
            let told = self
                .nylas
                .with_ledger(|ledger| ledger.event(&id).map(answers));
            format!("{}{}", told.unwrap_or_default(), self.diary.take())
        };
        self.table.row(sent, expected, got).await;
    }

    /// Sends it once, signed with this secret.
    async fn signed(&mut self, sent: &str, expected: &str, secret: &WebhookSecret, body: Vec<u8>) {
        let signature = secret.sign(&body).to_hex();
        let headers = [(SIGNATURE, &*signature)];
        self.post(sent, expected, &headers, Sending::Whole(body))
            .await;
    }

    async fn post(&mut self, sent: &str, expected: &str, headers: &[(&str, &str)], body: Sending) {
        let got = async {
            let answer = self.wire.post(headers, body).await;
            let told = status(&answer) + &self.diary.take();
            match answer.as_ref().map(|a| a.header("retry-after")) {
                Ok(Some(seconds)) => format!("{told} after {seconds} s"),
                _ => told,
            }
        };
        self.table.row(sent, expected, got).await;
    }
}

/// What Nylas got, attempt by attempt.
fn answers(event: &EventRecord) -> String {
    let answers = event.attempts.iter().map(|attempt| attempt.seen.answer());
    let answers = answers.map(|it| it.map_or("no answer".to_owned(), |s| s.as_str().to_owned()));
    answers.collect::<Vec<_>>().join(", ")
}

fn status(answer: &io::Result<Answer>) -> String {
    let answer = answer.as_ref();
    answer.map_or_else(ToString::to_string, |a| a.status().to_owned())
}

/// What the receiver must make of a sample: its type, and one field as the JSON has it.
fn typed(sample: &Value) -> String {
    let trigger = Trigger::from(sample["type"].as_str().unwrap_or_default());
    let mut types = Object::TYPES.iter();
    let (_, type_name) = types
        .find(|(name, _)| *name == trigger.kind().as_str())
        .copied()
        .unwrap_or_default();
    let object = &sample["data"]["object"];
    let detail = match type_name {
        "Message" => &object["subject"],
        "Event" => &object["title"],
        "Grant" => &object["email"],
        "Folder" | "Calendar" => &object["name"],
        "Contact" => &object["given_name"],
        "Booking" => &object["booking_info"]["title"],
        _ => &Value::Null,
    };
    match detail.as_str() {
        Some(detail) => format!("{type_name} {detail:?}"),
        None => type_name.to_owned(),
    }
}

fn notification(trigger: &str) -> Vec<u8> {
    format!(
        r#"{{"specversion":"1.0","type":"{trigger}","source":"/nylas/demo","id":"n-1","time":1790252200,"webhook_delivery_attempt":1,"data":{{"application_id":"a-1","object":{{"id":"o-1","grant_id":"g-1"}}}}}}"#
    )
    .into_bytes()
}

/// An event with this body. The subscription goes by the trigger here, and the router by the body.
fn raw(body: impl Into<Bytes>) -> Event {
    Event::raw("message.created", body)
}
