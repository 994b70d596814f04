//! Aligned columns.

use std::fmt::Write;

/// The widest column, in characters, but for the last one.
const WIDEST: usize = 48;

/// What comes from notifications can contain what controls a terminal.
pub(crate) fn printable(text: &str) -> String {
    let is_harmful = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut shown = String::new();
    for c in text.chars() {
        if is_harmful(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

pub(crate) fn print(heads: &[&str], rows: &[Vec<String>]) {
    let cell = |text: &str, is_last: bool| {
        let text = printable(text);
        if is_last || text.chars().count() <= WIDEST {
            return text;
        }
        let cut: String = text.chars().take(WIDEST - 1).collect();
        cut + "…"
    };
    let last = heads.len() - 1;
    let shown: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            row.iter()
                .enumerate()
                .map(|(place, text)| cell(text, place == last))
                .collect()
        })
        .collect();
    let width = |place: usize| {
        let cells = shown.iter().map(|row| row[place].chars().count());
        cells
            .chain([heads[place].chars().count()])
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let line = |cells: &[String]| {
        let mut line = String::new();
        for (text, width) in cells.iter().zip(&widths) {
            let _ = write!(line, "{text:<width$}  ");
        }
        println!("{}", line.trim_end());
    };
    line(
        &heads
            .iter()
            .map(|head| head.to_uppercase())
            .collect::<Vec<_>>(),
    );
    for row in &shown {
        line(row);
    }
}
