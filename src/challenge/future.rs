use http::{Request, Response};
use tower_service::Service;

use crate::middleware::{AnswerOr, CallReady, ResponseBody, opaque_future};

opaque_future! {
    /// The response of [`Challenge`](super::Challenge).
    pub struct ResponseFuture<S, B>(AnswerOr<CallReady<S, Request<B>>>)
    where S: Service<Request<B>>;

    impl<S, B, R> Future -> Result<Response<ResponseBody<R>>, S::Error>
    where {
        S: Service<Request<B>, Response = Response<R>>,
    }
}
