//! Text from outside, escaped for one line of a log.

use std::fmt::{self, Write};

#[cfg(any(feature = "inbox", feature = "tracing"))]
use crate::middleware::catch;

/// How many characters are shown of a whole text.
#[cfg(any(feature = "inbox", feature = "tracing"))]
const TEXT_LENGTH: usize = 512;

/// Escapes characters that would break a line or control a terminal. They can occur in a trigger's
/// name, which is part of the body, and in an application's own error.
pub(crate) struct Line<'a, 'f> {
    line: &'a mut fmt::Formatter<'f>,
    /// How many characters still fit.
    room: usize,
}

impl<'a, 'f> Line<'a, 'f> {
    pub(crate) fn whole(line: &'a mut fmt::Formatter<'f>) -> Self {
        let room = usize::MAX;
        Self { line, room }
    }

    #[cfg(any(feature = "inbox", feature = "tracing"))]
    pub(crate) fn up_to(line: &'a mut fmt::Formatter<'f>, room: usize) -> Self {
        Self { line, room }
    }
}

impl Write for Line<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            match self.room {
                0 => return Ok(()),
                // Shows that the text was cut.
                1 => Write::write_char(self.line, '…')?,
                _ if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                    write!(self.line, "{}", c.escape_debug())?;
                }
                _ => Write::write_char(self.line, c)?,
            }
            self.room -= 1;
        }
        Ok(())
    }
}

/// The first characters of a text, in one line.
#[cfg(any(feature = "inbox", feature = "tracing"))]
pub(crate) struct UpTo<T>(pub(crate) usize, pub(crate) T);

#[cfg(any(feature = "inbox", feature = "tracing"))]
impl<T: fmt::Display> fmt::Display for UpTo<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Line::up_to(f, self.0), "{}", self.1)
    }
}

/// The first 512 characters, in one line. The text of an application's error may panic, and that in
/// the middle of a subscriber would spoil its next line.
#[cfg(any(feature = "inbox", feature = "tracing"))]
pub(crate) fn one_line(of: impl fmt::Display) -> String {
    catch(|| UpTo(TEXT_LENGTH, of).to_string())
        .unwrap_or_else(|| "an error whose `Display` panicked".to_owned())
}
