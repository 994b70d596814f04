//! What a server can answer to an append, said by a stand-in for its stream: such answers come from
//! versions and moments that a test cannot have.

use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use tower_nylas::inbox::{AppendError, Appended, Inbox};
use tower_nylas_kit::inbox::entry;
use tower_nylas_nats::{
    NatsInbox,
    async_nats::{self, jetstream::stream},
};

use crate::server::{named, shared};

/// As a leader says it that has proposed the message and does not know what became of it: before
/// 2.11, and later.
const UNDER_WAY: [&str; 2] = [
    r#"{"stream":"NAME","seq":0,"duplicate":true}"#,
    r#"{"stream":"NAME","error":{"code":409,"err_code":10158,"description":"duplicate message id is in process"}}"#,
];
const STORED: &str = r#"{"stream":"NAME","seq":5}"#;

/// An inbox whose appends are answered by this function of the message id. Returns the ids as well.
async fn answered_by(
    what: &str,
    answer: impl Fn(&str) -> &'static str + Send + 'static,
) -> (NatsInbox, Arc<Mutex<Vec<String>>>) {
    let (url, name) = (shared().await, format!("{what}_{}", std::process::id()));
    let inbox = named(&name).open(&url).await.unwrap();
    let client = async_nats::connect(&url).await.unwrap();
    let context = async_nats::jetstream::new(client.clone());
    let mut config = context
        .get_stream(&name)
        .await
        .unwrap()
        .cached_info()
        .config
        .clone();
    config.subjects = vec![format!("{name}.elsewhere")];
    context.update_stream(config).await.unwrap();
    let mut appends = client.subscribe(format!("{name}.entries")).await.unwrap();
    // What is asked afterwards is answered afterwards: the server knows the subscription.
    context.get_stream(&name).await.unwrap();
    let ids = Arc::<Mutex<Vec<String>>>::default();
    let seen = ids.clone();
    tokio::spawn(async move {
        while let Some(message) = appends.next().await {
            let headers = message.headers.unwrap();
            let id = headers.get("Nats-Msg-Id").unwrap().as_str();
            seen.lock().unwrap().push(id.to_owned());
            let text = answer(id).replace("NAME", &name);
            client
                .publish(message.reply.unwrap(), text.into())
                .await
                .unwrap();
        }
    });
    (inbox, ids)
}

pub(crate) async fn what_is_under_way_for_long_is_stored_with_another_id() {
    for (number, under_way) in UNDER_WAY.into_iter().enumerate() {
        let (inbox, ids) = answered_by(&format!("staged{number}"), move |id| {
            if id.ends_with("#a") {
                STORED
            } else {
                under_way
            }
        })
        .await;
        let appended = inbox.append(entry("n-1")).await;
        assert_eq!(appended.unwrap(), Appended::New, "{under_way}");
        let ids = ids.lock().unwrap();
        let key = entry("n-1").key().to_string();
        let (last, earlier) = ids.split_last().unwrap();
        assert!(!earlier.is_empty() && earlier.iter().all(|id| *id == key));
        assert_eq!(*last, format!("{key}#a"));
    }
}

/// An acknowledged message is at some place.
pub(crate) async fn a_duplicate_of_what_is_not_stored_is_none() {
    for (number, under_way) in UNDER_WAY.into_iter().enumerate() {
        let (inbox, _) = answered_by(&format!("proposed{number}"), move |_| under_way).await;
        let appended = inbox.append(entry("n-1")).await;
        let is_unavailable = matches!(appended, Err(AppendError::Unavailable(_)));
        assert!(is_unavailable, "{appended:?}");
    }
}

pub(crate) async fn the_answer_of_another_stream_counts_for_nothing() {
    let other = r#"{"stream":"audit","seq":5}"#;
    let (inbox, _) = answered_by("others", move |_| other).await;
    let appended = inbox.append(entry("n-1")).await;
    let is_unavailable = matches!(appended, Err(AppendError::Unavailable(_)));
    assert!(is_unavailable, "{appended:?}");
}

/// The stream was deleted, and another one takes its subject.
pub(crate) async fn another_stream_does_not_store_it() {
    let (url, name) = (shared().await, format!("replaced_{}", std::process::id()));
    let inbox = named(&name).open(&url).await.unwrap();
    let context = async_nats::jetstream::new(async_nats::connect(&url).await.unwrap());
    context.delete_stream(&name).await.unwrap();
    let audit = stream::Config {
        name: format!("{name}_audit"),
        subjects: vec![format!("{name}.entries")],
        ..stream::Config::default()
    };
    let mut audit = context.create_stream(audit).await.unwrap();
    let appended = inbox.append(entry("n-1")).await;
    let is_unavailable = matches!(appended, Err(AppendError::Unavailable(_)));
    assert!(is_unavailable, "{appended:?}");
    assert_eq!(audit.info().await.unwrap().state.messages, 0);
}
