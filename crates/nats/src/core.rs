//! What the handles of an inbox share.

use std::{
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};

use async_nats::{
    Client, Statistics,
    jetstream::{
        AckKind, Context, ContextBuilder, Message,
        consumer::PullConsumer,
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
    passed::Passed,
    pull::Pull,
    receipt::NatsReceipt,
    store::UnderWay,
    streams::{self, Names, Streams},
    warning::Warning,
    within::within,
};

/// How long the cluster may take for a call: less than a caller of the inbox waits.
pub(crate) const PATIENCE: Duration = Duration::from_secs(4);

/// How many messages can wait to be acknowledged by the servers. Others wait before they are sent.
const MOST_IN_FLIGHT: usize = 4096;

/// How often it is looked whether something is missing.
const REPAIR_EACH: Duration = Duration::from_secs(1);

pub(crate) struct Core {
    pub(crate) options: Options,
    pub(crate) names: Names,
    pub(crate) streams: Streams,
    pub(crate) gate: Gate,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) client: Client,
    pub(crate) passed: Passed,
    repairs: Repairs,
    context: Context,
    statistics: Arc<Statistics>,
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
            statistics: client.statistics(),
            client,
            passed: Passed::default(),
            repairs: Repairs::default(),
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

    /// Returns when this stream has stored a message, or has had it before.
    pub(crate) async fn publish(
        &self,
        stream: &Stream,
        subject: String,
        message: PublishMessage,
    ) -> Result<PublishAck, PublishError> {
        let name = &stream.cached_info().config.name;
        // Or another one that has the subject as well would acknowledge it.
        let message = message.expected_stream(name);
        let published = timeout(PATIENCE, async {
            let sent = self.send(subject.clone(), message.clone()).await;
            match sent {
                Err(why) if is_missing(&why) && self.repair().await => {
                    self.send(subject, message).await
                }
                sent => sent,
            }
        });
        let late = |_| Err(PublishError::new(PublishErrorKind::TimedOut));
        let stored = published.await.unwrap_or_else(late)?;
        if stored.stream != *name {
            let text = format!("the stream {} has answered for {name}", stored.stream);
            return Err(PublishError::with_source(PublishErrorKind::Other, text));
        }
        if stored.sequence == 0 {
            return Err(PublishError::with_source(PublishErrorKind::Other, UnderWay));
        }
        Ok(stored)
    }

    async fn send(
        &self,
        subject: String,
        message: PublishMessage,
    ) -> Result<PublishAck, PublishError> {
        self.context.send_publish(subject, message).await?.await
    }

    /// Creates streams and the consumer again if somebody has deleted them. Whether all are there
    /// now; `false` as well within a second of the last look.
    pub(crate) async fn repair(&self) -> bool {
        if !self.repairs.begin(Instant::now()) {
            return false;
        }
        let preparing = streams::prepare(&self.context, &self.names, &self.options);
        match timeout(PATIENCE, preparing).await {
            Ok(Ok(_)) => true,
            // The cluster is away, as the caller knows.
            Err(_) | Ok(Err(OpenError::Other(_))) => false,
            Ok(Err(why)) => {
                tracing::warn!(target: "tower_nylas", inbox = %self.options.name, "{why}");
                false
            }
        }
    }

    /// Asks a consumer for messages.
    pub(crate) async fn pull(
        &self,
        pull: Pull,
        consumer: &PullConsumer,
        end: Instant,
    ) -> Result<Vec<Message>, Failure> {
        pull.run(&self.client, &self.context, consumer, end).await
    }

    /// How often the client has connected.
    pub(crate) fn connects(&self) -> u64 {
        self.statistics.connects.load(Ordering::SeqCst)
    }

    /// Returns when the server has answered what becomes of a delivery.
    pub(crate) async fn acknowledge(
        &self,
        receipt: &NatsReceipt,
        kind: AckKind,
    ) -> Result<(), Failure> {
        let request = async_nats::Request::new()
            .payload(kind.into())
            .timeout(Some(PATIENCE));
        let reply = receipt.reply.clone();
        let answered = within(self.client.send_request(reply, request)).await;
        if answered.is_err() {
            receipt.note_doubt();
        }
        answered.map(drop)
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

pub(crate) const NO_ANSWER: &str = "the cluster does not answer";

pub(crate) fn no_answer() -> Failure {
    Failure::new(NO_ANSWER)
}

/// Nobody has answered: the stream was deleted, or it has no leader.
fn is_missing(why: &PublishError) -> bool {
    why.kind() == PublishErrorKind::StreamNotFound
}

/// When it was last looked whether something is missing.
#[derive(Default)]
struct Repairs(Mutex<Option<Instant>>);

impl Repairs {
    fn begin(&self, now: Instant) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| now.saturating_duration_since(last) >= REPAIR_EACH);
        if is_due {
            *last = Some(now);
        }
        is_due
    }
}
