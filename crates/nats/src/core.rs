//! What the handles of an inbox share.

use std::time::Duration;

use async_nats::{
    Client, Subject,
    jetstream::{
        AckKind, Context, ContextBuilder,
        context::{PublishError, PublishErrorKind},
        message::PublishMessage,
        publish::PublishAck,
        stream::{LastRawMessageErrorKind, Stream},
    },
};
use tokio::time::timeout;
use tower_nylas::inbox::engine::Failure;

use crate::{
    error::OpenError,
    gate::Gate,
    open::Options,
    streams::{self, Names, Streams},
    warning::Warning,
};

/// How long the cluster may take for a call: less than a caller of the inbox waits.
pub(crate) const PATIENCE: Duration = Duration::from_secs(4);

/// How many messages can wait to be acknowledged by the servers. Others wait before they are sent.
const MOST_IN_FLIGHT: usize = 4096;

pub(crate) struct Core {
    pub(crate) options: Options,
    pub(crate) names: Names,
    pub(crate) streams: Streams,
    pub(crate) gate: Gate,
    pub(crate) warnings: Vec<Warning>,
    client: Client,
    context: Context,
}

impl Core {
    pub(crate) async fn open(client: Client, options: Options) -> Result<Self, OpenError> {
        let names = Names::new(&options.name)?;
        let context = ContextBuilder::new()
            .timeout(PATIENCE)
            .ack_timeout(PATIENCE)
            .max_ack_inflight(MOST_IN_FLIGHT)
            .backpressure_on_inflight(true)
            .build(client.clone());
        let streams = streams::prepare(&context, &names, &options).await?;
        let version = client.server_info().version;
        let warnings = Warning::all_of(&version, options.replicas, options.sync_always);
        for warning in &warnings {
            tracing::warn!(target: "tower_nylas", inbox = %options.name, "{warning}");
        }
        Ok(Self {
            options,
            names,
            streams,
            gate: Gate::new(),
            warnings,
            client,
            context,
        })
    }

    pub(crate) fn max_payload(&self) -> usize {
        self.client.max_payload()
    }

    /// Since the Unix epoch, in milliseconds.
    pub(crate) fn now(&self) -> u64 {
        let now = self.options.clock.unix_time().as_millis();
        u64::try_from(now).unwrap_or(u64::MAX)
    }

    /// Returns when a stream has stored a message.
    pub(crate) async fn publish(
        &self,
        subject: String,
        message: PublishMessage,
    ) -> Result<PublishAck, PublishError> {
        let published = timeout(PATIENCE, async {
            self.context.send_publish(subject, message).await?.await
        });
        let late = |_| Err(PublishError::new(PublishErrorKind::TimedOut));
        published.await.unwrap_or_else(late)
    }

    /// Returns when the server has answered what becomes of a delivery.
    pub(crate) async fn acknowledge(&self, reply: &Subject, kind: AckKind) -> Result<(), Failure> {
        let request = async_nats::Request::new()
            .payload(kind.into())
            .timeout(Some(PATIENCE));
        let answered = timeout(PATIENCE, self.client.send_request(reply.clone(), request));
        match answered.await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(why)) => Err(Failure::new(why)),
            Err(_) => Err(no_answer()),
        }
    }

    /// The last message of a subject.
    pub(crate) async fn last_of(
        &self,
        stream: &Stream,
        subject: &str,
    ) -> Result<Option<async_nats::jetstream::message::StreamMessage>, Failure> {
        let reading = stream.get_last_raw_message_by_subject(subject);
        match timeout(PATIENCE, reading).await {
            Ok(Ok(message)) => Ok(Some(message)),
            Ok(Err(why)) if why.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Ok(Err(why)) => Err(Failure::new(why)),
            Err(_) => Err(no_answer()),
        }
    }
}

pub(crate) fn no_answer() -> Failure {
    Failure::new("the cluster does not answer")
}
