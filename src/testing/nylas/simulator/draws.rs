//! What is drawn from the seed: a sequence of numbers for each purpose, and each time.

use std::iter;

use super::Shared;
use crate::testing::nylas::random::Random;

/// What a sequence of numbers is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The waits between the attempts of a notification.
    Schedule,
    /// What goes wrong with an attempt.
    Attempt,
    /// The id of an object.
    Object,
    /// The id of a notification, and what else it has of its own.
    Notification,
    /// The id of a destination.
    Destination,
    /// A secret: of a destination, after so many rotations.
    Secret,
    /// The value of a challenge, and what goes wrong with it.
    Challenge,
    /// What goes wrong with a test event.
    TestEvent,
    /// The id of a request to the management API.
    Request,
    /// The events of [`Traffic`](super::Traffic).
    Traffic,
}

/// How often something was drawn that has no number of its own. Each purpose counts apart, so that
/// none depends on how often another one was.
#[derive(Debug, Default)]
pub(super) struct Counters {
    challenges: u64,
    test_events: u64,
    requests: u64,
    traffic: u64,
}

impl Counters {
    fn next(&mut self, purpose: Purpose) -> u64 {
        let counter = match purpose {
            Purpose::Challenge => &mut self.challenges,
            Purpose::TestEvent => &mut self.test_events,
            Purpose::Request => &mut self.requests,
            Purpose::Traffic => &mut self.traffic,
            numbered => unreachable!("{numbered:?} has numbers of its own"),
        };
        *counter += 1;
        *counter
    }
}

impl Shared {
    /// The numbers of this purpose for what these say.
    pub(super) fn random(
        &self,
        purpose: Purpose,
        numbers: impl IntoIterator<Item = u64>,
    ) -> Random {
        Random::of(self.seed, iter::once(purpose as u64).chain(numbers))
    }

    /// The numbers of this purpose for the next time.
    pub(super) fn next_random(&self, purpose: Purpose) -> Random {
        let number = self.state().counters.next(purpose);
        self.random(purpose, [number])
    }
}
