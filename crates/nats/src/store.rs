//! Stores new entries.

use std::{error::Error, fmt, time::Duration};

use async_nats::jetstream::{
    ErrorCode,
    context::{PublishError, PublishErrorKind},
    message::PublishMessage,
    publish::PublishAck,
};
use bytes::Bytes;
use tokio::time::{Instant, sleep, timeout};
use tower_nylas::inbox::EntryKey;

use crate::{
    core::{Core, PATIENCE},
    envelope,
    error::code_of,
};

/// How long a message of the same id can be under way until it is taken for one that never arrives.
const UNDER_WAY: Duration = Duration::from_secs(1);

/// How often it is tried meanwhile.
const TRY_EACH: Duration = Duration::from_millis(100);

impl Core {
    /// Stores an entry, or finds that its key is known.
    ///
    /// A leader that has proposed a message and lost its office before the others had it can
    /// remember the id all the same, for as long as the window. Then each repetition would be
    /// refused, or be a duplicate of nothing. So what is under way for too long is stored with
    /// another id: if the first message arrives nevertheless, the entry is handled twice.
    pub(crate) async fn store(
        &self,
        key: EntryKey,
        payload: Bytes,
    ) -> Result<PublishAck, PublishError> {
        let storing = timeout(PATIENCE, async {
            let end = Instant::now() + UNDER_WAY;
            loop {
                let stored = self.store_as(&envelope::id(key, 0), &payload).await;
                if !stored.as_ref().is_err_and(is_under_way) {
                    return stored;
                }
                if Instant::now() >= end {
                    return self.store_as(&envelope::other_id(key), &payload).await;
                }
                sleep(TRY_EACH).await;
            }
        });
        let late = |_| Err(PublishError::new(PublishErrorKind::TimedOut));
        storing.await.unwrap_or_else(late)
    }

    async fn store_as(&self, id: &str, payload: &Bytes) -> Result<PublishAck, PublishError> {
        let message = PublishMessage::build()
            .payload(payload.clone())
            .message_id(id);
        let (entries, subject) = (&self.streams.entries, self.names.entries());
        self.publish(entries, subject, message).await
    }
}

fn is_under_way(why: &PublishError) -> bool {
    let conflict = ErrorCode::STREAM_DUPLICATE_MESSAGE_CONFLICT;
    why.source().is_some_and(<dyn Error>::is::<UnderWay>)
        || code_of(why).is_some_and(|(code, _)| code == conflict)
}

/// The acknowledgement of a duplicate names no place: the leader has only proposed the message to
/// the other servers, so it can still be lost. Servers before 2.11 say so where later ones answer
/// 10158.
#[derive(Debug)]
pub(crate) struct UnderWay;

impl fmt::Display for UnderWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the same message is being stored")
    }
}

impl Error for UnderWay {}
