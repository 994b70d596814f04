//! What happens to a destination from its creation on.

use std::{
    io::{self, Write},
    net::Ipv4Addr,
    time::Duration,
};

use flate2::{Compression, write::GzEncoder};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use tokio::net::TcpListener;
use tower_nylas::{
    BoxError, Secrets, Trigger, VerifySignatureLayer, WebhookSecret, notification::object::Object,
};

use crate::{
    nylas::{Answer, Nylas, Sending},
    receiver::{self, Diary},
    table::Table,
};

/// Embedded, so that the program runs from any folder.
const SAMPLES: &[(&str, &str)] = &include!("../../src/testing/samples/all.rs");
const SAMPLES_OF_V2: &[(&str, &str)] = &include!("../../src/testing/samples/v2/all.rs");

const SECRET: &str = "k7-Hq_inventedSecret";
const NEXT_SECRET: &str = "zW3_another-inventedOne";
const KEEP_OLD_FOR: Duration = Duration::from_millis(300);
const CHALLENGE: &str = "bc609b38-c81f-47fb-a275-1d9bd61ba968";

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
        nylas: Nylas { address },
        secret: WebhookSecret::new(SECRET)?,
        diary,
        table: Table::default(),
    };
    stage.handshake().await?;
    secrets.set(SECRET)?;
    println!("the destination exists, and its webhook_secret has arrived\n");
    let message = stage.samples().await?;
    stage.oddities(&message).await;
    stage.forgeries().await;
    stage.bounds().await;
    stage.handlers().await;
    stage.rotation(&secrets).await?;
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
    nylas: Nylas,
    secret: WebhookSecret,
    diary: Diary,
    table: Table,
}

impl Stage {
    /// While no secret exists: the challenge is answered, a notification is to come again.
    async fn handshake(&mut self) -> io::Result<()> {
        let query = format!("?challenge={CHALLENGE}");
        let answer = self.nylas.challenge("GET", &query).await?;
        println!("GET /webhooks/nylas{query}\n");
        for line in answer.head.trim_end().lines() {
            println!("    {line}");
        }
        println!("\n    {}\n", answer.body);

        let exact = |answer: &Answer| {
            let exact = answer.body == CHALLENGE
                && answer.header("content-length") == Some("36")
                && answer.header("transfer-encoding").is_none();
            if exact {
                " exactly the value, not chunked"
            } else {
                " something else"
            }
        };
        let expected = "200 exactly the value, not chunked";
        let nylas = &self.nylas;
        let get = async {
            let answer = nylas.challenge("GET", &query).await;
            status(&answer) + answer.as_ref().map_or("", exact)
        };
        self.table
            .row("challenge before a secret exists", expected, get)
            .await;
        let head = async {
            let answer = nylas.challenge("HEAD", &query).await;
            let length = answer
                .as_ref()
                .ok()
                .and_then(|a| a.header("content-length"));
            format!("{} length {}", status(&answer), length.unwrap_or("unknown"))
        };
        self.table
            .row("the same with HEAD", "200 length 36", head)
            .await;
        let bare = async { status(&nylas.challenge("GET", "").await) };
        self.table.row("GET without a challenge", "405", bare).await;
        let early = notification("message.created", "n-early");
        self.deliver("notification before a secret exists", "503", early)
            .await;
        Ok(())
    }

    /// One signed notification of every type that Nylas documents.
    /// Returns that of `message.created`.
    async fn samples(&mut self) -> Result<Value, BoxError> {
        let mut message = Value::Null;
        for (name, sample) in SAMPLES {
            let json = serde_json::from_str(sample)?;
            let expected = format!("200 {}", typed(&json));
            self.deliver(&format!("v3 {name}"), &expected, (*sample).into())
                .await;
            if *name == "message.created" {
                message = json;
            }
        }
        for (name, sample) in SAMPLES_OF_V2 {
            self.deliver(&format!("v2 {name}"), "200 1 delta", (*sample).into())
                .await;
        }
        Ok(message)
    }

    async fn oddities(&mut self, sample: &Value) {
        let mut again = sample.clone();
        again["webhook_delivery_attempt"] = 2.into();
        let expected = format!("200 {}", typed(&again));
        let body = again.to_string().into_bytes();
        self.deliver("message.created once more, attempt 2", &expected, body)
            .await;
        let unheard_of = notification("yacht.sunk", "n-2");
        self.deliver("a trigger that nobody knows", "200", unheard_of)
            .await;
        let text = b"not even JSON".to_vec();
        self.deliver("signed, but no JSON", "503", text).await;
        let last = br#"{"type":7,"webhook_delivery_attempt":3}"#.to_vec();
        self.deliver("nobody reads it, last attempt", "200", last)
            .await;
        for (what, expected, body) in [
            (
                "a wrong Content-Encoding of plain JSON",
                "200 Message",
                notification("message.created", "n-3"),
            ),
            (
                "an unknown Content-Encoding",
                "503",
                b"\x0b\x02\x80{}\x03".to_vec(),
            ),
        ] {
            let signature = self.secret.sign(&body).to_hex();
            let unknown = [
                ("x-nylas-signature", &*signature),
                ("content-encoding", "br"),
            ];
            self.post(what, expected, &unknown, Sending::Whole(body))
                .await;
        }
        self.compressed().await;
    }

    /// Nylas signs the compressed bytes.
    async fn compressed(&mut self) {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        let written = gzip.write_all(&notification("message.created", "n-8"));
        let Ok(body) = written.and_then(|()| gzip.finish()) else {
            return;
        };
        let (whole, cut) = if cfg!(feature = "gzip") {
            ("200 Message", "503")
        } else {
            ("503", "503")
        };
        for (sent, expected, body) in [
            ("a compressed delivery", whole, &body[..]),
            (
                "a compressed delivery, cut off",
                cut,
                &body[..body.len() / 2],
            ),
        ] {
            let signature = self.secret.sign(body).to_hex();
            let headers = [
                ("x-nylas-signature", &*signature),
                ("content-encoding", "gzip"),
            ];
            self.post(sent, expected, &headers, Sending::Whole(body.to_vec()))
                .await;
        }
    }

    async fn forgeries(&mut self) {
        let body = || notification("message.created", "n-4");
        let right = self.secret.sign(&body()).to_hex();
        let forged = self.secret.sign(b"another body").to_hex();
        let whole = || Sending::Whole(body());
        let header = "x-nylas-signature";
        self.post("a forged body", "401", &[(header, &forged)], whole())
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
            self.post(sent, "401", &[(header, value)], whole()).await;
        }
        let two = [(header, &*right), (header, &*forged)];
        self.post("two signatures", "401", &two, whole()).await;
        let test = signed_as_a_test_event(&body());
        self.post("a test event of Nylas'", "401", &[(header, &test)], whole())
            .await;
    }

    async fn bounds(&mut self) {
        let limit = VerifySignatureLayer::MAX_BODY_SIZE;
        let signature = self.secret.sign(b"whatever").to_hex();
        let signed = [("x-nylas-signature", &*signature)];
        let announced = Sending::Announced(limit as u64 + 1);
        self.post("over the limit, by its length", "413", &signed, announced)
            .await;
        let chunked = Sending::Chunked(vec![b' '; limit + 1]);
        self.post("over the limit, in chunks", "413", &signed, chunked)
            .await;

        let mut largest = notification("message.created", "n-5");
        largest.resize(limit, b' ');
        let expected = "200 Message";
        self.deliver("exactly at the limit", expected, largest)
            .await;

        let body = notification("message.created", "n-5");
        let stalled = Sending::Stalled(body);
        self.post("a body that never ends", "408", &signed, stalled)
            .await;
    }

    async fn handlers(&mut self) {
        for (sent, trigger, expected) in [
            ("a handler that discards", "demo.discards", "200"),
            ("a handler that fails", "demo.fails", "503"),
            ("a handler that panics", "demo.panics", "503"),
            ("a handler that takes too long", "demo.sleeps", "503"),
            (
                "a handler that asks for time",
                "demo.throttles",
                "429 after 30 s",
            ),
        ] {
            self.deliver(sent, expected, notification(trigger, "n-6"))
                .await;
        }
    }

    /// The secret changes at Nylas before the server can know the new one.
    async fn rotation(&mut self, secrets: &Secrets) -> Result<(), BoxError> {
        let old = self.secret.clone();
        let new = WebhookSecret::new(NEXT_SECRET)?;
        let body = || notification("message.created", "n-7");
        let handled = "200 Message";

        secrets.expect_rotation(Duration::from_secs(60));
        self.deliver("rotation expected, old secret", handled, body())
            .await;
        self.secret = new.clone();
        self.deliver("rotation expected, new secret", "503", body())
            .await;

        secrets.rotate(NEXT_SECRET, KEEP_OLD_FOR)?;
        self.deliver("rotated, new secret", handled, body()).await;
        self.secret = old;
        self.deliver("rotated, old secret", handled, body()).await;

        tokio::time::sleep(KEEP_OLD_FOR).await;
        self.deliver("old secret expired", "401", body()).await;
        self.secret = new;
        self.deliver("old secret expired, new secret", handled, body())
            .await;
        Ok(())
    }

    async fn deliver(&mut self, sent: &str, expected: &str, body: Vec<u8>) {
        let got = async {
            let answer = self.nylas.deliver(&self.secret, body).await;
            tell(&answer, &self.diary)
        };
        self.table.row(sent, expected, got).await;
    }

    async fn post(&mut self, sent: &str, expected: &str, headers: &[(&str, &str)], body: Sending) {
        let got = async {
            let answer = self.nylas.post(headers, body).await;
            tell(&answer, &self.diary)
        };
        self.table.row(sent, expected, got).await;
    }
}

/// `WebhookSecret` refuses the secret of Nylas' test events, since it is public.
fn signed_as_a_test_event(body: &[u8]) -> String {
    let key = Hmac::<Sha256>::new_from_slice(b"mock-webhook-secret");
    let mut mac = key.expect("HMAC takes keys of any length");
    mac.update(body);
    let signature = mac.finalize().into_bytes();
    let digits =
        |byte: &u8| [byte >> 4, byte & 15].map(|digit| b"0123456789abcdef"[usize::from(digit)]);
    signature.iter().flat_map(digits).map(char::from).collect()
}

/// The status, what a handler saw, and when to come again.
fn tell(answer: &io::Result<Answer>, diary: &Diary) -> String {
    let mut told = status(answer);
    let seen = diary.take();
    if !seen.is_empty() {
        told = format!("{told} {seen}");
    }
    let wait = answer.as_ref().ok().and_then(|a| a.header("retry-after"));
    if let Some(seconds) = wait {
        told = format!("{told} after {seconds} s");
    }
    told
}

fn status(answer: &io::Result<Answer>) -> String {
    match answer {
        Ok(answer) => answer.status().to_owned(),
        Err(error) => error.to_string(),
    }
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

fn notification(trigger: &str, id: &str) -> Vec<u8> {
    format!(
        r#"{{"specversion":"1.0","type":"{trigger}","source":"/nylas/demo","id":"{id}","time":1790252200,"webhook_delivery_attempt":1,"data":{{"application_id":"a-1","object":{{"id":"o-1","grant_id":"g-1"}}}}}}"#
    )
    .into_bytes()
}
