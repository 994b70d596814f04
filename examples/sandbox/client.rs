//! What notifications are sent with: reqwest, with TLS for endpoints behind a tunnel.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower::{Service, service_fn};

/// Without proxies of the environment, which know nothing of this machine's ports.
pub(crate) fn reqwest() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(Duration::from_secs(10))
        .build()
}

pub(crate) fn client() -> Result<
    impl Service<
        Request<Full<Bytes>>,
        Response = Response<reqwest::Body>,
        Error = reqwest::Error,
        Future: Send,
    > + Clone
    + Send
    + Sync
    + 'static,
    reqwest::Error,
> {
    let client = reqwest()?;
    Ok(service_fn(move |request: Request<Full<Bytes>>| {
        let client = client.clone();
        async move {
            let request = request.map(reqwest::Body::wrap);
            Ok(client.execute(request.try_into()?).await?.into())
        }
    }))
}
