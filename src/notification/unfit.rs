//! A value that was taken out of a notification.

use std::{borrow::Cow, fmt};

use serde_json::Value;

/// A value that did not fit its field and was taken out, so that the rest could be read.
///
/// Neither `Debug` nor [`Display`](fmt::Display) shows the [value](Self::value), which may be
/// somebody's mail, nor names in the path that are no usual names of fields.
#[derive(Clone, PartialEq)]
pub struct Unfit {
    path: String,
    expected: Cow<'static, str>,
    value: Value,
}

impl Unfit {
    pub(super) fn new(path: String, expected: Cow<'static, str>, value: Value) -> Self {
        Self {
            path,
            expected,
            value,
        }
    }

    /// Where it stood in the body, as a JSON pointer (RFC 6901) such as `/data/object/to/0/email`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What the type that was read expects there, such as `a string`.
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// The value. A whole number that neither `i64` nor `u64` holds is a string of its digits.
    pub fn value(&self) -> &Value {
        &self.value
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not {}", shown(&self.path), self.expected)
    }
}

impl fmt::Debug for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unfit")
            .field("path", &shown(&self.path))
            .field("expected", &self.expected)
            .finish_non_exhaustive()
    }
}

/// A path with `*` for each name that is no usual name of a field, but may be an address or a text.
pub(super) fn shown(path: &str) -> String {
    let is_usual = |name: &str| {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        name.len() <= 64 && name.bytes().all(is_part)
    };
    let names = path
        .split('/')
        .map(|name| if is_usual(name) { name } else { "*" });
    names.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn neither_the_value_nor_unusual_names_are_shown() {
        for (path, expected) in [
            (
                "/data/object/to/0/e-mail_2",
                "/data/object/to/0/e-mail_2 is not a string",
            ),
            (
                "/data/object/kai@mail.example/x",
                "/data/object/*/x is not a string",
            ),
            ("/data/a~1b/", "/data/*/ is not a string"),
            ("", " is not a string"),
        ] {
            let unfit = Unfit::new(path.to_owned(), "a string".into(), json!(["s3cret"]));
            assert_eq!(unfit.to_string(), expected);
            let debug = format!("{unfit:?}");
            assert!(
                !debug.contains("s3cret") && !debug.contains("kai@"),
                "{debug}"
            );
            assert_eq!(unfit.value(), &json!(["s3cret"]));
            assert_eq!((unfit.path(), unfit.expected()), (path, "a string"));
        }
        let long = format!("/{}", "a".repeat(65));
        assert_eq!(shown(&long), "/*");
    }
}
