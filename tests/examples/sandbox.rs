//! The example `sandbox`: Nylas for applications in other processes.

use std::path::PathBuf;

use serde_json::{Value, json};
use tower_nylas_kit::{
    delivery::{PATH, SECRET},
    program::{Program, SECRET_VARIABLE, example_path},
    wire::{Connection, head, send},
};

use super::{Server, get, root, start};

/// Nylas for an application that is another process: created over its API, with the secret that
/// comes back; driven over HTTP, by its input and by other processes.
#[tokio::test]
async fn it_delivers_to_another_process() {
    let mut receiver = Server::start_with("quickstart", &["--listen", "127.0.0.1:0"], &[]).await;
    let arguments = ["--listen", "127.0.0.1:0", "--speed", "6000"];
    let mut sandbox = Server::start_with("sandbox", &arguments, &[]).await;
    let url = format!("http://{}{PATH}", receiver.address);
    let key = "Bearer nyk_v0_invented-key";
    let create = json!({"webhook_url": url, "trigger_types": ["message.created"]});
    let key = [("authorization", key)];
    let created = post(&sandbox, "/v3/webhooks", &key, &create.to_string()).await;
    assert_eq!(created.0, 200, "{created:?}");
    let secret = created.1["data"]["webhook_secret"].as_str().unwrap();
    let id = created.1["data"]["id"].as_str().unwrap().to_owned();
    receiver.program.write(&format!("{secret}\n")).await;
    line_with(&mut receiver, "the secret is set").await;

    let trigger = r#"{"trigger": "message.created", "set": {"data.object.subject": "Invoice 7"}}"#;
    let sent = post(&sandbox, "/sandbox/trigger", &[], trigger).await;
    assert_eq!((sent.0, &sent.1["data"]["destinations"]), (200, &1.into()));
    let notification = sent.1["data"]["id"].as_str().unwrap();
    line_with(&mut receiver, "Invoice 7").await;
    let line = line_with(&mut sandbox, notification).await;
    let expected = format!("  message.created             {notification}  1  {url}: 200 OK after ");
    assert!(line.contains(&expected), "{line}");

    // Its commands are the same everywhere.
    let fault = r#"{"fault": "proxy", "value": 404, "count": 1}"#;
    let fault = post(&sandbox, "/sandbox/faults", &[], fault).await;
    assert_eq!(fault.1["data"]["number"], 1, "{fault:?}");
    sandbox.program.write("trigger message.created\n").await;
    line_with(&mut sandbox, ": 404 Not Found [proxy answers 404] after ").await;
    let at = format!("http://{}", sandbox.address);
    let command = async |words: &[&str]| {
        let arguments = [words, &["--at", &at]].concat();
        start("sandbox", &arguments, &[]).end().await
    };
    let faults = command(&["faults"]).await;
    assert!(faults.status.success(), "{faults:?}");
    // It has hit as often as it was to.
    assert_eq!(faults.last_line(), "nothing goes wrong");
    let fault = command(&["fault", "slow", "0s"]).await;
    assert_eq!(fault.last_line(), "2: slow by 0ns", "{fault:?}");
    assert_eq!(
        command(&["faults"]).await.last_line(),
        "2: slow by 0ns; 0 attempts until now"
    );
    assert_eq!(command(&["clear"]).await.last_line(), "1 fault ended");
    let waited = command(&["wait"]).await;
    let nothing = "nothing is under way: 2 notifications, 1 accepted, 0 open, 1 lost, 0 not sent";
    assert_eq!(waited.last_line(), nothing, "{waited:?}");
    let ledger = get(&sandbox, "/sandbox/ledger?last=1").await;
    let ledger: Value = serde_json::from_str(ledger.text()).unwrap();
    let last = &ledger["data"]["notifications"][0];
    let fates = json!([{"destination": id, "fate": "lost"}]);
    assert_eq!(
        (&ledger["data"]["count"], &last["fates"]),
        (&2.into(), &fates)
    );
    assert_eq!(last["attempts"][0]["status"], 404);

    // The secret is another one, which the receiver does not know.
    let rotated = command(&["rotate", &url]).await;
    let issued = format!("the new secret of {id} at {url}: NYLAS_WEBHOOK_SECRET=");
    assert!(rotated.last_line().starts_with(&issued), "{rotated:?}");
    assert!(
        command(&["trigger", "message.created"])
            .await
            .status
            .success()
    );
    line_with(&mut sandbox, ": 401 Unauthorized after ").await;
    for (words, expected) in [
        (&["pause", &*url], format!("{url}: pause")),
        (&["activate", &*id], format!("{url}: active")),
        (&["delete", &*url], format!("{url} is deleted")),
    ] {
        let ended = command(words).await;
        assert_eq!(ended.last_line(), expected, "{ended:?}");
    }
    let ended = command(&["trigger", "message.created"]).await;
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let nobody = "sandbox: no destination is subscribed to message.created\n";
    assert_eq!(ended.stderr, nobody);

    let ended = sandbox.terminate().await.end_without_input().await;
    assert_eq!(ended.status.code(), Some(1), "two are lost: {ended:?}");
    let summary = [
        format!("1 × {url}: 401 Unauthorized"),
        format!("1 × {url}: 404 Not Found [proxy answers 404]"),
        "1 accepted, 0 open, 2 lost, 0 not sent".to_owned(),
    ];
    for line in summary {
        assert!(ended.stdout.contains(&line), "{line}: {ended:?}");
    }
}

/// Created before the application answers, with a secret that is known before; with many
/// notifications, and nothing lost.
#[tokio::test]
async fn it_creates_the_destination_and_loses_nothing() {
    // Where no other test takes the port in between.
    let host = if cfg!(target_os = "linux") {
        "127.0.0.77:0"
    } else {
        "127.0.0.1:0"
    };
    let free = std::net::TcpListener::bind(host).unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let url = format!("http://{address}{PATH}");
    let mut arguments = vec!["--listen", "127.0.0.1:0", "--seed", "7", "--secret", SECRET];
    arguments.extend(["--create", &url, "--triggers", "message.*"]);
    let mut sandbox = Server::start_with("sandbox", &arguments, &[]).await;
    line_with(&mut sandbox, "; it is tried again every second").await;
    let receiver = start("minimal", &[&address], &[(SECRET_VARIABLE, SECRET)]);
    let created = line_with(&mut sandbox, "created ").await;
    let expected = format!(" at {url}: NYLAS_WEBHOOK_SECRET={SECRET}");
    assert!(created.ends_with(&expected), "{created}");

    let commands = "trigger message.created --gzip --duplicate --to URL\n\
         trigger grant.expired\n\
         trigger message.created --count 300 --rate 150\n\
         wait\n\
         quit\n";
    sandbox.program.write(&commands.replace("URL", &url)).await;
    let ended = sandbox.program.end_without_input().await;
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(
        ended.last_line(),
        "302 accepted, 0 open, 0 lost, 0 not sent"
    );
    let has = |text: &str| {
        let found = ended.stdout.iter().any(|line| line.contains(text));
        assert!(found, "{text}: {ended:?}");
    };
    has("300 × message.created to 1 destination");
    has("error: no destination is subscribed to grant.expired");
    has(" of 300 sent, ");
    has("300 sent in ");
    has("nothing is under way: 302 notifications, 302 accepted, 0 open, 0 lost, 0 not sent");
    receiver.terminate().await;
    let receiver = receiver.end().await;
    assert_eq!(
        receiver
            .stdout
            .iter()
            .filter(|line| line.starts_with("mail "))
            .count(),
        302
    );
}

/// A sandbox with a destination at a receiver that accepts everything.
async fn accepting() -> (Server, Server, String) {
    let receiver = Server::start("minimal", &[(SECRET_VARIABLE, SECRET)]).await;
    let url = format!("http://{}{PATH}", receiver.address);
    let mut arguments = vec!["--listen", "127.0.0.1:0", "--secret", SECRET];
    arguments.extend(["--create", &url, "--triggers", "message.*"]);
    let mut sandbox = Server::start_with("sandbox", &arguments, &[]).await;
    line_with(&mut sandbox, "created ").await;
    (receiver, sandbox, url)
}

async fn count(sandbox: &Server) -> u64 {
    let ledger = get(sandbox, "/sandbox/ledger?last=1").await;
    let ledger: Value = serde_json::from_str(ledger.text()).unwrap();
    ledger["data"]["count"].as_u64().unwrap()
}

/// What is not accepted is kept until it is given up, so there is an end of it.
#[tokio::test]
async fn a_run_at_a_receiver_that_is_away_waits() {
    let (_receiver, mut sandbox, url) = accepting().await;
    let commands = "fault proxy 503\ntrigger message.created --count 1000000\n";
    sandbox.program.write(commands).await;
    line_with(&mut sandbox, " of 1000000 sent, waits: 10000 are under way").await;
    let sent = count(&sandbox).await;
    assert_eq!(sent, 10_000);
    // One more is all right; and the end says what is open.
    sandbox.program.write("trigger message.created\n").await;
    line_with(&mut sandbox, " to 1 destination").await;
    assert_eq!(count(&sandbox).await, 10_001);
    let ended = sandbox.terminate().await.end_without_input().await;
    assert_eq!(ended.status.code(), Some(1), "{url}: {ended:?}");
    let open = "0 accepted, 10001 open, 0 lost, 0 not sent";
    assert_eq!(ended.last_line(), open);
}

/// What is late takes no connection, and holds up nothing.
#[tokio::test]
async fn a_run_goes_on_while_what_it_sends_is_late() {
    let (_receiver, mut sandbox, _) = accepting().await;
    let commands = "fault late 10m\ntrigger message.created --count 1000\n";
    sandbox.program.write(commands).await;
    line_with(&mut sandbox, "1000 sent in ").await;
    assert_eq!(count(&sandbox).await, 1000);
    sandbox.terminate().await.end_without_input().await;
}

/// As an application tries its endpoint by the management API.
#[tokio::test]
async fn test_events_are_shown() {
    let (_receiver, mut sandbox, url) = accepting().await;
    let key = [("authorization", "Bearer nyk_v0_invented-key")];
    let test = json!({"trigger_type": "message.updated", "webhook_url": url}).to_string();
    let path = "/v3/webhooks/send-test-event";
    assert_eq!(post(&sandbox, path, &key, &test).await.0, 400);
    let shown = format!("  {url}: test event message.updated: ");
    line_with(&mut sandbox, &shown).await;
    assert_eq!(count(&sandbox).await, 0);
    let ended = sandbox.terminate().await.end_without_input().await;
    assert!(ended.status.success(), "{ended:?}");
}

#[tokio::test]
async fn what_is_wrong_in_a_command_line_is_named() {
    for (arguments, expected) in [
        (
            &["--lisen", "a"][..],
            "no option `--lisen`; the nearest is `--listen`",
        ),
        (&["--speed", "fast"], "--speed: \"fast\" is no number"),
        (
            &["--speed", "0"],
            "--speed: time passes at least once as fast",
        ),
        (&["--listen"], "--listen needs a value"),
        (&["--listen", "nowhere"], "nowhere: "),
        (
            &["--secret", "s"],
            "--triggers, --gzip and --secret belong to --create URL",
        ),
        (
            &["--create", "app.example"],
            "\"app.example\" is no URL such as ",
        ),
        (
            &["--create", "http://a/", "--triggers", "message.creatd"],
            "no trigger is `message.creatd`; the nearest is `message.created`",
        ),
        (&["--create", "http://a/", "--secret", "'s'"], "--secret: "),
        (
            &["triger", "message.created"],
            "there is no command `triger`; the nearest is `trigger`",
        ),
        (
            &["trigger"],
            "TRIGGER is missing: trigger TRIGGER [--to TO]",
        ),
        (&["trigger", "a", "b"], "\"b\" is too much: trigger "),
        (
            &["trigger", "a", "--cout", "2"],
            "trigger: no option `--cout`; the nearest is `--count`",
        ),
        (
            &["trigger", "a", "--set", "b"],
            "--set: \"b\" is not PATH=VALUE",
        ),
        (
            &["fault", "lost", "--for", "soon"],
            "\"soon\" is no duration such as ",
        ),
        (
            &["faults", "--at", "http://127.0.0.1:1"],
            "no sandbox answers at http://127.0.0.1:1: ",
        ),
    ] {
        let ended = start("sandbox", arguments, &[]).end().await;
        assert_eq!(ended.status.code(), Some(2), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains(expected), "{arguments:?}: {ended:?}");
    }
}

/// The answers name what is wrong, and it goes on.
#[tokio::test]
async fn what_is_wrong_at_the_port_does_no_harm() {
    let mut sandbox = Server::start_with("sandbox", &["--listen", "127.0.0.1:0"], &[]).await;
    let long = format!(r#"{{"trigger": "{}"}}"#, "x".repeat(100_000));
    let set = r#"{"trigger": "message.created", "set": {"data.object.from.7.name": 1}}"#;
    for (path, body, status, expected) in [
        (
            "trigger",
            "{",
            400,
            "the body is no JSON: EOF while parsing",
        ),
        ("trigger", "[]", 400, "the body is no JSON object"),
        ("trigger", "{}", 400, "trigger: missing field `trigger`"),
        ("trigger", r#"{"trigger": 7}"#, 400, "trigger: invalid type"),
        (
            "trigger",
            r#"{"triger": ""}"#,
            400,
            "unknown field `triger`, expected one of `trigger`",
        ),
        (
            "trigger",
            r#"{"trigger": "event.creatd"}"#,
            400,
            "the nearest is `event.created`",
        ),
        (
            "trigger",
            set,
            400,
            "message.created has nothing that \"data.object.from.7.name\"",
        ),
        ("trigger", &long, 413, "length limit exceeded"),
        (
            "triger",
            "{}",
            404,
            "there is no command `triger`; the nearest is `trigger`",
        ),
        (
            "fault",
            r#"{"fault": "slo"}"#,
            400,
            "there is no fault `slo`; the nearest is `slow`",
        ),
        (
            "fault",
            r#"{"fault": "slow"}"#,
            400,
            "slow needs a time, such as 5s",
        ),
        (
            "fault",
            r#"{"fault": "lost", "value": 1}"#,
            400,
            "lost takes no value",
        ),
        (
            "fault",
            r#"{"fault": "proxy", "value": 2}"#,
            400,
            "\"2\" is no status such as 502",
        ),
        (
            "pause",
            r#"{"destination": "a"}"#,
            400,
            "there is no destination a",
        ),
        ("clear", r#"{"number": 3}"#, 400, "there is no fault 3"),
    ] {
        let refused = post(&sandbox, &format!("/sandbox/{path}"), &[], body).await;
        let error = &refused.1["error"];
        assert_eq!(refused.0, status, "{body}: {error}");
        assert_eq!(error["type"], "invalid_request_error");
        assert!(
            error["message"].as_str().unwrap().contains(expected),
            "{body}: {error}"
        );
    }
    assert_eq!(get(&sandbox, "/sandbox/trigger").await.status, 405);
    let page = [("origin", "https://app.example")];
    assert_eq!(post(&sandbox, "/sandbox/quit", &page, "").await.0, 403);

    // What is no HTTP, and a body that does not come.
    let mut garbage = Connection::open(sandbox.address).await;
    garbage.write(b"\x16\x03\x01\x02\0\r\n\r\n").await;
    let mut stalled = Connection::open(sandbox.address).await;
    let head = head(
        "POST",
        "/sandbox/quit",
        &[("content-length", "99999999999")],
    );
    stalled.write(head.as_bytes()).await;
    let lines = "trigger 'message\ntriger\n\nhelp\n";
    sandbox.program.write(lines).await;
    line_with(&mut sandbox, "error: a quotation mark is not closed").await;
    line_with(&mut sandbox, "error: there is no command `triger`").await;
    line_with(&mut sandbox, "quit").await;
    let ended = sandbox.interrupt().await.end_without_input().await;
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(ended.last_line(), "0 accepted, 0 open, 0 lost, 0 not sent");
}

/// The lines of README.md behind its sandbox. Only curl's configuration is the test's.
#[tokio::test]
async fn readme_lines() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let command = "--example sandbox -- --speed 60 --create \
                   http://127.0.0.1:8080/webhooks/nylas --secret try-me\n```\n\n```sh\n";
    let lines = readme.split_once(command).expect("it is there").1;
    let lines = lines.split_once("```").expect("they end").0;
    assert_eq!(lines.lines().count(), 5);

    let receiver = Server::start("minimal", &[(SECRET_VARIABLE, "try-me")]).await;
    let url = format!("http://{}/webhooks/nylas", receiver.address);
    let mut arguments = vec!["--listen", "127.0.0.1:0", "--speed", "60"];
    arguments.extend(["--create", &url, "--secret", "try-me"]);
    let mut sandbox = Server::start_with("sandbox", &arguments, &[]).await;
    line_with(&mut sandbox, "NYLAS_WEBHOOK_SECRET=try-me").await;
    let home = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("sandbox_readme_lines");
    std::fs::create_dir_all(&home).unwrap();
    let to = format!("connect-to = \"127.0.0.1:8090:{}\"\n", sandbox.address);
    std::fs::write(home.join(".curlrc"), to + "noproxy = \"*\"\nfail\n").unwrap();
    let home = home.into_os_string().into_string().unwrap();
    let lines = lines.replace('\n', "; echo\n");
    let arguments = ["-euo", "pipefail", "-c", &lines];
    let ended = Program::start("bash", &arguments, &[("CURL_HOME", &home)])
        .end()
        .await;
    assert!(ended.status.success(), "{ended:?}");
    let answers = ended.stdout.iter().filter(|line| !line.is_empty());
    let answers: Vec<Value> = answers
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    // The minute was over before the first repetition.
    let all = json!(
        {"notifications": 4, "accepted": 4, "open": 0, "lost": 0, "not_sent": 0, "forgotten": 0,
            "failed_runs": 0});
    assert_eq!(answers[3]["data"], all, "{answers:?}");
    let last = &answers[4]["data"]["notifications"][0];
    let statuses = [
        &last["attempts"][0]["status"],
        &last["attempts"][1]["status"],
    ];
    assert_eq!(statuses, [&json!(502), &json!(200)]);
}

/// On a terminal of `script`: the table stands at the top, and the lines scroll below it.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn on_a_terminal() {
    let receiver = Server::start("minimal", &[(SECRET_VARIABLE, SECRET)]).await;
    let url = format!("http://{}{PATH}", receiver.address);
    let program = example_path("sandbox");
    let command = format!(
        "'{}' --listen 127.0.0.1:0 --create {url} --secret {SECRET}",
        program.display()
    );
    let arguments = ["--quiet", "--return", "--command", &command, "/dev/null"];
    let mut terminal = Program::start("script", &arguments, &[]);
    let wait_for = async |terminal: &mut Program, text: &str| {
        loop {
            let line = terminal.next_line().await;
            if line.contains(text) {
                break line;
            }
        }
    };
    wait_for(&mut terminal, "NYLAS_WEBHOOK_SECRET=").await;
    terminal.write("trigger message.created\n").await;
    let totals = "× time  1 accepted, 0 open, 0 lost, 0 not sent  0 faults\u{1b}[K";
    let line = wait_for(&mut terminal, totals).await;
    assert!(
        line.contains("\u{1b}[1;1HNylas on http://127.0.0.1:"),
        "{line:?}"
    );
    wait_for(&mut terminal, "time          trigger  ").await;
    let row = wait_for(&mut terminal, "  message.created  ").await;
    assert!(row.contains(": 200 OK after "), "{row:?}");
    terminal.write("quit\n").await;
    let ended = terminal.end_without_input().await;
    assert!(ended.status.success(), "{ended:?}");
    // The whole terminal scrolls again.
    assert!(
        ended.stdout.iter().any(|line| line.contains("\u{1b}[r")),
        "{ended:?}"
    );
    assert!(
        ended
            .last_line()
            .contains("1 accepted, 0 open, 0 lost, 0 not sent"),
        "{ended:?}"
    );
}

/// Sends JSON, and returns the status and the JSON of the answer.
async fn post(server: &Server, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, Value) {
    let length = body.len().to_string();
    let headers = [headers, &[("content-length", &*length)]].concat();
    let request = head("POST", path, &headers) + body;
    let answer = send(server.address, request.as_bytes()).await;
    let json = serde_json::from_str(answer.text());
    (answer.status.as_u16(), json.unwrap_or_default())
}

/// Waits until it prints such a line.
async fn line_with(server: &mut Server, text: &str) -> String {
    loop {
        let line = server.program.next_line().await;
        if line.contains(text) {
            break line;
        }
    }
}
