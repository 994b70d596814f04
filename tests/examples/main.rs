//! Runs every example as a user does: as a process of its own, over real connections, to its end.
//!
//! `cargo test` builds the examples beside the tests, but `cargo test --test examples` does not:
//! then `cargo build --examples` with the same features goes first.

// Servers are ended with signals.
#![cfg(unix)]

#[cfg(all(feature = "gzip", feature = "testing"))]
mod sandbox;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use tower_nylas_kit::{
    delivery::{PATH, SECRET, sign_with},
    program::{Ended, Program, SECRET_VARIABLE, example_path},
    wire::{Answer, Connection, head, send},
};

const BODY: &[u8] = br#"{"type":"grant.expired","id":"n-1","data":{"object":{"grant_id":"g-1"}}}"#;

#[cfg(all(feature = "gzip", feature = "testing"))]
#[tokio::test]
async fn quickstart() {
    let ended = start("quickstart", &[], &[]).end().await;
    assert!(ended.status.success(), "{ended:?}");
    assert_all(&ended, " as expected");
}

/// From any folder, and as a copy that stands alone.
#[cfg(all(feature = "gzip", feature = "testing"))]
#[tokio::test]
async fn quickstart_elsewhere() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("quickstart");
    std::fs::create_dir_all(&folder).unwrap();
    let moved = folder.join("a copy");
    std::fs::copy(example_path("quickstart"), &moved).unwrap();
    for path in [example_path("quickstart"), moved] {
        let ended = Program::start_in(&folder, path, &[], &[]).end().await;
        assert!(ended.status.success(), "{ended:?}");
        assert_all(&ended, " as expected");
    }
}

/// As a receiver behind a tunnel, with a secret and before there is one.
#[cfg(all(feature = "gzip", feature = "testing"))]
#[tokio::test]
async fn quickstart_listens() {
    let arguments = ["--listen", "127.0.0.1:0"];
    let server = Server::start_with("quickstart", &arguments, &[(SECRET_VARIABLE, SECRET)]).await;
    answers(&server, PATH, SECRET).await;
    ends_gracefully(server, PATH, SECRET, BODY).await;

    let server = Server::start_with("quickstart", &arguments, &[]).await;
    challenge(&server, PATH).await;
    // It waits for a secret from the terminal, and ends nevertheless.
    let ended = server.terminate().await.end_without_input().await;
    assert!(ended.status.success(), "{ended:?}");
}

#[tokio::test]
async fn minimal() {
    let server = Server::start("minimal", &[(SECRET_VARIABLE, SECRET)]).await;
    answers(&server, PATH, SECRET).await;
    ends_gracefully(server, PATH, SECRET, BODY).await;

    let server = Server::start("minimal", &[(SECRET_VARIABLE, SECRET)]).await;
    challenge(&server, PATH).await;
    let ended = server.interrupt().await.end().await;
    assert!(ended.status.success(), "{ended:?}");

    let ended = start("minimal", &["127.0.0.1:0"], &[]).end().await;
    assert!(!ended.status.success(), "{ended:?}");
    assert!(ended.stderr.contains(SECRET_VARIABLE), "{ended:?}");

    let text = std::fs::read_to_string(root().join("examples/minimal.rs")).unwrap();
    assert!(text.lines().count() <= 40, "it is to be copied");
}

/// The lines of README.md, as they stand there. Only curl's configuration is the test's: it leads
/// from the port in the lines to the one that was free.
#[tokio::test]
async fn readme_lines() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let lines = readme.split_once("\n```bash\n").expect("there are such").1;
    let (lines, rest) = lines.split_once("\n```\n").expect("they end");
    assert!(!rest.contains("\n```bash\n"), "they stand in one block");
    for program in ["bash", "curl", "openssl"] {
        let found = std::process::Command::new(program)
            .arg(if program == "openssl" {
                "version"
            } else {
                "--version"
            })
            .output();
        assert!(
            found.is_ok_and(|output| output.status.success()),
            "the lines in README.md need `{program}`: install bash, curl and openssl"
        );
    }

    let secret = "NYLAS_WEBHOOK_SECRET=try-me";
    assert!(readme.contains(&format!("\n{secret} cargo run --example minimal\n")));
    assert!(lines.starts_with(&format!("export {secret}\n")));
    let mut server = Server::start("minimal", &[(SECRET_VARIABLE, "try-me")]).await;
    let home = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("readme_lines");
    std::fs::create_dir_all(&home).unwrap();
    let configuration = format!(
        "connect-to = \"127.0.0.1:8080:{}\"\nnoproxy = \"*\"\n",
        server.address
    );
    std::fs::write(home.join(".curlrc"), configuration).unwrap();

    let home = home.into_os_string().into_string().unwrap();
    let bash = Program::start(
        "bash",
        &["-euo", "pipefail", "-c", lines],
        &[("CURL_HOME", &home)],
    );
    let ended = bash.end().await;
    assert!(ended.status.success(), "{ended:?}");
    let answers = ended.stdout.join("\n");
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "{ended:?}");
    assert_eq!(answers.matches("HTTP/").count(), 2, "{ended:?}");
    // Without an end of line: the challenge is its whole body, and the next answer follows at once.
    let value = "bc609b38-c81f-47fb-a275-1d9bd61ba968";
    assert!(lines.contains(&format!("?challenge={value}'")));
    assert!(
        answers.contains(&format!("\n\n{value}HTTP/1.1 200")),
        "{ended:?}"
    );
    assert_eq!(server.program.next_line().await, "mail m-1: None");
}

/// All of them, each with a command that turns on the features it needs, and no other.
#[test]
fn readme_table() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let section = readme
        .split_once("\n## Examples\n")
        .expect("there is one")
        .1;
    let section = section.split_once("\n## ").expect("another follows").0;
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let rows: Vec<(&str, &str)> = rows.map(|row| row.split_once('`').unwrap()).collect();

    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let quoted = |list: &str| -> Vec<String> {
        let parts = list.split('"').skip(1).step_by(2);
        parts.map(str::to_owned).collect()
    };
    let value = |text: &str, key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key));
        line.map_or(Vec::new(), quoted)
    };
    let default = value(&manifest, "default = ");
    assert!(!default.is_empty());
    let mut names: Vec<String> = std::fs::read_dir(root().join("examples"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("main.rs").exists() || path.extension().is_some_and(|e| e == "rs"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    for entry in manifest.split("\n[[example]]\n").skip(1) {
        let entry = entry.split("\n[").next().unwrap();
        let name = value(entry, "name = ").remove(0);
        let row = rows.iter().find(|(row, _)| *row == name);
        let (_, row) = row.unwrap_or_else(|| panic!("README.md has no row for {name}"));
        for feature in value(entry, "required-features = ") {
            assert!(
                default.contains(&feature)
                    || row.contains("--all-features")
                    || row.contains(&format!("--features {feature} ")),
                "{name} needs {feature}"
            );
        }
        names.push(name);
    }
    names.sort();
    names.dedup();
    let mut listed: Vec<&str> = rows.iter().map(|(name, _)| *name).collect();
    listed.sort_unstable();
    assert_eq!(listed, names);
    for (name, row) in rows {
        let is_run =
            row.contains("| `cargo run ") && row.ends_with(&format!("--example {name}` |"));
        assert!(is_run, "{name}: {row}");
    }
}

#[tokio::test]
async fn axum() {
    answers_while_pending("axum").await;
    let server = Server::start("axum", &[(SECRET_VARIABLE, SECRET)]).await;
    answers(&server, PATH, SECRET).await;

    let list = get(&server, "/").await;
    assert_eq!(list.text(), "g-1 has to log in again\n");
    let mail =
        br#"{"type":"message.created.truncated","data":{"object":{"id":"m-1","grant_id":"g-1"}}}"#;
    assert_eq!(deliver(&server, PATH, SECRET, mail).await.status, 200);
    let event = br#"{"type":"event.updated","data":{"object":{"id":"e-1","grant_id":"g-1","calendar_id":"c-1","title":"Lunch"}}}"#;
    assert_eq!(deliver(&server, PATH, SECRET, event).await.status, 200);
    let deleted = br#"{"type":"event.deleted","data":{"object":{"id":"e-1","grant_id":"g-1","calendar_id":"c-1"}}}"#;
    assert_eq!(deliver(&server, PATH, SECRET, deleted).await.status, 200);
    let list = get(&server, "/").await;
    assert_eq!(
        list.text(),
        "g-1 has to log in again\nmail m-1 without its text\nevent Lunch\n"
    );
    ends_gracefully(server, PATH, SECRET, BODY).await;
}

#[cfg(all(feature = "axum", feature = "dedup"))]
#[tokio::test]
async fn axum_extractors() {
    answers_while_pending("axum_extractors").await;
    let server = Server::start("axum_extractors", &[(SECRET_VARIABLE, SECRET)]).await;
    answers(&server, PATH, SECRET).await;

    // `n-1` was handled by then, and other attempts of it bring other bytes.
    let again = br#"{"type":"grant.expired","id":"n-1","webhook_delivery_attempt":2,"data":{"object":{"grant_id":"g-1"}}}"#;
    assert_eq!(deliver(&server, PATH, SECRET, again).await.status, 200);
    assert_eq!(get(&server, "/").await.text(), "grant.expired: None\n");
    for id in ["", r#","id":"n-2""#, r#","id":"n-2""#, ""] {
        let mail = format!(
            r#"{{"type":"message.created"{id},"data":{{"object":{{"id":"m-1","grant_id":"g-1"}}}}}}"#
        );
        let answer = deliver(&server, PATH, SECRET, mail.as_bytes()).await;
        assert_eq!(answer.status, 200);
    }
    // Twice without an id, since nothing tells that they are one notification, and once `n-2`.
    let mails = "message.created: mail m-1\n".repeat(3);
    assert_eq!(
        get(&server, "/").await.text(),
        format!("grant.expired: None\n{mails}")
    );
    ends_gracefully(server, PATH, SECRET, BODY).await;
}

#[cfg(feature = "gzip")]
#[tokio::test]
async fn by_hand() {
    let ended = start("by_hand", &[], &[]).end().await;
    assert!(ended.status.success(), "{ended:?}");
    assert_all(&ended, " as expected");
    let handled = "    g-1 has to log in again";
    let handled = ended.stdout.iter().filter(|line| *line == handled);
    assert_eq!(handled.count(), 2, "{ended:?}");
}

#[cfg(feature = "inbox")]
#[tokio::test]
async fn enqueue() {
    answers_while_pending("enqueue").await;
    let server = Server::start("enqueue", &[(SECRET_VARIABLE, SECRET)]).await;
    answers(&server, PATH, SECRET).await;
    // The handler fails the first time, long after the answer.
    let mail =
        br#"{"type":"message.created","id":"n-2","data":{"object":{"id":"m-1","grant_id":"g-1"}}}"#;
    for _ in 0..2 {
        assert_eq!(deliver(&server, PATH, SECRET, mail).await.status, 200);
    }
    let handled = "g-1 has to log in again\nmail m-1 at try 2\n";
    let start = Instant::now();
    while get(&server, "/").await.text() != handled {
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "it is not handled"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    ends_gracefully(server, PATH, SECRET, BODY).await;
}

#[cfg(all(feature = "dedup", feature = "testing"))]
#[tokio::test]
async fn dedup() {
    let ended = start("dedup", &[], &[]).end().await;
    assert!(ended.status.success(), "{ended:?}");
    assert_all(&ended, " as expected");
    let again = "accepted before, so not handled again";
    let again = ended.stdout.iter().filter(|line| line.ends_with(again));
    assert_eq!(again.count(), 2, "{ended:?}");
}

#[tokio::test]
async fn hyper() {
    answers_while_pending("hyper").await;
    let server = Server::start("hyper", &[(SECRET_VARIABLE, SECRET)]).await;
    answers(&server, PATH, SECRET).await;
    assert_eq!(get(&server, "/").await.text(), "hello\n");
    assert_eq!(get(&server, "/elsewhere").await.status, 404);
    assert_eq!(get(&server, "/elsewhere?challenge=x").await.status, 404);
    ends_gracefully(server, PATH, SECRET, BODY).await;
}

#[tokio::test]
async fn tonic() {
    use ::tonic::{Code, body::Body};
    use hyper_util::{client::legacy::Client, rt::TokioExecutor};
    use tonic_health::pb::{
        HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
    };

    answers_while_pending("tonic").await;
    let server = Server::start("tonic", &[(SECRET_VARIABLE, SECRET)]).await;
    answers(&server, PATH, SECRET).await;

    let http2 = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http::<Body>();
    let origin = format!("http://{}", server.address).parse().unwrap();
    let mut client = HealthClient::with_origin(http2, origin);
    let answer = client.check(HealthCheckRequest::default()).await.unwrap();
    assert_eq!(answer.into_inner().status(), ServingStatus::Serving);
    let service = "unheard.of".to_owned();
    let status = client.check(HealthCheckRequest { service }).await;
    assert_eq!(status.unwrap_err().code(), Code::NotFound);
    drop(client);
    ends_gracefully(server, PATH, SECRET, BODY).await;
}

/// From nothing, and again, against Nylas' API over real connections.
#[cfg(feature = "api")]
#[tokio::test]
async fn register() {
    use bytes::Bytes;
    use http::Request;
    use http_body_util::Full;
    use hyper_util::{client::legacy::Client, rt::TokioExecutor};
    use tokio::sync::watch;
    use tower::service_fn;
    use tower_nylas::{
        BoxError,
        testing::{HttpClient, nylas::Simulator},
    };
    use tower_nylas_kit::serve::serve_hyper;

    const URL: &str = "https://app.example/webhooks/nylas";
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("register.json");
    let _ = std::fs::remove_file(&file);
    // What is behind the URL is known once the server listens.
    let endpoint = Arc::new(watch::Sender::new(None::<SocketAddr>));
    let behind = endpoint.clone();
    let http: HttpClient = Client::builder(TokioExecutor::new()).build_http();
    let by_way_of_a_proxy = service_fn(move |request: Request<Full<Bytes>>| {
        let (mut behind, http) = (behind.subscribe(), http.clone());
        async move {
            let address = *behind.wait_for(Option::is_some).await?;
            let (mut parts, body) = request.into_parts();
            let path = parts.uri.path_and_query().unwrap();
            let uri = format!("http://{}{path}", address.unwrap());
            parts.uri = uri.parse()?;
            Ok::<_, BoxError>(http.request(Request::from_parts(parts, body)).await?)
        }
    });
    let nylas = Simulator::builder().client(by_way_of_a_proxy).build();
    let base = format!("http://{}", serve_hyper(nylas.management()).await);
    let variables = [
        ("NYLAS_API_KEY", Simulator::API_KEY),
        ("NYLAS_API_URL", &base),
        ("NYLAS_DESTINATION", file.to_str().unwrap()),
    ];
    let created = format!("create {URL} for grant.expired, message.created");

    let ended = start("register", &[URL, "--dry-run"], &variables)
        .end()
        .await;
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(ended.stdout, [&*created]);
    assert!(nylas.destinations().is_empty() && !file.exists());

    let mut secrets = Vec::new();
    for plan in [
        created.as_str(),
        "ID: nothing to change",
        "ID: rotate its secret, since the one in the store is missing or in doubt",
    ] {
        let mut server = Server::start_with("register", &[URL, "127.0.0.1:0"], &variables).await;
        endpoint.send_replace(Some(server.address));
        let planned = server.program.next_line().await;
        let registered = server.program.next_line().await;
        let destination = nylas.destinations().remove(0);
        let id = destination.id.as_str();
        assert_eq!(planned, plan.replace("ID", id));
        assert_eq!(registered, format!("registered as {id}"));
        let secret = destination.secret().to_owned();
        answers(&server, PATH, &secret).await;
        secrets.push(secret.clone());
        ends_gracefully(server, PATH, &secret, BODY).await;
        if secrets.len() == 2 {
            std::fs::remove_file(&file).unwrap();
        }
    }
    assert_eq!(secrets[0], secrets[1]);
    assert_ne!(secrets[1], secrets[2]);

    // Without the API it goes on with the secret that it has, but not with one in doubt or none.
    let nobody = ("NYLAS_API_URL", "http://127.0.0.1:1");
    let offline = [variables[0], nobody, variables[2]];
    let mut server = Server::start_with("register", &[URL, "127.0.0.1:0"], &offline).await;
    let line = server.program.next_line().await;
    assert!(line.starts_with("not checked: "), "{line}");
    answers(&server, PATH, &secrets[2]).await;
    ends_gracefully(server, PATH, &secrets[2], BODY).await;
    let in_doubt = std::fs::read_to_string(&file).unwrap();
    let in_doubt = in_doubt.replace(r#""in_doubt":false"#, r#""in_doubt":true"#);
    for entry in [Some(in_doubt), None] {
        match entry {
            Some(entry) => std::fs::write(&file, entry).unwrap(),
            None => std::fs::remove_file(&file).unwrap(),
        }
        let ended = start("register", &[URL, "127.0.0.1:0"], &offline)
            .end()
            .await;
        assert!(!ended.status.success(), "{ended:?}");
    }

    let ended = start("register", &[URL], &[]).end().await;
    assert!(!ended.status.success(), "{ended:?}");
    assert!(ended.stderr.contains("NYLAS_API_KEY"), "{ended:?}");
}

#[tokio::test]
async fn multi_tenant() {
    const OTHER_SECRET: &str = "zW3_another-inventedOne";
    let server = Server::start(
        "multi_tenant",
        &[
            ("NYLAS_WEBHOOK_SECRET_ACME", SECRET),
            ("NYLAS_WEBHOOK_SECRET_GLOBEX", OTHER_SECRET),
            ("NYLAS_WEBHOOK_SECRET_INITECH", ""),
        ],
    )
    .await;
    for prefix in [PATH, "/database/webhooks/nylas"] {
        let of = |tenant: &str| format!("{prefix}/{tenant}");
        answers(&server, &of("acme"), SECRET).await;
        answers(&server, &of("globex"), OTHER_SECRET).await;

        // Nobody can tell a tenant that does not exist from one whose secret he does not know.
        let foreign = deliver(&server, &of("globex"), SECRET, BODY).await;
        let nobodys = deliver(&server, &of("nobody"), SECRET, BODY).await;
        assert_eq!([foreign.status, nobodys.status], [401, 401]);
        assert_eq!(foreign.body, nobodys.body);
        let foreign = deliver(&server, &of("acme"), OTHER_SECRET, BODY).await;
        assert_eq!(foreign.status, 401);

        challenge(&server, &of("initech")).await;
        let pending = deliver(&server, &of("initech"), SECRET, BODY).await;
        assert_eq!(pending.status, 503);
    }
    assert_eq!(get(&server, "/").await.text(), "hello\n");
    ends_gracefully(server, "/webhooks/nylas/acme", SECRET, BODY).await;
}

#[tokio::test]
async fn rotate() {
    let ended = start("rotate", &[], &[]).end().await;
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(ended.last_line().trim(), "0 lost", "{ended:?}");
}

/// The same play would notice a loss.
#[tokio::test]
async fn rotate_carelessly() {
    let ended = start("rotate", &["careless"], &[]).end().await;
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert_ne!(ended.last_line().trim(), "0 lost", "{ended:?}");
    assert!(ended.last_line().ends_with(" lost"), "{ended:?}");
}

#[tokio::test]
async fn sidecar_verify() {
    let ended = start("sidecar_verify", &[], &[]).end().await;
    assert!(ended.status.success(), "{ended:?}");
    assert_all(&ended, " as expected");

    let body = String::from_utf8(BODY.to_vec()).unwrap();
    let genuine = sign_with(SECRET, BODY).to_hex();
    let forged = sign_with("an-invented-secret", BODY).to_hex();
    let line = |signature: &str| {
        serde_json::json!({ "signature": signature, "body": body }).to_string() + "\n"
    };
    let file = temporary("sidecar_verify.jsonl", &line(&genuine));
    let body = temporary("sidecar_verify.json", &body);
    let variables = [(SECRET_VARIABLE, SECRET)];
    for (arguments, input, success, printed) in [
        (&[&*file][..], String::new(), true, "     1  genuine"),
        (&["-"], line(&genuine).repeat(3), true, "     3  genuine"),
        (
            &["-"],
            line(&genuine) + &line(&forged),
            false,
            "     2  refused: the signature does not match the body",
        ),
        (
            &["-"],
            "no JSON".to_owned(),
            false,
            "     1  refused: it is no delivery",
        ),
        (&[&*body, &*genuine], String::new(), true, "genuine"),
        (
            &[&*body, &*forged],
            String::new(),
            false,
            // For all that is known, the secret may be wrong.
            "later: the signature does not match the body, but the newest secret has not verified \
             any body yet",
        ),
    ] {
        let mut program = start("sidecar_verify", arguments, &variables);
        program.write(&input).await;
        let ended = program.end().await;
        assert_eq!(ended.status.code(), Some(i32::from(!success)), "{ended:?}");
        assert_eq!(ended.last_line(), printed, "{ended:?}");
    }
}

#[tokio::test]
async fn replay_v2() {
    let ended = start("replay_v2", &[], &[]).end().await;
    assert!(ended.status.success(), "{ended:?}");
    assert_all(&ended, " deliveries handled");

    let line = |body: &str, signature: &str| {
        serde_json::json!({ "signature": signature, "body": body }).to_string() + "\n"
    };
    let genuine = r#"{"deltas": [{"type": "message.created", "date": 1}]}"#;
    let signature = sign_with(SECRET, genuine.as_bytes()).to_hex();
    let malformed = r#"{"deltas": 7}"#;
    let archive = line(genuine, &signature)
        + &line(&genuine.replace(": ", ":"), &signature)
        + &line(malformed, &sign_with(SECRET, malformed.as_bytes()).to_hex())
        + "no JSON\n";
    let archive = temporary("replay_v2.jsonl", &archive);
    let variables = [("NYLAS_CLIENT_SECRET", SECRET)];
    let ended = start("replay_v2", &[&archive], &variables).end().await;
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert_eq!(ended.last_line(), "1 of 4 deliveries handled", "{ended:?}");
    for reason in [
        "line 2: the signature does not match the body: ",
        "line 3: nothing reads it: ",
        "line 4: it is no delivery\n",
    ] {
        assert!(ended.stderr.contains(reason), "{reason}: {ended:?}");
    }
}

#[cfg(all(
    feature = "health",
    feature = "metrics",
    feature = "testing",
    feature = "tracing"
))]
#[tokio::test]
async fn observe() {
    let ended = start("observe", &[], &[]).end().await;
    assert!(ended.status.success(), "{ended:?}");
    let (log, numbers): (Vec<_>, Vec<_>) =
        ended.stdout.iter().partition(|line| line.starts_with('{'));
    let log: Vec<serde_json::Value> = log
        .iter()
        .map(|line| serde_json::from_str(line).expect("the log is JSON"))
        .collect();

    let filed = log.iter().find(|line| line["fields"]["message"] == "filed");
    let filed = filed.expect("the handler of the application logs");
    assert_eq!(filed["span"]["trigger"], "message.created");
    // The last event in a span has its outcome.
    let count = |field: &str, value: &str| {
        let same = |line: &&serde_json::Value| line["span"][field] == value;
        log.iter().filter(same).count()
    };
    assert_eq!(count("outcome", "done"), 2);
    assert_eq!(count("outcome", "discarded"), 1);
    assert_eq!(count("outcome", "failed"), 3, "Nylas makes three attempts");
    assert_eq!(count("outcome", "unrouted"), 2);
    let lost = log.iter().filter(|line| line["span"]["lost"] == true);
    let lost: Vec<_> = lost.map(|line| line["level"].as_str().unwrap()).collect();
    assert_eq!(lost, ["ERROR"], "the third attempt of the one that fails");
    assert_eq!(count("outcome", "unread"), 3, "nor does it know better");

    // However long the flood takes, what is told and what is kept back is all of it.
    let mismatches = log
        .iter()
        .filter(|line| line["fields"]["reason"] == "signature_mismatch");
    let suppressed = |line: &serde_json::Value| line["fields"]["suppressed"].as_u64();
    let all: u64 = mismatches
        .clone()
        .map(|line| suppressed(line).unwrap_or(1))
        .sum();
    assert_eq!(all, 1000);
    assert!(mismatches.count() < 200);

    // The levels of the decline, one after the other.
    let health = log.iter().filter_map(|line| {
        let fields = &line["fields"];
        let of_failures = fields["cause"] == "failures";
        of_failures.then(|| {
            (
                line["level"].as_str().unwrap(),
                fields["health"].as_str().unwrap(),
            )
        })
    });
    let health: Vec<_> = health.collect();
    assert_eq!(
        health,
        [
            ("WARN", "notice"),
            ("WARN", "warning"),
            ("ERROR", "error"),
            ("ERROR", "critical")
        ]
    );
    assert!(ended.stderr.contains("health is critical: "), "{ended:?}");

    // All that the dashboard shows.
    let dashboard = include_str!("../../docs/dashboard.json");
    for (at, _) in dashboard.match_indices("nylas_webhook_") {
        let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
        let name = dashboard[at..].split(|c| !is_name(c)).next().unwrap();
        assert!(
            numbers.iter().any(|line| line.starts_with(name)),
            "{name}: {numbers:#?}"
        );
    }
    for sample in [
        "nylas_webhook_received_total 1132",
        "nylas_webhook_challenges_total 1",
        r#"nylas_webhook_rejected_total{reason="signature_mismatch"} 1000"#,
        r#"nylas_webhook_outcomes_total{outcome="unrouted",trigger="unknown",destination="default"} 1"#,
        r#"nylas_webhook_lost_total{trigger="grant.expired",destination="default"} 1"#,
        r#"nylas_webhook_health_level{destination="default",cause="failures"} 4"#,
        "nylas_webhook_health_unexpected_challenges_total 1",
        "nylas_webhook_duration_seconds_count 131",
    ] {
        assert!(
            numbers.iter().any(|line| *line == sample),
            "{sample}: {ended:?}"
        );
    }

    let arguments = ["--listen", "127.0.0.1:0"];
    let server = Server::start_with("observe", &arguments, &[(SECRET_VARIABLE, SECRET)]).await;
    challenge(&server, PATH).await;
    let numbers = get(&server, "/metrics").await;
    assert!(
        numbers
            .text()
            .contains("\nnylas_webhook_challenges_total 1\n")
    );
    assert_eq!(get(&server, "/ready").await.text(), "ready\n");
    let health = get(&server, "/health").await;
    assert!(
        health.text().starts_with("notice: a challenge"),
        "{health:?}"
    );
    let mail = br#"{"type":"message.created","data":{"object":{"id":"m-1","grant_id":"g-1"}}}"#;
    ends_gracefully(server, PATH, SECRET, mail).await;
}

/// A peer that never completes the head of its request does not keep any server from ending.
#[tokio::test]
async fn drains_end() {
    let mut names = vec!["minimal", "axum", "hyper", "multi_tenant", "tonic"];
    let plays = cfg!(all(feature = "gzip", feature = "testing"));
    names.extend(plays.then_some("quickstart"));
    names.extend(cfg!(all(feature = "axum", feature = "dedup")).then_some("axum_extractors"));
    names.extend(cfg!(feature = "inbox").then_some("enqueue"));
    names.extend(cfg!(feature = "testing").then_some("sandbox"));
    let observes = cfg!(all(
        feature = "health",
        feature = "metrics",
        feature = "testing",
        feature = "tracing"
    ));
    names.extend(observes.then_some("observe"));
    let mut held = Vec::new();
    for name in names {
        let arguments: &[&str] = match name {
            "observe" | "quickstart" | "sandbox" => &["--listen", "127.0.0.1:0"],
            _ => &["127.0.0.1:0"],
        };
        let server = Server::start_with(name, arguments, &[(SECRET_VARIABLE, SECRET)]).await;
        let mut connection = Connection::open(server.address).await;
        connection
            .write(b"POST /webhooks/nylas HTTP/1.1\r\nhost: a")
            .await;
        // Connections are accepted one after the other, so that one was accepted before.
        get(&server, PATH).await;
        held.push((name, server, connection));
    }
    tokio::time::sleep(Duration::from_millis(300)).await;

    let start = Instant::now();
    let mut ending = Vec::new();
    for (name, server, connection) in held {
        ending.push((name, server.terminate().await, connection));
    }
    for (name, program, _connection) in ending {
        let ended = program.end().await;
        assert!(ended.status.success(), "{name}: {ended:?}");
        match name {
            "minimal" => assert!(start.elapsed() > Duration::from_secs(9), "nothing held it"),
            // One limits the time for a head itself, the other waits for nobody.
            "hyper" | "sandbox" => {}
            _ => assert!(
                ended.stderr.contains("some connections were still open"),
                "{name}: {ended:?}"
            ),
        }
    }
}

/// Without the variable a server answers challenges, and asks for everything else again.
async fn answers_while_pending(name: &'static str) {
    let server = Server::start(name, &[]).await;
    challenge(&server, PATH).await;
    assert_eq!(deliver(&server, PATH, SECRET, BODY).await.status, 503);
    let ended = server.interrupt().await.end().await;
    assert!(ended.status.success(), "{ended:?}");
}

async fn answers(server: &Server, path: &str, secret: &str) {
    challenge(server, path).await;
    assert_eq!(deliver(server, path, secret, BODY).await.status, 200);
    let forged = deliver(server, path, "an-invented-secret", BODY).await;
    assert_eq!(forged.status, 401);
    let unsigned = send(server.address, head("POST", path, &[]).as_bytes()).await;
    assert_eq!(unsigned.status, 401);
}

/// The value and nothing else, with its length.
async fn challenge(server: &Server, path: &str) {
    let value = "bc609b38-c81f-47fb-a275-1d9bd61ba968";
    let answer = get(server, &format!("{path}?challenge={value}")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-length"), Some("36"));
    assert_eq!(answer.text(), value);
}

async fn get(server: &Server, target: &str) -> Answer {
    send(server.address, head("GET", target, &[]).as_bytes()).await
}

async fn deliver(server: &Server, path: &str, secret: &str, body: &[u8]) -> Answer {
    let mut request = delivery_head(path, secret, body, &[]).into_bytes();
    request.extend_from_slice(body);
    send(server.address, &request).await
}

fn delivery_head(path: &str, secret: &str, body: &[u8], more: &[(&str, &str)]) -> String {
    let (length, signature) = (body.len().to_string(), sign_with(secret, body).to_hex());
    let mut headers = vec![
        ("content-type", "application/json"),
        ("content-length", &*length),
        ("x-nylas-signature", &*signature),
    ];
    headers.extend(more);
    head("POST", path, &headers)
}

/// A delivery that is under way at SIGTERM is finished, and then the server ends well.
async fn ends_gracefully(server: Server, path: &str, secret: &str, body: &[u8]) {
    let mut connection = Connection::open(server.address).await;
    let head = delivery_head(path, secret, body, &[("expect", "100-continue")]);
    connection.write(head.as_bytes()).await;
    // From here on the server waits for the body.
    assert_eq!(connection.read(false).await.status, 100);

    let program = server.terminate().await;
    connection.write(body).await;
    assert_eq!(connection.read(false).await.status, 200);
    let ended = program.end().await;
    assert!(ended.status.success(), "{ended:?}");
}

/// The last line is `N of N` and this text.
#[track_caller]
fn assert_all(ended: &Ended, text: &str) {
    let numbers = ended.last_line().strip_suffix(text);
    let all = numbers.and_then(|numbers| numbers.split_once(" of "));
    assert!(all.is_some_and(|(right, all)| right == all), "{ended:?}");
}

fn temporary(name: &str, content: &str) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).unwrap();
    path.into_os_string().into_string().unwrap()
}

/// An example that listens, under the address that it has printed.
struct Server {
    program: Program,
    address: SocketAddr,
}

impl Server {
    async fn start(name: &'static str, variables: &[(&str, &str)]) -> Self {
        Self::start_with(name, &["127.0.0.1:0"], variables).await
    }

    async fn start_with(
        name: &'static str,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let mut program = start(name, arguments, variables);
        let line = program.next_line().await;
        let address = line.strip_prefix("listening on http://");
        let address = address.and_then(|rest| rest.split('/').next()?.parse().ok());
        let Some(address) = address else {
            panic!("{name} begins with {line:?}")
        };
        Self { program, address }
    }

    /// Presses ctrl-c, and returns once the server has noticed.
    async fn interrupt(self) -> Program {
        self.program.interrupt().await;
        self.has_noticed().await
    }

    /// As a service manager does, and returns once the server has noticed.
    async fn terminate(self) -> Program {
        self.program.terminate().await;
        self.has_noticed().await
    }

    /// Nobody can connect any more.
    async fn has_noticed(self) -> Program {
        let start = Instant::now();
        while Connection::try_open(self.address).await.is_ok() {
            assert!(start.elapsed() < Duration::from_secs(60), "it goes on");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.program
    }
}

fn start(name: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Program {
    Program::start(example_path(name), arguments, variables)
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
