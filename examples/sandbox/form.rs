//! How commands are spelled: one table for the parser and for `help`.

use std::fmt::Write;

use serde_json::{Map, Value};

/// The operands and options of one command.
pub(crate) struct Form {
    pub(crate) name: &'static str,
    operands: &'static [Operand],
    options: &'static [Flag],
    about: &'static str,
}

struct Operand {
    field: &'static str,
    is_required: bool,
    takes: Takes,
}

#[derive(Clone, Copy)]
pub(crate) struct Flag {
    pub(crate) name: &'static str,
    pub(crate) takes: Takes,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    Nothing,
    Text,
    Number,
    /// Separated by commas.
    List,
    /// `path=value`, again and again.
    Assignment,
}

const fn required(field: &'static str) -> Operand {
    Operand {
        field,
        is_required: true,
        takes: Takes::Text,
    }
}

const fn optional(field: &'static str, takes: Takes) -> Operand {
    Operand {
        field,
        is_required: false,
        takes,
    }
}

const fn flag(name: &'static str, takes: Takes) -> Flag {
    Flag { name, takes }
}

pub(crate) const CREATE: &[Flag] = &[
    flag("--triggers", Takes::List),
    flag("--gzip", Takes::Nothing),
    flag("--secret", Takes::Text),
];

pub(crate) const FORMS: &[Form] = &[
    Form {
        name: "trigger",
        operands: &[required("trigger")],
        options: &[
            flag("--to", Takes::Text),
            flag("--set", Takes::Assignment),
            flag("--count", Takes::Number),
            flag("--rate", Takes::Number),
            flag("--gzip", Takes::Nothing),
            flag("--duplicate", Takes::Nothing),
        ],
        about: "something happens, and those that are subscribed are notified: all, or the one of \
                this URL or id; so many times, so many a second; reported twice by the provider",
    },
    Form {
        name: "fault",
        operands: &[required("fault"), optional("value", Takes::Text)],
        options: &[
            flag("--to", Takes::Text),
            flag("--for", Takes::Text),
            flag("--count", Takes::Number),
            flag("--probability", Takes::Number),
        ],
        about: "something goes wrong, for a time of Nylas or so many attempts: slow TIME, reset \
                (with a TIME: after the request), lost (the answer), signature, proxy STATUS, \
                twice, late TIME (up to that, so that notifications overtake each other)",
    },
    Form {
        name: "faults",
        operands: &[],
        options: &[],
        about: "what goes wrong",
    },
    Form {
        name: "clear",
        operands: &[optional("number", Takes::Number)],
        options: &[],
        about: "ends the fault of this number, or all",
    },
    Form {
        name: "create",
        operands: &[required("url")],
        options: CREATE,
        about: "creates a destination, by default for all triggers, and prints its secret",
    },
    Form {
        name: "destinations",
        operands: &[],
        options: &[],
        about: "lists them",
    },
    Form {
        name: "rotate",
        operands: &[required("destination")],
        options: &[],
        about: "issues another secret for the destination of this URL or id",
    },
    Form {
        name: "pause",
        operands: &[required("destination")],
        options: &[],
        about: "sends nothing there, and nothing of it later",
    },
    Form {
        name: "activate",
        operands: &[required("destination")],
        options: &[],
        about: "sends there again, after a challenge",
    },
    Form {
        name: "delete",
        operands: &[required("destination")],
        options: &[],
        about: "deletes the destination",
    },
    Form {
        name: "ledger",
        operands: &[optional("last", Takes::Number)],
        options: &[],
        about: "the last notifications, by default 20, with every attempt",
    },
    Form {
        name: "wait",
        operands: &[],
        options: &[],
        about: "waits until everything is accepted or given up",
    },
    Form {
        name: "help",
        operands: &[],
        options: &[],
        about: "lists the commands",
    },
    Form {
        name: "quit",
        operands: &[],
        options: &[],
        about: "ends the sandbox",
    },
];

/// The form of a command.
pub(crate) fn find(name: &str) -> Result<&'static Form, String> {
    let found = FORMS.iter().find(|form| form.name == name);
    let names = FORMS.iter().map(|form| form.name);
    found.ok_or_else(|| format!("there is no command `{name}`{}", nearest(name, names)))
}

pub(crate) fn help() -> String {
    let mut text = String::new();
    for form in FORMS {
        let _ = writeln!(text, "{}\n    {}", form.usage(), form.about);
    }
    text.truncate(text.trim_end().len());
    text
}

/// The nearest of these words, as the end of a sentence about one that is none of them.
pub(crate) fn nearest<'a>(word: &str, words: impl IntoIterator<Item = &'a str>) -> String {
    let alike = |other: &str| strsim::jaro_winkler(word, other);
    let words = words.into_iter();
    match words.max_by(|a, b| alike(a).total_cmp(&alike(b))) {
        Some(nearest) => format!("; the nearest is `{nearest}`"),
        None => String::new(),
    }
}

impl Form {
    fn usage(&self) -> String {
        let mut usage = self.name.to_owned();
        for operand in self.operands {
            let name = operand.field.to_uppercase();
            let _ = if operand.is_required {
                write!(usage, " {name}")
            } else {
                write!(usage, " [{name}]")
            };
        }
        for Flag { name, takes } in self.options {
            let _ = match takes {
                Takes::Nothing => write!(usage, " [{name}]"),
                Takes::Text => write!(usage, " [{name} {}]", name[2..].to_uppercase()),
                Takes::Number => write!(usage, " [{name} N]"),
                Takes::List => write!(usage, " [{name} A,B]"),
                Takes::Assignment => write!(usage, " [{name} PATH=VALUE]…"),
            };
        }
        usage
    }

    /// The fields of a command from the words behind its name.
    pub(crate) fn fields(&self, words: &[String]) -> Result<Map<String, Value>, String> {
        let of_command = |why: String| format!("{}: {why}", self.name);
        let (operands, mut fields) = flags(self.options, words).map_err(of_command)?;
        let mut operands = operands.into_iter();
        for Operand {
            field,
            is_required,
            takes,
        } in self.operands
        {
            match operands.next() {
                Some(word) => {
                    fields.insert((*field).to_owned(), takes.read(field, word)?);
                }
                None if *is_required => {
                    let missing = field.to_uppercase();
                    return Err(format!("{missing} is missing: {}", self.usage()));
                }
                None => {}
            }
        }
        match operands.next() {
            Some(more) => Err(format!("{more:?} is too much: {}", self.usage())),
            None => Ok(fields),
        }
    }
}

/// The operands among these words, and the fields that the options stand for.
pub(crate) fn flags<'a>(
    known: &[Flag],
    words: &'a [String],
) -> Result<(Vec<&'a str>, Map<String, Value>), String> {
    let (mut operands, mut fields) = (Vec::new(), Map::new());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if !word.starts_with("--") {
            operands.push(word.as_str());
            continue;
        }
        let (name, joined) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word.as_str(), None),
        };
        let names = known.iter().map(|flag| flag.name);
        let flag = known.iter().find(|flag| flag.name == name);
        let flag = flag.ok_or_else(|| format!("no option `{name}`{}", nearest(name, names)))?;
        let field = name[2..].to_owned();
        if flag.takes == Takes::Nothing {
            if joined.is_some() {
                return Err(format!("{name} takes no value"));
            }
            fields.insert(field, true.into());
            continue;
        }
        let value = joined.or_else(|| words.next().map(String::as_str));
        let value = value.ok_or_else(|| format!("{name} needs a value"))?;
        let value = flag.takes.read(name, value)?;
        match (fields.get_mut(&field), value) {
            (Some(Value::Object(old)), Value::Object(new)) => old.extend(new),
            (Some(_), _) => return Err(format!("{name} is there twice")),
            (None, value) => drop(fields.insert(field, value)),
        }
    }
    Ok((operands, fields))
}

impl Takes {
    fn read(self, name: &str, text: &str) -> Result<Value, String> {
        match self {
            Self::Nothing | Self::Text => Ok(text.into()),
            Self::Number => match text.parse::<serde_json::Number>() {
                Ok(number) => Ok(number.into()),
                Err(_) => Err(format!("{name}: {text:?} is no number")),
            },
            Self::List => Ok(text.split(',').map(str::trim).collect()),
            Self::Assignment => match text.split_once('=') {
                Some((path, value)) => {
                    let read = serde_json::from_str(value).unwrap_or_else(|_| value.into());
                    Ok(Map::from_iter([(path.to_owned(), read)]).into())
                }
                None => Err(format!("{name}: {text:?} is not PATH=VALUE")),
            },
        }
    }
}
