//! HTTP clients over real connections: hyper-util's as it is, reqwest's behind an adapter.

use axum::{Router, response::Redirect, routing::get};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde_json::json;
use tower::{Service, service_fn};
use tower_nylas::{
    BoxError, Secrets,
    api::{self, Api, CreateWebhook, Desired, ErrorKind, ListWebhooks, Rotation},
    testing::nylas::ManagementBody,
};
use tower_nylas_kit::serve::{serve_axum, serve_hyper};

use super::{API_KEY, memory::Memory, nylas::Nylas};

async fn list_and_redirect<S, B>(client: S)
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error: Into<BoxError>> + Clone,
    B: http_body::Body<Error: Into<BoxError>>,
{
    let nylas = Nylas::new();
    nylas.put("wh-1", &json!({"webhook_url": "https://app.example/"}));
    let address = serve_hyper(nylas.client()).await;
    let base = format!("http://{address}");
    let api = Api::at(&base, API_KEY).unwrap();
    let list = api::send(&ListWebhooks, &api, client.clone())
        .await
        .unwrap();
    assert_eq!(list[0].id.as_str(), "wh-1");
    let create = CreateWebhook::new("https://app.example/other", ["message.created"]);
    let created = api::send(&create, &api, client.clone()).await.unwrap();
    assert_eq!(
        nylas.destinations()[1]["webhook_secret"],
        created.secret.expose()
    );
    let stranger = Api::at(&base, "another-key").unwrap();
    let error = api::send(&ListWebhooks, &stranger, client.clone())
        .await
        .unwrap_err();
    assert_eq!(*error.api().unwrap().kind(), ErrorKind::Unauthorized);

    // The key does not go where a redirect points.
    nylas.requests();
    let elsewhere = format!("{base}/v3/webhooks");
    let redirect = get(async move || Redirect::temporary(&elsewhere));
    let address = serve_axum(Router::new().route("/v3/webhooks", redirect)).await;
    let api = Api::at(&format!("http://{address}"), API_KEY).unwrap();
    let error = api::send(&ListWebhooks, &api, client).await.unwrap_err();
    assert_eq!(*error.api().unwrap().kind(), ErrorKind::Redirected);
    assert!(nylas.requests().is_empty());
}

/// In tasks of their own.
#[allow(dead_code)]
fn everything_can_be_sent(nylas: &Nylas, store: &Memory, secrets: &Secrets) {
    fn sent(_: impl Future + Send) {}

    let api = super::access();
    let client = || nylas.client();
    let desired = Desired::new("", "", [""]);
    sent(api::send::<_, _, ManagementBody>(
        &ListWebhooks,
        &api,
        client(),
    ));
    sent(api::dry_run(&desired, &api, client(), store));
    sent(api::reconcile(&desired, &api, client(), store));
    let rotation = Rotation::new(super::id("wh-1"));
    sent(api::rotate(&rotation, secrets, &api, client(), store));
}

#[tokio::test]
async fn hyper_util() {
    list_and_redirect(Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>()).await;
}

#[tokio::test]
async fn reqwest() {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let adapter = service_fn(move |request: Request<Full<Bytes>>| {
        let client = client.clone();
        async move {
            let request = request.map(reqwest::Body::wrap);
            let response = client.execute(request.try_into()?).await?;
            Ok::<_, reqwest::Error>(Response::<reqwest::Body>::from(response))
        }
    });
    list_and_redirect(adapter).await;
}
