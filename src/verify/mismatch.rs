//! Finds the probable cause of a signature mismatch.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use http::{Version, header, request::Parts};

use crate::{
    middleware::{is_gzip, is_json},
    report::MismatchHint,
    time::Clock,
};

/// Explains a mismatch by the head of the request and its body.
pub(super) fn explain(request: &Parts, body: &[u8]) -> Option<MismatchHint> {
    let header = |name| Some(request.headers.get(name)?.to_str().ok()?.trim());
    let received = body.len() as u64;
    let declared = header(header::CONTENT_LENGTH).and_then(|text| text.parse().ok());
    let says_gzip =
        header(header::CONTENT_ENCODING).is_some_and(|c| c.eq_ignore_ascii_case("gzip"));
    let says_nothing = !request.headers.contains_key(header::CONTENT_ENCODING);
    let is_gzip = is_gzip(body);

    if received == 0 && declared.unwrap_or(0) == 0 {
        Some(MismatchHint::Empty)
    } else if is_gzip_read_as_text(body) {
        Some(MismatchHint::ReadAsText)
    } else if is_base64(body) {
        Some(MismatchHint::Base64)
    } else if let Some(declared) = declared.filter(|declared| *declared != received) {
        Some(MismatchHint::LengthChanged { declared, received })
    } else if says_gzip && is_json(body) {
        Some(MismatchHint::Inflated)
    } else if says_nothing && is_gzip {
        Some(MismatchHint::EncodingLost)
    } else if request.version < Version::HTTP_2
        && declared.is_none()
        && received > 0
        && !request.headers.contains_key(header::TRANSFER_ENCODING)
    {
        Some(MismatchHint::FramingLost)
    } else {
        None
    }
}

/// Whether the second byte of gzip's mark, which is no UTF-8 by itself, was replaced or taken for a
/// character.
fn is_gzip_read_as_text(body: &[u8]) -> bool {
    ["\u{1f}\u{fffd}", "\u{1f}\u{8b}"]
        .iter()
        .any(|mark| body.starts_with(mark.as_bytes()))
}

/// Whether it begins like JSON or gzip in base64, and the next characters are such as well.
fn is_base64(body: &[u8]) -> bool {
    // `{"`, `{ ` and `{` before a line break or a tab; the mark of gzip.
    let begins = [&b"ey"[..], b"ew", b"H4s"];
    begins.iter().any(|begin| body.starts_with(begin))
        && body
            .iter()
            .take(64)
            .all(|byte| byte.is_ascii_alphanumeric() || b"+/-_=\r\n".contains(byte))
}

/// Whether to find out if a mismatch is a test event of Nylas: at most once a second for all
/// requests together.
#[derive(Clone)]
pub(super) struct TestEventCheck {
    clock_start: Instant,
    next_ms: Arc<AtomicU64>,
}

impl TestEventCheck {
    const INTERVAL_MS: u64 = 1000;

    pub(super) fn new(clock: &dyn Clock) -> Self {
        Self {
            clock_start: clock.now(),
            next_ms: Arc::default(),
        }
    }

    pub(super) fn is_due(&self, clock: &dyn Clock) -> bool {
        let passed = clock.now().saturating_duration_since(self.clock_start);
        let now = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX);
        let next = self.next_ms.load(Ordering::Relaxed);
        let after = now.saturating_add(Self::INTERVAL_MS);
        now >= next
            && self
                .next_ms
                .compare_exchange(next, after, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }
}

impl fmt::Debug for TestEventCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestEventCheck").finish_non_exhaustive()
    }
}
