//! The suffixes that Nylas appends to a trigger's name on its own account.

/// Which of the two automatic suffixes a name ends with, and in which order.
///
/// Nylas writes `.transformed` before `.truncated`
/// ([source](https://developer.nylas.com/docs/v3/notifications/)). The other order is read as
/// well, and the name is never changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub(crate) enum Suffix {
    #[default]
    None,
    Truncated,
    Transformed,
    TransformedTruncated,
    TruncatedTransformed,
}

impl Suffix {
    /// In the order of their discriminants.
    #[cfg(feature = "metrics")]
    pub(crate) const ALL: [Self; 5] = [
        Self::None,
        Self::Truncated,
        Self::Transformed,
        Self::TransformedTruncated,
        Self::TruncatedTransformed,
    ];
}

const TRANSFORMED: &str = ".transformed";
const TRUNCATED: &str = ".truncated";

impl Suffix {
    /// Splits a name into its stem and its automatic suffixes. A stem has at least two segments,
    /// so `message.truncated` has no suffix.
    pub(crate) fn split(name: &str) -> (&str, Self) {
        let strip = |name: &'_ str, suffix| -> Option<usize> {
            let stem = name.strip_suffix(suffix)?;
            stem.contains('.').then_some(stem.len())
        };
        if let Some(end) = strip(name, TRUNCATED) {
            let stem = &name[..end];
            match strip(stem, TRANSFORMED) {
                Some(end) => (&stem[..end], Self::TransformedTruncated),
                None => (stem, Self::Truncated),
            }
        } else if let Some(end) = strip(name, TRANSFORMED) {
            let stem = &name[..end];
            match strip(stem, TRUNCATED) {
                Some(end) => (&stem[..end], Self::TruncatedTransformed),
                None => (stem, Self::Transformed),
            }
        } else {
            (name, Self::None)
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Truncated => TRUNCATED,
            Self::Transformed => TRANSFORMED,
            Self::TransformedTruncated => ".transformed.truncated",
            Self::TruncatedTransformed => ".truncated.transformed",
        }
    }

    pub(crate) fn is_truncated(self) -> bool {
        !matches!(self, Self::None | Self::Transformed)
    }

    pub(crate) fn is_transformed(self) -> bool {
        !matches!(self, Self::None | Self::Truncated)
    }
}
