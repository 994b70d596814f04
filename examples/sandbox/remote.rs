//! One command to a sandbox that runs elsewhere.

use tower_nylas::BoxError;

use crate::{client::reqwest, command::Command, options::LISTEN, screen::printable};

/// Returns whether it was carried out.
pub(crate) async fn send(mut arguments: Vec<String>) -> Result<bool, BoxError> {
    let base = match arguments.iter().position(|it| it == "--at") {
        Some(at) if at + 1 < arguments.len() => {
            arguments.remove(at);
            arguments.remove(at)
        }
        Some(_) => return Err("--at needs the URL of a sandbox".into()),
        None => format!("http://{LISTEN}"),
    };
    let (name, words) = arguments.split_first().ok_or("there is no command")?;
    let (name, fields) = Command::from_words(name, words)?.into_fields();
    let url = format!("{}/sandbox/{name}", base.trim_end_matches('/'));
    let request = reqwest()?.post(&url).header("accept", "text/plain");
    let sent = request.body(fields.to_string()).send().await;
    let answer = sent.map_err(|why| format!("no sandbox answers at {base}: {why}"))?;
    let is_done = answer.status().is_success();
    let text = answer.text().await?;
    if is_done {
        println!("{}", printable(&text));
    } else {
        eprintln!("sandbox: {}", printable(&text));
    }
    Ok(is_done)
}
