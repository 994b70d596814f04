//! An error with what caused it.

use std::{error::Error, fmt};

/// How many errors of a chain are shown.
const MOST: usize = 8;

/// An error and its [sources](Error::source), joined by colons. Many errors repeat their source's
/// text at the end of their own; it is shown once.
pub(crate) struct Causes<'a>(pub(crate) &'a (dyn Error + 'static));

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.0.to_string();
        f.write_str(&shown)?;
        let mut error = self.0;
        for _ in 1..MOST {
            let Some(source) = error.source() else { break };
            let text = source.to_string();
            if !shown.ends_with(&text) {
                write!(f, ": {text}")?;
            }
            shown = text;
            error = source;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Link(&'static str, Option<Box<Link>>);

    impl fmt::Display for Link {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Link {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|link| link as _)
        }
    }

    /// A chain of errors, the outermost first.
    fn chain(texts: &[&'static str]) -> Link {
        let mut links = texts.iter().rev();
        let last = Link(links.next().unwrap(), None);
        links.fold(last, |source, text| Link(text, Some(Box::new(source))))
    }

    #[test]
    fn each_cause_is_shown_once() {
        for (texts, shown) in [
            (&["no row"][..], "no row"),
            (&["cannot store", "no row"], "cannot store: no row"),
            (&["cannot store: no row", "no row"], "cannot store: no row"),
            (&["a: b: c", "b: c", "c"], "a: b: c"),
            (&["a: b", "b", "c"], "a: b: c"),
            (&["a", "a", "a"], "a"),
            (&["", "", "a"], ": a"),
        ] {
            assert_eq!(Causes(&chain(texts)).to_string(), shown);
        }
    }

    #[test]
    fn a_long_chain_is_cut() {
        let texts = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
        let shown = Causes(&chain(&texts)).to_string();
        assert_eq!(shown, "0: 1: 2: 3: 4: 5: 6: 7");
    }
}
