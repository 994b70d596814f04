//! An object as the JSON that it is.

use bytes::Bytes;
use http::{Method, Request, Response};

use super::GetObject;
use crate::api::{Api, ApiError, Operation, answer, path::Path};

/// The same as [`GetObject`], with a bound of its own, and the object as its JSON text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct GetRawObject {
    path: Path,
    max_response: usize,
}

impl GetRawObject {
    pub(crate) fn new<T>(get: &GetObject<T>, max_response: usize) -> Self {
        Self {
            path: get.path().clone(),
            max_response,
        }
    }
}

impl Operation for GetRawObject {
    type Output = Bytes;

    fn request(&self, api: &Api) -> Request<Bytes> {
        api.request(Method::GET, &self.path)
    }

    fn response(&self, response: Response<Bytes>) -> Result<Bytes, ApiError> {
        answer::raw(&response)
    }

    fn max_response(&self) -> usize {
        self.max_response
    }
}
