//! Dead letters, counted by trigger and cause from their headers.

use std::{cmp::Reverse, collections::HashMap, time::Instant};

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer, pull};
use futures_util::{StreamExt, stream};
use tower_nylas::inbox::{
    DeadCause, DeadGroup,
    engine::{Failure, stored_cause},
};

use crate::{
    core::{Core, PATIENCE},
    dead::{self, CAUSE, TRIGGER},
    pages::READS,
    pull::Pull,
    within::within,
};

/// How many places are counted, from the last one on: some 30 MB of headers.
pub(crate) const MOST_COUNTED: u64 = 100_000;

/// How many headers are asked for at a time.
const PAGE: usize = 5000;

/// What letters have in common: the name of their trigger, if it has one, and the cause.
type Group = (Option<String>, DeadCause);

/// How many of a group there are, and the place of the last one.
#[derive(Default)]
struct Count {
    letters: u64,
    last: u64,
}

impl Core {
    /// The largest groups of letters.
    pub(crate) async fn dead_groups(&self, max: usize) -> Result<Vec<DeadGroup>, Failure> {
        let mut counts: Vec<_> = self.count_letters().await?.into_iter().collect();
        counts.sort_by_key(|(_, count)| (Reverse(count.letters), Reverse(count.last)));
        counts.truncate(max);
        let groups = stream::iter(counts).map(async |((trigger, cause), count)| {
            let letter = self.letter(count.last).await?;
            // It can have been replayed or discarded since it was counted.
            let last = letter.as_ref().and_then(dead::shown);
            let group = last.map(|last| DeadGroup::new(trigger, cause, count.letters, last));
            Ok::<_, Failure>(group)
        });
        let groups: Vec<_> = groups.buffered(READS).collect().await;
        groups.into_iter().filter_map(Result::transpose).collect()
    }

    async fn count_letters(&self) -> Result<HashMap<Group, Count>, Failure> {
        let state = within(self.streams.dead.get_info()).await?.state;
        let mut counts = HashMap::<Group, Count>::new();
        if state.messages == 0 {
            return Ok(counts);
        }
        let first = state.last_sequence.saturating_sub(MOST_COUNTED - 1);
        let first = first.max(state.first_sequence).max(1);
        let consumer = self.read_headers_from(first).await?;
        let counted = self.count(&consumer, &mut counts).await;
        // Without this it is deleted a little later.
        let name = &consumer.cached_info().name;
        let _ = within(self.streams.dead.delete_consumer(name)).await;
        counted.map(|()| counts)
    }

    /// A consumer that is there until nobody has used it for a while.
    async fn read_headers_from(&self, first: u64) -> Result<PullConsumer, Failure> {
        let config = pull::Config {
            deliver_policy: DeliverPolicy::ByStartSequence {
                start_sequence: first,
            },
            ack_policy: AckPolicy::None,
            headers_only: true,
            memory_storage: true,
            num_replicas: 1,
            inactive_threshold: 2 * PATIENCE,
            ..pull::Config::default()
        };
        within(self.streams.dead.create_consumer(config)).await
    }

    async fn count(
        &self,
        consumer: &PullConsumer,
        counts: &mut HashMap<Group, Count>,
    ) -> Result<(), Failure> {
        let pull = Pull {
            messages: PAGE,
            bytes: 0,
            wait: None,
        };
        // What is written meanwhile is not counted.
        let mut left = consumer.cached_info().num_pending;
        while left > 0 {
            let end = Instant::now() + PATIENCE;
            let letters = self.pull(pull, consumer, end).await?;
            if letters.is_empty() {
                break;
            }
            left = left.saturating_sub(letters.len() as u64);
            for letter in letters {
                let Ok(info) = letter.info() else { continue };
                let header = |name| Some(letter.headers.as_ref()?.get(name)?.as_str());
                let group = (
                    header(TRIGGER).map(str::to_owned),
                    stored_cause(header(CAUSE)),
                );
                let count = counts.entry(group).or_default();
                count.letters += 1;
                count.last = info.stream_sequence;
            }
        }
        Ok(())
    }
}
