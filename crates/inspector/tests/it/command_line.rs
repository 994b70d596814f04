//! The example `inbox`, as a process.

use std::process::{Output, Stdio};

use tokio::process::Command;
use tower_nylas::inbox::{DeadCause, EntryState};
use tower_nylas_inspector::Access;

use crate::{
    examples::program,
    stage::{Stage, notification},
};

const DEAD: EntryState = EntryState::Dead(DeadCause::Expired);

async fn run(stage: &Stage, arguments: &[&str]) -> (i32, String, String) {
    run_with(stage, arguments, None).await
}

async fn run_with(
    stage: &Stage,
    arguments: &[&str],
    header: Option<&str>,
) -> (i32, String, String) {
    let mut command = Command::new(program("inbox"));
    command
        .arg("--url")
        .arg(stage.url(""))
        .args(arguments)
        .stdin(Stdio::null());
    command.env_remove("NYLAS_INSPECTOR_HEADER");
    if let Some(header) = header {
        command.env("NYLAS_INSPECTOR_HEADER", header);
    }
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

pub(crate) async fn it_lists_shows_and_counts() {
    let stage = Stage::with(|builder| builder.most_listed(2).loopback_only()).await;
    let mail = notification("message.created", "the-id", "g-1", "a mail");
    let key = stage
        .bury(mail, DeadCause::Malformed, "no field `from`")
        .await;
    stage.bury_many(4, DeadCause::Expired).await;
    let (code, out, err) = run(&stage, &["list", "--state", "dead"]).await;
    assert_eq!((code, &*err), (0, ""), "{out}");
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(lines.len(), 6, "over several pages: {out}");
    let column = lines[0].find("STATE").unwrap();
    assert!(
        lines[1..]
            .iter()
            .all(|line| line[column..].starts_with("dead ")),
        "{out}"
    );
    let (_, out, _) = run(&stage, &["list", "--cause", "malformed"]).await;
    assert!(
        out.lines().count() == 2 && out.contains("no field `from`"),
        "{out}"
    );
    let (_, out, err) = run(&stage, &["--json", "list", "--max", "3"]).await;
    let listed: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 3, "{err}");
    for what in ["the-id", &*key.to_string()] {
        let (code, out, _) = run(&stage, &["show", what]).await;
        assert_eq!(code, 0);
        for part in [
            "message.created",
            "no field `from`",
            "TIMELINE",
            "stored",
            "claimed",
        ] {
            assert!(out.contains(part), "{part}: {out}");
        }
    }
    let (code, _, err) = run(&stage, &["show", "nothing-of-this-id"]).await;
    assert_eq!(code, 1, "{err}");
    let (_, out, _) = run(&stage, &["stats"]).await;
    for part in ["dead                  5", "expired    4", "health: ok"] {
        assert!(out.contains(part), "{part}: {out}");
    }
    let (code, _, err) = run(&stage, &["list", "--state", "none"]).await;
    assert!(code == 1 && err.contains("no state is named none"), "{err}");
}

pub(crate) async fn it_replays_in_parts_and_shows_progress() {
    let stage = Stage::with(|builder| builder.most_changed(2).loopback_only()).await;
    stage.bury_many(5, DeadCause::Expired).await;
    let (code, out, _) = run(&stage, &["replay", "--cause", "expired", "--dry-run"]).await;
    assert!(code == 0 && out.contains("5 entries"), "{out}");
    assert_eq!(stage.count(DEAD).await, 5);
    let (code, out, err) = run(&stage, &["replay", "--cause", "expired", "--yes"]).await;
    assert_eq!((code, &*out), (0, "replay: 5 of 5\n"), "{err}");
    assert_eq!(err, "replay: 2 so far\nreplay: 4 so far\n");
    assert_eq!(stage.count(DEAD).await, 0);
    // By their keys, of which more are given than one action changes.
    let keys = stage.bury_many(3, DeadCause::Expired).await;
    let keys: Vec<_> = keys.iter().map(ToString::to_string).collect();
    let mut arguments: Vec<_> = keys.iter().map(|key| &**key).collect();
    arguments.splice(0..0, ["discard", "--reason", "x", "--yes"]);
    let (code, out, err) = run(&stage, &arguments).await;
    assert_eq!((code, &*out), (1, "discard: 2 of 2\n"), "{err}");
    assert!(err.contains("there are more"), "{err}");
    assert_eq!(stage.count(DEAD).await, 1);
}

pub(crate) async fn it_asks_before_more_than_one() {
    let stage = Stage::start().await;
    let keys = stage.bury_many(3, DeadCause::Expired).await;
    for arguments in [
        &["replay", "--state", "dead"][..],
        &["discard", "--reason", "x", "--trigger", "message.created"],
        &["purge", "g-many"],
    ] {
        // A variable that is not set.
        let empty = ["--grant", "", "--yes"];
        if arguments[0] != "purge" {
            let (code, _, err) = run(&stage, &[arguments, &empty].concat()).await;
            assert!(code == 1 && err.contains("grant is empty"), "{err}");
        }
        let (code, _, err) = run(&stage, arguments).await;
        assert!(
            code == 1 && err.contains("needs --yes"),
            "{arguments:?}: {err}"
        );
    }
    assert_eq!(stage.count(DEAD).await, 3);
    let one = keys[0].to_string();
    let (code, out, err) = run(&stage, &["replay", &one]).await;
    assert_eq!((code, &*out), (0, "replay: 1 of 1\n"), "{err}");
    let (code, _, err) = run(&stage, &["discard", &one, "--reason", "x"]).await;
    assert!(
        code == 1 && err.contains("nothing is selected"),
        "it is not dead: {err}"
    );
    let (code, out, err) = run(
        &stage,
        &[
            "--json", "discard", "--state", "dead", "--reason", "x", "--yes",
        ],
    )
    .await;
    let done: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &done["done"]), (0, &2.into()), "{err}");
    let (code, out, err) = run(&stage, &["purge", "g-many", "--yes"]).await;
    assert_eq!((code, &*out), (0, "purge: 1\n"), "{err}");
    let (code, out, _) = run(&stage, &["pause"]).await;
    assert_eq!((code, &*out), (0, "paused\n"));
    assert!(stage.pause.is_paused());
    run(&stage, &["resume"]).await;
    assert!(!stage.pause.is_paused());
}

pub(crate) async fn it_passes_headers_on() {
    let stage = Stage::with(|builder| {
        builder.authorize(|parts| match parts.headers.get("authorization") {
            Some(value) if value == "Bearer an-invented-token" => Access::full("ann"),
            _ => Access::denied(),
        })
    })
    .await;
    let (code, _, err) = run(&stage, &["stats"]).await;
    assert!(code == 1 && err.contains("403"), "{err}");
    let header = "Authorization: Bearer an-invented-token";
    let (code, out, err) = run(&stage, &["--header", header, "stats"]).await;
    assert_eq!(code, 0, "{out}{err}");
    let (code, ..) = run_with(&stage, &["stats"], Some(header)).await;
    assert_eq!(code, 0);
    let (code, _, err) = run(&stage, &["--header", "a-token-without-a-name", "stats"]).await;
    assert!(code == 2 && !err.contains("a-token"), "{err}");
    let closed = "http://127.0.0.1:1/";
    let (code, _, err) = run(&stage, &["--url", closed, "stats"]).await;
    assert!(code == 2, "{err}");
}

pub(crate) async fn it_shows_no_control_characters() {
    let stage = Stage::with(|builder| builder.show_bodies().loopback_only()).await;
    let harmful = "\u{1b}[31mred\u{202e}\u{7}\r";
    let mail = notification("message.created", "the-id", &format!("g{harmful}"), harmful);
    let mail = mail.replace("\\u001b", "\u{1b}");
    let key = stage.bury(mail, DeadCause::Malformed, harmful).await;
    for arguments in [&["list"][..], &["stats"], &["show", &key.to_string()]] {
        let (_, out, err) = run(&stage, arguments).await;
        let is_harmful = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(
            !out.contains(is_harmful) && !err.contains(is_harmful),
            "{out:?}"
        );
        assert!(out.contains("red"), "{out}");
    }
}
