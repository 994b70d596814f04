//! What is changed.

use std::io::{BufRead, IsTerminal, Write};

use serde_json::{Value, json};

use crate::{
    client::{Client, Failure},
    options::{Change, Sure},
    show::print_entries,
    table::printable,
};

/// How many keys go into one request: a URL may not be much longer.
const KEYS_OF_REQUEST: usize = 500;

/// How many entries are counted, and then changed, at most.
const MOST_COUNTED: usize = 100_000;

/// What would be changed, by the keys of the entries.
#[derive(Default)]
struct Counted {
    /// In parts of which each is no more than one action changes.
    parts: Vec<Vec<String>>,
    first: Vec<Value>,
    was: Option<String>,
    has_more: bool,
}

impl Counted {
    fn count(&self) -> usize {
        self.parts.iter().map(Vec::len).sum()
    }

    fn add(&mut self, dry: &Value) {
        let texts = dry["keys"].as_array().into_iter().flatten();
        let keys: Vec<_> = texts
            .filter_map(|key| Some(key.as_str()?.to_owned()))
            .collect();
        if self.first.is_empty() {
            self.first = dry["entries"].as_array().cloned().unwrap_or_default();
        }
        self.was = dry["was"].as_str().map(str::to_owned);
        self.parts.extend((!keys.is_empty()).then_some(keys));
    }
}

/// Asks for the dry run, part by part.
async fn count(client: &Client, action: &str, change: &Change) -> Result<Counted, Failure> {
    let mut counted = Counted::default();
    let page = || ("page", action.to_owned());
    if !change.keys.is_empty() {
        for keys in change.keys.chunks(KEYS_OF_REQUEST) {
            let mut parameters = vec![page()];
            parameters.extend(keys.iter().map(|key| ("key", key.clone())));
            // Beside keys, the state is the one that they are in.
            parameters.extend(change.filter.fields().into_iter().map(|(name, value)| {
                let name = if name == "state" { "was" } else { name };
                (name, value)
            }));
            let dry = client.get(&parameters).await?;
            counted.has_more |= dry["is_cut"] == true;
            counted.add(&dry);
        }
        return Ok(counted);
    }
    let mut before = None;
    loop {
        let mut parameters = vec![page()];
        parameters.extend(change.filter.fields());
        parameters.extend(before.map(|before: u64| ("before", before.to_string())));
        let dry = client.get(&parameters).await?;
        counted.add(&dry);
        before = dry["next_before"].as_u64();
        counted.has_more = dry["is_cut"] == true;
        if before.is_none() || counted.count() >= MOST_COUNTED {
            return Ok(counted);
        }
    }
}

pub(crate) async fn change(
    client: &Client,
    json: bool,
    action: &str,
    change: &Change,
    reason: Option<&str>,
) -> Result<bool, Failure> {
    let counted = count(client, action, change).await?;
    let count = counted.count();
    if change.sure.dry_run {
        let entries = &counted.first;
        let dry = json!({ "count": count, "is_cut": counted.has_more, "entries": entries });
        return Ok(print_dry(json, &dry));
    }
    if count == 0 {
        return Err(Failure::Refused(
            "nothing is selected that this could be done to".to_owned(),
        ));
    }
    if count > 1 || counted.was.as_deref() == Some("done") {
        ask(&format!("{action} {count} entries"), &change.sure)?;
    }
    // Exactly what was counted: what has died since is not among the keys.
    let (mut done, mut selected) = (0, 0);
    for (place, keys) in counted.parts.iter().enumerate() {
        if place > 0 {
            eprintln!("{action}: {done} so far");
        }
        let mut form = vec![("action", action.to_owned()), ("confirm", "1".to_owned())];
        form.extend(reason.map(|reason| ("reason", reason.to_owned())));
        form.extend(counted.was.iter().map(|was| ("was", was.clone())));
        form.extend(keys.iter().map(|key| ("key", key.clone())));
        let part = client.post(&form).await?;
        done += part["done"].as_u64().unwrap_or(0);
        selected += keys.len() as u64;
    }
    if json {
        println!(
            "{:#}",
            json!({ "action": action, "done": done, "selected": selected })
        );
    } else {
        println!("{action}: {done} of {selected}");
    }
    if counted.has_more {
        eprintln!("there are more: do it again");
    }
    Ok(done == selected && done > 0 && !counted.has_more)
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
    if done["left"].as_u64() > Some(0) {
        eprintln!(
            "{} or more are left, which are being handled: do it again later",
            done["left"]
        );
        return Ok(false);
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
