use maud::{Markup, html};
use tower_nylas::inbox::DeadCause;

use super::{
    Context,
    parts::{choice, entry_link, entry_table, grouped, moment, nothing, or_dash, pages},
};
use crate::{
    filter::{Filter, StateFilter},
    params::Link,
    view::{Dead, Entries, Group, Matches},
};

pub(super) fn page(context: &Context<'_>, view: &Entries) -> Markup {
    let filter = &view.filter;
    let first = Filter {
        before: None,
        ..filter.clone()
    };
    let is_listed = |state| view.can_search || state == StateFilter::Dead;
    let counts = view.counts;
    let number = |state| match state {
        StateFilter::Ready => counts.ready,
        StateFilter::Waiting => counts.waiting,
        StateFilter::Claimed => counts.claimed,
        StateFilter::Done => counts.done,
        StateFilter::Dead => counts.dead,
    };
    let is_done = filter.state == Some(StateFilter::Done);
    let can_choose = context.can_act()
        && view
            .entries
            .iter()
            .any(|row| row.state == if is_done { "done" } else { "dead" });
    html! {
        h1 { "Inbox" }
        nav.choices aria-label="State" {
            @if view.can_search { (choice(&Link::to("inbox"), "All", filter.state.is_none())) }
            @for state in StateFilter::ALL { @if is_listed(state) {
                (choice(
                    &Link::to("inbox").with("state", state.as_str()),
                    &format!("{} {}", state.as_str(), grouped(number(state))),
                    filter.state == Some(state),
                ))
            } }
        }
        (filter_form(filter))
        @if let Some(grant) = &filter.grant { @if context.can_act() && view.can_search {
            p { a.danger href=(Link::to("purge").with("grant", grant).as_str()) {
                "Purge this grant…"
            } }
        } }
        @if view.entries.is_empty() && view.next.is_some() {
            (nothing("None of those that were looked through fits the filter, but there are older ones."))
        } @else if view.entries.is_empty() {
            (nothing("No entry is in this state, or none of those fits the filter."))
        } @else if can_choose {
            form action="?" method="get" {
                // Entries that are in another state by then are passed over.
                input type="hidden" name="was" value=(if is_done { "done" } else { "dead" });
                (entry_table(context, &view.entries, Some(if is_done { "done" } else { "dead" })))
                div.actions {
                    button name="page" value="replay" { "Replay selected…" }
                    @if !is_done { button name="page" value="discard" { "Discard selected…" } }
                    (all_of(filter))
                }
            }
        } @else {
            (entry_table(context, &view.entries, None))
        }
        (pages(view.next.as_deref(), &first.link("inbox"), filter.before.is_none()))
    }
}

/// Links to actions on everything that the filter selects, on whatever page it is.
fn all_of(filter: &Filter) -> Markup {
    let all = Filter {
        before: None,
        ..filter.clone()
    };
    html! {
        @if matches!(filter.state, Some(StateFilter::Dead | StateFilter::Done)) {
            a href=(all.link("replay").as_str()) { "Replay all of these…" }
        }
        @if filter.state == Some(StateFilter::Dead) {
            a href=(all.link("discard").as_str()) { "Discard all of these…" }
        }
    }
}

fn filter_form(filter: &Filter) -> Markup {
    html! {
        form.filter action="?" method="get" {
            input type="hidden" name="page" value="inbox";
            @if let Some(state) = filter.state {
                input type="hidden" name="state" value=(state.as_str());
            }
            @if filter.state == Some(StateFilter::Dead) {
                label { "Cause " select name="cause" {
                    option value="" { "any" }
                    @for cause in DeadCause::ALL {
                        option value=(cause.as_str()) selected[filter.cause == Some(cause)] {
                            (cause.as_str())
                        }
                    }
                } }
            }
            label { "Trigger " input name="trigger" value=[filter.trigger.as_deref()]; }
            label { "Grant " input name="grant" value=[filter.grant.as_deref()]; }
            button { "Filter" }
        }
    }
}

pub(super) fn matches_page(context: &Context<'_>, view: &Matches) -> Markup {
    html! {
        h1 { "Found" }
        p.lead {
            "Several entries are of a notification with the id " b { (view.id) } ". Ids are unique "
            "among the notifications of one destination only."
        }
        (entry_table(context, &view.entries, None))
    }
}

pub(super) fn groups_page(context: &Context<'_>, view: &Dead) -> Markup {
    html! {
        h1 { "Dead letters" }
        p.lead {
            "Notifications that were accepted and do not come again by themselves, by trigger and "
            "cause. Mend what the reason says, then replay them."
        }
        @if view.groups.is_empty() {
            (nothing("Nothing is dead."))
        } @else {
            (group_table(context, &view.groups))
        }
        @if view.is_cut { p.small { "Only the largest groups are shown." } }
    }
}

pub(super) fn group_table(context: &Context<'_>, groups: &[Group]) -> Markup {
    html! {
        table {
            thead { tr {
                th scope="col" { "Trigger" }
                th scope="col" { "Cause" }
                th scope="col" { "Entries" }
                th scope="col" { "Last reason" }
                th scope="col" { "Last received" }
                @if context.can_act() { th scope="col" { "Actions" } }
            } }
            tbody { @for group in groups { tr {
                td data-label="Trigger" {
                    a.main href=(group.filter.link("inbox").as_str()) {
                        (group.trigger.as_deref().unwrap_or("without a trigger"))
                    }
                }
                td data-label="Cause" { span.cause { (group.cause) } }
                td.number data-label="Entries" { (grouped(group.count)) }
                td.why data-label="Last reason" {
                    a href=(entry_link(&group.last_key).as_str()) {
                        @if group.why.is_empty() { "the last one" } @else { (group.why) }
                    }
                }
                td data-label="Last received" {
                    @match group.last_received {
                        Some(at) => (moment(context, at)),
                        None => (or_dash(None)),
                    }
                }
                @if context.can_act() { td data-label="Actions" {
                    span.actions {
                        a href=(group.filter.link("replay").as_str()) { "Replay…" }
                        a href=(group.filter.link("discard").as_str()) { "Discard…" }
                    }
                } }
            } } }
        }
    }
}
