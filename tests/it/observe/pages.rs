//! The alerts, the dashboard and the guides speak of metrics that exist, and of all of them.

use std::collections::BTreeSet;

const ALERTS: &str = include_str!("../../../docs/alerts.yml");
const DASHBOARD: &str = include_str!("../../../docs/dashboard.json");
const OPERATING: &str = include_str!("../../../docs/operating.md");
const GUIDE: &str = include_str!("../../../src/observe/mod.rs");
const HEALTH: &str = include_str!("../../../src/health/mod.rs");
const INBOX: &str = include_str!("../../../src/inbox/mod.rs");
const CAUSES: &str = include_str!("../../../src/inbox/settlement.rs");
const LAYERS: &str = include_str!("../../../src/_guide/layers.md");

/// The names of metrics in a text, those of histograms without what Prometheus appends.
fn metrics_in(text: &str) -> BTreeSet<String> {
    let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
    let starts = ["nylas_webhook_", "nylas_inbox_"].map(|start| text.match_indices(start));
    let starts = starts.into_iter().flatten();
    starts
        .map(|(at, _)| {
            let name = &text[at..];
            let name = &name[..name.find(|c| !is_name(c)).unwrap_or(name.len())];
            let histogram = ["_bucket", "_sum", "_count"];
            let name = histogram
                .iter()
                .find_map(|suffix| name.strip_suffix(suffix));
            name.unwrap_or_else(|| &text[at..][..text[at..].find(|c| !is_name(c)).unwrap()])
                .to_owned()
        })
        .collect()
}

/// The values that a text compares labels with.
fn labels_in(text: &str) -> BTreeSet<(String, String)> {
    let mut labels = BTreeSet::new();
    for label in [
        "reason",
        "outcome",
        "hint",
        "fault",
        "attempt",
        "status",
        "window",
        "cause",
        "settlement",
        "after",
        "state",
        "call",
    ] {
        for operator in ["=", "!=", "=~", "!~"] {
            let before = format!("{label}{operator}\"");
            for (at, _) in text.match_indices(&before) {
                let value = &text[at + before.len()..];
                let value = &value[..value.find('"').unwrap()];
                let values = value.trim_end_matches('\\').split('|');
                labels.extend(values.map(|value| (label.to_owned(), value.to_owned())));
            }
        }
    }
    labels
}

fn described() -> BTreeSet<String> {
    let guides = [GUIDE, HEALTH, INBOX];
    let lines = guides.into_iter().flat_map(str::lines);
    let rows = lines.filter_map(|line| line.strip_prefix("//! | `"));
    let names = rows.filter_map(|row| Some(row.split_once('`')?.0));
    let names = names.filter(|name| name.starts_with("nylas_"));
    names.map(ToOwned::to_owned).collect()
}

#[test]
fn each_metric_of_the_alerts_and_the_dashboard_exists() {
    let described = described();
    assert_eq!(described.len(), 16 + 3 + 9);
    let dashboard = DASHBOARD.replace("\\\"", "\"");
    for (page, text) in [
        ("alerts", ALERTS),
        ("dashboard", &*dashboard),
        ("guide", GUIDE),
        ("health", HEALTH),
        ("operating", OPERATING),
    ] {
        let named = metrics_in(text);
        assert!(named.len() >= 3, "{page} names {named:?}");
        let unknown: Vec<_> = named.difference(&described).collect();
        assert!(unknown.is_empty(), "{page}: {unknown:?}");
        for (label, value) in labels_in(text) {
            let listed = [GUIDE, HEALTH, INBOX, CAUSES];
            let listed = listed.map(|guide| guide.contains(&format!("`{value}`")));
            assert!(listed.contains(&true), "{page}: {label}={value}");
        }
    }
    // Nothing that is measured is missing on the dashboard, or not explained to operators.
    assert_eq!(metrics_in(&dashboard), described);
    assert_eq!(metrics_in(OPERATING), described);
}

#[test]
fn operators_are_told_of_each_cause_and_level() {
    let rows = HEALTH.lines().filter(|line| line.starts_with("//! | `"));
    let causes = rows.filter(|row| !row.contains("nylas_"));
    let causes: Vec<_> = causes.filter_map(|row| row.split('`').nth(1)).collect();
    assert_eq!(causes.len(), 7);
    for cause in causes {
        assert!(OPERATING.contains(&format!("### `{cause}`\n")), "{cause}");
    }
    for level in ["ok", "notice", "warning", "error", "critical"] {
        assert!(OPERATING.contains(&format!("\n| `{level}` | ")), "{level}");
    }
}

/// `length_changed` of the label is `LengthChanged` of the guide to layers.
#[test]
fn each_hint_is_explained() {
    let list = GUIDE.split_once("- `hint`:").unwrap().1;
    let list = list.split_once("(see").unwrap().0;
    let hints: Vec<_> = list.split('`').skip(1).step_by(2).collect();
    assert_eq!(hints.len(), 8);
    for hint in hints {
        let words = hint.split('_');
        let variant: String = words
            .map(|word| word[..1].to_uppercase() + &word[1..])
            .collect();
        assert!(LAYERS.contains(&format!("| `{variant}` |")), "{variant}");
    }
}

#[test]
fn the_boundaries_of_buckets_are_those_of_the_histograms() {
    let rows = GUIDE.lines().filter(|line| line.contains("| histogram |"));
    let histograms: BTreeSet<_> = rows.map(|row| row.split('`').nth(1).unwrap()).collect();
    let buckets = tower_nylas::observe::BUCKETS;
    let names: BTreeSet<_> = buckets.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, histograms);
    for (name, boundaries) in buckets {
        assert!(
            boundaries.is_sorted_by(|a, b| a < b),
            "{name}: {boundaries:?}"
        );
        // What Nylas waits, and what the default limit lets through, are boundaries.
        let most = if name.ends_with("_bytes") { 4e6 } else { 10.0 };
        assert!(boundaries.contains(&most), "{name}");
    }
}
