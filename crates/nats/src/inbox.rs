//! The handle of an inbox.

use std::{fmt, sync::Arc, time::Duration};

use async_nats::{
    Client,
    jetstream::{
        ErrorCode,
        context::{PublishError, PublishErrorKind},
    },
};
use tower_nylas::{
    BoxError,
    inbox::{
        AppendError, Appended, Claimed, Entry, Inbox, SettleError, Settlement,
        engine::{Failure, Settings},
    },
};

use crate::{
    claims::MOST_BYTES,
    core::Core,
    envelope,
    error::{OpenError, code_of, is_full},
    open::{NatsInboxBuilder, Options},
    receipt::NatsReceipt,
    warning::Warning,
};

/// An inbox in streams of JetStream. See the [crate](crate).
///
/// Clones are handles of the same one.
#[derive(Clone)]
pub struct NatsInbox {
    core: Arc<Core>,
}

impl NatsInbox {
    /// The name by default.
    pub const NAME: &str = "nylas_inbox";

    /// How long a claim lasts by default: 30 seconds.
    pub const LEASE: Duration = Settings::LEASE;

    /// How long a key is remembered by default: an hour.
    pub const WINDOW: Duration = Duration::from_secs(60 * 60);

    /// What all entries take at most by default: 8 GiB.
    pub const MAX_BYTES: u64 = Settings::MAX_BYTES;

    /// How long dead entries are kept by default: 30 days.
    pub const KEEP_DEAD_FOR: Duration = Settings::KEEP_DEAD_FOR;

    /// How many servers store each entry by default: 3.
    pub const REPLICAS: usize = 3;

    /// Connects to a cluster with the default settings, and creates the streams that are missing.
    /// See [`NatsInboxBuilder::open`].
    ///
    /// # Errors
    ///
    /// [`OpenError`]: no stream that was there was changed.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        Self::builder().open(url).await
    }

    /// Settings for an inbox.
    pub fn builder() -> NatsInboxBuilder {
        NatsInboxBuilder::new()
    }

    pub(crate) async fn start(client: Client, options: Options) -> Result<Self, OpenError> {
        let core = Core::open(client, options).await?;
        Ok(Self {
            core: Arc::new(core),
        })
    }

    /// Why the cluster may lose what it has acknowledged, as far as it can be known; the log has
    /// had them as well.
    pub fn warnings(&self) -> &[Warning] {
        &self.core.warnings
    }

    /// Closes the inbox, for all handles: calls under way are awaited, but for claims that wait,
    /// and whatever comes later is an error.
    pub async fn close(&self) {
        self.core.gate.close().await;
    }

    pub(crate) fn core(&self) -> &Core {
        &self.core
    }
}

impl Inbox for NatsInbox {
    type Receipt = NatsReceipt;

    async fn append(&self, entry: Entry) -> Result<Appended, AppendError> {
        let core = &*self.core;
        let call = core.gate.enter().await;
        let _call = call.map_err(|why| AppendError::Unavailable(why.into()))?;
        let room = core.options.settings.max_bytes;
        let most = core.max_payload().min(MOST_BYTES);
        let most = usize::try_from(room).map_or(most, |room| room.min(most));
        let limit = most.saturating_sub(envelope::RESERVED);
        let too_large = AppendError::TooLarge { limit };
        let Some(payload) = envelope::pack(&entry) else {
            return Err(too_large);
        };
        if payload.len() > limit {
            return Err(too_large);
        }
        match core.store(entry.key(), payload).await {
            Ok(stored) if stored.duplicate => Ok(Appended::Duplicate),
            Ok(_) => Ok(Appended::New),
            Err(why) => Err(refused(why, limit)),
        }
    }

    async fn claim(
        &self,
        max: usize,
        wait: Duration,
    ) -> Result<Vec<Claimed<NatsReceipt>>, BoxError> {
        let _call = self.core.gate.enter().await?;
        Ok(self.core.claim(max, wait).await?)
    }

    async fn extend(&self, receipt: &NatsReceipt) -> Result<(), SettleError> {
        let _call = self.core.gate.enter().await.map_err(unavailable)?;
        self.core.extend(receipt).await
    }

    async fn settle(
        &self,
        receipt: &NatsReceipt,
        settlement: Settlement,
    ) -> Result<(), SettleError> {
        let _call = self.core.gate.enter().await.map_err(unavailable)?;
        self.core.settle(receipt, settlement).await
    }
}

fn unavailable(why: Failure) -> SettleError {
    SettleError::Unavailable(why.into())
}

fn refused(why: PublishError, limit: usize) -> AppendError {
    if why.kind() == PublishErrorKind::MaxPayloadExceeded {
        return AppendError::TooLarge { limit };
    }
    match code_of(&why) {
        Some((ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM, _)) => AppendError::TooLarge { limit },
        Some((code, text)) if is_full(code, &text) => AppendError::Full,
        _ => AppendError::Unavailable(why.into()),
    }
}

impl fmt::Debug for NatsInbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsInbox")
            .field("name", &self.core.options.name)
            .finish_non_exhaustive()
    }
}
