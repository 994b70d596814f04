//! What is there.

use serde_json::Value;

use crate::{
    client::{Client, Failure},
    options::Filter,
    table::{print, printable},
};

/// A text or a number of an answer; a dash for none.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn print_json(value: &Value) {
    println!("{value:#}");
}

pub(crate) async fn stats(client: &Client, json: bool) -> Result<bool, Failure> {
    let overview = client.get(&[]).await?;
    if json {
        print_json(&overview);
        return Ok(true);
    }
    if let Value::Object(inbox) = &overview["inbox"] {
        let rows: Vec<_> = inbox
            .iter()
            .map(|(name, value)| vec![name.clone(), text(value)])
            .collect();
        print(&["inbox", "entries"], &rows);
    }
    if let Some(why) = overview["inbox_failed"].as_str() {
        println!("the inbox does not answer: {}", printable(why));
    }
    if overview["is_paused"] == true {
        println!("workers are paused");
    }
    let groups = overview["dead"].as_array().map_or(&[][..], Vec::as_slice);
    if !groups.is_empty() {
        println!();
        let rows: Vec<_> = groups
            .iter()
            .map(|group| {
                ["trigger", "cause", "count", "why"]
                    .map(|name| text(&group[name]))
                    .to_vec()
            })
            .collect();
        print(&["dead", "cause", "entries", "last reason"], &rows);
    }
    if let Some(level) = overview["health"]["level"].as_str() {
        println!("\nhealth: {level}");
        let of_each = overview["health"]["destinations"]
            .as_array()
            .into_iter()
            .flatten();
        for one in of_each.chain([&overview["health"]]) {
            for finding in one["findings"].as_array().into_iter().flatten() {
                let label = one["destination"].as_str().unwrap_or("");
                println!(
                    "  {} {}",
                    printable(label),
                    printable(&text(&finding["text"]))
                );
            }
        }
    }
    Ok(true)
}

pub(crate) fn print_entries(entries: &[Value]) {
    let rows: Vec<_> = entries
        .iter()
        .map(|entry| {
            let state = match entry["cause"].as_str() {
                Some(cause) => format!("{} {cause}", text(&entry["state"])),
                None => text(&entry["state"]),
            };
            let get = |name: &str| text(&entry[name]);
            vec![
                get("key"),
                state,
                get("trigger"),
                get("grant_id"),
                get("received_at"),
                get("why"),
            ]
        })
        .collect();
    print(
        &["key", "state", "trigger", "grant", "received", "why"],
        &rows,
    );
}

pub(crate) async fn list(
    client: &Client,
    json: bool,
    filter: &Filter,
    max: usize,
) -> Result<bool, Failure> {
    let mut parameters = vec![("page", "inbox".to_owned())];
    parameters.extend(filter.fields());
    let mut page = client.get(&parameters).await?;
    let mut entries = Vec::new();
    loop {
        if let Some(found) = page["entries"].as_array() {
            entries.extend(found.iter().take(max - entries.len()).cloned());
        }
        match page["next"].as_str() {
            Some(next) if entries.len() < max => page = client.follow(next).await?,
            next => {
                let has_more = next.is_some();
                if json {
                    print_json(&Value::Array(entries));
                } else {
                    print_entries(&entries);
                    if has_more {
                        eprintln!("there are more: see --max");
                    }
                }
                return Ok(true);
            }
        }
    }
}

pub(crate) async fn entry(client: &Client, json: bool, what: &str) -> Result<bool, Failure> {
    let found = client
        .get(&[("page", "find".to_owned()), ("q", what.to_owned())])
        .await?;
    if json {
        print_json(&found);
        return Ok(true);
    }
    if let Value::Object(entry) = &found["entry"] {
        for (name, value) in entry {
            println!("{name:<16} {}", printable(&text(value)));
        }
        if let Some(advice) = found["advice"].as_str() {
            println!("{:<16} {advice}", "advice");
        }
        let events = found["timeline"].as_array().map_or(&[][..], Vec::as_slice);
        let rows: Vec<_> = events
            .iter()
            .map(|event| {
                ["at", "what", "why"]
                    .map(|name| text(&event[name]))
                    .to_vec()
            })
            .collect();
        println!();
        print(&["timeline", "what", "why"], &rows);
        if let Some(body) = found["body"]["text"].as_str() {
            println!();
            for line in body.lines() {
                println!("{}", printable(line));
            }
        }
    }
    let deliveries = found["deliveries"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    if !deliveries.is_empty() {
        println!();
        let rows: Vec<_> = deliveries
            .iter()
            .map(|one| {
                ["at", "kind", "status", "attempt", "text"]
                    .map(|name| text(&one[name]))
                    .to_vec()
            })
            .collect();
        print(
            &["delivery", "kind", "status", "attempt", "what became of it"],
            &rows,
        );
    }
    let is_found = found["entry"].is_object() || !deliveries.is_empty();
    if !is_found {
        eprintln!("inbox: nothing was found for {}", printable(what));
    }
    Ok(is_found)
}
