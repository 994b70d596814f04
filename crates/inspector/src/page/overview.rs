use maud::{Markup, html};

use super::{
    Context,
    entries::group_table,
    parts::{badge, count, delivery_table, grouped, nothing, size},
};
use crate::{params::Link, time::rough, view::Overview};

pub(super) fn page(context: &Context<'_>, view: &Overview) -> Markup {
    let can_search = context
        .settings
        .source()
        .is_some_and(|source| source.search().is_some());
    html! {
        h1 { "Overview" }
        @if let Some(why) = &view.inbox_failed {
            p.message role="alert" { "The inbox does not answer: " (why) }
        }
        @if let Some(inbox) = &view.inbox {
            section {
                h2 { "Inbox" }
                ul.figures {
                    @for (name, number) in [
                        ("ready", inbox.ready),
                        ("waiting", inbox.waiting),
                        ("claimed", inbox.claimed),
                        ("done", inbox.done),
                        ("dead", inbox.dead),
                    ] {
                        li class=[(name == "dead" && number > 0).then_some("alarm")] {
                            @let figure = html! { b { (grouped(number)) } (name) };
                            @if can_search || name == "dead" {
                                a href=(Link::to("inbox").with("state", name).as_str()) { (figure) }
                            } @else { (figure) }
                        }
                    }
                }
                p.small {
                    (size(inbox.bytes)) " in all. "
                    @if let Some(seconds) = inbox.oldest_ready_seconds {
                        "The longest due entry has been due for "
                        (rough(std::time::Duration::from_secs(seconds))) "."
                    }
                }
            }
        }
        @if let Some(is_paused) = view.is_paused { (pause(context, is_paused)) }
        @if !view.dead.is_empty() {
            section {
                h2 { "Dead letters" }
                (group_table(context, &view.dead))
                p { a href=(Link::to("dead").as_str()) { "All dead letters" } }
            }
        }
        @if let Some(tally) = &view.deliveries {
            section {
                h2 { "Last deliveries" }
                ul.figures {
                    @for (name, number) in [
                        ("accepted", tally.accepted),
                        ("failed", tally.failed),
                        ("lost", tally.lost),
                        ("refused", tally.refused),
                        ("challenge", tally.challenges),
                    ] {
                        li class=[(matches!(name, "failed" | "lost") && number > 0).then_some("alarm")] {
                            a href=(Link::to("deliveries").with("kind", name).as_str()) {
                                b { (grouped(number as u64)) } (name)
                            }
                        }
                    }
                }
                @if view.problems.is_empty() {
                    (nothing("None of them has failed or was refused."))
                } @else {
                    h3 { "What went wrong last" }
                    (delivery_table(context, &view.problems))
                }
            }
        }
        @if let Some(health) = &view.health { (destinations(health)) }
    }
}

fn pause(context: &Context<'_>, is_paused: bool) -> Markup {
    let (word, action, button) = if is_paused {
        ("paused", "resume", "Resume")
    } else {
        ("running", "pause", "Pause")
    };
    html! {
        section {
            h2 { "Workers of this process" }
            @if context.can_act() {
                form.inline action="?" method="post" {
                    (badge(word))
                    button name="action" value=(action) { (button) }
                }
            } @else {
                (badge(word))
            }
        }
    }
}

/// The shares by which Nylas judges them.
fn destinations(health: &tower_nylas::health::Status) -> Markup {
    html! {
        @if !health.destinations.is_empty() {
            section {
                h2 { "Destinations" }
                table {
                    thead { tr {
                        th scope="col" { "Destination" }
                        th scope="col" { "Level" }
                        th scope="col" { "Failed in 15 minutes" }
                        th scope="col" { "Failed in 72 hours" }
                        th scope="col" { "Last verified" }
                    } }
                    tbody { @for one in &health.destinations { tr {
                        td data-label="Destination" { span.main { (one.destination) } }
                        td data-label="Level" { (badge(one.level.as_str())) }
                        @for (label, share) in [
                            ("Failed in 15 minutes", one.fifteen_minutes),
                            ("Failed in 72 hours", one.three_days),
                        ] {
                            td data-label=(label) {
                                @if share.requests > 0 {
                                    meter min="0" max=(share.requests) value=(share.failed)
                                        low=(share.requests / 2) high=(share.requests * 9 / 10)
                                        optimum="0" { }
                                }
                                span.small { (share.failed) " of " (count(share.requests, "notification", "notifications")) }
                            }
                        }
                        td data-label="Last verified" {
                            @match one.since_verified {
                                Some(since) => { (rough(since)) " ago" },
                                None => span.none { "never" },
                            }
                        }
                    } } }
                }
            }
        }
    }
}
