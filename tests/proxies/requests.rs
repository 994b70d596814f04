//! Everything that Nylas sends, with a client that would take compressed answers.

use std::net::SocketAddr;

use libtest_mimic::Failed;
use tower_nylas_kit::{
    delivery::{UUID, notification, notification_of},
    wire::{Answer, Ask, Wire, send_over},
};

/// Sends each request, and compares the answer with `200` or with that of the exception.
pub(super) async fn check(address: SocketAddr, exceptions: &[(&str, &str)]) -> Result<(), Failed> {
    let long = "a".repeat(3000);
    let small = notification("message.created", "n-1");
    let readable = notification_of("message.created", "n-2", 1, 10_000);
    let large = notification_of("message.created", "n-3", 1, 3_500_000);
    let requests = [
        ("challenge", Ask::challenge(&format!("challenge={UUID}"))),
        (
            "long challenge",
            Ask::challenge(&format!("challenge={long}")),
        ),
        ("small", Ask::delivery(small.clone())),
        ("compressed", Ask::compressed(&readable)),
        ("chunked", Ask::delivery(small).chunked()),
        ("large", Ask::delivery(large)),
    ];
    let mut wrong = Vec::new();
    for (name, ask) in requests {
        let ask = ask.header("accept-encoding", "gzip");
        let answer = send_over(address, Wire::Http11, &ask).await;
        let expected = exceptions.iter().find(|(exception, _)| *exception == name);
        let expected = expected.map_or("200", |(_, answer)| answer);
        let outcome = outcome(&answer);
        if outcome != expected {
            wrong.push(format!("{name}: {outcome} instead of {expected}"));
        }
        let value = ask.target.split_once("challenge=").map(|(_, value)| value);
        let is_exact = answer.body == value.unwrap_or_default().as_bytes()
            && answer.header("content-length") == Some(&*answer.body.len().to_string());
        if expected == "200" && !is_exact {
            wrong.push(format!("{name}: {answer:?}"));
        }
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join("\n").into())
    }
}

/// The status, and the coding if it is one.
fn outcome(answer: &Answer) -> String {
    let status = answer.status.as_u16();
    match answer.header("content-encoding") {
        None | Some("identity") => status.to_string(),
        Some(coding) => format!("{status} {coding}"),
    }
}
