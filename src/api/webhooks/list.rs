use bytes::Bytes;
use http::{Method, Request, Response};

use super::WEBHOOKS;
use crate::api::{Api, ApiError, Destination, Operation, answer};

/// `GET /v3/webhooks`: all destinations of the application.
#[derive(Debug, Clone, Copy)]
pub struct ListWebhooks;

impl Operation for ListWebhooks {
    type Output = Vec<Destination>;

    fn request(&self, api: &Api) -> Request<Bytes> {
        api.request(Method::GET, &WEBHOOKS)
    }

    fn response(&self, response: Response<Bytes>) -> Result<Vec<Destination>, ApiError> {
        answer::list(&response)
    }
}
