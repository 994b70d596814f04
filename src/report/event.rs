//! What all events have in common.

pub(crate) const TARGET: &str = "tower_nylas";

/// `event!` needs its level at compile time.
macro_rules! event_at {
    ($level:expr, $($rest:tt)+) => {{
        use tracing::{Level, event};
        match $level {
            Level::ERROR => event!(target: $crate::report::TARGET, Level::ERROR, $($rest)+),
            Level::WARN => event!(target: $crate::report::TARGET, Level::WARN, $($rest)+),
            Level::INFO => event!(target: $crate::report::TARGET, Level::INFO, $($rest)+),
            _ => event!(target: $crate::report::TARGET, Level::DEBUG, $($rest)+),
        }
    }};
}

pub(crate) use event_at;
