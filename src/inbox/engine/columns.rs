use std::time::Duration;

use crate::inbox::{DeadCause, Happened, Settlement};

const STORED: &str = "stored";
const CLAIMED: &str = "claimed";
const CRASHED: &str = "crashed";
const DONE: &str = "done";
const FAILED: &str = "failed";
const PUT_OFF: &str = "put_off";
const DEAD: &str = "dead";
const REPLAYED: &str = "replayed";

/// What has [happened](Happened) to an entry, as columns of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventColumns<'a> {
    /// Its name: `stored`, `claimed`, `crashed`, `done`, `failed`, `put_off`, `dead`, `replayed`.
    pub what: &'static str,
    /// Of `failed` and `put_off`: when it comes again.
    pub after: Option<Duration>,
    /// Of `dead`.
    pub cause: Option<DeadCause>,
    /// The reason of a settlement; empty without one.
    pub why: &'a str,
}

impl<'a> EventColumns<'a> {
    const fn named(what: &'static str) -> Self {
        Self {
            what,
            after: None,
            cause: None,
            why: "",
        }
    }

    /// Those of an event.
    pub fn of(happened: &'a Happened) -> Self {
        match happened {
            Happened::Stored => Self::named(STORED),
            Happened::Claimed => Self::named(CLAIMED),
            Happened::Crashed => Self::named(CRASHED),
            Happened::Replayed => Self::named(REPLAYED),
            Happened::Settled(settlement) => Self::of_settlement(settlement),
        }
    }

    /// Those of a settlement.
    pub fn of_settlement(settlement: &'a Settlement) -> Self {
        match settlement {
            Settlement::Done => Self::named(DONE),
            Settlement::Retry { after, failed, why } => Self {
                after: Some(*after),
                why,
                ..Self::named(if *failed { FAILED } else { PUT_OFF })
            },
            Settlement::Dead { cause, why } => Self {
                cause: Some(*cause),
                why,
                ..Self::named(DEAD)
            },
        }
    }

    /// The event of these columns; `None` if a later version has written it, and this one does not
    /// know it.
    pub fn read(
        what: &str,
        after: Option<Duration>,
        cause: Option<&str>,
        why: String,
    ) -> Option<Happened> {
        let settled = match what {
            STORED => return Some(Happened::Stored),
            CLAIMED => return Some(Happened::Claimed),
            CRASHED => return Some(Happened::Crashed),
            REPLAYED => return Some(Happened::Replayed),
            DONE => Settlement::Done,
            FAILED | PUT_OFF => Settlement::Retry {
                after: after.unwrap_or_default(),
                failed: what == FAILED,
                why,
            },
            DEAD => Settlement::Dead {
                cause: DeadCause::from_name(cause?)?,
                why,
            },
            _ => return None,
        };
        Some(Happened::Settled(settled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let why = || "a reason".to_owned();
        let mut all = vec![
            Happened::Stored,
            Happened::Claimed,
            Happened::Crashed,
            Happened::Replayed,
            Happened::Settled(Settlement::Done),
        ];
        all.extend([true, false].map(|failed| {
            Happened::Settled(Settlement::Retry {
                after: Duration::from_millis(7),
                failed,
                why: why(),
            })
        }));
        all.extend(
            DeadCause::ALL.map(|cause| Happened::Settled(Settlement::Dead { cause, why: why() })),
        );
        for happened in all {
            let columns = EventColumns::of(&happened);
            let cause = columns.cause.map(DeadCause::as_str);
            let read = EventColumns::read(columns.what, columns.after, cause, columns.why.into());
            assert_eq!(read, Some(happened));
        }
        assert_eq!(EventColumns::read("of later", None, None, why()), None);
        assert_eq!(
            EventColumns::read(DEAD, None, Some("of later"), why()),
            None
        );
    }
}
