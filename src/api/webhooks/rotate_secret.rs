use bytes::Bytes;
use http::{Method, Request, Response};

use super::one;
use crate::api::{Api, ApiError, Issued, Operation, WebhookId, path::Path};

/// `POST /v3/webhooks/rotate-secret/{id}`: a new secret, with which Nylas signs at once, before any
/// server can have it. [`rotate`](crate::api::rotate) loses nothing meanwhile.
///
/// The method and the path are those of the API reference and of most of Nylas' own clients; the
/// one for Python sends `PUT /v3/webhooks/{id}/rotate-secret`.
#[derive(Debug, Clone)]
pub struct RotateSecret(WebhookId);

impl RotateSecret {
    /// The secret of the destination with this id.
    pub fn new(id: WebhookId) -> Self {
        Self(id)
    }
}

impl Operation for RotateSecret {
    type Output = Issued;

    fn request(&self, api: &Api) -> Request<Bytes> {
        let rotations = Path::fixed("/v3/webhooks/rotate-secret");
        api.request(Method::POST, &one(rotations, &self.0))
    }

    fn response(&self, response: Response<Bytes>) -> Result<Issued, ApiError> {
        Issued::read(&response)
    }
}
