//! What cannot be opened gets one clear error, and stays as it is.

use std::time::Duration;

use tower_nylas::inbox::{AppendError, Browse, Inbox};
use tower_nylas_kit::inbox::{entry, servers::free_port};
use tower_nylas_nats::{
    OpenError, Warning,
    async_nats::{
        self,
        jetstream::{
            consumer::{self, FromConsumer, PullConsumer, pull},
            stream,
        },
    },
};

use crate::server::{builder, named, shared};

fn name(what: &str) -> String {
    format!("{what}_{}", std::process::id())
}

/// As replicas that a deployment starts.
pub(crate) async fn ten_replicas_at_once() {
    let (url, name) = (shared().await, name("replicas"));
    let opening = (0..10).map(|_| {
        let (url, builder) = (url.clone(), named(&name));
        tokio::spawn(async move { builder.open(&url).await })
    });
    let opening: Vec<_> = opening.collect();
    for (number, opening) in opening.into_iter().enumerate() {
        let inbox = opening.await.unwrap().unwrap();
        inbox.append(entry(&format!("n-{number}"))).await.unwrap();
        assert_eq!(inbox.stats().await.unwrap().ready, number as u64 + 1);
        inbox.close().await;
    }
}

pub(crate) async fn another_configuration_is_named() {
    let (url, name) = (shared().await, name("settings"));
    named(&name).open(&url).await.unwrap().close().await;
    let minute = Duration::from_secs(60);
    for (builder, setting, of) in [
        (
            named(&name).lease(minute),
            "ack_wait",
            "the consumer workers",
        ),
        (
            named(&name).window(minute),
            "duplicate_window",
            "the stream",
        ),
        (named(&name).max_bytes(1 << 20), "max_bytes", "the stream"),
        (named(&name).keep_dead(minute), "max_age", "the stream"),
        (named(&name).replicas(3), "num_replicas", "the stream"),
    ] {
        let error = builder.open(&url).await.unwrap_err();
        let text = error.to_string();
        assert!(
            text.starts_with(&format!("the setting {setting} of {of}")),
            "{text}"
        );
        assert!(matches!(error, OpenError::Setting { .. }), "{error:?}");
    }
    // As somebody has changed it.
    let context = async_nats::jetstream::new(async_nats::connect(&url).await.unwrap());
    let stream = context.get_stream(&name).await.unwrap();
    let mut config = stream.cached_info().config.clone();
    config.discard = stream::DiscardPolicy::Old;
    context.update_stream(config).await.unwrap();
    let error = named(&name).open(&url).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("the setting discard of the stream {name} is Old, and has to be New")
    );
}

type Change = fn(&mut pull::Config);

/// With any of them, a consumer or a stream would do something else than it has to.
pub(crate) async fn other_settings_are_named_as_well() {
    let (url, name) = (shared().await, name("more"));
    named(&name).open(&url).await.unwrap().close().await;
    let context = async_nats::jetstream::new(async_nats::connect(&url).await.unwrap());
    let stream = context.get_stream(&name).await.unwrap();
    let consumer: PullConsumer = stream.get_consumer("workers").await.unwrap();
    let good = consumer.cached_info().config.clone();
    let good = pull::Config::try_from_consumer_config(good).unwrap();
    let changes: [(&str, Change); 6] = [
        ("inactive_threshold", |config| {
            config.inactive_threshold = Duration::from_secs(3600);
        }),
        ("max_batch", |config| config.max_batch = 5),
        ("max_bytes", |config| config.max_bytes = 5),
        ("max_expires", |config| {
            config.max_expires = Duration::from_secs(1);
        }),
        ("mem_storage", |config| config.memory_storage = true),
        ("replay_policy", |config| {
            config.replay_policy = consumer::ReplayPolicy::Original;
        }),
    ];
    for (setting, change) in changes {
        stream.delete_consumer("workers").await.unwrap();
        let mut config = good.clone();
        change(&mut config);
        stream.create_consumer(config).await.unwrap();
        let text = named(&name).open(&url).await.unwrap_err().to_string();
        let start = format!("the setting {setting} of the consumer workers");
        assert!(text.starts_with(&start), "{text}");
    }
    let mut config = stream.cached_info().config.clone();
    config.max_message_size = 10;
    context.update_stream(config).await.unwrap();
    let text = named(&name).open(&url).await.unwrap_err().to_string();
    let start = format!("the setting max_msg_size of the stream {name}");
    assert!(text.starts_with(&start), "{text}");
}

/// What a server would take for its default, or for no limit.
pub(crate) async fn the_shortest_times_and_the_least_room() {
    let url = shared().await;
    let shortest = builder().window(Duration::ZERO).keep_dead(Duration::ZERO);
    shortest.open(&url).await.unwrap();
    let inbox = builder().max_bytes(0).open(&url).await.unwrap();
    let appended = inbox.append(entry("n-1")).await;
    let is_too_large = matches!(appended, Err(AppendError::TooLarge { .. }));
    assert!(is_too_large, "{appended:?}");
}

pub(crate) async fn a_stream_of_another_application() {
    let (url, name) = (shared().await, name("foreign_stream"));
    let context = async_nats::jetstream::new(async_nats::connect(&url).await.unwrap());
    let config = stream::Config {
        name: name.clone(),
        ..stream::Config::default()
    };
    context.create_stream(config).await.unwrap();
    let error = named(&name).open(&url).await.unwrap_err();
    assert!(matches!(error, OpenError::Foreign { .. }), "{error:?}");
    assert!(error.to_string().contains(&name), "{error}");
}

pub(crate) async fn a_stream_of_a_later_version() {
    let (url, name) = (shared().await, name("later"));
    named(&name).open(&url).await.unwrap().close().await;
    let context = async_nats::jetstream::new(async_nats::connect(&url).await.unwrap());
    let stream = context.get_stream(&name).await.unwrap();
    let mut config = stream.cached_info().config.clone();
    config.description = Some("tower-nylas-nats 99".to_owned());
    context.update_stream(config).await.unwrap();
    let error = named(&name).open(&url).await.unwrap_err();
    assert!(
        matches!(
            error,
            OpenError::Newer {
                found: 99,
                known: 1
            }
        ),
        "{error:?}"
    );
}

pub(crate) async fn what_is_not_asserted_is_told() {
    let url = shared().await;
    let client = async_nats::connect(&url).await.unwrap();
    let inbox = builder().open(&url).await.unwrap();
    for warning in [Warning::NotSynced, Warning::OneReplica] {
        assert!(
            inbox.warnings().contains(&warning),
            "{:?}",
            inbox.warnings()
        );
    }
    let asserted = builder().sync_always().open(&url).await.unwrap();
    assert!(!asserted.warnings().contains(&Warning::NotSynced));
    // Which versions are old, a test of the library says: what counts here is which one it is.
    let version = client.server_info().version;
    for warning in asserted.warnings() {
        if let Warning::OldServer { found } = warning {
            assert_eq!(*found, version);
        }
    }
    assert_eq!(inbox.warnings().len(), asserted.warnings().len() + 1);
}

pub(crate) async fn names_that_are_none() {
    let url = shared().await;
    for name in ["", "a.b", "a b", "a*", ">", "ä"] {
        let error = named(name).open(&url).await.unwrap_err();
        assert!(matches!(error, OpenError::Name(_)), "{error:?}");
    }
}

pub(crate) async fn nobody_who_answers() {
    let url = format!("nats://user:hunter2@127.0.0.1:{}", free_port());
    let error = builder().open(&url).await.unwrap_err();
    assert!(matches!(error, OpenError::Unreachable(_)), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("hunter2"));
    for url in [
        "nats://user:hunter2@",
        "nats://user:hunter2@:x",
        "hunter2 ://",
    ] {
        let error = builder().open(url).await.unwrap_err();
        assert!(matches!(error, OpenError::Unreachable(_)), "{error:?}");
        assert!(
            !format!("{error} {error:?}").contains("hunter2"),
            "{error:?}"
        );
    }
}
