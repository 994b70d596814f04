use bytes::Bytes;
use http::{Method, Request, Response};

use super::Trial;
use crate::api::{Api, ApiError, Operation, answer, path::Path};

/// `POST /v3/webhooks/send-test-event`: Nylas sends a test event to a URL.
///
/// It is signed with a public secret, so a layer answers it with `401`, unless
/// [`acknowledge_test_events`](crate::WebhookLayer::acknowledge_test_events) is switched on. Both
/// fields are sent, as the API reference demands; Nylas' own CLI leaves the trigger out.
#[derive(Debug, Clone)]
pub struct SendTestEvent(Trial);

impl SendTestEvent {
    /// An event of this trigger to this URL.
    pub fn new(trigger_type: impl Into<String>, webhook_url: impl Into<String>) -> Self {
        Self(Trial::new(trigger_type, webhook_url))
    }
}

impl Operation for SendTestEvent {
    type Output = ();

    fn request(&self, api: &Api) -> Request<Bytes> {
        let path = Path::fixed("/v3/webhooks/send-test-event");
        api.request_with(Method::POST, &path, &self.0)
    }

    /// The status says it all; what the body says is not read.
    fn response(&self, response: Response<Bytes>) -> Result<(), ApiError> {
        answer::success(&response).map(drop)
    }
}
