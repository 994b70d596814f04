//! Responses that a layer makes itself, and the body of every layer's responses.

use std::{
    convert::Infallible,
    fmt, mem,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderValue, Response, Version, header};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

/// A response that a layer makes itself, independent of the inner service's body type.
pub(crate) type Answer = Response<ResponseBody<Infallible>>;

pin_project! {
    /// Either a short text of the layer itself, or the body of the inner service.
    ///
    /// The exact size is always passed on, so that a server sends `Content-Length` and not chunks.
    /// The default is an empty body.
    pub struct ResponseBody<R> {
        #[pin]
        content: Content<R>,
    }
}

pin_project! {
    #[project = ContentProjection]
    enum Content<R> {
        Own { bytes: Bytes },
        Inner { #[pin] body: R },
    }
}

impl<R> ResponseBody<R> {
    pub(crate) fn own(bytes: impl Into<Bytes>) -> Self {
        Self {
            content: Content::Own {
                bytes: bytes.into(),
            },
        }
    }

    pub(crate) fn empty() -> Self {
        Self::own(Bytes::new())
    }

    pub(crate) fn inner(body: R) -> Self {
        Self {
            content: Content::Inner { body },
        }
    }
}

impl ResponseBody<Infallible> {
    /// The same body for an inner service with another body type.
    pub(crate) fn widen<R>(self) -> ResponseBody<R> {
        match self.content {
            Content::Own { bytes } => ResponseBody::own(bytes),
            Content::Inner { body } => match body {},
        }
    }
}

impl<R> Default for ResponseBody<R> {
    fn default() -> Self {
        Self::empty()
    }
}

impl<R> Body for ResponseBody<R>
where
    R: Body<Data = Bytes>,
{
    type Data = Bytes;
    type Error = R::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        match self.project().content.project() {
            ContentProjection::Own { bytes } if bytes.is_empty() => Poll::Ready(None),
            ContentProjection::Own { bytes } => {
                Poll::Ready(Some(Ok(Frame::data(mem::take(bytes)))))
            }
            ContentProjection::Inner { body } => body.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Own { bytes } => bytes.is_empty(),
            Content::Inner { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Own { bytes } => SizeHint::with_exact(bytes.len() as u64),
            Content::Inner { body } => body.size_hint(),
        }
    }
}

impl<R> fmt::Debug for ResponseBody<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.content {
            Content::Own { .. } => "ResponseBody::Own(..)",
            Content::Inner { .. } => "ResponseBody::Inner(..)",
        })
    }
}

/// Announces that the connection ends with this answer, if the body of its request is not at its
/// end (RFC 9112, 9.6).
///
/// An HTTP/1 server closes such a connection anyway, since it will not read the rest. Unannounced,
/// a client or proxy that reuses connections sends its next request on it, and loses that: behind
/// Caddy, a stranger's unsigned bodies of 60 kB cost 18 % of the genuine notifications. An HTTP/2
/// stream ends alone.
pub(crate) fn close_unless_read<B: Body>(answer: &mut Answer, version: Version, body: &B) {
    let is_http_1 = matches!(version, Version::HTTP_10 | Version::HTTP_11);
    if is_http_1 && !is_at_end(body) {
        let close = HeaderValue::from_static("close");
        answer.headers_mut().insert(header::CONNECTION, close);
    }
}

/// Whether nothing of a body is left. A body that says so while it announces more is not believed.
pub(crate) fn is_at_end<B: Body>(body: &B) -> bool {
    body.is_end_stream() && body.size_hint().lower() == 0
}
