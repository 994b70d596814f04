use http::{Request, Response};
use tower_service::Service;

use crate::{
    middleware::{AnswerOr, CallReady, ResponseBody, opaque_future},
    verify::VerifiedBody,
};

opaque_future! {
    /// The response of [`Decompression`](super::Decompression).
    pub struct ResponseFuture<S>(AnswerOr<CallReady<S, Request<VerifiedBody>>>)
    where S: Service<Request<VerifiedBody>>;

    impl<S, R> Future -> Result<Response<ResponseBody<R>>, S::Error>
    where {
        S: Service<Request<VerifiedBody>, Response = Response<R>>,
    }
}
