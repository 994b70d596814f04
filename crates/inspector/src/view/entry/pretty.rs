//! A body, indented.

use serde::{Serialize, de::IgnoredAny};

/// How much of a body is shown, in characters.
const LONGEST: usize = 128 << 10;

/// The largest body that is read as JSON, in bytes.
const LARGEST: usize = 1 << 20;

#[derive(Debug, Serialize)]
pub(crate) struct Pretty {
    pub(crate) text: String,
    pub(crate) is_json: bool,
    /// Whether there is more of it.
    pub(crate) is_cut: bool,
}

/// JSON is indented and else stays as it is: the order of its members and the digits of its numbers
/// may be what is looked for.
pub(super) fn pretty(body: &[u8]) -> Pretty {
    let read = &body[..body.len().min(LARGEST)];
    let text = String::from_utf8_lossy(read);
    let is_json = read.len() == body.len() && serde_json::from_str::<IgnoredAny>(&text).is_ok();
    let mut text = if is_json {
        indented(&text)
    } else {
        text.into_owned()
    };
    let end = text.char_indices().nth(LONGEST).map(|(end, _)| end);
    if let Some(end) = end {
        text.truncate(end);
    }
    Pretty {
        text,
        is_json,
        is_cut: end.is_some() || read.len() < body.len(),
    }
}

/// Of valid JSON, as long as is shown.
fn indented(json: &str) -> String {
    let mut out = String::new();
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut is_escaped = false;
    let mut length = 0;
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    let mut rest = json.chars().peekable();
    while let Some(c) = rest.next() {
        if length > LONGEST {
            break;
        }
        if in_string {
            out.push(c);
            in_string = is_escaped || c != '"';
            is_escaped = !is_escaped && c == '\\';
        } else {
            match c {
                ' ' | '\t' | '\n' | '\r' => continue,
                '{' | '[' => {
                    out.push(c);
                    while rest.next_if(char::is_ascii_whitespace).is_some() {}
                    if let Some(end) = rest.next_if(|next| matches!(next, '}' | ']')) {
                        out.push(end);
                    } else {
                        depth += 1;
                        line(&mut out, depth);
                    }
                }
                '}' | ']' => {
                    depth = depth.saturating_sub(1);
                    line(&mut out, depth);
                    out.push(c);
                }
                ',' => {
                    out.push(c);
                    line(&mut out, depth);
                }
                ':' => out.push_str(": "),
                '"' => {
                    out.push(c);
                    in_string = true;
                }
                _ => out.push(c),
            }
        }
        length += 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_indented_and_keeps_what_it_says() {
        let body = r#"{"b":1.50, "a":["x, {\"}",{}, [ ]],"c":{"d":"\\"}}"#;
        let shown = pretty(body.as_bytes());
        assert!(shown.is_json && !shown.is_cut);
        let expected = r#"{
  "b": 1.50,
  "a": [
    "x, {\"}",
    {},
    []
  ],
  "c": {
    "d": "\\"
  }
}"#;
        assert_eq!(shown.text, expected);
    }

    #[test]
    fn what_is_no_json_stays_as_it_is_and_what_is_long_is_cut() {
        let shown = pretty(b"{\"a\": \xff");
        assert_eq!(shown.text, "{\"a\": \u{fffd}");
        assert!(!shown.is_json);
        let deep = "[".repeat(LARGEST);
        assert!(!pretty(deep.as_bytes()).is_json);
        let long = format!("[{}0]", "0,".repeat(LONGEST));
        let shown = pretty(long.as_bytes());
        assert!(shown.is_cut && shown.text.chars().count() == LONGEST);
        assert!(pretty(&vec![b' '; LARGEST + 1]).is_cut);
    }
}
