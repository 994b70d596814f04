use std::collections::HashSet;

use proptest::prelude::*;

use super::{table::with_triggers, *};

/// The names in Nylas' reference, written a second time on purpose: one that is misspelt in the
/// table would otherwise be as unknown here.
const NAMES: [&str; 54] = [
    "alert.triggered",
    "booking.cancelled",
    "booking.created",
    "booking.pending",
    "booking.reminder",
    "booking.rescheduled",
    "calendar.created",
    "calendar.deleted",
    "calendar.updated",
    "contact.deleted",
    "contact.updated",
    "event.created",
    "event.deleted",
    "event.updated",
    "folder.created",
    "folder.deleted",
    "folder.updated",
    "grant.created",
    "grant.deleted",
    "grant.expired",
    "grant.imap_sync_completed",
    "grant.updated",
    "message.bounce_detected",
    "message.bounced",
    "message.complaint",
    "message.created",
    "message.created.cleaned",
    "message.created.metadata",
    "message.deleted",
    "message.delivered",
    "message.intelligence.order",
    "message.intelligence.return",
    "message.intelligence.tracking",
    "message.intelligence.travel",
    "message.link_clicked",
    "message.link_clicked.legacy",
    "message.opened",
    "message.opened.legacy",
    "message.rejected",
    "message.send_failed",
    "message.send_success",
    "message.transactional.bounced",
    "message.transactional.complaint",
    "message.transactional.delivered",
    "message.transactional.rejected",
    "message.updated",
    "message.updated.metadata",
    "notetaker.created",
    "notetaker.deleted",
    "notetaker.media",
    "notetaker.meeting_state",
    "notetaker.updated",
    "thread.replied",
    "thread.replied.legacy",
];

/// Names without a published schema that some of Nylas' own clients list.
const LISTED_ELSEWHERE: [&str; 1] = ["contact.created"];

const SUFFIXES: [(&str, bool, bool); 5] = [
    ("", false, false),
    (".transformed", true, false),
    (".truncated", false, true),
    (".transformed.truncated", true, true),
    // The other order is not documented, and read all the same.
    (".truncated.transformed", true, true),
];

#[test]
fn all_documented_names_are_known() {
    let mut known: Vec<_> = TriggerKind::KNOWN.iter().map(TriggerKind::as_str).collect();
    known.sort_unstable();
    let mut expected = [&NAMES[..], &LISTED_ELSEWHERE].concat();
    expected.sort_unstable();
    assert_eq!(known, expected);
    let distinct: HashSet<_> = TriggerKind::KNOWN.iter().collect();
    assert_eq!(distinct.len(), 54 + LISTED_ELSEWHERE.len());
}

/// What makes a documented type in the table: a sample of its plain form.
#[test]
fn the_documented_names_are_those_with_a_sample() {
    macro_rules! names_with_a_sample {
        ($($object:ident $(also $also:tt)? {
            $($variant:ident = $name:literal [$($form:literal)*])+
        })+) => {
            [$($(($name, &[$($form),*] as &[&str]),)+)+]
        };
    }
    let (documented, listed): (Vec<_>, Vec<_>) = with_triggers!(names_with_a_sample)
        .into_iter()
        .partition(|(_, forms)| forms.first() == Some(&""));
    let names = |rows: Vec<(&'static str, _)>| {
        let mut names: Vec<_> = rows.into_iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(names(documented), NAMES);
    assert!(listed.iter().all(|(_, forms)| forms.is_empty()));
    assert_eq!(names(listed), LISTED_ELSEWHERE);
}

#[test]
fn the_index_is_the_position_among_the_known() {
    for (position, kind) in TriggerKind::KNOWN.iter().enumerate() {
        assert_eq!(kind.index(), Some(position), "{kind}");
    }
    assert_eq!(TriggerKind::from("yacht.sunk").index(), None);
}

#[test]
fn a_known_name_is_known_with_every_suffix() {
    for (name, kind) in TriggerKind::KNOWN.iter().map(|kind| (kind.as_str(), kind)) {
        assert_eq!(&TriggerKind::from(name), kind);
        assert_eq!(Trigger::from(kind.clone()), Trigger::from(name));
        for (suffix, transformed, truncated) in SUFFIXES {
            let text = format!("{name}{suffix}");
            let trigger = Trigger::from(&*text);
            assert_eq!(trigger.kind(), kind, "{text}");
            assert!(trigger.kind().is_known());
            assert_eq!(trigger.is_transformed(), transformed, "{text}");
            assert_eq!(trigger.is_truncated(), truncated, "{text}");
            assert_eq!(trigger.is_cleaned(), name.ends_with("cleaned"), "{text}");
            assert_eq!(trigger.is_metadata(), name.ends_with("metadata"), "{text}");
            assert_eq!(trigger.is_legacy(), name.ends_with("legacy"), "{text}");
            assert_eq!(trigger.to_string(), text);
        }
    }
}

#[test]
fn an_unknown_name_keeps_its_text_and_its_suffixes() {
    for (text, stem, transformed, truncated) in [
        ("yacht.sunk", "yacht.sunk", false, false),
        ("yacht.sunk.truncated", "yacht.sunk", false, true),
        ("contact.merged.transformed", "contact.merged", true, false),
        ("a.b.c.d.truncated", "a.b.c.d", false, true),
        ("Message.Created", "Message.Created", false, false),
        (
            "message.created.TRUNCATED",
            "message.created.TRUNCATED",
            false,
            false,
        ),
        (
            "message.createdtruncated",
            "message.createdtruncated",
            false,
            false,
        ),
        ("message.created ", "message.created ", false, false),
        // A base has two segments, so these are names of their own.
        ("message.truncated", "message.truncated", false, false),
        ("truncated", "truncated", false, false),
        (
            "message.transformed.truncated",
            "message.transformed",
            false,
            true,
        ),
        // Each suffix at most once.
        ("a.b.truncated.truncated", "a.b.truncated", false, true),
        (
            "a.b.transformed.truncated.transformed",
            "a.b.transformed",
            true,
            true,
        ),
        ("", "", false, false),
        (".", ".", false, false),
        ("..", "..", false, false),
        (".truncated", ".truncated", false, false),
        ("..truncated", ".", false, true),
        ("メール.到着.truncated", "メール.到着", false, true),
    ] {
        let trigger = Trigger::from(text);
        assert_eq!(trigger.kind(), &TriggerKind::Unknown(stem.into()), "{text}");
        assert!(!trigger.kind().is_known());
        assert_eq!(trigger.is_transformed(), transformed, "{text}");
        assert_eq!(trigger.is_truncated(), truncated, "{text}");
        assert_eq!(trigger.to_string(), text);
    }
}

/// `message.cleaned` is no cleaned form of anything.
#[test]
fn a_variant_needs_a_base_as_well() {
    for text in [
        "message.cleaned",
        "message.metadata",
        "message.legacy",
        "legacy",
    ] {
        let trigger = Trigger::from(text);
        assert!(!trigger.is_cleaned() && !trigger.is_metadata() && !trigger.is_legacy());
    }
    assert!(Trigger::from("yacht.sunk.cleaned").is_cleaned());
    assert!(Trigger::from("yacht.sunk.metadata.truncated").is_metadata());
    assert!(Trigger::from("yacht.sunk.legacy.transformed").is_legacy());
}

/// What a kind that was made by hand means is read from its text.
#[test]
fn a_kind_made_by_hand_is_read_like_a_name() {
    let trigger = Trigger::from(TriggerKind::Unknown("message.created.truncated".into()));
    assert_eq!(trigger, Trigger::from("message.created.truncated"));
    assert_eq!(trigger.kind(), &TriggerKind::MessageCreated);
}

fn filter(text: &str) -> Filter {
    text.parse().unwrap()
}

/// A filter names a subscription.
#[test]
fn a_filter_receives_what_its_subscription_brings() {
    for (text, receives, does_not) in [
        (
            "message.created",
            &[
                "message.created",
                "message.created.truncated",
                "message.created.transformed",
                "message.created.transformed.truncated",
                "message.created.metadata",
                "message.created.metadata.transformed",
            ][..],
            &[
                "message.created.cleaned",
                "message.created.cleaned.truncated",
                "message.created.legacy",
                "message.created.unheard_of",
                "message.updated",
                "message.createdx",
                "message",
            ][..],
        ),
        (
            "message.created.cleaned",
            &[
                "message.created.cleaned",
                "message.created.cleaned.transformed.truncated",
            ],
            &["message.created", "message.created.truncated"],
        ),
        (
            "message.opened",
            &["message.opened", "message.opened.truncated"],
            &["message.opened.legacy"],
        ),
        (
            "message.opened.legacy",
            &["message.opened.legacy", "message.opened.legacy.truncated"],
            &["message.opened"],
        ),
        (
            "message.created.metadata",
            &[
                "message.created.metadata",
                "message.created.metadata.truncated",
            ],
            &["message.created"],
        ),
        (
            "message.created.truncated",
            &[
                "message.created.truncated",
                "message.created.transformed.truncated",
                "message.created.metadata.truncated",
            ],
            &["message.created", "message.created.transformed"],
        ),
        (
            "message.created.transformed.truncated",
            &[
                "message.created.transformed.truncated",
                "message.created.truncated.transformed",
            ],
            &["message.created.truncated", "message.created.transformed"],
        ),
        (
            "yacht.sunk",
            &["yacht.sunk", "yacht.sunk.truncated"],
            &["yacht.sunk.again"],
        ),
    ] {
        assert_receives(text, receives, does_not);
    }
}

#[test]
fn a_family_receives_whatever_begins_like_it() {
    for (text, receives, does_not) in [
        (
            "message.*",
            &[
                "message.created",
                "message.opened.legacy",
                "message.truncated",
                "message.",
            ][..],
            &["messages.created", "message", "thread.replied", ""][..],
        ),
        (
            "message.transactional.*",
            &[
                "message.transactional.bounced",
                "message.transactional.x.truncated",
            ],
            &[
                "message.bounced",
                "message.transactional",
                "message.transactionals.x",
            ],
        ),
    ] {
        assert_receives(text, receives, does_not);
    }
}

#[track_caller]
fn assert_receives(text: &str, receives: &[&str], does_not: &[&str]) {
    for name in receives {
        assert!(filter(text).matches(&Trigger::from(*name)), "{text} {name}");
    }
    for name in does_not {
        assert!(
            !filter(text).matches(&Trigger::from(*name)),
            "{text} {name}"
        );
    }
}

/// Every documented name is a filter, and receives itself; no two receive the same form but for
/// `.metadata`, which belongs to its base as well.
#[test]
fn every_documented_name_is_a_filter() {
    for one in NAMES {
        for other in NAMES {
            for (suffix, ..) in SUFFIXES {
                let trigger = Trigger::from(&*format!("{other}{suffix}"));
                let expected = one == other || other.strip_suffix(".metadata") == Some(one);
                assert_eq!(filter(one).matches(&trigger), expected, "{one} {trigger}");
            }
        }
        assert_eq!(filter(one).to_string(), one);
    }
}

#[test]
fn a_text_that_can_match_nothing_is_no_filter_and_says_why() {
    for (text, why) in [
        ("", "a segment is empty"),
        (".", "a segment is empty"),
        ("message.", "a segment is empty"),
        (".created", "a segment is empty"),
        ("message..created", "a segment is empty"),
        (".*", "a segment is empty"),
        ("*", "fallback"),
        ("*.created", "after the last dot"),
        ("message.*.truncated", "after the last dot"),
        ("message.cre*", "after the last dot"),
        ("message.**", "after the last dot"),
        ("message*", "after the last dot"),
        ("message", "at least two segments"),
        ("Message.created", "lower-case"),
        ("message.created ", "lower-case"),
        ("message/created", "lower-case"),
        ("message.créated", "lower-case"),
        ("message.created\n", "lower-case"),
    ] {
        let invalid = text.parse::<Filter>().unwrap_err().to_string();
        assert!(invalid.contains(why), "{text}: {invalid}");
        assert!(invalid.contains(&format!("`{text}`")), "{invalid}");
    }
}

#[test]
fn the_order_of_suffixes_makes_no_other_filter() {
    let (one, other) = ("a.b.transformed.truncated", "a.b.truncated.transformed");
    assert_eq!(filter(one), filter(other));
    assert_eq!(filter(other).to_string(), one);
}

proptest! {
    #[test]
    fn any_text_is_a_trigger_and_stays_what_it_is(text: String) {
        prop_assert_eq!(Trigger::from(&*text).to_string(), text);
    }

    #[test]
    fn any_name_is_split_and_put_together_again(
        text in "[.]{0,2}(message|a|b|)([.](created|cleaned|metadata|legacy|transformed|truncated|)){0,6}",
    ) {
        let trigger = Trigger::from(&*text);
        prop_assert_eq!(trigger.to_string(), &*text);
        // What was split off is told, and only that.
        let stem = trigger.kind().as_str();
        let suffix = text.strip_prefix(stem).unwrap();
        prop_assert_eq!(trigger.is_truncated(), suffix.contains("truncated"));
        prop_assert_eq!(trigger.is_transformed(), suffix.contains("transformed"));
        prop_assert!(suffix.is_empty() || stem.contains('.'));
        // Nothing is left that could be split off.
        let again = suffix.is_empty() && stem.contains('.');
        let ends = [".truncated", ".transformed"].map(|end| stem.strip_suffix(end));
        prop_assert!(!again || !ends.iter().flatten().any(|rest| rest.contains('.')));
    }

    /// A filter means the same after it was written down, and receives its own name.
    #[test]
    fn any_filter_receives_its_own_name(
        text in "[a-z_]{1,5}([.][a-z0-9_-]{1,5}){1,3}([.](cleaned|transformed|truncated)){0,3}",
    ) {
        let filter = filter(&text);
        prop_assert!(filter.matches(&Trigger::from(&*text)));
        prop_assert_eq!(filter.to_string().parse::<Filter>().unwrap(), filter);
    }

    #[test]
    fn any_text_is_a_filter_or_an_error(text: String, name: String) {
        if let Ok(filter) = text.parse::<Filter>() {
            let _ = filter.matches(&Trigger::from(&*name));
        }
    }
}
