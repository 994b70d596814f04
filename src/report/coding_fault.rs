//! A body that is not as it is labelled, and can be read all the same.

use std::fmt;

/// How a verified body differed from what it should have been, although it could be read: the bytes
/// decide, and not the label.
///
/// It is in the [extensions](http::Extensions) of the request that the inner service gets, and the
/// [events and metrics](crate::observe) show it. [`Display`](fmt::Display) shows neither the label
/// nor a byte of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CodingFault {
    /// Whether the body came as gzip; otherwise as plain JSON.
    pub was_gzip: bool,
    /// Whether `Content-Encoding` said something else.
    pub is_mislabelled: bool,
    /// How many bytes behind the last gzip member were ignored, since they are no member.
    pub ignored: usize,
}

impl CodingFault {
    /// `None` if there is nothing to report.
    #[cfg(feature = "gzip")]
    pub(crate) fn of_gzip(is_mislabelled: bool, ignored: usize) -> Option<Self> {
        (is_mislabelled || ignored > 0).then_some(Self {
            was_gzip: true,
            is_mislabelled,
            ignored,
        })
    }

    pub(crate) fn mislabelled_plain() -> Self {
        Self {
            was_gzip: false,
            is_mislabelled: true,
            ignored: 0,
        }
    }
}

impl fmt::Display for CodingFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_mislabelled {
            f.write_str(if self.was_gzip {
                "the body is gzip, but its Content-Encoding does not say so"
            } else {
                "the body is plain JSON, but its Content-Encoding says that it is encoded"
            })?;
        }
        if self.ignored > 0 {
            let separator = if self.is_mislabelled { "; " } else { "" };
            write!(
                f,
                "{separator}{} bytes behind its last gzip member are ignored",
                self.ignored
            )?;
        }
        Ok(())
    }
}
