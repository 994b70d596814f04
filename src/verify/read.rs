//! Reads a body to its end, within bounds, and hashes it meanwhile.

use std::{
    fmt, mem,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use http_body::Body;
use pin_project_lite::pin_project;

use super::{claim::Claim, settings::Settings, waiting::Waiting};
use crate::{
    middleware::is_at_end,
    report::Rejection,
    signature::{Verifier, VerifyError},
};

/// After this many frames the future yields to other tasks: a body that is always ready, with
/// frames however small, must neither block the thread nor escape its deadline.
const FRAMES_PER_POLL: usize = 256;

/// How far ahead of the received bytes the buffer is reserved when a length was announced. An
/// announcement costs a forger nothing, so it is never trusted alone.
const TRUSTED_FACTOR: usize = 8;

pin_project! {
    /// A body that is being read.
    pub(super) struct Reading<B> {
        #[pin]
        body: B,
        received: Received,
        // Boxed like the frames: most bodies never wait.
        waiting: Option<Box<Waiting>>,
    }
}

enum Received {
    Nothing,
    /// The only frame so far, not copied: most notifications have one.
    Frame(Bytes),
    /// Boxed, since it is rare and would make every future larger.
    Frames(Box<Frames>),
}

struct Frames {
    buffer: Vec<u8>,
    verifier: Verifier,
}

/// A complete body, and the result of its signature check.
pub(super) struct Whole {
    pub(super) bytes: Bytes,
    pub(super) verified: Result<(), VerifyError>,
}

impl<B> Reading<B> {
    pub(super) fn new(body: B) -> Self {
        Self {
            body,
            received: Received::Nothing,
            waiting: None,
        }
    }

    pub(super) fn body(&self) -> &B {
        &self.body
    }
}

impl<B: Body> Reading<B> {
    pub(super) fn poll_whole(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        claim: &Claim,
        settings: &Settings,
    ) -> Poll<Result<Whole, Rejection>> {
        for _ in 0..FRAMES_PER_POLL {
            match self.as_mut().project().body.poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    // Trailers are not signed, so they are dropped.
                    if let Ok(data) = frame.into_data() {
                        self.as_mut().receive(data, claim, settings)?;
                    }
                    // Saves another poll.
                    if is_at_end(&self.body) {
                        return Poll::Ready(Ok(self.finish(claim, settings)));
                    }
                }
                Poll::Ready(None) => return Poll::Ready(Ok(self.finish(claim, settings))),
                Poll::Ready(Some(Err(_))) => return Poll::Ready(Err(Rejection::Transport)),
                Poll::Pending => return self.poll_refused(cx, claim, settings),
            }
        }
        cx.waker().wake_by_ref();
        self.poll_refused(cx, claim, settings)
    }

    /// Waits for more of the body: ready only if the body is refused meanwhile.
    fn poll_refused<T>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        claim: &Claim,
        settings: &Settings,
    ) -> Poll<Result<T, Rejection>> {
        let this = self.project();
        if let Received::Frame(first) = this.received {
            // A frame shares the server's read buffer: a single byte that waits would keep all of
            // that buffer allocated, which the budget does not count.
            let announced = announced(&*this.body, first.len(), settings);
            let mut frames = Frames::new(claim.secrets(settings).verifier(claim.signature));
            frames.append(&**first, announced);
            *this.received = Received::Frames(Box::new(frames));
        }
        this.waiting
            .get_or_insert_with(|| Box::new(Waiting::new(settings)))
            .poll_refused(cx, settings, this.received.len())
            .map(Err)
    }

    fn receive(
        self: Pin<&mut Self>,
        mut data: B::Data,
        claim: &Claim,
        settings: &Settings,
    ) -> Result<(), Rejection> {
        let this = self.project();
        let limit = settings.max_body_size;
        let length = data.remaining();
        if length == 0 {
            return Ok(());
        }
        let total = this.received.len().saturating_add(length);
        if total > limit {
            return Err(Rejection::BodyTooLarge(limit));
        }
        let mut frames = match mem::replace(this.received, Received::Nothing) {
            Received::Nothing => {
                // For `Bytes` this is no copy.
                *this.received = Received::Frame(data.copy_to_bytes(length));
                return Ok(());
            }
            Received::Frame(first) => {
                let mut frames = Box::new(Frames::new(
                    claim.secrets(settings).verifier(claim.signature),
                ));
                frames.append(first, 0);
                frames
            }
            Received::Frames(frames) => frames,
        };
        frames.append(data, announced(&*this.body, total, settings));
        *this.received = Received::Frames(frames);
        Ok(())
    }

    fn finish(self: Pin<&mut Self>, claim: &Claim, settings: &Settings) -> Whole {
        let this = self.project();
        // Releases the reservation: it is for bodies that wait.
        *this.waiting = None;
        let verify = |bytes: Bytes| Whole {
            verified: claim.secrets(settings).verify(&bytes, &claim.signature),
            bytes,
        };
        match mem::replace(this.received, Received::Nothing) {
            Received::Nothing => verify(Bytes::new()),
            Received::Frame(bytes) => verify(bytes),
            Received::Frames(frames) => {
                let Frames { buffer, verifier } = *frames;
                match verifier.finish() {
                    // The set in force at the end decides.
                    Err(VerifyError::Exchanged) => verify(buffer.into()),
                    verified => Whole {
                        bytes: buffer.into(),
                        verified,
                    },
                }
            }
        }
    }
}

/// The length of the whole body, as far as it is known after `received` bytes.
fn announced(body: &impl Body, received: usize, settings: &Settings) -> usize {
    if settings.budget.is_over_half() {
        return received;
    }
    let rest = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    received.saturating_add(rest).min(settings.max_body_size)
}

impl Received {
    fn len(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Frame(bytes) => bytes.len(),
            Self::Frames(frames) => frames.buffer.len(),
        }
    }
}

impl Frames {
    fn new(verifier: Verifier) -> Self {
        Self {
            buffer: Vec::new(),
            verifier,
        }
    }

    /// `announced` is the length of the whole body, as far as it is known.
    fn append(&mut self, mut data: impl Buf, announced: usize) {
        self.reserve(data.remaining(), announced);
        while data.has_remaining() {
            let piece = data.chunk();
            // Hashed while it is in the processor's cache.
            self.verifier.update(piece);
            self.buffer.extend_from_slice(piece);
            let length = piece.len();
            data.advance(length);
        }
    }

    /// Reserves room for `more` bytes, and for the announced length up to [`TRUSTED_FACTOR`] times
    /// what was received.
    fn reserve(&mut self, more: usize, announced: usize) {
        let (length, capacity) = (self.buffer.len(), self.buffer.capacity());
        let total = length.saturating_add(more);
        if total > capacity {
            let trusted = announced.min(total.saturating_mul(TRUSTED_FACTOR));
            // Without an announcement: doubling, as a vector does by itself.
            let wanted = total.max(trusted).max(capacity.saturating_mul(2));
            self.buffer.reserve_exact(wanted - length);
        }
    }
}

impl<B> fmt::Debug for Reading<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading")
            .field("received", &self.received.len())
            .field("waiting", &self.waiting)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::signature::{Secrets, WebhookSecret};

    fn frames() -> Frames {
        let signature = WebhookSecret::new("a").unwrap().sign(b"");
        Frames::new(Secrets::new("a").unwrap().verifier(signature))
    }

    proptest! {
        /// An announced length costs a forger nothing, so it must not cost memory either.
        #[test]
        fn the_capacity_follows_what_was_received(
            pieces in proptest::collection::vec(1_usize..3000, 1..40),
            announced: usize,
        ) {
            let mut frames = frames();
            for length in pieces {
                frames.append(&vec![b'x'; length][..], announced);
                let (length, capacity) = (frames.buffer.len(), frames.buffer.capacity());
                prop_assert!(capacity <= length * TRUSTED_FACTOR, "{capacity} for {length}");
            }
        }
    }

    /// Buffers may be larger than what they contain only while the budget is at most half full.
    #[cfg(feature = "testing")]
    #[test]
    fn announcements_are_trusted_while_half_of_the_budget_is_free() {
        use crate::{
            testing::VirtualClock,
            verify::{MemoryBudget, budget::Reservation},
        };

        let timer = std::sync::Arc::new(VirtualClock::new());
        let mut settings = Settings::new(Secrets::pending().into(), timer);
        settings.budget = MemoryBudget::new(1000);
        settings.max_body_size = 600;
        let body = |length| http_body_util::Full::new(Bytes::from(vec![b'x'; length]));
        let mut others = Reservation::new(settings.budget.clone(), |_| ());
        others.hold(500).unwrap();
        assert_eq!(announced(&body(400), 100, &settings), 500);
        assert_eq!(announced(&body(4000), 100, &settings), 600);
        others.hold(501).unwrap();
        assert_eq!(announced(&body(400), 100, &settings), 100);
    }

    /// A true announcement saves moving the bytes repeatedly.
    #[test]
    fn a_true_announcement_is_reserved_soon() {
        let mut frames = frames();
        let mut capacities = Vec::new();
        for _ in 0..1000 {
            frames.append(&[b'x'; 1000][..], 1_000_000);
            capacities.push(frames.buffer.capacity());
        }
        capacities.dedup();
        assert!(capacities.len() <= 5, "{capacities:?}");
    }

    #[test]
    fn without_an_announcement_the_buffer_grows_by_doubling() {
        let mut frames = frames();
        let mut capacities = vec![0];
        for _ in 0..100_000 {
            frames.append(&b"x"[..], 0);
            capacities.push(frames.buffer.capacity());
        }
        capacities.dedup();
        assert!(capacities.len() < 25, "{capacities:?}");
        let doubles = |pair: &[usize]| pair[1] <= pair[0].max(1) * 2;
        assert!(capacities.windows(2).all(doubles), "{capacities:?}");
    }
}
