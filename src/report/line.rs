//! Text from outside, escaped for one line of a log.

use std::fmt::{self, Display, Write};

#[cfg(any(feature = "inbox", feature = "tracing"))]
use crate::middleware::catch;

/// How many characters are shown of a whole text.
#[cfg(any(feature = "inbox", feature = "tracing"))]
const TEXT_LENGTH: usize = 512;

/// Escapes characters that would break a line, change its direction or control a terminal. They
/// can occur in a trigger's name, which is part of the body, and in an application's own error.
pub(crate) struct Line<'a, 'f> {
    out: &'a mut fmt::Formatter<'f>,
    /// How many characters still fit.
    room: usize,
    /// What takes the last place, unless more follows.
    last: Option<char>,
}

impl<'a, 'f> Line<'a, 'f> {
    pub(crate) fn whole(out: &'a mut fmt::Formatter<'f>) -> Self {
        Self::up_to(out, usize::MAX)
    }

    fn up_to(out: &'a mut fmt::Formatter<'f>, room: usize) -> Self {
        let last = None;
        Self { out, room, last }
    }

    fn put(&mut self, c: char) -> fmt::Result {
        if c.is_control() {
            write!(self.out, "{}", c.escape_debug())
        } else if breaks_a_line(c) {
            write!(self.out, "{}", c.escape_unicode())
        } else {
            self.out.write_char(c)
        }
    }

    fn finish(mut self) -> fmt::Result {
        self.last.take().map_or(Ok(()), |c| self.put(c))
    }
}

impl Write for Line<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            match self.room {
                0 => {
                    // Shows that the text was cut.
                    return self
                        .last
                        .take()
                        .map_or(Ok(()), |_| self.out.write_char('…'));
                }
                1 => self.last = Some(c),
                _ => self.put(c)?,
            }
            self.room -= 1;
        }
        Ok(())
    }
}

/// How many characters are shown of a name or an id, which is part of a body.
const NAME_LENGTH: usize = 128;

/// The first characters of a text, in one line.
pub(crate) struct UpTo<T>(pub(crate) usize, pub(crate) T);

impl<T> UpTo<T> {
    /// A name or an id, as far as it is shown.
    pub(crate) fn name(text: T) -> Self {
        Self(NAME_LENGTH, text)
    }
}

impl<T: Display> Display for UpTo<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = Line::up_to(f, self.0);
        write!(line, "{}", self.1)?;
        line.finish()
    }
}

/// The first 512 characters, in one line. The text of an application's error may panic, and that in
/// the middle of a subscriber would spoil its next line.
#[cfg(any(feature = "inbox", feature = "tracing"))]
pub(crate) fn one_line(of: impl Display) -> String {
    catch(|| UpTo(TEXT_LENGTH, of).to_string())
        .unwrap_or_else(|_| "an error whose `Display` panicked".to_owned())
}

/// A separator of lines or paragraphs, or what changes the direction in which a line is shown.
fn breaks_a_line(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}')
        || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_only_if_it_is_longer() {
        for (text, shown) in [
            ("", ""),
            ("abc", "abc"),
            ("abcd", "abcd"),
            ("abcde", "abc…"),
            ("abcdefghi", "abc…"),
            ("äöüß", "äöüß"),
            ("äöüßa", "äöü…"),
        ] {
            assert_eq!(UpTo(4, text).to_string(), shown);
        }
        let twice = format_args!("{}{}", "ab", "cd").to_string();
        assert_eq!(UpTo(4, twice).to_string(), "abcd");
    }

    #[test]
    fn what_breaks_a_line_is_escaped() {
        let text = "a\nb\u{1b}[31m\u{202e}c\u{2028}d";
        assert_eq!(
            UpTo(100, text).to_string(),
            r"a\nb\u{1b}[31m\u{202e}c\u{2028}d"
        );
        assert_eq!(UpTo(1, "\n").to_string(), r"\n");
    }
}
