//! Text from outside, escaped for one line of a log.

use std::fmt::{self, Write};

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

    #[cfg(feature = "tracing")]
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
