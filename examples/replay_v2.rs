//! Replays an archive of Nylas API v2: verifies every delivery again and routes it.
//!
//! Nylas switched v2 off in January 2025, so its deliveries only come from archives. They are
//! signed as those of v3 are, but with the application's client secret, and go through the same
//! layer. An archive is a file of JSON lines, each with the value of the `X-Nylas-Signature` header
//! and the body, exactly as it was:
//!
//! ```text
//! {"signature": "…", "body": "{\"deltas\": […]}"}
//! ```
//!
//! ```text
//! cargo run --example replay_v2
//! ```
//!
//! writes an archive of samples with an invented client secret into a temporary file, and replays
//! that one, and
//!
//! ```text
//! NYLAS_CLIENT_SECRET=… cargo run --example replay_v2 -- archive.jsonl
//! ```
//!
//! replays a file. The program succeeds if every delivery is genuine and was handled. To make an
//! archive of one delivery by hand:
//!
//! ```text
//! export NYLAS_CLIENT_SECRET=try-me
//! printf %s '{"deltas": []}' > body.json
//! SIGNATURE=$(openssl dgst -sha256 -hmac try-me < body.json | sed 's/.* //')
//! echo "{\"signature\":\"$SIGNATURE\",\"body\":\"$(sed 's/"/\\"/g' body.json)\"}" > archive.jsonl
//! cargo run --example replay_v2 -- archive.jsonl
//! ```

use std::{
    collections::{BTreeMap, HashSet},
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use bytes::Bytes;
use http::{Request, Response, header::CONTENT_LENGTH};
use http_body_util::Full;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use tower::ServiceExt;
use tower_nylas::{
    BoxError, Outcome, Rejection, Secrets, State, TriggerRouter, WebhookLayer, WebhookSecret,
    notification::Deltas, signature::SIGNATURE_HEADER,
};

/// Embedded, so that the program runs from any folder.
const SAMPLES: &[(&str, &str)] = &include!("../src/testing/samples/v2/all.rs");

/// One line of an archive.
#[derive(Serialize, Deserialize)]
struct Delivery {
    signature: String,
    body: String,
}

#[tokio::main]
async fn main() -> Result<ExitCode, BoxError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let all_handled = match &arguments[..] {
        [] => {
            let secret = "an-invented-client-secret";
            let archive = archive_of_samples(&WebhookSecret::new(secret)?)?;
            println!("replaying {}\n", archive.display());
            let all_handled = replay(&archive, Secrets::new(secret)?).await;
            fs::remove_file(archive)?;
            all_handled?
        }
        [archive] => {
            let secrets = Secrets::from_env("NYLAS_CLIENT_SECRET")?;
            replay(Path::new(archive), secrets).await?
        }
        _ => return Err("usage: replay_v2 [ARCHIVE]".into()),
    };
    Ok(if all_handled {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Sends every delivery through the layer; whether all were genuine and handled.
async fn replay(archive: &Path, secrets: Secrets) -> Result<bool, BoxError> {
    let counts = Arc::<Mutex<Counts>>::default();
    let triggers = TriggerRouter::with_state(counts.clone()).on_deltas(on_deltas);
    let endpoint = WebhookLayer::new(secrets).layer(triggers);

    let (mut sent, mut failed) = (0, 0);
    for (line, number) in BufReader::new(File::open(archive)?).lines().zip(1..) {
        sent += 1;
        let outcome = match request(&line?) {
            Ok(request) => outcome(&endpoint.clone().oneshot(request).await?),
            Err(error) => Err(error),
        };
        if let Err(why) = outcome {
            failed += 1;
            eprintln!("line {number}: {why}");
        }
    }

    counts.lock().await.print();
    println!("\n{} of {sent} deliveries handled", sent - failed);
    Ok(failed == 0)
}

/// The request that the line was made from, as far as it matters.
fn request(line: &str) -> Result<Request<Full<Bytes>>, String> {
    // The parser's own text is not shown, as it may quote the line.
    let Delivery { signature, body } =
        serde_json::from_str(line).map_err(|_| "it is no delivery")?;
    Request::post("/")
        .header(SIGNATURE_HEADER, signature)
        .header(CONTENT_LENGTH, body.len())
        .body(Full::from(body))
        .map_err(|error| error.to_string())
}

/// What became of a delivery. The status alone would hide what Nylas need not know.
fn outcome<B>(response: &Response<B>) -> Result<(), String> {
    let extensions = response.extensions();
    match (extensions.get::<Rejection>(), extensions.get::<Outcome>()) {
        (Some(rejection), _) => Err(rejection.to_string()),
        (None, None | Some(Outcome::Done)) => Ok(()),
        (None, Some(other)) => Err(other.to_string()),
    }
}

#[derive(Default)]
struct Counts {
    by_type: BTreeMap<String, u64>,
    /// v2 has no ids of notifications, so these three tell which delta came again.
    seen: HashSet<(String, Option<String>, Option<i64>)>,
    repeated: u64,
}

async fn on_deltas(State(counts): State<Arc<Mutex<Counts>>>, deltas: Deltas) {
    let mut counts = counts.lock().await;
    for delta in &*deltas.deltas {
        let name = delta
            .r#type
            .as_ref()
            .map_or("(no type)", |name| name.as_str());
        let id = delta.object_data.as_ref().and_then(|data| data.id.clone());
        let identity = (name.to_owned(), id, delta.occurred_at());
        if counts.seen.insert(identity) {
            *counts.by_type.entry(name.to_owned()).or_default() += 1;
        } else {
            counts.repeated += 1;
        }
    }
}

impl Counts {
    fn print(&self) {
        let names = self.by_type.keys().map(String::len);
        let width = names.max().unwrap_or_default().max("repeated".len());
        for (name, count) in &self.by_type {
            println!("{name:width$}  {count:>7}");
        }
        println!("{:width$}  {:>7}", "repeated", self.repeated);
    }
}

/// Signs the sample notifications of v2 and writes them down. One of them comes twice, as it would
/// after a time-out.
fn archive_of_samples(secret: &WebhookSecret) -> Result<PathBuf, BoxError> {
    let bodies = SAMPLES.iter().chain(SAMPLES.first());

    let name = format!("tower-nylas-replay-{}.jsonl", std::process::id());
    let path = std::env::temp_dir().join(name);
    let mut archive = File::create_new(&path)?;
    for (_, body) in bodies {
        let body = (*body).to_owned();
        let signature = secret.sign(body.as_bytes()).to_hex();
        let line = serde_json::to_string(&Delivery { signature, body })?;
        writeln!(archive, "{line}")?;
    }
    Ok(path)
}
