//! Verifies deliveries that do not come by HTTP, as the worker of a queue would.
//!
//! Whoever takes deliveries in elsewhere (a gateway, a queue, an archive) keeps two things of each:
//! the `X-Nylas-Signature` header and the body, byte for byte. That is enough to verify it at any
//! later time, with plain bytes and without a server. Here a delivery is one line of JSON, with the
//! body as text, or in base64 where it is compressed:
//!
//! ```text
//! {"signature": "…", "body": "{\"type\":…}"}
//! {"signature": "…", "body_base64": "H4sI…"}
//! ```
//!
//! ```text
//! cargo run --example sidecar_verify
//! ```
//!
//! plays with deliveries of its own, and
//!
//! ```text
//! NYLAS_WEBHOOK_SECRET=… cargo run --example sidecar_verify -- deliveries.jsonl
//! NYLAS_WEBHOOK_SECRET=… cargo run --example sidecar_verify -- - < deliveries.jsonl
//! NYLAS_WEBHOOK_SECRET=… cargo run --example sidecar_verify -- body.json SIGNATURE
//! ```
//!
//! read a file, the standard input, or the body of one delivery in pieces. The program succeeds if
//! every delivery is genuine. To try it:
//!
//! ```text
//! export NYLAS_WEBHOOK_SECRET=try-me
//! printf %s '{"type":"grant.expired"}' > body.json
//! SIGNATURE=$(openssl dgst -sha256 -hmac try-me < body.json | sed 's/.* //')
//! cargo run --example sidecar_verify -- body.json "$SIGNATURE"
//! echo "{\"signature\":\"$SIGNATURE\",\"body_base64\":\"$(base64 < body.json | tr -d '\n')\"}" |
//!     cargo run --example sidecar_verify -- -
//! ```

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    process::ExitCode,
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde::Deserialize;
use tower_nylas::{BoxError, Secrets, Signature, VerifiedBody, VerifyError, WebhookSecret};

fn main() -> Result<ExitCode, BoxError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let all_right = match arguments[..] {
        [] => play()?,
        ["-"] => verify_lines(io::stdin().lock(), &secrets_from_env()?)?,
        [file] => verify_lines(BufReader::new(File::open(file)?), &secrets_from_env()?)?,
        [body, signature] => {
            let verdict = verify_pieces(File::open(body)?, signature, &secrets_from_env()?)?;
            println!("{verdict}");
            verdict == Verdict::Genuine
        }
        _ => return Err("usage: sidecar_verify [DELIVERIES | BODY SIGNATURE]".into()),
    };
    Ok(if all_right {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn secrets_from_env() -> Result<Secrets, BoxError> {
    Ok(Secrets::from_env("NYLAS_WEBHOOK_SECRET")?)
}

#[derive(Deserialize)]
struct Delivery {
    signature: String,
    #[serde(flatten)]
    body: Body,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Body {
    #[serde(rename = "body")]
    Text(String),
    BodyBase64(String),
}

/// What the worker does with a delivery.
#[derive(Debug, PartialEq)]
enum Verdict {
    Genuine,
    /// Not from Nylas, or not as Nylas sent it. Trying again is in vain.
    Refused(String),
    /// It cannot be told yet, so the delivery stays in the queue.
    Later(VerifyError),
}

impl From<VerifyError> for Verdict {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Mismatch => Self::Refused(error.to_string()),
            _ => Self::Later(error),
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Genuine => f.write_str("genuine"),
            Self::Refused(why) => write!(f, "refused: {why}"),
            Self::Later(why) => write!(f, "later: {why}"),
        }
    }
}

/// The usual case: one delivery, whole.
fn verify(delivery: &str, secrets: &Secrets) -> Verdict {
    // The parser's own error is not shown, as it may quote the delivery.
    let Ok(delivery) = serde_json::from_str::<Delivery>(delivery) else {
        return Verdict::Refused("it is no delivery".to_owned());
    };
    let body = match delivery.body {
        Body::Text(text) => Bytes::from(text),
        Body::BodyBase64(base64) => match BASE64_STANDARD.decode(base64) {
            Ok(body) => Bytes::from(body),
            Err(error) => return Verdict::Refused(format!("the body is no base64: {error}")),
        },
    };
    let signature = match Signature::from_hex(&delivery.signature) {
        Ok(signature) => signature,
        Err(error) => return Verdict::Refused(error.to_string()),
    };
    match VerifiedBody::verify(body, &signature, secrets) {
        // The worker goes on with this body, whose type is the proof. With the feature `router`,
        // `Notification::<Object>::try_from(body)` reads it.
        Ok(_body) => Verdict::Genuine,
        Err(error) => error.into(),
    }
}

/// For a body that is too large to be held in memory, or that arrives in pieces.
fn verify_pieces(mut body: impl Read, signature: &str, secrets: &Secrets) -> io::Result<Verdict> {
    let signature = match Signature::from_hex(signature) {
        Ok(signature) => signature,
        Err(error) => return Ok(Verdict::Refused(error.to_string())),
    };
    let mut verifier = secrets.verifier(signature);
    let mut piece = vec![0; 64 * 1024];
    loop {
        match body.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => verifier.update(&piece[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(match verifier.finish() {
        Ok(()) => Verdict::Genuine,
        Err(error) => error.into(),
    })
}

/// Prints a verdict for each line; whether all are genuine.
fn verify_lines(deliveries: impl BufRead, secrets: &Secrets) -> io::Result<bool> {
    let mut all_genuine = true;
    for (line, number) in deliveries.lines().zip(1..) {
        let verdict = verify(&line?, secrets);
        println!("{number:>6}  {verdict}");
        all_genuine &= verdict == Verdict::Genuine;
    }
    Ok(all_genuine)
}

/// Deliveries of all kinds; whether each got the verdict that it should.
fn play() -> Result<bool, BoxError> {
    let (first, second) = ("k7-Hq_inventedSecret", "zW3_another-inventedOne");
    let by_first = WebhookSecret::new(first)?;
    let by_second = WebhookSecret::new(second)?;

    let text = r#"{"type":"grant.expired"}"#;
    let gzip = "H4sIAAAAAAACA6tWKqksSFWyUkovSswr0UutKMgsSk1RqgUA6hkCIRgAAAA=";
    let plain = |signature: &str, body: &str| {
        serde_json::json!({ "signature": signature, "body": body }).to_string()
    };
    let signed_by_first = plain(&by_first.sign(text.as_bytes()).to_hex(), text);
    let signed_by_second = plain(&by_second.sign(text.as_bytes()).to_hex(), text);
    // Nylas signs the compressed bytes.
    let compressed = serde_json::json!({
        "signature": by_first.sign(&BASE64_STANDARD.decode(gzip)?).to_hex(),
        "body_base64": gzip,
    });
    let written_again = text.replace(':', ": ");
    let base64 = BASE64_STANDARD.encode([7; 32]);

    let mut stage = Stage {
        secrets: Secrets::pending(),
        shown: 0,
        right: 0,
    };
    stage.show("before the secret is known", "later", &signed_by_first);
    stage.secrets.set(first)?;
    stage.show("a delivery as it came", "genuine", &signed_by_first);
    stage.show("a compressed one", "genuine", &compressed.to_string());
    stage.show(
        "its JSON parsed and written again",
        "refused",
        &plain(&by_first.sign(text.as_bytes()).to_hex(), &written_again),
    );
    stage.show("signed by somebody else", "refused", &signed_by_second);
    stage.show("a signature in base64", "refused", &plain(&base64, text));
    stage.show("no signature", "refused", r#"{"body":"{}"}"#);

    stage.secrets.expect_rotation(Duration::from_secs(60));
    stage.show("rotation expected, old secret", "genuine", &signed_by_first);
    stage.show("rotation expected, new secret", "later", &signed_by_second);
    stage.secrets.rotate(second, Secrets::KEEP_OLD_FOR)?;
    stage.show("rotated, old secret", "genuine", &signed_by_first);
    stage.show("rotated, new secret", "genuine", &signed_by_second);

    println!("\n{} of {} as expected", stage.right, stage.shown);
    Ok(stage.right == stage.shown)
}

struct Stage {
    secrets: Secrets,
    shown: usize,
    right: usize,
}

impl Stage {
    fn show(&mut self, what: &str, expected: &str, delivery: &str) {
        let verdict = verify(delivery, &self.secrets);
        let is_right = verdict.to_string().starts_with(expected);
        let mark = if is_right { "" } else { "  <-- differs" };
        println!("{what:<34}  {verdict}{mark}");
        self.shown += 1;
        self.right += usize::from(is_right);
    }
}
