//! What is around each page.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use tower_nylas::health::{Level, Status};

use super::{Context, Note, parts::badge, style::STYLE};
use crate::{
    params::{Link, Params},
    time::readable,
};

/// How often a page reloads itself, if it is asked to, in seconds.
const REFRESH: [u64; 3] = [5, 30, 300];

pub(crate) fn layout(context: &Context<'_>, params: &Params, title: &str, main: &Markup) -> String {
    let refresh = params.number("refresh");
    let refresh = refresh.filter(|seconds| REFRESH.contains(seconds));
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                @if let Some(seconds) = refresh { meta http-equiv="refresh" content=(seconds); }
                title { (title) " · Nylas webhooks" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#content" { "Skip to the content" }
                header {
                    div.bar {
                        a.brand href="?" { "Nylas webhooks" }
                        (navigation(context, title))
                        form.find action="?" method="get" role="search" {
                            input type="hidden" name="page" value="find";
                            input type="search" name="q" required
                                aria-label="Notification id or entry key"
                                placeholder="Notification id or key";
                            button { "Find" }
                        }
                    }
                    @if let Some(health) = &context.settings.health { (strip(&health.status())) }
                    @if context.settings.pause.as_ref().is_some_and(tower_nylas::inbox::Pause::is_paused) {
                        p.strip.fair {
                            (badge("paused")) span { "Workers of this process claim nothing. What arrives is stored." }
                        }
                    }
                }
                main id="content" {
                    @if let Some(note) = Note::parse(params) { (note.markup()) }
                    (main)
                }
                (footer(context, params, refresh))
            }
        }
    };
    page.into_string()
}

fn navigation(context: &Context<'_>, title: &str) -> Markup {
    let settings = context.settings;
    let pages = [
        ("Overview", Link::home(), true),
        (
            "Deliveries",
            Link::to("deliveries"),
            settings.recent.is_some(),
        ),
        ("Inbox", Link::to("inbox"), settings.source.is_some()),
        ("Dead letters", Link::to("dead"), settings.source.is_some()),
    ];
    html! {
        nav aria-label="Pages" {
            @for (name, link, is_there) in &pages { @if *is_there {
                a href=(link.as_str()) aria-current=[(*name == title).then_some("page")] { (name) }
            } }
        }
    }
}

/// What Nylas will think of the destinations, in a line or a few.
fn strip(status: &Status) -> Markup {
    let class = match status.level {
        Level::Ok => "good",
        Level::Notice | Level::Warning => "fair",
        _ => "bad",
    };
    let mut findings: Vec<_> = status.all_findings().collect();
    findings.sort_by_key(|(_, finding)| std::cmp::Reverse(finding.level));
    html! {
        section class={ "strip " (class) } aria-label="Health" {
            (badge(status.level.as_str()))
            @if findings.is_empty() {
                @let (failed, all) = status.destinations.iter().fold((0, 0), |(failed, all), one| {
                    let share = one.fifteen_minutes;
                    (failed + share.failed, all + share.requests)
                });
                span { "Of " (all) " notifications within 15 minutes, " (failed) " failed." }
            } @else {
                ul { @for (destination, finding) in findings.iter().take(5) { li {
                    @if let Some(label) = destination { @if *label != "default" { b { (label) ": " } } }
                    (finding.text)
                } } }
            }
            @if !status.is_ready { (badge("not ready")) }
        }
    }
}

fn footer(context: &Context<'_>, params: &Params, refresh: Option<u64>) -> Markup {
    let here = params.link();
    html! {
        footer {
            span { "As of " (readable(context.now)) " UTC" }
            @if let Some(who) = &context.access.who { span { "Signed in as " (who) } }
            @if !context.can_act() { span { "Read only" } }
            nav aria-label="Refresh" {
                span { "Refresh" }
                a href=(here.as_str()) aria-current=[refresh.is_none().then_some("true")] { "off" }
                @for seconds in REFRESH {
                    a href=(here.clone().with("refresh", seconds).as_str())
                        aria-current=[(refresh == Some(seconds)).then_some("true")] { (seconds) " s" }
                }
            }
        }
    }
}
