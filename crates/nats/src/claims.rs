//! Claims entries.

use std::time::{Duration, Instant};

use async_nats::jetstream::Message;
use futures_util::{StreamExt, stream};
use tower_nylas::inbox::{Claimed, DeadCause, EntryKey, engine::Failure};

use crate::{
    core::{Core, NO_ANSWER, PATIENCE},
    dead::Letter,
    envelope,
    lookup::Lookup,
    pull::Pull,
    receipt::{self, NatsReceipt},
    tries::Tries,
};

/// How many contents a claim brings at most, in bytes, and how many entries. What is larger is not
/// stored: servers before 2.10 never give it to a claim that asks for less.
pub(crate) const MOST_BYTES: usize = 32 << 20;
const MOST: usize = 4096;

/// How many entries that were delivered before are looked up at a time.
const LOOKUPS: usize = 64;

/// Since 2.10, a server acknowledges a message a moment before its consumer knows of it. So a claim
/// that is not to wait waits all the same, or it would not see what was stored before it.
const SHORTEST_WAIT: Duration = Duration::from_millis(10);

/// Longer than any worker waits.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

/// What is answered where there is no consumer. Servers before 2.10 answer nothing.
const MISSING: [&str; 4] = ["503", "Consumer Deleted", "no responders", NO_ANSWER];

/// What a consumer answers if the first message is larger than what was asked for.
const TOO_LARGE: &str = "Exceeds MaxBytes";

impl Core {
    pub(crate) async fn claim(
        &self,
        max: usize,
        wait: Duration,
    ) -> Result<Vec<Claimed<NatsReceipt>>, Failure> {
        if max == 0 {
            return Ok(Vec::new());
        }
        let max = max.min(MOST);
        let claimed = self.claim_once(max, wait).await;
        if claimed.as_ref().is_err_and(is_missing) {
            // The next one will be answered.
            self.repair().await;
        }
        claimed
    }

    async fn claim_once(
        &self,
        max: usize,
        wait: Duration,
    ) -> Result<Vec<Claimed<NatsReceipt>>, Failure> {
        let mut since = Instant::now();
        let mut messages = self.fetch(max).await?;
        if messages.is_empty() {
            let waited = self.wait_for_one(wait.max(SHORTEST_WAIT));
            tokio::pin!(waited);
            messages = tokio::select! {
                waited = &mut waited => waited?,
                () = self.gate.closing() => return Err(Failure::closed()),
            };
            if messages.is_empty() {
                self.look_for_passed().await;
            }
            since = Instant::now();
            if !messages.is_empty() && max > 1 {
                // What has come with it. If that fails, the first one is there all the same.
                messages.extend(self.fetch(max - 1).await.unwrap_or_default());
            }
        }
        let lookup = Lookup::new(since, self.options.settings.lease);
        let looked_up = stream::iter(messages)
            .map(|message| self.open_message(message, since, &lookup))
            .buffered(LOOKUPS);
        let claims: Vec<_> = looked_up.filter_map(std::future::ready).collect().await;
        let unknown = claims.iter().filter(|claim| claim.receipt.tries.is_none());
        let unknown = unknown.count();
        if unknown > 0 {
            tracing::warn!(
                target: "tower_nylas",
                inbox = %self.options.name,
                "of {unknown} entries that have come before it cannot be read how often they have \
                 failed"
            );
        }
        Ok(claims)
    }

    /// What is due now, which the server sends at once.
    async fn fetch(&self, max: usize) -> Result<Vec<Message>, Failure> {
        match self.fetch_up_to(max, MOST_BYTES).await {
            // The first one alone takes more.
            Err(why) if why.to_string().contains(TOO_LARGE) => self.fetch_up_to(1, 0).await,
            fetched => fetched,
        }
    }

    /// Up to so many messages, and bytes unless these are 0.
    async fn fetch_up_to(&self, messages: usize, bytes: usize) -> Result<Vec<Message>, Failure> {
        let wait = None;
        let pull = Pull {
            messages,
            bytes,
            wait,
        };
        self.pull(pull, &self.streams.consumer, Instant::now() + PATIENCE)
            .await
    }

    /// The first message, for which the server waits.
    async fn wait_for_one(&self, wait: Duration) -> Result<Vec<Message>, Failure> {
        let wait = wait.min(LONGEST_WAIT);
        let pull = Pull {
            messages: 1,
            bytes: 0,
            wait: Some(wait),
        };
        self.pull(
            pull,
            &self.streams.consumer,
            Instant::now() + wait + PATIENCE,
        )
        .await
    }

    /// The claim of a message; `None` if there is no entry in it that can be read.
    async fn open_message(
        &self,
        message: Message,
        since: Instant,
        lookup: &Lookup,
    ) -> Option<Claimed<NatsReceipt>> {
        let info = message.info().ok()?;
        let position = info.stream_sequence;
        let delivered = u64::try_from(info.delivered).unwrap_or(1).max(1);
        let born = receipt::born(info.published)?;
        let reply = (message.reply.clone()?, self.connects());
        let at = (position, born, delivered);
        let tries = if delivered > 1 {
            self.look_up(at, info.published, lookup).await
        } else {
            Some(Tries::default())
        };
        let id = envelope::read_id(message.headers.as_ref());
        let entry = id.map_or_else(
            || Err("its message has no key".to_owned()),
            |(key, _)| envelope::unpack(key, &message.payload),
        );
        let id = id.unwrap_or_else(|| (key_of_place(position), 0));
        let receipt = NatsReceipt::new(id, at, tries, reply, message.payload.clone());
        match entry {
            Ok(entry) => {
                let lease = self.options.settings.lease;
                let lease = lease.saturating_sub(since.elapsed());
                let crashes = receipt.crashes();
                let failures = receipt.failures();
                let failing_for = tries.map_or(0, |tries| tries.failing_for(self.now()));
                let failing_for = Duration::from_millis(failing_for);
                let claimed = Claimed::new(entry, receipt, lease.max(Duration::from_millis(1)));
                Some(claimed.crashed(crashes).failed(failures, failing_for))
            }
            Err(why) => {
                let letter = Letter {
                    cause: DeadCause::Undecodable,
                    why: &why,
                };
                // If that fails, it comes again.
                if self.bury(&receipt, letter).await.is_err() {
                    tracing::warn!(target: "tower_nylas", %position, "an entry that cannot be read was not buried");
                }
                None
            }
        }
    }
}

/// Nobody answers for the consumer: it was deleted, or its stream has no leader.
fn is_missing(why: &Failure) -> bool {
    let text = why.to_string();
    MISSING.iter().any(|missing| text.contains(missing))
}

/// Of a message that somebody else has published into the stream.
fn key_of_place(position: u64) -> EntryKey {
    EntryKey::from_bytes(u128::from(position).to_be_bytes())
}
