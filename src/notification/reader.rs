//! Finds a value in JSON without parsing the rest.
//!
//! The router needs two short strings out of a body of up to a megabyte. This reader goes through
//! the top level only, passes over every value that nobody asked for, and stops at the last one
//! that was. It allocates nothing, does not recurse, and cannot panic on any bytes. What it passes
//! over it does not check: the typed parse behind it does.

use std::borrow::Cow;

use memchr::memchr2;
use serde_json::Value;

use super::repair::repair;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The value of a member, found by its path from the top.
pub(super) fn find<'a>(json: &'a [u8], path: &[&str]) -> Option<RawValue<'a>> {
    let mut value = RawValue { json, text: None };
    for name in path {
        let mut members = Members::of(value.json)?;
        while !members.next_key()?.is(name) {
            members.skip_value()?;
        }
        value = members.value()?;
    }
    Some(value)
}

/// A value as it stands in the JSON.
#[derive(Clone, Copy)]
pub(super) struct RawValue<'a> {
    /// With its quotes, if it is a string.
    pub(super) json: &'a [u8],
    text: Option<Text<'a>>,
}

impl<'a> RawValue<'a> {
    /// What it says, if it is a string.
    pub(super) fn text(self) -> Option<Cow<'a, str>> {
        self.text?.decode()
    }

    /// What it says, also if it is a number, of any size.
    pub(super) fn text_or_number(self) -> Option<Cow<'a, str>> {
        self.text().or_else(|| {
            let is_number = matches!(self.json, [b'-' | b'0'..=b'9', ..]);
            let number = is_number.then(|| repair(self.json).ok()).flatten()?;
            match serde_json::from_slice(&number).ok()? {
                Value::Number(number) => Some(Cow::Owned(number.to_string())),
                Value::String(out_of_range) => Some(Cow::Owned(out_of_range)),
                _ => None,
            }
        })
    }

    pub(super) fn is_null(self) -> bool {
        self.json == b"null"
    }

    /// As a value of its own; `None` if `serde_json` refuses it.
    pub(super) fn value(self) -> Option<Value> {
        serde_json::from_slice(self.json).ok()
    }
}

/// The members of one object, in their order: a key, then its value, which is either read or
/// skipped. `None` at the end of the object, or where this is no JSON any more.
pub(super) struct Members<'a> {
    cursor: Cursor<'a>,
    first: bool,
}

impl<'a> Members<'a> {
    /// `None` if this is no object.
    pub(super) fn of(json: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor { rest: json };
        cursor.skip_white_space();
        if cursor.expect(b'{').is_none() {
            cursor.rest = json.strip_prefix(BYTE_ORDER_MARK)?;
            cursor.skip_white_space();
            cursor.expect(b'{')?;
        }
        Some(Self {
            cursor,
            first: true,
        })
    }

    pub(super) fn next_key(&mut self) -> Option<Text<'a>> {
        let cursor = &mut self.cursor;
        cursor.skip_white_space();
        if !std::mem::take(&mut self.first) {
            cursor.expect(b',')?;
            cursor.skip_white_space();
        }
        let key = cursor.string()?;
        cursor.skip_white_space();
        cursor.expect(b':')?;
        cursor.skip_white_space();
        Some(key)
    }

    pub(super) fn value(&mut self) -> Option<RawValue<'a>> {
        let start = self.cursor.rest;
        let text = if start.starts_with(b"\"") {
            Some(self.cursor.string()?)
        } else {
            self.cursor.skip_value()?;
            None
        };
        Some(RawValue {
            json: start.get(..start.len() - self.cursor.rest.len())?,
            text,
        })
    }

    pub(super) fn skip_value(&mut self) -> Option<()> {
        self.cursor.skip_value()
    }
}

/// A string as it stands between its quotes.
#[derive(Clone, Copy)]
pub(super) struct Text<'a> {
    raw: &'a [u8],
    escaped: bool,
}

impl<'a> Text<'a> {
    pub(super) fn is(self, text: &str) -> bool {
        if self.escaped {
            self.decode().is_some_and(|decoded| decoded == text)
        } else {
            self.raw == text.as_bytes()
        }
    }

    pub(super) fn decode(self) -> Option<Cow<'a, str>> {
        match std::str::from_utf8(self.raw) {
            Ok(plain) if !self.escaped => Some(Cow::Borrowed(plain)),
            // Rare enough in a name or an id to let others do it.
            _ => {
                let quoted = [b"\"", self.raw, b"\""].concat();
                let decoded = serde_json::from_slice(&repair(&quoted).ok()?).ok()?;
                Some(Cow::Owned(decoded))
            }
        }
    }
}

struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn skip_white_space(&mut self) {
        while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        (*first == byte).then_some(())
    }

    /// A string, without its quotes.
    fn string(&mut self) -> Option<Text<'a>> {
        self.expect(b'"')?;
        let text = self.rest;
        let mut end = memchr2(b'"', b'\\', text)?;
        let mut escaped = false;
        while *text.get(end)? != b'"' {
            // A backslash and the character behind it, which may be a quote.
            escaped = true;
            end += 2;
            end += memchr2(b'"', b'\\', text.get(end..)?)?;
        }
        self.rest = text.get(end + 1..)?;
        Some(Text {
            raw: text.get(..end)?,
            escaped,
        })
    }

    fn skip_value(&mut self) -> Option<()> {
        match self.rest.first()? {
            b'"' => self.string().map(drop),
            b'{' | b'[' => self.skip_nested(),
            _ => {
                let ends =
                    |byte: &u8| matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r');
                let end = self.rest.iter().position(ends).unwrap_or(self.rest.len());
                self.rest = self.rest.get(end..)?;
                (end > 0).then_some(())
            }
        }
    }

    /// Passes over an object or an array by counting brackets outside strings. Whether they pair is
    /// left to the typed parse.
    fn skip_nested(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            let at = self
                .rest
                .iter()
                .position(|byte| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']'))?;
            self.rest = self.rest.get(at..)?;
            match self.rest.first()? {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                _ => depth -= 1,
            }
            self.rest = self.rest.get(1..)?;
            if depth == 0 {
                return Some(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn found(json: &str, path: &[&str]) -> Option<String> {
        find(json.as_bytes(), path).map(|raw| String::from_utf8_lossy(raw.json).into_owned())
    }

    #[test]
    fn finds_members_in_any_order_and_depth() {
        let json = r#" { "data" : {"a":[1,{"type":"no"}],"object":{"id":"x"}}, "n":-1.5e3 , "type":"t" } "#;
        assert_eq!(found(json, &["type"]).as_deref(), Some(r#""t""#));
        assert_eq!(found(json, &["n"]).as_deref(), Some("-1.5e3"));
        assert_eq!(
            found(json, &["data", "object", "id"]).as_deref(),
            Some(r#""x""#)
        );
        assert_eq!(found(json, &["data", "type"]), None);
        assert_eq!(found(json, &["type", "x"]), None);
    }

    #[test]
    fn brackets_and_quotes_inside_strings_do_not_count() {
        let json = r#"{"a":"}]\"{","b":["\\",{"c":"[\\\"" }],"type":"t"}"#;
        assert_eq!(found(json, &["type"]).as_deref(), Some(r#""t""#));
    }

    #[test]
    fn escaped_keys_and_values_are_read_as_what_they_mean() {
        let json = r#"{"\u0074ype":"m\u002ec \"q\""}"#;
        let value = find(json.as_bytes(), &["type"]).and_then(RawValue::text);
        assert_eq!(value.as_deref(), Some("m.c \"q\""));
    }

    #[test]
    fn what_was_asked_for_is_found_before_what_is_broken() {
        assert_eq!(
            found(r#"{"type":"t","data":{"#, &["type"]).as_deref(),
            Some(r#""t""#)
        );
        for broken in [
            "",
            "{",
            "[]",
            "null",
            r#"{"type""#,
            r#"{"type":"#,
            r#"{"type":"t"#,
            "{x",
            r#"{"a":}"#,
            r#"{"a":]"#,
        ] {
            assert_eq!(found(broken, &["type"]), None, "{broken}");
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let json = format!(
            "{{\"a\":{}{},\"type\":1}}",
            "[".repeat(1 << 20),
            "]".repeat(1 << 20)
        );
        assert_eq!(found(&json, &["type"]).as_deref(), Some("1"));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = find(&bytes, &["type"]).and_then(RawValue::text);
        }

        #[test]
        fn almost_json_never_panics(text in "[\\[\\]{}\":,\\\\ \\-0-9a-z]{0,64}") {
            let _ = find(text.as_bytes(), &["a", "b"]);
        }

        #[test]
        fn agrees_with_serde_json(
            members in proptest::collection::btree_map("[a-z\"\\\\é\n]{0,3}", json_value(), 0..6),
            spaced: bool,
        ) {
            let value = Value::Object(members.clone().into_iter().collect());
            let json = if spaced {
                serde_json::to_string_pretty(&value)
            } else {
                serde_json::to_string(&value)
            }.unwrap();
            for (key, expected) in &members {
                let raw = find(json.as_bytes(), &[key]).expect("the member is there");
                prop_assert_eq!(&serde_json::from_slice::<Value>(raw.json).unwrap(), expected);
            }
            prop_assert!(find(json.as_bytes(), &["absent"]).is_none());
        }
    }

    fn json_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[ -~é\n\"\\\\{}\\[\\]]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map("[a-z\"{]{0,3}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }
}
