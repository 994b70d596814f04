//! Sending an operation.

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use tower_service::Service;

use super::{Api, Operation, SendError};
use crate::{
    middleware::CallReady,
    report::BoxError,
    time::{TimerMissing, within},
};

/// Sends an operation with any HTTP client that is a tower service, and reads the response.
///
/// One request, never repeated, and dropped after [the timeout](Api::timeout). The client must not
/// follow redirects.
///
/// # Errors
///
/// [`SendError`] if the client fails, the response is too large or takes too long, or Nylas has
/// refused the request.
pub async fn send<O, S, B>(operation: &O, api: &Api, client: S) -> Result<O::Output, SendError>
where
    O: Operation,
    S: Service<Request<Full<Bytes>>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: Body<Error: Into<BoxError>>,
{
    if !api.timer().can_sleep() {
        return Err(SendError::TimerMissing(TimerMissing));
    }
    let request = operation.request(api).map(Full::new);
    let call = async {
        let response = CallReady::new(client, request).await;
        let response = response.map_err(SendError::transport)?;
        let response = read(response, operation.max_response()).await?;
        operation
            .response(response)
            .map_err(|error| SendError::Api(error.without(api.key())))
    };
    let answer = within(api.timer(), api.limit(), call).await;
    answer.unwrap_or(Err(SendError::TimedOut(api.limit())))
}

async fn read<B>(response: Response<B>, max: usize) -> Result<Response<Bytes>, SendError>
where
    B: Body<Error: Into<BoxError>>,
{
    let (parts, body) = response.into_parts();
    let body = match Limited::new(body, max).collect().await {
        Ok(body) => body.to_bytes(),
        // Its status says enough.
        Err(_) if !parts.status.is_success() => Bytes::new(),
        Err(why) if why.is::<LengthLimitError>() => return Err(SendError::TooLarge(max)),
        Err(why) => return Err(SendError::transport(why)),
    };
    Ok(Response::from_parts(parts, body))
}
