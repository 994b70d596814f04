//! The commands: typed, as the arguments of a second process, or as JSON over HTTP.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{form, span::Span};

/// Named and spelled as in `form.rs`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Command {
    Trigger(Trigger),
    Fault(NewFault),
    Faults {},
    Clear { number: Option<usize> },
    Create(NewWebhook),
    Destinations {},
    Rotate { destination: String },
    Pause { destination: String },
    Activate { destination: String },
    Delete { destination: String },
    Ledger { last: Option<usize> },
    Wait {},
    Help {},
    Quit {},
}

#[expect(clippy::struct_field_names, reason = "these are the names in JSON")]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trigger {
    pub(crate) trigger: String,
    pub(crate) to: Option<String>,
    #[serde(default)]
    pub(crate) set: Map<String, Value>,
    pub(crate) count: Option<u64>,
    /// In a second of the receivers' time.
    pub(crate) rate: Option<f64>,
    #[serde(default)]
    pub(crate) gzip: bool,
    #[serde(default)]
    pub(crate) duplicate: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewFault {
    pub(crate) fault: String,
    /// How slow, which status and so on.
    pub(crate) value: Option<Value>,
    pub(crate) to: Option<String>,
    /// In Nylas' time.
    pub(crate) r#for: Option<Span>,
    pub(crate) count: Option<u64>,
    pub(crate) probability: Option<f64>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewWebhook {
    pub(crate) url: String,
    /// Names and families; by default everything.
    pub(crate) triggers: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) gzip: bool,
    pub(crate) secret: Option<String>,
}

impl Command {
    /// `None` for a line with nothing in it.
    pub(crate) fn from_line(line: &str) -> Result<Option<Self>, String> {
        let words = shlex::split(line).ok_or("a quotation mark is not closed")?;
        let Some((name, rest)) = words.split_first() else {
            return Ok(None);
        };
        Self::from_words(name, rest).map(Some)
    }

    pub(crate) fn from_words(name: &str, words: &[String]) -> Result<Self, String> {
        let form = form::find(name)?;
        Self::from_fields(form.name, form.fields(words)?)
    }

    pub(crate) fn from_fields(name: &str, fields: Map<String, Value>) -> Result<Self, String> {
        let form = form::find(name)?;
        let mut command = Map::new();
        command.insert(form.name.to_owned(), fields.into());
        serde_json::from_value(command.into()).map_err(|why| format!("{name}: {why}"))
    }

    /// The name and the fields, as [`from_fields`](Self::from_fields) takes them.
    pub(crate) fn into_fields(self) -> (String, Value) {
        match json!(self) {
            Value::Object(command) => command.into_iter().next().unwrap_or_default(),
            _ => unreachable!("each has fields"),
        }
    }
}
