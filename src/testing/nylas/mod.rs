//! Nylas, simulated: the whole service ([`Simulator`]), and a sender of single notifications
//! ([`Nylas`]).

mod answer;
mod random;
mod request;
mod sender;
mod simulator;

pub(super) use self::answer::is_repeated;
pub use self::{
    sender::{HttpClient, Nylas},
    simulator::{
        AttemptRecord, Builder, Created, Cut, Destination, DestinationId, DestinationUpdate, Event,
        EventRecord, Fate, Fault, Hosted, Injected, Ledger, Management, ManagementBody,
        ManagementError, NewDestination, Note, Readings, Retried, RetrySecret, Simulator, Status,
        Step, Task, Traffic, TruncatedBody,
    },
};
