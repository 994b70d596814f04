use maud::{Markup, html};

use super::{
    Context,
    parts::{choice, count, delivery_table, nothing, pages},
};
use crate::{
    params::Link,
    view::{Deliveries, DeliveryFilter},
};

const KINDS: [(&str, &str); 6] = [
    ("all", "All"),
    ("accepted", "Accepted"),
    ("failed", "Failed"),
    ("lost", "Lost"),
    ("refused", "Refused"),
    ("challenge", "Challenges"),
];

pub(super) fn page(context: &Context<'_>, view: &Deliveries) -> Markup {
    let filter = &view.filter;
    let kind = if filter.only_lost {
        "lost"
    } else {
        filter.kind.unwrap_or("all")
    };
    let first = DeliveryFilter {
        before: None,
        ..filter.clone()
    };
    html! {
        h1 { "Deliveries" }
        nav.choices aria-label="Kind" {
            @for (name, text) in KINDS {
                (choice(&Link::to("deliveries").with("kind", name), text, name == kind))
            }
        }
        form.filter action="?" method="get" {
            input type="hidden" name="page" value="deliveries";
            input type="hidden" name="kind" value=(kind);
            label { "Trigger " input name="trigger" value=[filter.trigger.as_deref()]; }
            label { "Notification id " input name="id" value=[filter.id.as_deref()]; }
            button { "Filter" }
        }
        @if let Some(labels) = &view.tried {
            p.message {
                "No entry has this id under " (count(labels.len() as u64, "label", "labels")) ": "
                (labels[..labels.len().min(10)].join(", "))
                @if labels.len() > 10 { " …" }
                "."
            }
        }
        @if view.deliveries.is_empty() {
            (nothing("No request of this kind is remembered. Only the last ones are, since the process has started."))
        } @else {
            (delivery_table(context, &view.deliveries))
        }
        (pages(view.next.as_deref(), &first.link(), filter.before.is_none()))
    }
}
