//! The body of a response, also of one that does not arrive.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// The body of a response of [`Management`](super::Management). It fails if the connection was to
/// be [cut](super::Management::cut).
#[derive(Debug)]
pub struct ManagementBody {
    /// `None` once it was read.
    content: Option<Result<Bytes, io::ErrorKind>>,
}

impl ManagementBody {
    pub(super) fn whole(text: String) -> Self {
        Self {
            content: Some(Ok(text.into())),
        }
    }

    pub(super) fn cut() -> Self {
        Self {
            content: Some(Err(io::ErrorKind::ConnectionReset)),
        }
    }
}

impl Body for ManagementBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let content = self.content.take();
        Poll::Ready(content.map(|content| match content {
            Ok(bytes) => Ok(Frame::data(bytes)),
            Err(kind) => Err(kind.into()),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.content.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            None => SizeHint::with_exact(0),
            Some(Ok(bytes)) => SizeHint::with_exact(bytes.len() as u64),
            Some(Err(_)) => SizeHint::default(),
        }
    }
}
