//! Parts of pages.

use std::time::Duration;

use maud::{Markup, html};

use super::Context;
use crate::{
    params::Link,
    time::{ago, readable, rfc3339},
    view::{DeliveryRow, EntryRow},
};

/// `1 entry is`, `2 entries are`.
pub(super) fn count(number: impl Into<u64>, one: &str, many: &str) -> String {
    match number.into() {
        1 => format!("1 {one}"),
        number => format!("{} {many}", grouped(number)),
    }
}

/// `1 234 567`, with spaces that do not break.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// `800 B`, `2.1 kB`, `3.0 MB`.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{}.{} kB", bytes / 1_000, bytes / 100 % 10),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
    }
}

pub(super) fn moment(context: &Context<'_>, at: Duration) -> Markup {
    html! {
        time datetime=(rfc3339(at)) title=(readable(at)) {
            (readable(at)) " " span.ago { (ago(at, context.now)) }
        }
    }
}

/// A state, a kind or a level: a word, and a colour that repeats it.
pub(super) fn badge(word: &str) -> Markup {
    let class = match word {
        "accepted" | "done" | "ok" | "running" => "good",
        "failed" | "dead" | "error" | "critical" | "crashed" | "lost" => "bad",
        "refused" | "waiting" | "put off" | "warning" | "paused" => "fair",
        _ => "plain",
    };
    html! { span class={ "badge " (class) } { (word) } }
}

/// Text, or a dash.
pub(super) fn or_dash(text: Option<&str>) -> Markup {
    html! { @match text { Some(text) => (text), None => span.none { "–" } } }
}

/// One of several links, of which one is where the reader is.
pub(super) fn choice(link: &Link, text: &str, is_here: bool) -> Markup {
    html! { a href=(link.as_str()) aria-current=[is_here.then_some("true")] { (text) } }
}

pub(super) fn entry_link(key: &str) -> Link {
    Link::to("entry").with("key", key)
}

/// A table of entries. Those of one state can be chosen, if it is given.
pub(super) fn entry_table(
    context: &Context<'_>,
    entries: &[EntryRow],
    chosen: Option<&str>,
) -> Markup {
    html! {
        table {
            thead { tr {
                @if chosen.is_some() { th scope="col" { span.hidden { "Select" } } }
                th scope="col" { "Entry" }
                th scope="col" { "State" }
                th scope="col" { "Reason" }
                th scope="col" { "Tries" }
                th scope="col" { "Grant" }
                th scope="col" { "Received" }
            } }
            tbody { @for row in entries { tr {
                @if let Some(state) = chosen { td.box data-label="Select" {
                    @if row.state == state {
                        input type="checkbox" name="key" value=(row.key)
                            aria-label={ "Select " (row.key) };
                    }
                } }
                td data-label="Entry" {
                    a.main href=(entry_link(&row.key).as_str()) {
                        (row.trigger.as_deref().unwrap_or("without a trigger"))
                    }
                    @if let Some(label) = row.destination.as_deref() {
                        @if label != "default" { div.small { "to " (label) } }
                    }
                    @if let Some(subject) = &row.subject { div.subject { (subject) } }
                }
                td data-label="State" {
                    (badge(row.state))
                    @if let Some(cause) = row.cause { " " span.cause { (cause) } }
                }
                td.why data-label="Reason" { (or_dash(Some(&*row.why).filter(|why| !why.is_empty()))) }
                td data-label="Tries" { (tries(row)) }
                td.id data-label="Grant" { (or_dash(row.grant_id.as_deref())) }
                td data-label="Received" {
                    @match row.received {
                        Some(at) => (moment(context, at)),
                        None => (or_dash(None)),
                    }
                }
            } } }
        }
    }
}

/// What has gone wrong with it so far.
pub(super) fn tries(row: &EntryRow) -> Markup {
    html! {
        @if row.failures > 0 { (count(row.failures, "failure", "failures")) }
        @if row.failures > 0 && row.crashes > 0 { ", " }
        @if row.crashes > 0 { (count(row.crashes, "crash", "crashes")) }
        @if row.failures == 0 && row.crashes == 0 { (or_dash(None)) }
    }
}

pub(super) fn delivery_table(context: &Context<'_>, deliveries: &[DeliveryRow]) -> Markup {
    html! {
        table {
            thead { tr {
                th scope="col" { "At" }
                th scope="col" { "Request" }
                th scope="col" { "Answer" }
                th scope="col" { "What became of it" }
                th scope="col" { "Notification" }
                th scope="col" { "Took" }
            } }
            tbody { @for row in deliveries { tr {
                td data-label="At" { (moment(context, row.since_epoch)) }
                td data-label="Request" {
                    span.main { @match &row.trigger {
                        Some(trigger) => (trigger),
                        None => span.none { "not read" },
                    } }
                    @if let Some(attempt) = row.attempt { div.small { "attempt " (attempt) } }
                    @if let Some(label) = row.destination.as_deref() {
                        @if label != "default" { div.small { "to " (label) } }
                    }
                }
                td.answer data-label="Answer" {
                    (badge(row.kind)) " "
                    @match row.status { Some(status) => (status), None => span.none { "none" } }
                    @if row.is_lost { " " (badge("lost")) }
                }
                td.why data-label="What became of it" { (row.text) }
                td.id data-label="Notification" {
                    @match (&row.notification_id, &row.key) {
                        // To its entry, if there is one. Others may have the same id.
                        (Some(id), Some(key)) => {
                            a href=(Link::to("find").with("key", key).as_str()) { (id) }
                        },
                        (Some(id), None) => {
                            a href=(Link::to("find").with("q", id).as_str()) { (id) }
                        },
                        (None, _) => (or_dash(None)),
                    }
                }
                td data-label="Took" { (row.milliseconds) " ms" }
            } } }
        }
    }
}

/// The link to those before.
pub(super) fn pages(next: Option<&str>, first: &Link, is_first: bool) -> Markup {
    html! {
        @if next.is_some() || !is_first {
            nav.pages aria-label="Pages" {
                @if !is_first { a href=(first.as_str()) { "Newest" } }
                @if let Some(next) = next { a href=(next) rel="next" { "Older" } }
            }
        }
    }
}

pub(super) fn nothing(text: &str) -> Markup {
    html! { p.nothing { (text) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_legible() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(count(1_u32, "entry", "entries"), "1 entry");
        assert_eq!(count(0_u32, "entry", "entries"), "0 entries");
        assert_eq!(size(2_190), "2.1 kB");
    }
}
