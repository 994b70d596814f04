use maud::{Markup, html};

use super::{
    Context,
    parts::{count, entry_table, nothing},
};
use crate::{
    action::{ActionKind, Selection},
    filter::Filter,
    params::Link,
    view::Confirm,
};

pub(super) fn page(context: &Context<'_>, view: &Confirm) -> Markup {
    let (verb, effect) = match view.kind {
        ActionKind::Discard => ("Discard", "They are deleted, and do not come again."),
        ActionKind::Purge => (
            "Purge",
            "All entries of the grant are deleted, in whatever state they are, but for those that \
             are being handled.",
        ),
        _ => (
            "Replay",
            "They are handled again at once, and their failures are forgotten.",
        ),
    };
    let number = count(view.count as u64, "entry", "entries");
    html! {
        h1 { (verb) " " (number) "?" }
        @if let Some(grant) = &view.grant { p { "Of the grant " b { (grant) } "." } }
        @if view.count == 0 {
            (nothing("Nothing is selected that this could be done to."))
            p { a href="?" { "Back to the overview" } }
        } @else {
            p.lead { (effect) " Nothing was done so far." }
            @if view.is_cut {
                p.message {
                    @if view.kind == ActionKind::Purge {
                        "There are more than were counted. All of them are purged."
                    } @else {
                        "There are more than one action may change. The rest stays as it is."
                    }
                }
            }
            @if context.can_act() { (form(view, verb, &number)) }
            @else { p.message { "You may look, and not act." } }
            (entry_table(context, &view.entries, false))
            @if view.count > view.entries.len() {
                p.small { "and " (view.count - view.entries.len()) " more" }
            }
        }
    }
}

fn form(view: &Confirm, verb: &str, number: &str) -> Markup {
    html! {
        form.actions action="?" method="post" {
            input type="hidden" name="action" value=(view.action);
            input type="hidden" name="confirm" value="1";
            @match &view.selection {
                Some(Selection::Keys(keys)) => @for key in keys {
                    input type="hidden" name="key" value=(key);
                },
                Some(Selection::Filter(filter)) => {
                    // What dies from now on was not counted.
                    @let filter = Filter { before: view.before, ..filter.clone() };
                    @for (name, value) in filter.fields() {
                        input type="hidden" name=(name) value=(value);
                    }
                },
                None => {},
            }
            @if let Some(grant) = &view.grant { input type="hidden" name="grant" value=(grant); }
            @if view.kind == ActionKind::Discard {
                label { "Reason " input name="reason" required maxlength="200"; }
            }
            button class=(if view.kind == ActionKind::Replay { "primary" } else { "danger" }) {
                (verb) " " (number)
            }
            a href=(Link::to("dead").as_str()) { "Cancel" }
        }
    }
}
