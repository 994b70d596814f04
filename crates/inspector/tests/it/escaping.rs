use std::collections::BTreeSet;

use tower_nylas::inbox::DeadCause;

use crate::stage::{Stage, notification};

/// What would do harm, were it not escaped. None of the names of these tags is on a page.
const FRAGMENTS: [&str; 24] = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"><svg onload=alert(1)>",
    "' autofocus onfocus='alert(1)",
    "\" onmouseover=\"alert(1)",
    "</pre><iframe src=//evil.example>",
    "</td></tr></table><object>",
    "</style><style>*{display:none}</style>",
    "</title><base href=//evil.example>",
    "<!-- ",
    "-->",
    "<![CDATA[",
    "&lt;script&gt;",
    "&#60;script>",
    "\\u003cscript\\u003e",
    "javascript:alert(1)",
    "{{7*7}}",
    "<?php ?>",
    "\u{202e}txet",
    "\u{0}\u{1b}[31m",
    "\r\nSet-Cookie: a=b\r\n\r\n",
    "<ScRiPt/x>",
    "<\u{0}script>",
    "<a href=\"?action=replay\">",
];

/// A generator that is good enough for this, and the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % limit
    }

    fn text(&mut self) -> String {
        let mut text = String::from("t");
        for _ in 0..=self.below(5) {
            match self.below(4) {
                0 => text.extend(char::from_u32(
                    u32::try_from(self.below(0x11_0000)).unwrap(),
                )),
                _ => text.push_str(FRAGMENTS[self.below(FRAGMENTS.len())]),
            }
        }
        text
    }
}

/// The tags of a page, each with the names of its attributes; and that each is closed in its turn.
fn tags(page: &str) -> BTreeSet<(String, Vec<String>)> {
    const VOID: [&str; 3] = ["input", "meta", "!doctype"];
    let mut tags = BTreeSet::new();
    let mut open = Vec::new();
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let mut in_quotes = false;
        let is_end = |c: char| {
            in_quotes ^= c == '"';
            c == '>' && !in_quotes
        };
        let end = rest.find(is_end).expect("a tag ends");
        let tag = &rest[..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "in {page}");
            continue;
        }
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        let name = name.to_ascii_lowercase();
        if name == "style" {
            let (style, after) = rest.split_once("</style>").unwrap();
            assert!(!style.contains('<'));
            rest = after;
        } else if !VOID.contains(&&*name) {
            open.push(name.clone());
        }
        let mut names = Vec::new();
        let mut left = attributes;
        while !left.is_empty() {
            let name_end = left.find(['=', ' ']).unwrap_or(left.len());
            names.push(left[..name_end].to_owned());
            left = &left[name_end..];
            if let Some(value) = left.strip_prefix("=\"") {
                left = &value[value.find('"').expect("a value ends") + 1..];
            }
            left = left.trim_start();
        }
        tags.insert((name, names));
    }
    assert!(open.is_empty(), "{open:?} in {page}");
    tags
}

pub(crate) async fn a_thousand_fuzzed_bodies() {
    let stage = Stage::with(|builder| builder.show_bodies().loopback_only()).await;
    // What a page has, whatever its entry is.
    let mut known = BTreeSet::new();
    let plain = notification("message.created", "n-plain", "g-1", "a mail");
    for body in [
        plain,
        "no json".to_owned(),
        "{}".to_owned(),
        "x".repeat(200_000),
    ] {
        let key = stage.bury(body, DeadCause::Malformed, "a reason").await;
        known.extend(tags(&stage.page(&format!("?page=entry&key={key}")).await));
    }
    for query in [
        "",
        "?page=inbox",
        "?page=inbox&state=dead",
        "?page=dead",
        "?page=discard&state=dead",
    ] {
        known.extend(tags(&stage.page(query).await));
    }
    let mut random = Random(0x5eed);
    for number in 0..1_000 {
        let mut body = notification(
            &format!("t{}", random.text()),
            &format!("n-{number}-{}", random.text()),
            &format!("g{}", random.text()),
            &random.text(),
        );
        match random.below(4) {
            // No longer JSON, and as it came.
            0 => body.insert_str(random.below(2), &random.text()),
            1 => body = format!("{}{number}", random.text()),
            _ => {}
        }
        let why = random.text();
        let key = stage
            .bury(body.clone(), DeadCause::ALL[number % 5], &why)
            .await;
        let page = stage.page(&format!("?page=entry&key={key}")).await;
        let found = tags(&page);
        let strange: Vec<_> = found.difference(&known).collect();
        assert!(strange.is_empty(), "{strange:?} of {body:?}");
        if number % 50 == 49 {
            for query in [
                "",
                "?page=inbox",
                "?page=inbox&state=dead",
                "?page=dead",
                "?page=replay&state=dead",
            ] {
                let found = tags(&stage.page(query).await);
                let strange: Vec<_> = found.difference(&known).collect();
                let names: Vec<_> = strange.iter().map(|(name, _)| &**name).collect();
                let is_harmless = |name: &&str| ["nav", "a", "p", "span", "div"].contains(name);
                assert!(names.iter().all(is_harmless), "{query}: {strange:?}");
                assert!(found.iter().all(|(_, attributes)| {
                    attributes
                        .iter()
                        .all(|attribute| !attribute.starts_with("on"))
                }));
            }
        }
    }
}

pub(crate) async fn links_and_notes_put_no_text_on_a_page() {
    let stage = Stage::start().await;
    for query in [
        "?did=%3Cscript%3E&n=1",
        "?did=replay&n=%3Cscript%3E",
        "?page=inbox&trigger=%22%3E%3Cscript%3E&grant=%22%3E%3Cscript%3E",
        "?page=inbox&grant=x&refresh=%22%3E%3Cscript%3E",
        "?page=deliveries&id=%22%3E%3Cscript%3E&trigger=%3Cscript%3E",
        "?page=%3Cscript%3E",
        "?page=find&q=%3Cscript%3E",
        "?page=entry&key=%3Cscript%3E",
        "?page=inbox&state=%3Cscript%3E",
        "?x=%22%3E%3Cscript%3E",
    ] {
        let (_, page) = stage.get(query).await;
        assert!(
            tags(&page).iter().all(|(name, _)| name != "script"),
            "{query}: {page}"
        );
    }
    let page = stage.page("?did=Your+session+has+expired&n=1").await;
    assert!(!page.contains("session"), "{page}");
}
