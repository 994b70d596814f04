use std::time::Duration;

use maud::{Markup, html};

use super::{
    Context,
    parts::{badge, delivery_table, moment, nothing, or_dash, size, tries},
};
use crate::{params::Link, time::rough, view::Detail};

pub(super) fn page(context: &Context<'_>, view: &Detail) -> Markup {
    let row = &view.entry;
    html! {
        h1 {
            (row.trigger.as_deref().unwrap_or("An entry without a trigger"))
            " " (badge(row.state))
            @if let Some(cause) = row.cause { " " span.cause { (cause) } }
        }
        @if let Some(subject) = &row.subject { p.lead { (subject) } }
        @if !row.why.is_empty() || view.advice.is_some() {
            div.reason {
                @if !row.why.is_empty() { p.why { (row.why) } }
                @if let Some(advice) = view.advice { p.small { (advice) } }
            }
        }
        @if context.can_act() { (actions(view)) }
        div.columns {
            section {
                h2 { "Timeline" }
                @match &view.timeline {
                    None => (nothing("The engine of this inbox keeps none.")),
                    Some(events) => ol.timeline { @for event in events { li {
                        (badge(event.what)) " " (moment(context, event.since_epoch))
                        @if !event.why.is_empty() { div.why { (event.why) } }
                        @if let Some(seconds) = event.again_after_seconds {
                            div.small { "again after " (rough(Duration::from_secs(seconds))) }
                        }
                    } } },
                }
            }
            section {
                h2 { "Entry" }
                (facts(context, view))
            }
        }
        @if context.settings.recent.is_some() {
            section {
                h2 { "Deliveries" }
                @if view.deliveries.is_empty() {
                    (nothing("None of its deliveries is among the last ones of this process."))
                } @else {
                    (delivery_table(context, &view.deliveries))
                }
            }
        }
        section {
            h2 { "Body" }
            @match &view.body {
                Some(body) => {
                    @if body.is_cut { p.small { "Only its beginning is shown." } }
                    @if !body.is_json { p.small { "It is no JSON." } }
                    pre tabindex="0" { (body.text) }
                },
                None => (nothing("Bodies are hidden. The application can show them with `show_bodies`.")),
            }
        }
    }
}

fn actions(view: &Detail) -> Markup {
    let key = &view.entry.key;
    let row_is_done = view.entry.state == "done";
    html! {
        div.actions {
            @if row_is_done {
                // Its handler runs once more, so that is asked first.
                a href=(Link::to("replay").with("key", key).with("was", "done").as_str()) { "Replay…" }
            } @else if view.can_replay {
                form action="?" method="post" {
                    input type="hidden" name="key" value=(key);
                    input type="hidden" name="was" value="dead";
                    button.primary name="action" value="replay" { "Replay" }
                }
            }
            @if view.can_discard {
                details {
                    summary { "Discard…" }
                    form action="?" method="post" {
                        input type="hidden" name="key" value=(key);
                        label { "Reason " input name="reason" required maxlength="200"; }
                        button.danger name="action" value="discard" { "Discard" }
                    }
                }
            }
        }
    }
}

fn facts(context: &Context<'_>, view: &Detail) -> Markup {
    let row = &view.entry;
    html! {
        dl {
            dt { "Notification" } dd.id { (or_dash(view.notification_id.as_deref())) }
            dt { "Grant" }
            dd.id { @match &row.grant_id {
                Some(grant) => a href=(Link::to("inbox").with("grant", grant).as_str()) { (grant) },
                None => (or_dash(None)),
            } }
            dt { "Destination" } dd { (or_dash(row.destination.as_deref())) }
            dt { "Received" }
            dd { @match row.received {
                Some(at) => (moment(context, at)),
                None => (or_dash(None)),
            } }
            dt { "Tries" } dd { (tries(row)) }
            dt { "Size" }
            dd { @match row.size { Some(bytes) => (size(bytes as u64)), None => (or_dash(None)) } }
            dt { "Key" } dd.id { (row.key) }
            dt { "Position" } dd { (row.position) }
        }
    }
}
