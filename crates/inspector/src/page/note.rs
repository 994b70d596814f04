//! What was done before this page, as the redirect to it says.

use maud::{Markup, html};

use super::parts::count;
use crate::params::{Link, Params};

/// Of a fixed set, so that a link from elsewhere can put no text of its own on a page.
pub(crate) struct Note {
    what: &'static str,
    done: u64,
    selected: u64,
    is_cut: bool,
    /// What a purge has left.
    left: u64,
}

const ACTIONS: [(&str, &str); 5] = [
    ("replay", "ready again"),
    ("discard", "discarded"),
    ("purge", "purged"),
    ("pause", ""),
    ("resume", ""),
];

impl Note {
    pub(crate) const PARAMS: [&str; 5] = ["did", "n", "of", "more", "left"];

    pub(crate) fn parse(params: &Params) -> Option<Self> {
        let did = params.get("did")?;
        let (what, _) = ACTIONS.iter().find(|(name, _)| *name == did)?;
        Some(Self {
            what,
            done: params.number("n").unwrap_or(0),
            selected: params.number("of").unwrap_or(0),
            is_cut: params.has("more"),
            left: params.number("left").unwrap_or(0),
        })
    }

    pub(crate) fn link(link: Link, done: &crate::action::Done) -> Link {
        let link = link
            .with("did", done.action)
            .with("n", done.done)
            .with("of", done.selected)
            .with_some("left", done.left.filter(|left| *left > 0));
        if done.is_cut {
            link.with("more", 1)
        } else {
            link
        }
    }

    pub(crate) fn markup(&self) -> Markup {
        let verb = ACTIONS.iter().find(|(name, _)| *name == self.what);
        let verb = verb.map_or("", |(_, verb)| verb);
        html! {
            p.note role="status" {
                @match self.what {
                    "pause" => "The workers of this process claim nothing any more, until they are resumed.",
                    "resume" => "The workers of this process claim again.",
                    _ => {
                        (count(self.done, "entry is", "entries are")) " " (verb) "."
                        @if self.done < self.selected {
                            " " (self.selected - self.done)
                            " had changed meanwhile and stay as they are."
                        }
                        @if self.left > 0 {
                            " " (self.left)
                            @if self.left >= crate::source::READ_AT_A_TIME as u64 { " or more" }
                            " of the grant are left, which are being handled or have just arrived: "
                            "do it again later."
                        }
                        @if self.is_cut { " There are more: do it again." }
                    }
                }
            }
        }
    }
}
