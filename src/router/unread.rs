//! What becomes of a body that no handler has read.

use std::sync::Arc;

use http::Response;

use super::{body::RoutedBody, endpoint::Endpoint};
use crate::{notification::Malformed, report::Outcome};

/// Whom a body is offered to that does not fit its handler.
#[derive(Clone, Default)]
pub(super) struct Unread {
    /// The fallback, if it takes whatever comes.
    pub(super) fallback: Option<Arc<dyn Endpoint>>,
    pub(super) on_malformed: Option<Arc<dyn Endpoint>>,
}

impl Unread {
    pub(super) async fn answer(&self, mut malformed: Malformed) -> Response<RoutedBody> {
        if let Some(fallback) = &self.fallback {
            malformed = match fallback.call(malformed.into_request()).await {
                Ok(response) => return response,
                Err(malformed) => malformed,
            };
        }
        let Some(on_malformed) = &self.on_malformed else {
            return malformed.into_unread().into_response();
        };
        let outcome = malformed.outcome();
        let mut response = match on_malformed.call(malformed.into_argument()).await {
            Ok(response) => response,
            Err(malformed) => return malformed.into_unread().into_response(),
        };
        // A handler that does not take it, or gives up, has something to say itself.
        let extensions = response.extensions_mut();
        if matches!(extensions.get(), None | Some(Outcome::Discarded)) {
            extensions.insert(outcome);
        }
        response
    }
}
