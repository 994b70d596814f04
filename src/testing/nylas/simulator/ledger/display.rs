//! The ledger as a text.

use std::{fmt, time::Duration};

use super::{Fate, Ledger};

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut notes = self.notes.iter().peekable();
        for (event, attempt) in self.attempts() {
            while let Some(note) = notes.next_if(|note| note.order < attempt.order) {
                writeln!(f, "{note}")?;
            }
            writeln!(
                f,
                "{} {} {} {attempt}",
                At(attempt.at),
                event.id,
                event.trigger
            )?;
        }
        for note in notes {
            writeln!(f, "{note}")?;
        }
        let count = |fate| self.with_fate(fate).len();
        write!(f, "{} events", self.len())?;
        for fate in [Fate::Accepted, Fate::Open, Fate::Lost, Fate::Unsent] {
            write!(f, ", {} {fate}", count(fate))?;
        }
        if self.forgotten.all > 0 {
            write!(f, ", {} forgotten", self.forgotten.all)?;
        }
        Ok(())
    }
}

impl fmt::Display for super::Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            at,
            destination,
            step,
            ..
        } = self;
        match destination {
            Some(destination) => write!(f, "{} {destination} {step}", At(*at)),
            None => write!(f, "{} {step}", At(*at)),
        }
    }
}

/// Days, hours and so on, to the millisecond.
pub(super) struct At(pub(super) Duration);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, millis) = (self.0.as_secs(), self.0.subsec_millis());
        let (minutes, seconds) = (seconds / 60, seconds % 60);
        let (hours, minutes) = (minutes / 60, minutes % 60);
        write!(f, "{hours:02}:{minutes:02}:{seconds:02}.{millis:03}")
    }
}
