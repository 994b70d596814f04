//! The pages as HTML. Whatever comes from outside is escaped, since `maud` escapes every text.

mod confirm;
mod deliveries;
mod entries;
mod entry;
mod layout;
mod note;
mod overview;
mod parts;
mod style;

use std::time::Duration;

use maud::{Markup, html};

pub(crate) use self::{layout::layout, note::Note, style::csp};
use crate::{
    authorize::{Access, Right},
    settings::Settings,
    view::View,
};

/// What all pages are made with.
pub(crate) struct Context<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) access: &'a Access,
    pub(crate) now: Duration,
}

impl Context<'_> {
    /// Whether buttons are shown. That they are not is no protection: each action is checked.
    pub(crate) fn can_act(&self) -> bool {
        self.access.right == Right::Act && !self.settings.is_read_only
    }
}

/// The name of a page, and its content.
pub(crate) fn content(context: &Context<'_>, view: &View) -> (&'static str, Markup) {
    match view {
        View::Overview(view) => ("Overview", overview::page(context, view)),
        View::Deliveries(view) => ("Deliveries", deliveries::page(context, view)),
        View::Entries(view) => ("Inbox", entries::page(context, view)),
        View::Dead(view) => ("Dead letters", entries::groups_page(context, view)),
        View::Entry(view) => ("Entry", entry::page(context, view)),
        View::Matches(view) => ("Found", entries::matches_page(context, view)),
        View::Confirm(view) => ("Confirm", confirm::page(context, view)),
    }
}

/// Why there is no page.
pub(crate) fn message(title: &str, text: &str) -> Markup {
    html! {
        h1 { (title) }
        p.message { (text) }
        p { a href="?" { "Back to the overview" } }
    }
}
