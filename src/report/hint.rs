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
    /// The body is empty. Nylas sends none that is.
    Empty,
    /// The body is gzip that was read as a text: bytes that are no UTF-8 were replaced, or each was
    /// taken for a character.
    ReadAsText,
    /// The body is in base64.
    Base64,
    /// `Content-Encoding` says gzip, but the body begins like JSON.
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
            Self::Empty => f.write_str(
                "the body is empty, so a layer or a proxy in front of the verification read it and \
                 did not pass it on",
            ),
            Self::ReadAsText => f.write_str(
                "the body is gzip that a layer or a proxy in front of the verification read as a \
                 text; have it pass the bytes on",
            ),
            Self::Base64 => f.write_str(
                "the body is in base64, as API gateways hand binary ones over; decode it before the \
                 verification",
            ),
            Self::Inflated => f.write_str(
                "Content-Encoding announces gzip, but the body is JSON, so a layer or a proxy in \
                 front of the verification inflated it; Nylas signs the compressed bytes",
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
