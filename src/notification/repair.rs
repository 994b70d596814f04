//! Repairs JSON that `serde_json` refuses.

use std::{
    borrow::Cow,
    fmt::{self, Write},
};

use serde::de::IgnoredAny;

/// How deep `serde_json` reads.
const MAX_DEPTH: usize = 127;

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// The JSON is nested deeper than any reader of it goes.
#[derive(Debug, PartialEq)]
pub(super) struct TooDeep;

/// A copy of `json` without the common faults that `serde_json` refuses; the same bytes where
/// there is none.
///
/// Invalid UTF-8 and unpaired surrogate escapes become U+FFFD, control characters inside strings
/// are escaped, numbers that no `f64`, and whole numbers that neither `i64` nor `u64` holds become
/// strings of the same digits, and a byte order mark in front goes. Anything else is left to be
/// refused. One pass without recursion; the copy has at most six times the length.
///
/// # Errors
///
/// [`TooDeep`] if it is nested more than 127 levels deep.
pub(super) fn repair(json: &[u8]) -> Result<Cow<'_, [u8]>, TooDeep> {
    match String::from_utf8_lossy(json) {
        Cow::Borrowed(text) => Ok(match Scan::of(text)? {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(repaired) => Cow::Owned(repaired.into_bytes()),
        }),
        Cow::Owned(text) => Ok(Cow::Owned(match Scan::of(&text)? {
            Cow::Borrowed(text) => text.as_bytes().to_vec(),
            Cow::Owned(repaired) => repaired.into_bytes(),
        })),
    }
}

struct Scan<'a> {
    text: &'a str,
    /// The next byte to look at.
    at: usize,
    /// Up to here, `output` has it.
    copied: usize,
    output: String,
}

impl<'a> Scan<'a> {
    fn of(text: &'a str) -> Result<Cow<'a, str>, TooDeep> {
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        let mut scan = Scan {
            text,
            at: 0,
            copied: 0,
            output: String::new(),
        };
        let mut depth = 0_usize;
        while let Some(byte) = scan.byte(0) {
            match byte {
                b'"' => {
                    scan.at += 1;
                    scan.string();
                }
                b'-' | b'0'..=b'9' => scan.number(),
                b'{' | b'[' => {
                    depth += 1;
                    if depth > MAX_DEPTH {
                        return Err(TooDeep);
                    }
                    scan.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.saturating_sub(1);
                    scan.at += 1;
                }
                _ => scan.at += 1,
            }
        }
        if scan.copied == 0 {
            return Ok(Cow::Borrowed(text));
        }
        scan.output
            .push_str(text.get(scan.copied..).unwrap_or_default());
        Ok(Cow::Owned(scan.output))
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    /// Puts something else in the place of the next `length` bytes. They begin and end at
    /// characters.
    fn replace(&mut self, length: usize, by: fmt::Arguments<'_>) {
        let before = self.text.get(self.copied..self.at);
        self.output.push_str(before.unwrap_or_default());
        // Writing to a string does not fail.
        let _ = self.output.write_fmt(by);
        self.at += length;
        self.copied = self.at;
    }

    /// From behind the opening quote to behind the closing one.
    fn string(&mut self) {
        while let Some(byte) = self.byte(0) {
            match byte {
                b'"' => {
                    self.at += 1;
                    return;
                }
                b'\\' => self.escape(),
                0..0x20 => self.replace(1, format_args!("\\u{byte:04x}")),
                _ => self.at += 1,
            }
        }
    }

    fn escape(&mut self) {
        match self.code_unit(0) {
            Some(0xd800..=0xdbff) if matches!(self.code_unit(6), Some(0xdc00..=0xdfff)) => {
                self.at += 12;
            }
            Some(0xd800..=0xdfff) => self.replace(6, format_args!("\\ufffd")),
            // Where the backslash was the last byte, the end is found behind it.
            _ => self.at += 2,
        }
    }

    /// The UTF-16 code unit of an escape such as `\u00e9`.
    fn code_unit(&self, ahead: usize) -> Option<u16> {
        let start = self.at + ahead;
        let escape = self.text.get(start..start + 6)?;
        let digits = escape.strip_prefix("\\u")?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        u16::from_str_radix(digits, 16).ok()
    }

    fn number(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let is_part =
            |byte: u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E');
        let length = rest.bytes().position(|byte| !is_part(byte));
        let (number, behind) = rest.split_at(length.unwrap_or(rest.len()));
        // In the place of a name it is no number out of range, but no JSON.
        let is_name = || behind.trim_start().starts_with(':');
        if is_out_of_range(number) && !is_name() {
            self.replace(number.len(), format_args!("\"{number}\""));
        } else {
            self.at += number.len();
        }
    }
}

fn is_out_of_range(number: &str) -> bool {
    let digits = number.strip_prefix('-').unwrap_or(number);
    let is_out_of_range = if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        number.parse::<i64>().is_err() && number.parse::<u64>().is_err()
    } else {
        number.parse().is_ok_and(f64::is_infinite)
    };
    // Rust takes more for a number than JSON does.
    is_out_of_range && serde_json::from_str::<IgnoredAny>(number).is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn read(json: &[u8]) -> Option<Value> {
        serde_json::from_slice(&repair(json).ok()?).ok()
    }

    #[test]
    fn each_kind_of_fault_is_repaired() {
        for (broken, repaired) in [
            (&br#"["\ud83d"]"#[..], json!(["\u{fffd}"])),
            (br#"["\udc00!"]"#, json!(["\u{fffd}!"])),
            (br#"["\ud83d\u0041"]"#, json!(["\u{fffd}A"])),
            (br#"["\ud83d\ud83d\ude00"]"#, json!(["\u{fffd}😀"])),
            (br#"["\uD83D\uDE00\uDE00"]"#, json!(["😀\u{fffd}"])),
            (br#"["\\ud83d"]"#, json!(["\\ud83d"])),
            (br#"{"\ud83d":1}"#, json!({"\u{fffd}": 1})),
            (b"[\"caf\xe9\"]", json!(["caf\u{fffd}"])),
            (b"[\"\xe2\x82\"]", json!(["\u{fffd}"])),
            (b"{\"\xff\":1}", json!({"\u{fffd}": 1})),
            (b"[\"a\nb\tc\x00\x1f\"]", json!(["a\nb\tc\0\u{1f}"])),
            (b"[1e999]", json!(["1e999"])),
            (b"[-1E+999,2]", json!(["-1E+999", 2])),
            (b"[18446744073709551616]", json!(["18446744073709551616"])),
            (b"[-9223372036854775809]", json!(["-9223372036854775809"])),
            (b"\xef\xbb\xbf{\"a\":1}", json!({"a": 1})),
            (
                b"\xef\xbb\xbf[\"\xff\\ud800\n\",1e400]",
                json!(["\u{fffd}\u{fffd}\n", "1e400"]),
            ),
        ] {
            let shown = String::from_utf8_lossy(broken);
            assert_eq!(read(broken), Some(repaired), "{shown}");
        }
    }

    #[test]
    fn what_is_no_fault_of_these_kinds_stays() {
        for json in [
            "{\"a\": [18446744073709551615, -9223372036854775808, 1e308, 0.5, -0]}",
            "\"\\ud83d\\ude00 \\u00e9 \\\\ \\\" é \u{7f}\"",
            "[01]",
            "[00018446744073709551616]",
            "[01e999]",
            "[1.e999]",
            "[1e999e9]",
            "{1e999 : 1}",
            "{18446744073709551616:1}",
            "[-]",
            "[\"\\x\"]",
            "[\"\\u12\"]",
            "\"\\",
            "\"\\u",
            "\"\\ud83",
            "{",
            "]]]",
            "nul",
            "",
            "1e5",
        ] {
            let repaired = repair(json.as_bytes());
            assert!(matches!(repaired, Ok(Cow::Borrowed(same)) if same == json.as_bytes()));
        }
    }

    #[test]
    fn it_goes_as_deep_as_serde_json_and_costs_no_stack() {
        let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
        assert!(read(nested(127).as_bytes()).is_some());
        assert!(serde_json::from_str::<Value>(&nested(128)).is_err());
        assert_eq!(repair(nested(128).as_bytes()), Err(TooDeep));
        assert_eq!(repair("[".repeat(1 << 20).as_bytes()), Err(TooDeep));
        let wide = format!("[{}0]", "[],".repeat(1000));
        assert!(read(wide.as_bytes()).is_some());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = repair(&bytes);
        }

        #[test]
        fn almost_json_never_panics(text in r#"[\[\]{}":,\\u dD8cCfF0-9eE+.é\n-]{0,64}"#) {
            if let Ok(repaired) = repair(text.as_bytes()) {
                prop_assert!(repaired.len() <= 6 * text.len());
                // Once is enough.
                prop_assert_eq!(repair(&repaired), Ok(Cow::Borrowed(&*repaired)));
            }
        }

        #[test]
        fn any_bytes_in_a_string_can_be_read(bytes: Vec<u8>) {
            let inside = bytes.iter().filter(|byte| !matches!(byte, b'"' | b'\\'));
            let json: Vec<u8> = b"[\"".iter().chain(inside).chain(b"\"]").copied().collect();
            prop_assert!(read(&json).is_some());
        }
    }
}
