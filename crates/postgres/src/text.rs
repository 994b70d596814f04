//! Texts as PostgreSQL stores them.

/// The same text, without the one character that a text of PostgreSQL cannot have.
pub(crate) fn text(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
