//! Nylas, simulated: the whole service ([`Simulator`]), and a sender of single notifications
//! ([`Nylas`]).
//!
//! - [`Simulator`] has the destinations, delivers and repeats, and serves the management API
//!   ([`Management`]). It runs in process on a [`VirtualClock`](crate::testing::VirtualClock), or
//!   on tokio and over connections.
//! - [`Event`] and [`Traffic`] are what happens, [`Fault`] what goes wrong, and [`Readings`] what
//!   is simulated where the sources contradict each other.
//! - [`Ledger`] is everything that was done, with assertions.
//!
//! The [guide](crate::_guide::testing#days-in-the-life-of-a-destination) has a whole test, and
//! says what is not reproduced.

mod answer;
mod random;
mod request;
mod sender;
mod simulator;

pub(super) use self::answer::is_repeated;
pub use self::{
    sender::{HttpClient, Nylas},
    simulator::{
        AttemptRecord, Attempts, Builder, Created, Cut, Destination, DestinationId,
        DestinationUpdate, Event, EventRecord, Fate, Fault, Hosted, Injected, Ledger, Management,
        ManagementBody, ManagementError, NewDestination, Note, PayloadSize, Readings, Retried,
        RetrySecret, Simulator, Status, Step, Task, TestEventRecord, Totals, Traffic,
        TruncatedBody,
    },
};
