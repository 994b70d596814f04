//! What becomes of a truncated notification.

use std::{error::Error, fmt, sync::Arc, time::Duration};

use http::Request;

use super::{
    NotRefetched, OnUnauthorized,
    fetch::Fetcher,
    layer::Access,
    settings::Settings,
    truncated::{OtherObject, Truncated},
};
use crate::{
    api::{ApiError, ErrorKind, SendError},
    report::{Outcome, SharedError},
    verify::VerifiedBody,
};

/// How long Nylas is asked to wait if its API is asked too often and does not say how long.
const WAIT: Duration = Duration::from_secs(30);

/// Why a notification has not got its object.
enum Failure {
    /// It goes on without it.
    Pass(NotRefetched),
    /// It is sent again, unless this is the last attempt.
    Retry(Outcome),
}

impl Fetcher {
    /// The request with the whole object, or the truncated one if that has to do.
    ///
    /// # Errors
    ///
    /// The outcome, if neither is to be handled.
    pub(super) async fn complete(
        &self,
        mut request: Request<VerifiedBody>,
        truncated: Truncated,
        access: &Access,
        settings: &Settings,
    ) -> Result<Request<VerifiedBody>, Outcome> {
        let body = request.body();
        let reason = match self.whole(body, &truncated, access, settings).await {
            Ok(whole) => {
                whole.replace_in(&mut request);
                return Ok(request);
            }
            Err(Failure::Pass(reason)) => reason,
            Err(Failure::Retry(_))
                if settings.passes_last_attempt && truncated.is_last_attempt() =>
            {
                NotRefetched::LastAttempt
            }
            Err(Failure::Retry(outcome)) => return Err(outcome),
        };
        request.extensions_mut().insert(reason);
        Ok(request)
    }

    async fn whole(
        &self,
        body: &VerifiedBody,
        truncated: &Truncated,
        access: &Access,
        settings: &Settings,
    ) -> Result<VerifiedBody, Failure> {
        let Some(api) = access(body) else {
            return Err(unauthorized(Arc::new(NoApi), settings));
        };
        let api = api.timeout(settings.timeout);
        let label = body.shared_label().clone();
        let object = self.fetch(label, &api, truncated.object.clone()).await;
        let object = object.map_err(|error| failure(error, settings))?;
        match truncated.with(&object) {
            Ok(whole) => Ok(body.refetched(whole)),
            Err(OtherObject) => Err(unfetchable(Arc::new(OtherObject))),
        }
    }
}

fn failure(why: Arc<SendError>, settings: &Settings) -> Failure {
    // At once again and again would be a flood of requests from a worker.
    let asked = |answer: &ApiError| answer.retry_after().filter(|wait| !wait.is_zero());
    let retry_after = match &*why {
        SendError::Api(answer) => match answer.kind() {
            ErrorKind::NotFound => return Failure::Pass(NotRefetched::Gone),
            ErrorKind::Unauthorized | ErrorKind::Forbidden => return unauthorized(why, settings),
            ErrorKind::RateLimited => Some(asked(answer).unwrap_or(WAIT)),
            ErrorKind::Unavailable => asked(answer),
            _ => return unfetchable(why),
        },
        SendError::Transport(_) | SendError::TimedOut(_) => None,
        SendError::TooLarge(max) => return Failure::Pass(NotRefetched::TooLarge(*max)),
        SendError::TimerMissing(_) => return unfetchable(why),
    };
    Failure::Retry(Outcome::Unfetched { why, retry_after })
}

fn unauthorized(why: SharedError, settings: &Settings) -> Failure {
    match settings.on_unauthorized {
        OnUnauthorized::Retry => unfetchable(why),
        OnUnauthorized::PassTruncated => Failure::Pass(NotRefetched::Unauthorized),
    }
}

fn unfetchable(why: SharedError) -> Failure {
    Failure::Retry(Outcome::Unfetchable(why))
}

/// [`by_destination`](super::RefetchLayer::by_destination) has returned none.
#[derive(Debug)]
struct NoApi;

impl fmt::Display for NoApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no API key for its destination")
    }
}

impl Error for NoApi {}
