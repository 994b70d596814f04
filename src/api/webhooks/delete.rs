use bytes::Bytes;
use http::{Method, Request, Response};

use super::{WEBHOOKS, one};
use crate::api::{Api, ApiError, Operation, WebhookId, answer};

/// `DELETE /v3/webhooks/{id}`: removes a destination.
#[derive(Debug, Clone)]
pub struct DeleteWebhook(WebhookId);

impl DeleteWebhook {
    /// The destination with this id.
    pub fn new(id: WebhookId) -> Self {
        Self(id)
    }
}

impl Operation for DeleteWebhook {
    type Output = ();

    fn request(&self, api: &Api) -> Request<Bytes> {
        api.request(Method::DELETE, &one(WEBHOOKS, &self.0))
    }

    /// The status says it all; what the body says is not read.
    fn response(&self, response: Response<Bytes>) -> Result<(), ApiError> {
        answer::success(&response).map(drop)
    }
}
