use bytes::Bytes;
use http::{Method, Request, Response};

use super::{WEBHOOKS, one};
use crate::api::{Api, ApiError, Destination, Operation, WebhookId, answer};

/// `GET /v3/webhooks/{id}`: one destination, without its secret.
#[derive(Debug, Clone)]
pub struct GetWebhook(WebhookId);

impl GetWebhook {
    /// The destination with this id.
    pub fn new(id: WebhookId) -> Self {
        Self(id)
    }
}

impl Operation for GetWebhook {
    type Output = Destination;

    fn request(&self, api: &Api) -> Request<Bytes> {
        api.request(Method::GET, &one(WEBHOOKS, &self.0))
    }

    fn response(&self, response: Response<Bytes>) -> Result<Destination, ApiError> {
        answer::data(&response)
    }
}
