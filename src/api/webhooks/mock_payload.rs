use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::Value;

use super::Trial;
use crate::api::{Api, ApiError, Operation, answer, path::Path};

/// `POST /v3/webhooks/mock-payload`: a sample notification of a trigger, as JSON. The module
/// `testing` has samples without a request.
///
/// Both fields are sent, as the API reference demands; Nylas' own CLI leaves the URL out.
#[derive(Debug, Clone)]
pub struct MockPayload(Trial);

impl MockPayload {
    /// A sample for this trigger, as it would be sent to this URL.
    pub fn new(trigger_type: impl Into<String>, webhook_url: impl Into<String>) -> Self {
        Self(Trial::new(trigger_type, webhook_url))
    }
}

impl Operation for MockPayload {
    type Output = Value;

    fn request(&self, api: &Api) -> Request<Bytes> {
        let path = Path::fixed("/v3/webhooks/mock-payload");
        api.request_with(Method::POST, &path, &self.0)
    }

    /// The reference wraps it twice, in `data.data`.
    fn response(&self, response: Response<Bytes>) -> Result<Value, ApiError> {
        let mut payload: Value = answer::data(&response)?;
        if payload.get("type").is_none()
            && let Some(inner) = payload.get_mut("data")
        {
            payload = inner.take();
        }
        Ok(payload)
    }
}
