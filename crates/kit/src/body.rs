//! Request bodies that do what no well-meaning client does.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

/// What a [`Scripted`] body answers to one poll.
#[derive(Debug, Clone)]
pub enum Step<D> {
    Data(D),
    Trailers(HeaderMap),
    /// Not ready, but asks to be polled again.
    Later,
    /// Not ready, and never will be.
    Stuck,
    Broken,
}

/// Not an error in the sense of the standard library: the layers ask nothing of it.
#[derive(Debug)]
pub struct Broken;

/// A body that follows a script.
#[derive(Debug)]
pub struct Scripted<D> {
    steps: VecDeque<Step<D>>,
    size_hint: SizeHint,
    announces_end: bool,
    on_poll: Option<OnPoll>,
}

/// Called with the number of the poll, from 0.
struct OnPoll {
    polls: usize,
    call: Box<dyn FnMut(usize) + Send>,
}

impl<D> Scripted<D> {
    pub fn new(steps: impl IntoIterator<Item = Step<D>>) -> Self {
        Self {
            steps: steps.into_iter().collect(),
            size_hint: SizeHint::default(),
            announces_end: false,
            on_poll: None,
        }
    }

    pub fn frames(frames: impl IntoIterator<Item = D>) -> Self {
        Self::new(frames.into_iter().map(Step::Data))
    }

    /// Claims this much, whatever the script says.
    #[must_use]
    pub fn claiming(mut self, size_hint: SizeHint) -> Self {
        self.size_hint = size_hint;
        self
    }

    /// `is_end_stream` tells the truth, as it may but need not.
    #[must_use]
    pub fn announcing_end(mut self, announces_end: bool) -> Self {
        self.announces_end = announces_end;
        self
    }

    /// Does something before each poll.
    #[must_use]
    pub fn on_poll(mut self, call: impl FnMut(usize) + Send + 'static) -> Self {
        let call = Box::new(call);
        self.on_poll = Some(OnPoll { polls: 0, call });
        self
    }
}

impl<D: Buf + Unpin> Body for Scripted<D> {
    type Data = D;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<D>, Broken>>> {
        if let Some(on_poll) = &mut self.on_poll {
            (on_poll.call)(on_poll.polls);
            on_poll.polls += 1;
        }
        match self.steps.pop_front() {
            None => Poll::Ready(None),
            Some(Step::Data(data)) => Poll::Ready(Some(Ok(Frame::data(data)))),
            Some(Step::Trailers(trailers)) => Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
            Some(Step::Broken) => Poll::Ready(Some(Err(Broken))),
            Some(Step::Later) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Some(Step::Stuck) => {
                self.steps.push_front(Step::Stuck);
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.announces_end && self.steps.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.size_hint
    }
}

impl std::fmt::Debug for OnPoll {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OnPoll").finish_non_exhaustive()
    }
}

/// A body that must not be polled.
#[derive(Debug)]
pub struct Untouchable {
    pub claims: u64,
}

impl Body for Untouchable {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        panic!("the body was polled");
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.claims)
    }
}

/// A body that counts how often it is polled.
#[derive(Debug)]
pub struct Counted<B> {
    pub body: B,
    pub polls: Arc<AtomicUsize>,
}

impl<B: Body + Unpin> Body for Counted<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.polls.fetch_add(1, Ordering::SeqCst);
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Bytes that do not lie together, as a frame of a body may be.
#[derive(Debug, Clone)]
pub struct Pieces(VecDeque<Bytes>);

impl Pieces {
    /// In pieces of one to a few bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let mut pieces = VecDeque::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(rest.len().min(1 + pieces.len() % 5));
            pieces.push_back(Bytes::copy_from_slice(piece));
            rest = behind;
        }
        Self(pieces)
    }
}

impl Buf for Pieces {
    fn remaining(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }

    fn chunk(&self) -> &[u8] {
        self.0.front().map_or(&[], |piece| piece)
    }

    fn advance(&mut self, mut count: usize) {
        while count > 0 {
            let piece = self.0.front_mut().expect("not advanced beyond the end");
            let here = count.min(piece.len());
            piece.advance(here);
            count -= here;
            if piece.is_empty() {
                self.0.pop_front();
            }
        }
    }
}
