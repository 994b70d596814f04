use maud::{Markup, html};

use super::{
    Context,
    parts::{count, entry_table, nothing},
};
use crate::{
    action::{ActionKind, Selection},
    filter::{Filter, StateFilter},
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
        _ if view.was == Some(StateFilter::Done.as_str()) => {
            ("Replay", "They were handled, and are handled once more.")
        }
        _ => (
            "Replay",
            "They are handled again at once, and their failures are forgotten.",
        ),
    };
    let number = count(view.count as u64, "entry", "entries");
    html! {
        h1 { (verb) " " (number) "?" }
        @if let Some(grant) = &view.grant { p { "Of the grant " b { (grant) } "." } }
        @if let Some(selection) = &view.selection { p { "Selected: " (selection) "." } }
        @if view.passed_over > 0 {
            p.message {
                (count(view.passed_over as u64, "chosen entry is", "chosen entries are"))
                " in another state by now, or gone, and passed over."
            }
        }
        @if view.count == 0 && view.is_cut {
            (nothing("None was found among those that were looked through, but there are more."))
            @if let Some(link) = older(view) { p { a href=(link.as_str()) { "Look further" } } }
        } @else if view.count == 0 {
            (nothing("Nothing is selected that this could be done to."))
            p { a href="?" { "Back to the overview" } }
        } @else {
            p.lead { (effect) " Nothing was done so far." }
            @if view.is_cut {
                p.message {
                    @if view.kind == ActionKind::Purge {
                        "There are more than were counted. All of them are purged."
                    } @else {
                        "There may be more than one action changes. The rest stays as it is."
                    }
                }
            }
            @if context.can_act() { (form(view, verb, &number)) }
            @else { p.message { "You may look, and not act." } }
            (entry_table(context, &view.entries, None))
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
            // What was counted, and nothing that dies from now on.
            @for key in view.keys.iter().flatten() { input type="hidden" name="key" value=(key); }
            @if view.keys.is_some() { @if let Some(was) = view.was {
                input type="hidden" name="was" value=(was);
            } }
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

/// The same of what is below those that were looked through.
fn older(view: &Confirm) -> Option<Link> {
    let Some(Selection::Filter(filter)) = &view.selection else {
        return None;
    };
    let rest = Filter {
        before: Some(view.next_before?),
        ..filter.clone()
    };
    Some(rest.link(view.action))
}
