//! The probable cause of a signature mismatch.

use std::fmt;

/// The probable cause of a signature mismatch that is not a forgery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MismatchHint {
    /// The body has another length than the request's `Content-Length` says.
    LengthChanged {
        /// Bytes according to `Content-Length`.
        declared: u64,
        /// Bytes received.
        received: u64,
    },
    /// `Content-Encoding` says gzip, but the body is not gzip.
    Inflated,
    /// The body is gzip, but `Content-Encoding` does not say so.
    EncodingLost,
    /// An HTTP/1 body with neither `Content-Length` nor `Transfer-Encoding`.
    FramingLost,
    /// Signed with the public secret of Nylas' test events. Such events are acknowledged only if
    /// [`acknowledge_test_events`](crate::VerifySignatureLayer::acknowledge_test_events) is on.
    TestEvent,
}

impl fmt::Display for MismatchHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LengthChanged { declared, received } => write!(
                f,
                "{received} bytes arrived where Content-Length says {declared}, so a layer or a \
                 proxy in front of the verification changed the body"
            ),
            Self::Inflated => f.write_str(
                "the body is not the gzip that Content-Encoding announces, so a proxy in front of \
                 the verification inflated it; Nylas signs the compressed bytes",
            ),
            Self::EncodingLost => f.write_str(
                "the body is gzip without a Content-Encoding, so a layer or a proxy in front of \
                 the verification changed the request",
            ),
            Self::FramingLost => f.write_str(
                "the body has neither Content-Length nor Transfer-Encoding, so a layer in front of \
                 the verification changed it, as tower-http's RequestDecompressionLayer does; \
                 Nylas signs the compressed bytes",
            ),
            Self::TestEvent => f.write_str(
                "it is signed with the public secret of Nylas' test events, which are acknowledged \
                 only with `acknowledge_test_events(true)`",
            ),
        }
    }
}
