//! The proof that a body was signed with a known secret.

#[cfg(feature = "router")]
use std::ops::Range;
use std::{
    convert::Infallible,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, request::Parts};
use http_body::{Body, Frame, SizeHint};

use crate::signature::{Secrets, Signature, VerifyError};

/// A body whose signature was verified.
///
/// Only verification can create one, so no forged request reaches code that takes a `VerifiedBody`
/// or a `Request<VerifiedBody>`. This does not compile:
///
/// ```compile_fail,E0308
/// # use tower_nylas::VerifiedBody;
/// fn store(_: http::Request<VerifiedBody>) {}
/// store(http::Request::new(bytes::Bytes::from_static(b"{}")));
/// ```
///
/// and this does:
///
/// ```
/// # use tower_nylas::{Secrets, VerifiedBody, WebhookSecret};
/// fn store(_: http::Request<VerifiedBody>) {}
/// # let body = bytes::Bytes::from_static(b"{}");
/// # let secrets = Secrets::new("an-invented-secret")?;
/// # let signature = WebhookSecret::new("an-invented-secret")?.sign(&body);
/// store(http::Request::new(VerifiedBody::verify(body, &signature, &secrets)?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Cloning is cheap; the bytes are shared. It contains the bytes and the label of the secrets that
/// verified them, but no secret. As an [`http_body::Body`] it is one frame and cannot fail; the
/// [bytes](Self::bytes) are kept when it is read as one.
#[derive(Clone)]
pub struct VerifiedBody {
    bytes: Bytes,
    verified_by: Arc<str>,
    by_lookup: bool,
    /// Whether the one frame was read.
    is_read: bool,
    /// Whether its object was fetched from Nylas after verification.
    #[cfg(feature = "api")]
    is_refetched: bool,
    /// The position of the trigger's name, if observation has found it already, so that the router
    /// need not search for it again.
    #[cfg(feature = "router")]
    trigger_at: Option<Range<u32>>,
}

impl VerifiedBody {
    /// Verifies bytes outside an HTTP server, for instance in the worker of a queue that stores
    /// deliveries as they came.
    ///
    /// # Errors
    ///
    /// [`VerifyError`], as [`Secrets::verify`].
    pub fn verify(
        bytes: Bytes,
        signature: &Signature,
        secrets: &Secrets,
    ) -> Result<Self, VerifyError> {
        secrets.verify(&bytes, signature)?;
        Ok(Self::proven(bytes, secrets, false))
    }

    /// Only for bytes that were just verified with these secrets.
    pub(super) fn proven(bytes: Bytes, secrets: &Secrets, by_lookup: bool) -> Self {
        Self::labelled(bytes, secrets.shared_label().clone(), by_lookup)
    }

    /// For tests of handlers only.
    #[cfg(feature = "testing")]
    pub(crate) fn assumed(bytes: Bytes, verified_by: &str, by_lookup: bool) -> Self {
        Self::labelled(bytes, Arc::from(verified_by), by_lookup)
    }

    /// For bytes that the application stored after their verification.
    #[cfg(feature = "inbox")]
    pub(crate) fn stored(bytes: Bytes, verified_by: Arc<str>, by_lookup: bool) -> Self {
        Self::labelled(bytes, verified_by, by_lookup)
    }

    fn labelled(bytes: Bytes, verified_by: Arc<str>, by_lookup: bool) -> Self {
        Self {
            bytes,
            verified_by,
            by_lookup,
            is_read: false,
            #[cfg(feature = "api")]
            is_refetched: false,
            #[cfg(feature = "router")]
            trigger_at: None,
        }
    }

    #[cfg(feature = "router")]
    pub(crate) fn set_trigger_at(&mut self, range: Range<usize>) {
        let Range { start, end } = range;
        let small = |at: usize| u32::try_from(at).ok();
        self.trigger_at = small(start).zip(small(end)).map(|(start, end)| start..end);
    }

    /// The name of the trigger, if it was found already.
    #[cfg(feature = "router")]
    pub(crate) fn trigger(&self) -> Option<&str> {
        let Range { start, end } = self.trigger_at.clone()?;
        let name = self.bytes.get(start as usize..end as usize)?;
        std::str::from_utf8(name).ok()
    }

    /// The same proof for what the verified bytes decode to.
    #[cfg(feature = "gzip")]
    pub(crate) fn decoded(&self, bytes: Bytes) -> Self {
        Self::labelled(bytes, self.verified_by.clone(), self.by_lookup)
    }

    /// The same proof for the verified bytes with the object that Nylas' API has returned for them.
    #[cfg(feature = "api")]
    pub(crate) fn refetched(&self, bytes: Bytes) -> Self {
        Self {
            is_refetched: true,
            ..Self::labelled(bytes, self.verified_by.clone(), self.by_lookup)
        }
    }

    /// Whether the object in it was fetched from Nylas' API after verification, by a
    /// [`RefetchLayer`](crate::RefetchLayer): then Nylas has not signed these very bytes.
    #[cfg(feature = "api")]
    pub fn is_refetched(&self) -> bool {
        self.is_refetched
    }

    /// The bytes: those on the wire or, after decompression, the inflated ones.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The bytes, without their proof.
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// The label of the secrets that verified the body, by default `default`. See
    /// [`Secrets::builder`].
    pub fn verified_by(&self) -> &str {
        &self.verified_by
    }

    /// The label for what outlives the body.
    pub(crate) fn shared_label(&self) -> &Arc<str> {
        &self.verified_by
    }

    /// Whether these secrets were looked up for the request, as those of one tenant among several.
    /// See [`SecretSource`](super::SecretSource).
    pub fn by_lookup(&self) -> bool {
        self.by_lookup
    }

    /// Whether a tenant's secrets without a label have verified it, so that nothing tells its id
    /// from that of another tenant.
    #[cfg(any(feature = "dedup", feature = "inbox"))]
    pub(crate) fn is_of_unlabelled_tenant(&self) -> bool {
        self.by_lookup && *self.verified_by == *Secrets::DEFAULT_LABEL
    }

    /// Replaces the request's body, and its proof.
    #[cfg(any(feature = "api", feature = "gzip"))]
    pub(crate) fn replace_in(self, request: &mut Request<Self>) {
        *request.body_mut() = self;
        #[cfg(feature = "axum")]
        super::proof::attach(request);
    }

    /// The request as the inner service gets it.
    pub(crate) fn into_request(self, parts: Parts) -> Request<Self> {
        #[allow(unused_mut)]
        let mut request = Request::from_parts(parts, self);
        #[cfg(feature = "axum")]
        super::proof::attach(&mut request);
        request
    }
}

impl AsRef<[u8]> for VerifiedBody {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl From<VerifiedBody> for Bytes {
    fn from(body: VerifiedBody) -> Self {
        body.into_bytes()
    }
}

impl Body for VerifiedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let frame = (!self.is_end_stream()).then(|| Ok(Frame::data(self.bytes.clone())));
        self.is_read = true;
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.is_read || self.bytes.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(if self.is_read {
            0
        } else {
            self.bytes.len() as u64
        })
    }
}

impl fmt::Debug for VerifiedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedBody")
            .field("length", &self.bytes.len())
            .field("verified_by", &self.verified_by())
            .finish_non_exhaustive()
    }
}
