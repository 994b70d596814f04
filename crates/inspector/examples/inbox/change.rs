//! What is changed.

use std::io::{BufRead, IsTerminal, Write};

use serde_json::{Value, json};

use crate::{
    client::{Client, Failure},
    options::{Change, Sure},
    show::print_entries,
    table::printable,
};

pub(crate) async fn change(
    client: &Client,
    json: bool,
    action: &str,
    change: &Change,
    reason: Option<&str>,
) -> Result<bool, Failure> {
    let mut selection: Vec<(&str, String)> = match &change.keys[..] {
        [] => change.filter.fields(),
        keys => keys.iter().map(|key| ("key", key.clone())).collect(),
    };
    let mut parameters = vec![("page", action.to_owned())];
    parameters.extend(selection.clone());
    let dry = client.get(&parameters).await?;
    let count = dry["count"].as_u64().unwrap_or(0);
    let has_more = dry["is_cut"] == true;
    if change.sure.dry_run {
        return Ok(print_dry(json, &dry));
    }
    if count == 0 {
        return Err(Failure::Refused(
            "nothing is selected that this could be done to".to_owned(),
        ));
    }
    let more = if has_more { " or more" } else { "" };
    if count > 1 || has_more {
        ask(&format!("{action} {count}{more} entries"), &change.sure)?;
    }
    let is_filter = change.keys.is_empty();
    if is_filter {
        // What dies from now on was not counted.
        set_before(&mut selection, &dry["before"]);
    }
    let (mut done, mut selected) = (0, 0);
    loop {
        let mut form = vec![("action", action.to_owned()), ("confirm", "1".to_owned())];
        form.extend(reason.map(|reason| ("reason", reason.to_owned())));
        form.extend(selection.clone());
        let part = client.post(&form).await?;
        done += part["done"].as_u64().unwrap_or(0);
        selected += part["selected"].as_u64().unwrap_or(0);
        if part["is_cut"] != true || !is_filter {
            break;
        }
        eprintln!("{action}: {done} so far");
        set_before(&mut selection, &part["next_before"]);
    }
    if json {
        println!(
            "{:#}",
            json!({ "action": action, "done": done, "selected": selected })
        );
    } else {
        println!("{action}: {done} of {selected}");
    }
    Ok(done == selected && done > 0)
}

fn set_before(selection: &mut Vec<(&str, String)>, before: &Value) {
    if let Some(before) = before.as_u64() {
        selection.retain(|(name, _)| *name != "before");
        selection.push(("before", before.to_string()));
    }
}

fn print_dry(json: bool, dry: &Value) -> bool {
    if json {
        println!("{dry:#}");
    } else {
        let more = if dry["is_cut"] == true {
            " or more"
        } else {
            ""
        };
        println!("{}{more} entries, of which the first are:", dry["count"]);
        print_entries(dry["entries"].as_array().map_or(&[][..], Vec::as_slice));
    }
    true
}

pub(crate) async fn purge(
    client: &Client,
    json: bool,
    grant: &str,
    sure: &Sure,
) -> Result<bool, Failure> {
    let grant_of = || ("grant", grant.to_owned());
    let dry = client
        .get(&[("page", "purge".to_owned()), grant_of()])
        .await?;
    if sure.dry_run {
        return Ok(print_dry(json, &dry));
    }
    if dry["count"].as_u64() != Some(0) {
        let more = if dry["is_cut"] == true {
            " or more"
        } else {
            ""
        };
        ask(
            &format!(
                "delete {}{more} entries of the grant {}",
                dry["count"],
                printable(grant)
            ),
            sure,
        )?;
    }
    let form = [
        ("action", "purge".to_owned()),
        ("confirm", "1".to_owned()),
        grant_of(),
    ];
    let done = client.post(&form).await?;
    if json {
        println!("{done:#}");
    } else {
        println!("purge: {}", done["done"]);
    }
    Ok(true)
}

pub(crate) async fn switch(client: &Client, json: bool, action: &str) -> Result<bool, Failure> {
    let done = client.post(&[("action", action.to_owned())]).await?;
    if json {
        println!("{done:#}");
    } else {
        println!("{action}d");
    }
    Ok(true)
}

/// Asks on the terminal.
fn ask(what: &str, sure: &Sure) -> Result<(), Failure> {
    if sure.yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        let why = format!("to {what} needs --yes, since there is no terminal to ask on");
        return Err(Failure::Refused(why));
    }
    eprint!("{what}? [y/N] ");
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    if read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(Failure::Refused("nothing was done".to_owned()))
}
