//! The options of the sandbox itself.

use std::{
    hash::{BuildHasher, RandomState},
    time::SystemTime,
};

use serde::Deserialize;
use tower_nylas::testing::nylas::Simulator;

use crate::{
    command::NewWebhook,
    form::{CREATE, Flag, Takes, flags},
};

pub(crate) const USAGE: &str = "[--listen ADDRESS] [--create URL [--triggers A,B] [--gzip] \
     [--secret SECRET]] [--speed N] [--seed N] [--api-key KEY]\n       \
     sandbox COMMAND … [--at http://ADDRESS]";

pub(crate) const LISTEN: &str = "127.0.0.1:8090";

pub(crate) struct Options {
    pub(crate) listen: String,
    pub(crate) speed: u32,
    pub(crate) seed: u64,
    pub(crate) api_key: String,
    pub(crate) create: Option<NewWebhook>,
}

const OWN: [Flag; 5] = [
    Flag {
        name: "--listen",
        takes: Takes::Text,
    },
    Flag {
        name: "--create",
        takes: Takes::Text,
    },
    Flag {
        name: "--speed",
        takes: Takes::Number,
    },
    Flag {
        name: "--seed",
        takes: Takes::Number,
    },
    Flag {
        name: "--api-key",
        takes: Takes::Text,
    },
];

#[derive(Deserialize)]
struct Read {
    listen: Option<String>,
    create: Option<String>,
    speed: Option<u32>,
    seed: Option<u64>,
    #[serde(rename = "api-key")]
    api_key: Option<String>,
    triggers: Option<Vec<String>>,
    #[serde(default)]
    gzip: bool,
    secret: Option<String>,
}

impl Options {
    pub(crate) fn parse(arguments: &[String]) -> Result<Self, String> {
        let known: Vec<Flag> = OWN.into_iter().chain(CREATE.iter().copied()).collect();
        let (operands, fields) = flags(&known, arguments)?;
        if let Some(operand) = operands.first() {
            return Err(format!("{operand:?} belongs to no option: {USAGE}"));
        }
        let read: Read = serde_json::from_value(fields.into()).map_err(|why| why.to_string())?;
        let create = match read.create {
            Some(url) => Some(NewWebhook {
                url,
                triggers: read.triggers,
                gzip: read.gzip,
                secret: read.secret,
            }),
            None if read.triggers.is_some() || read.gzip || read.secret.is_some() => {
                return Err("--triggers, --gzip and --secret belong to --create URL".to_owned());
            }
            None => None,
        };
        let speed = read.speed.unwrap_or(1);
        if speed == 0 {
            return Err("--speed: time passes at least once as fast".to_owned());
        }
        Ok(Self {
            listen: read.listen.unwrap_or_else(|| LISTEN.to_owned()),
            speed,
            // With the ids of an earlier run, an application would take everything for repetitions.
            seed: read
                .seed
                .unwrap_or_else(|| RandomState::new().hash_one(SystemTime::now())),
            api_key: read
                .api_key
                .unwrap_or_else(|| Simulator::API_KEY.to_owned()),
            create,
        })
    }
}
