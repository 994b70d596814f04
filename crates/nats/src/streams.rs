//! The streams and the consumer: what they have to be like, and whether they are.

use std::{
    fmt::{Debug, Display},
    time::Duration,
};

use async_nats::jetstream::{
    Context,
    consumer::{AckPolicy, DeliverPolicy, PullConsumer, pull},
    stream::{self, DiscardPolicy, PersistenceMode, RetentionPolicy, StorageType, Stream},
};

use crate::{error::OpenError, open::Options};

/// In the description of each stream, before the version.
const APPLICATION: &str = "tower-nylas-nats ";
const VERSION: u32 = 1;

const CONSUMER: &str = "workers";

/// How many entries can be claimed or put off at a time. Those that were put off count, so with too
/// low a number nothing new would be handled while many wait.
const MOST_PENDING: i64 = 1_000_000;

/// What the other streams take.
const DEAD_BYTES: u64 = 1 << 30;
const TRIES_BYTES: u64 = 256 << 20;

/// For how long the failures of an entry are known that does not come again, as it does each time
/// before that is over.
const TRIES_AGE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The names of the streams and of their subjects.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    base: String,
}

impl Names {
    pub(crate) fn new(base: &str) -> Result<Self, OpenError> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if base.is_empty() || base.len() > 100 || !base.bytes().all(is_allowed) {
            return Err(OpenError::Name(base.to_owned()));
        }
        Ok(Self {
            base: base.to_owned(),
        })
    }

    pub(crate) fn entries(&self) -> String {
        format!("{}.entries", self.base)
    }

    /// Of the entry at this place.
    pub(crate) fn tries(&self, position: impl Display) -> String {
        format!("{}.tries.{position}", self.base)
    }

    /// Of a key.
    pub(crate) fn dead(&self, key: impl Display) -> String {
        format!("{}.dead.{key}", self.base)
    }
}

pub(crate) struct Streams {
    pub(crate) entries: Stream,
    pub(crate) tries: Stream,
    pub(crate) dead: Stream,
    pub(crate) consumer: PullConsumer,
}

/// Creates what is missing, and compares what is there.
pub(crate) async fn prepare(
    context: &Context,
    names: &Names,
    options: &Options,
) -> Result<Streams, OpenError> {
    let [entries, tries, dead] = configs(names, options);
    let entries = open(context, entries).await?;
    Ok(Streams {
        tries: open(context, tries).await?,
        dead: open(context, dead).await?,
        consumer: consume(&entries, options).await?,
        entries,
    })
}

fn configs(names: &Names, options: &Options) -> [stream::Config; 3] {
    let settings = &options.settings;
    let as_limit = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    let common = stream::Config {
        description: Some(format!("{APPLICATION}{VERSION}")),
        storage: StorageType::File,
        num_replicas: options.replicas,
        max_messages: -1,
        max_consumers: -1,
        ..stream::Config::default()
    };
    [
        stream::Config {
            name: names.base.clone(),
            subjects: vec![names.entries()],
            retention: RetentionPolicy::WorkQueue,
            discard: DiscardPolicy::New,
            max_messages_per_subject: -1,
            max_bytes: as_limit(settings.max_bytes),
            duplicate_window: settings.window,
            ..common.clone()
        },
        stream::Config {
            name: format!("{}_tries", names.base),
            subjects: vec![names.tries('*')],
            discard: DiscardPolicy::Old,
            max_messages_per_subject: 1,
            max_bytes: as_limit(settings.max_bytes.min(TRIES_BYTES)),
            max_age: TRIES_AGE,
            duplicate_window: Duration::from_millis(100),
            ..common.clone()
        },
        stream::Config {
            name: format!("{}_dead", names.base),
            subjects: vec![names.dead('*')],
            discard: DiscardPolicy::Old,
            max_messages_per_subject: 1,
            max_bytes: as_limit(settings.max_bytes.min(DEAD_BYTES)),
            max_age: settings.keep_dead_for,
            duplicate_window: Duration::from_secs(120).min(settings.keep_dead_for),
            ..common
        },
    ]
}

async fn open(context: &Context, wanted: stream::Config) -> Result<Stream, OpenError> {
    let opened = context.get_or_create_stream(wanted.clone()).await;
    let stream = opened.map_err(|why| OpenError::Other(why.into()))?;
    compare(&wanted, &stream.cached_info().config)?;
    Ok(stream)
}

fn compare(wanted: &stream::Config, found: &stream::Config) -> Result<(), OpenError> {
    let foreign = || OpenError::Foreign {
        stream: wanted.name.clone(),
    };
    let description = found.description.as_deref().unwrap_or_default();
    let version = description.strip_prefix(APPLICATION).ok_or_else(foreign)?;
    match version.parse() {
        Ok(VERSION) => {}
        Ok(found @ 1..) => {
            return Err(OpenError::Newer {
                found,
                known: VERSION,
            });
        }
        _ => return Err(foreign()),
    }
    let of = format!("the stream {}", wanted.name);
    let (w, f) = (wanted, found);
    same(&of, "subjects", &w.subjects, &f.subjects)?;
    same(&of, "retention", &w.retention, &f.retention)?;
    same(&of, "discard", &w.discard, &f.discard)?;
    same(&of, "storage", &w.storage, &f.storage)?;
    same(&of, "num_replicas", &w.num_replicas, &f.num_replicas)?;
    same(&of, "max_bytes", &w.max_bytes, &f.max_bytes)?;
    same(&of, "max_age", &w.max_age, &f.max_age)?;
    same(&of, "max_msgs", &w.max_messages, &f.max_messages)?;
    let (wanted, found) = (w.max_messages_per_subject, f.max_messages_per_subject);
    same(&of, "max_msgs_per_subject", &wanted, &found)?;
    let (wanted, found) = (w.duplicate_window, f.duplicate_window);
    same(&of, "duplicate_window", &wanted, &found)?;
    for (name, found) in [
        ("no_ack", f.no_ack),
        ("sealed", f.sealed),
        ("deny_delete", f.deny_delete),
        ("discard_new_per_subject", f.discard_new_per_subject),
        ("mirror", f.mirror.is_some()),
        ("sources", f.sources.is_some()),
        // They would rename, show or refuse what is stored.
        ("subject_transform", f.subject_transform.is_some()),
        ("republish", f.republish.is_some()),
        ("max_msg_size", f.max_message_size > 0),
    ] {
        same(&of, name, &false, &found)?;
    }
    // Acknowledged before it is written.
    let mode = f.persist_mode.unwrap_or_default();
    same(&of, "persist_mode", &PersistenceMode::Default, &mode)
}

async fn consume(entries: &Stream, options: &Options) -> Result<PullConsumer, OpenError> {
    let wanted = pull::Config {
        durable_name: Some(CONSUMER.to_owned()),
        deliver_policy: DeliverPolicy::All,
        ack_policy: AckPolicy::Explicit,
        ack_wait: options.settings.lease,
        max_deliver: -1,
        max_ack_pending: MOST_PENDING,
        ..pull::Config::default()
    };
    let opened = entries.get_or_create_consumer(CONSUMER, wanted.clone());
    let consumer = opened.await.map_err(|why| OpenError::Other(why.into()))?;
    let found = &consumer.cached_info().config;
    let of = format!(
        "the consumer {CONSUMER} of {}",
        consumer.cached_info().stream_name
    );
    let (w, f) = (&wanted, found);
    same(&of, "ack_policy", &w.ack_policy, &f.ack_policy)?;
    same(&of, "ack_wait", &w.ack_wait, &f.ack_wait)?;
    same(&of, "max_deliver", &w.max_deliver, &f.max_deliver)?;
    let (most, found_most) = (w.max_ack_pending, f.max_ack_pending);
    same(&of, "max_ack_pending", &most, &found_most)?;
    let (policy, found_policy) = (w.deliver_policy, f.deliver_policy);
    same(&of, "deliver_policy", &policy, &found_policy)?;
    let (policy, found_policy) = (w.replay_policy, f.replay_policy);
    same(&of, "replay_policy", &policy, &found_policy)?;
    same(&of, "filter_subject", &w.filter_subject, &f.filter_subject)?;
    same(&of, "backoff", &w.backoff, &f.backoff)?;
    for (name, found) in [
        ("headers_only", f.headers_only),
        ("filter_subjects", !f.filter_subjects.is_empty()),
        ("inactive_threshold", !f.inactive_threshold.is_zero()),
        ("max_expires", !f.max_expires.is_zero()),
        ("max_batch", f.max_batch > 0),
        ("max_bytes", f.max_bytes > 0),
        ("mem_storage", f.memory_storage),
        ("priority_groups", !f.priority_groups.is_empty()),
        ("pause_until", f.pause_until.is_some()),
    ] {
        same(&of, name, &false, &found)?;
    }
    Ok(consumer)
}

fn same<T: Debug + PartialEq>(
    of: &str,
    name: &'static str,
    wanted: &T,
    found: &T,
) -> Result<(), OpenError> {
    if wanted == found {
        return Ok(());
    }
    Err(OpenError::Setting {
        of: of.to_owned(),
        name,
        wanted: format!("{wanted:?}"),
        found: format!("{found:?}"),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tower_nylas::{inbox::engine::Settings, time::SystemClock};

    use super::*;

    fn entries() -> stream::Config {
        let options = Options {
            name: "inbox".to_owned(),
            settings: Settings::default(),
            replicas: 3,
            sync_always: true,
            clock: Arc::new(SystemClock),
        };
        let [entries, _, _] = configs(&Names::new("inbox").unwrap(), &options);
        entries
    }

    /// As servers of 2.12 and later have it, with a stream that somebody else has created.
    #[test]
    fn a_stream_that_acknowledges_before_it_writes_is_refused() {
        let wanted = entries();
        for (mode, is_refused) in [
            (None, false),
            (Some(PersistenceMode::Default), false),
            (Some(PersistenceMode::Async), true),
        ] {
            let mut found = wanted.clone();
            found.persist_mode = mode;
            let compared = compare(&wanted, &found);
            assert_eq!(compared.is_err(), is_refused);
            if let Err(why) = compared {
                let text = "the setting persist_mode of the stream inbox is Async, and has to be \
                            Default";
                assert_eq!(why.to_string(), text);
            }
        }
    }

    #[test]
    fn what_is_handled_frees_its_space_and_a_full_stream_refuses() {
        let entries = entries();
        assert_eq!(entries.retention, RetentionPolicy::WorkQueue);
        assert_eq!(entries.discard, DiscardPolicy::New);
        assert_eq!(entries.num_replicas, 3);
    }
}
