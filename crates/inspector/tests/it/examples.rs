//! The example `inspect`, as a process and as its README says.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::OnceLock,
};

use http::StatusCode;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
};

/// An example, built beside this program.
pub(crate) fn program(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let folder = BUILT.get_or_init(|| {
        let cargo = std::process::Command::new(env!("CARGO"))
            .args([
                "build",
                "--quiet",
                "--examples",
                "--package",
                "tower-nylas-inspector",
            ])
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
            .status();
        assert!(cargo.unwrap().success());
        let this = std::env::current_exe().unwrap();
        this.parent().unwrap().parent().unwrap().join("examples")
    });
    folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

struct Running {
    child: Child,
    url: String,
    /// Of the mail that was not handled.
    mail: String,
}

async fn start() -> Running {
    let mut child = Command::new(program("inspect"))
        .args(["--listen", "127.0.0.1:0"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut after = async |text: &str| loop {
        let line = lines.next_line().await.unwrap().expect("it says so");
        if let Some((_, rest)) = line.split_once(text) {
            break rest.to_owned();
        }
    };
    let url = after("listening on ").await;
    let mail = after("why was the mail ").await;
    let mail = mail.split(' ').next().unwrap().to_owned();
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Running { child, url, mail }
}

impl Running {
    async fn get(&self, query: &str) -> (StatusCode, Value) {
        let request = reqwest::Client::new().get(format!("{}{query}", self.url));
        let answer = request
            .header("accept", "application/json")
            .send()
            .await
            .unwrap();
        let status = answer.status();
        (
            status,
            serde_json::from_str(&answer.text().await.unwrap()).unwrap(),
        )
    }

    async fn until(&self, query: &str, is_so: impl Fn(StatusCode, &Value) -> bool) {
        for _ in 0..600 {
            let (status, value) = self.get(query).await;
            if is_so(status, &value) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("not within 30 s: {query}: {:?}", self.get(query).await);
    }
}

pub(crate) async fn a_receiver_in_trouble() {
    let mut running = start().await;
    // Failures of each kind.
    let causes = [
        "crashed",
        "exhausted",
        "expired",
        "malformed",
        "undecodable",
    ];
    running
        .until("?page=dead", |_, dead| {
            let groups = dead["groups"].as_array().unwrap();
            causes
                .iter()
                .all(|cause| groups.iter().any(|group| group["cause"] == *cause))
        })
        .await;
    for kind in ["challenge", "accepted", "failed", "refused"] {
        let query = format!("?page=deliveries&kind={kind}");
        let is_there = |_, found: &Value| !found["deliveries"].as_array().unwrap().is_empty();
        running.until(&query, is_there).await;
    }
    let find = format!("?page=find&q={}", running.mail);
    let (_, found) = running.get(&find).await;
    assert_eq!(
        found["entry"]["why"],
        "its handler failed: 452 4.2.2 the mailbox is full"
    );
    let stdin = running.child.stdin.as_mut().unwrap();
    stdin.write_all(b"mend\n").await.unwrap();
    let key = found["entry"]["key"].as_str().unwrap().to_owned();
    let answer = reqwest::Client::new()
        .post(&running.url)
        .header("accept", "application/json")
        .header("sec-fetch-site", "same-origin")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("action=replay&key={key}"))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let entry = format!("?page=entry&key={key}");
    running
        .until(&entry, |status, _| status == StatusCode::NOT_FOUND)
        .await;
    // What manages services ends it so, and it drains.
    #[cfg(unix)]
    {
        let id = running.child.id().unwrap().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().await;
        assert!(sent.unwrap().success());
        assert!(running.child.wait().await.unwrap().success());
    }
}
