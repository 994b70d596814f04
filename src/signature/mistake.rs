//! Texts that can only be a mistake where a secret was meant.

use std::ops::RangeInclusive;

use super::{InvalidSecret, secret::TEST_EVENT_SECRET};

/// What is wrong with a text that Nylas cannot have made, if anything.
///
/// The secrets that Nylas' documentation shows consist of letters, digits, `-` and `_`
/// ([source](https://developer.nylas.com/docs/reference/api/webhook-notifications/)). That is not
/// promised, so other characters are accepted where they could be part of a secret.
pub(super) fn find(secret: &str) -> Option<InvalidSecret> {
    // In this order, so that what is named explains what comes after it: a placeholder with spaces
    // is a placeholder.
    if secret.is_empty() {
        Some(InvalidSecret::Empty)
    } else if secret.trim().len() != secret.len() {
        Some(InvalidSecret::SurroundingWhiteSpace)
    } else if secret == TEST_EVENT_SECRET {
        Some(InvalidSecret::TestEventSecret)
    } else if is_assignment(secret) {
        Some(InvalidSecret::Assignment)
    } else if is_quoted(secret) {
        Some(InvalidSecret::Quoted)
    } else if is_placeholder(secret) {
        Some(InvalidSecret::Placeholder)
    } else if secret.contains(char::is_whitespace) {
        Some(InvalidSecret::InnerWhiteSpace)
    } else if secret.contains(is_invisible) {
        Some(InvalidSecret::InvisibleCharacter)
    } else {
        None
    }
}

/// `NAME=value`, a line of an environment file.
///
/// A `=` with nothing else behind it is the padding of base64 (`ABC=`), unless the name shows that
/// the value was forgotten.
fn is_assignment(text: &str) -> bool {
    let Some((name, value)) = text.split_once('=') else {
        return false;
    };
    let is_padding = value.bytes().all(|byte| byte == b'=');
    is_name(name) && (!is_padding || name.contains("SECRET"))
}

/// Quotes on both sides. An editor may have made them typographic, even one of them alone.
fn is_quoted(text: &str) -> bool {
    const QUOTES: [char; 17] = [
        '"', '\'', '`', '´', '“', '”', '„', '‟', '‘', '’', '‚', '‛', '«', '»', '‹', '›', '″',
    ];
    text.strip_prefix(QUOTES)
        .is_some_and(|rest| rest.ends_with(QUOTES))
}

/// What a template, a shell or an operator should have replaced.
fn is_placeholder(text: &str) -> bool {
    // `$(NAME)` is what Kubernetes leaves of a variable that it does not know.
    let is_enclosed = [
        ("${", "}"),
        ("$(", ")"),
        ("<", ">"),
        ("{{", "}}"),
        ("%", "%"),
    ]
    .into_iter()
    .any(|(open, close)| {
        text.strip_prefix(open)
            .is_some_and(|rest| rest.ends_with(close))
    });
    is_enclosed || text.strip_prefix('$').is_some_and(is_name)
}

/// The name of a variable in an environment, in capitals as usual.
fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_uppercase())
        && text
            .bytes()
            .all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_'))
}

fn is_invisible(character: char) -> bool {
    character.is_control() || INVISIBLE.iter().any(|range| range.contains(&character))
}

/// Unicode's general category Cf (formats: zero width, direction, tags …) and its property
/// `Default_Ignorable_Code_Point` (fillers, variation selectors …), which no font shows
/// ([source](https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt)), and the
/// braille pattern without dots.
const INVISIBLE: [RangeInclusive<char>; 26] = [
    '\u{ad}'..='\u{ad}',
    '\u{34f}'..='\u{34f}',
    '\u{600}'..='\u{605}',
    '\u{61c}'..='\u{61c}',
    '\u{6dd}'..='\u{6dd}',
    '\u{70f}'..='\u{70f}',
    '\u{890}'..='\u{891}',
    '\u{8e2}'..='\u{8e2}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180b}'..='\u{180f}',
    '\u{200b}'..='\u{200f}',
    '\u{202a}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{2800}'..='\u{2800}',
    '\u{3164}'..='\u{3164}',
    '\u{fe00}'..='\u{fe0f}',
    '\u{feff}'..='\u{feff}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{fff0}'..='\u{fffb}',
    '\u{110bd}'..='\u{110bd}',
    '\u{110cd}'..='\u{110cd}',
    '\u{13430}'..='\u{1343f}',
    '\u{1bca0}'..='\u{1bca3}',
    '\u{1d173}'..='\u{1d17a}',
    '\u{e0000}'..='\u{e0fff}',
];

#[cfg(test)]
mod tests {
    use InvalidSecret::{
        Assignment, Empty, InnerWhiteSpace, InvisibleCharacter, Placeholder, Quoted,
        SurroundingWhiteSpace, TestEventSecret,
    };
    use proptest::prelude::*;
    use regex_syntax::hir::{Class, HirKind};

    use super::*;

    #[test]
    fn each_mistake_is_named() {
        for (text, mistake) in [
            ("", Empty),
            (" ", SurroundingWhiteSpace),
            ("a\r\n", SurroundingWhiteSpace),
            ("\"a\"\n", SurroundingWhiteSpace),
            ("\u{a0}a", SurroundingWhiteSpace),
            ("mock-webhook-secret", TestEventSecret),
            ("A=a", Assignment),
            ("NYLAS_WEBHOOK_SECRET=abc", Assignment),
            ("NYLAS_WEBHOOK_SECRET=a b", Assignment),
            ("NYLAS_WEBHOOK_SECRET=\"abc\"", Assignment),
            ("NYLAS_WEBHOOK_SECRET=abc=", Assignment),
            ("NYLAS_WEBHOOK_SECRET=", Assignment),
            ("KEY_2=abc", Assignment),
            ("\"abc\"", Quoted),
            ("'abc'", Quoted),
            ("`abc`", Quoted),
            ("“abc”", Quoted),
            ("„abc“", Quoted),
            ("‘abc’", Quoted),
            ("«abc»", Quoted),
            ("“abc\"", Quoted),
            ("''", Quoted),
            ("'a b'", Quoted),
            ("'mock-webhook-secret'", Quoted),
            ("${SECRET}", Placeholder),
            ("${{ secrets.NYLAS }}", Placeholder),
            ("<your webhook secret>", Placeholder),
            ("<SECRET>", Placeholder),
            ("{{secret}}", Placeholder),
            ("$NYLAS_WEBHOOK_SECRET", Placeholder),
            ("$(NYLAS_WEBHOOK_SECRET)", Placeholder),
            ("$(cat /run/secrets/nylas)", Placeholder),
            ("%NYLAS_WEBHOOK_SECRET%", Placeholder),
            ("{{ .Values.secret }}", Placeholder),
            ("a b", InnerWhiteSpace),
            ("a\nb", InnerWhiteSpace),
            ("a\u{3000}b", InnerWhiteSpace),
            ("export NYLAS_WEBHOOK_SECRET=abc", InnerWhiteSpace),
            ("a\0", InvisibleCharacter),
            ("a\u{1b}b", InvisibleCharacter),
            ("\u{feff}abc", InvisibleCharacter),
            ("\u{feff}\"abc\"", InvisibleCharacter),
            ("abc\u{200b}", InvisibleCharacter),
            ("a\u{ad}b", InvisibleCharacter),
            ("a\u{2060}b", InvisibleCharacter),
            ("\u{202a}abc\u{202c}", InvisibleCharacter),
            ("abc\u{fe0f}", InvisibleCharacter),
            ("abc\u{e0101}", InvisibleCharacter),
            ("a\u{2800}b", InvisibleCharacter),
        ] {
            assert_eq!(find(text), Some(mistake), "{text:?}");
        }
    }

    #[test]
    fn what_could_be_a_secret_is_none() {
        for text in [
            "a",
            "41dD3-x_Yz",
            // Padding of base64, and a `=` that follows no name of a variable.
            "ABC=",
            "AB==",
            "QUJDREVGR0hJSktMTU5PUA==",
            "SmVmZQ==",
            "a=b",
            "Ab=c",
            "1A=b",
            "_A=b",
            "=",
            "a+b/c=",
            // The name of a variable alone.
            "NYLAS_WEBHOOK_SECRET",
            // On one side only, or inside.
            "\"",
            "'abc",
            "abc`",
            "a\"b",
            "<abc",
            "a<b>c",
            "${abc",
            "$(abc",
            "$",
            "$abc",
            "$2Y",
            "A$B",
            "%",
            "%abc",
            "{abc}",
            "abc}}",
            "mock-webhook-secret-2",
            "geheim-ü-秘密-🔑",
        ] {
            assert_eq!(find(text), None, "{text:?}");
        }
    }

    proptest! {
        /// Those of the secrets that Nylas' documentation shows.
        #[test]
        fn letters_digits_and_two_others_are_no_mistake(text in "[A-Za-z0-9_-]{1,80}") {
            prop_assert_eq!(find(&text), None);
        }

        #[test]
        fn base64_is_no_mistake(text in "[A-Za-z0-9+/_-]{1,80}={0,2}") {
            prop_assume!(!text.contains("SECRET"));
            prop_assert_eq!(find(&text), None);
        }

        #[test]
        fn anything_around_a_secret_is_a_mistake(
            text in "[A-Za-z0-9_-]{1,40}",
            (before, behind) in prop::sample::select(vec![
                ("\"", "\""), ("'", "'"), ("`", "`"), ("“", "”"), ("‚", "’"), ("‹", "›"),
                ("${", "}"), ("$(", ")"), ("<", ">"), ("{{", "}}"), ("%", "%"),
                ("X=", ""), ("NAME_1=", ""),
                (" ", ""), ("", "\n"), ("\u{feff}", ""), ("", "\u{200b}"), ("", "\0"),
            ]),
        ) {
            prop_assert_ne!(find(&format!("{before}{text}{behind}")), None);
        }
    }

    /// Every character, against the tables of `regex`.
    #[test]
    fn the_table_is_that_of_unicode() {
        let classes = r"[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\x{2800}]";
        let parsed = regex_syntax::parse(classes).unwrap();
        let HirKind::Class(Class::Unicode(hidden)) = parsed.kind() else {
            panic!("{parsed:?}");
        };
        let is_hidden = |c| {
            hidden
                .iter()
                .any(|range| (range.start()..=range.end()).contains(&c))
        };
        for character in '\0'..=char::MAX {
            assert_eq!(
                is_invisible(character),
                is_hidden(character),
                "{character:?}"
            );
        }
    }
}
