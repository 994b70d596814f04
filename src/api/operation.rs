//! What can be asked of the API.

use bytes::Bytes;
use http::{Request, Response};

use super::{Api, ApiError};

/// One call of the API: a request, and how its response is read. No I/O; [`send`](super::send) does
/// that.
pub trait Operation {
    /// What a successful response says.
    type Output;

    /// The request, with its authorization.
    fn request(&self, api: &Api) -> Request<Bytes>;

    /// Reads the response.
    ///
    /// # Errors
    ///
    /// [`ApiError`] if Nylas has refused the request, or if the response cannot be read.
    fn response(&self, response: Response<Bytes>) -> Result<Self::Output, ApiError>;

    /// How many bytes a response may have; by default 1 MiB.
    fn max_response(&self) -> usize {
        1 << 20
    }
}
