//! AWS Lambda behind API Gateway, through axum: from the JSON of an event to the JSON of a result,
//! by `lambda_http`'s own conversions.

use axum::Router;
use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderName, Method, Version};
use lambda_http::{Adapter, Context, LambdaEvent, request::LambdaRequest};
use serde_json::{Value, json};
use tower::ServiceExt;
use tower_nylas_kit::{
    delivery::{PATH, gzip, notification, sign},
    parts::Parts,
    wire::{Answer, Ask},
};

use crate::play::play;

/// What a function has of an invocation.
async fn invoke(app: Router, event: &Value) -> Value {
    let request: LambdaRequest = serde_json::from_value(event.clone()).unwrap();
    let invocation = LambdaEvent::new(request, Context::default());
    let result = Adapter::from(app).oneshot(invocation).await.unwrap();
    serde_json::to_value(result).unwrap()
}

/// A body as API Gateway passes it on, and whether as base64.
fn body_of(ask: &Ask, as_binary: bool) -> (Value, bool) {
    if ask.body.is_empty() {
        (Value::Null, false)
    } else if as_binary {
        (BASE64_STANDARD.encode(&ask.body).into(), true)
    } else {
        (std::str::from_utf8(&ask.body).unwrap().into(), false)
    }
}

fn headers_of(ask: &Ask) -> Vec<(&str, &str)> {
    let mut headers = vec![("host", "id.execute-api.eu-central-1.amazonaws.com")];
    headers.extend(ask.headers.iter().map(|(name, value)| (*name, &**value)));
    headers
}

/// An event of an HTTP API, payload format 2.0. It has the query as it came.
fn http_api(ask: &Ask, as_binary: bool) -> Value {
    let (path, query) = ask.target.split_once('?').unwrap_or((&ask.target, ""));
    let (body, is_base64) = body_of(ask, as_binary);
    let headers: serde_json::Map<_, _> = headers_of(ask)
        .into_iter()
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect();
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "id",
            "domainName": "id.execute-api.eu-central-1.amazonaws.com",
            "domainPrefix": "id",
            "http": {
                "method": ask.method.as_str(),
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "nylas",
            },
            "requestId": "request-1",
            "routeKey": "$default",
            "stage": "$default",
            "time": "12/Mar/2026:19:03:58 +0000",
            "timeEpoch": 1_773_342_238_390_u64,
        },
        "body": body,
        "isBase64Encoded": is_base64,
    })
}

/// An event of a REST API, with the Lambda proxy integration. It has the parameters of the query
/// decoded, and each header twice.
fn rest_api(ask: &Ask, as_binary: bool) -> Value {
    let (path, query) = ask.target.split_once('?').unwrap_or((&ask.target, ""));
    let (body, is_base64) = body_of(ask, as_binary);
    let uri = format!("http://localhost/?{query}");
    let uri: axum::extract::Query<Vec<(String, String)>> =
        axum::extract::Query::try_from_uri(&uri.parse().unwrap()).unwrap();
    let single: serde_json::Map<_, _> = uri
        .iter()
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    let multiple: serde_json::Map<_, _> = uri
        .iter()
        .map(|(name, value)| (name.clone(), json!([value])))
        .collect();
    let headers = headers_of(ask);
    let header: serde_json::Map<_, _> = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect();
    let multi_header: serde_json::Map<_, _> = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!([value])))
        .collect();
    json!({
        "resource": PATH,
        "path": path,
        "httpMethod": ask.method.as_str(),
        "headers": header,
        "multiValueHeaders": multi_header,
        "queryStringParameters": if single.is_empty() { Value::Null } else { single.into() },
        "multiValueQueryStringParameters":
            if multiple.is_empty() { Value::Null } else { multiple.into() },
        "pathParameters": null,
        "stageVariables": null,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "id",
            "domainName": "id.execute-api.eu-central-1.amazonaws.com",
            "domainPrefix": "id",
            "httpMethod": ask.method.as_str(),
            "identity": { "sourceIp": "192.0.2.1", "userAgent": "nylas" },
            "path": format!("/prod{path}"),
            "protocol": "HTTP/1.1",
            "requestId": "request-1",
            "requestTimeEpoch": 1_773_342_238_390_u64,
            "resourceId": "abcdef",
            "resourcePath": PATH,
            "stage": "prod",
        },
        "body": body,
        "isBase64Encoded": is_base64,
    })
}

/// What API Gateway makes of a result.
fn answer_of(result: &Value) -> Answer {
    let mut headers = HeaderMap::new();
    for (name, value) in result["headers"].as_object().into_iter().flatten() {
        let name: HeaderName = name.parse().unwrap();
        headers.append(name, value.as_str().unwrap().parse().unwrap());
    }
    for (name, values) in result["multiValueHeaders"]
        .as_object()
        .into_iter()
        .flatten()
    {
        for value in values.as_array().unwrap() {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, value.as_str().unwrap().parse().unwrap());
        }
    }
    let text = result["body"].as_str().unwrap_or_default();
    let body = if result["isBase64Encoded"] == true {
        BASE64_STANDARD.decode(text).unwrap()
    } else {
        text.as_bytes().to_vec()
    };
    let status = u16::try_from(result["statusCode"].as_u64().unwrap()).unwrap();
    Answer {
        head: String::new(),
        status: status.try_into().unwrap(),
        version: Version::HTTP_11,
        headers,
        body,
    }
}

#[tokio::test]
async fn http_api_payload_format_2() {
    let it = Parts::known();
    let app = Router::new().route_service(PATH, it.webhook.layer(it.triggers));
    for all_binary in [false, true] {
        play("HTTP API", &it.handled, async |ask| {
            // What is no text can only come as base64.
            let as_binary = all_binary || std::str::from_utf8(&ask.body).is_err();
            answer_of(&invoke(app.clone(), &http_api(ask, as_binary)).await)
        })
        .await;
    }
}

/// `lambda_http` puts the stage in front of the path of a REST API.
#[tokio::test]
async fn rest_api_with_its_stage() {
    let it = Parts::known();
    let webhooks = it.webhook.layer(it.triggers);
    let app = Router::new().route_service(&format!("/prod{PATH}"), webhooks);
    play("REST API", &it.handled, async |ask| {
        answer_of(&invoke(app.clone(), &rest_api(ask, true)).await)
    })
    .await;
}

/// The answer to a challenge has a `Content-Encoding`, which `lambda_http` takes for binary. A REST
/// API decodes that only with `*/*` among its binary media types.
#[tokio::test]
async fn challenges_are_answered_in_base64() {
    let it = Parts::known();
    let app = Router::new().route_service("/prod/nylas", it.webhook.layer(it.triggers));
    let ask = Ask::challenge("").at("/nylas?challenge=x");
    let result = invoke(app, &rest_api(&ask, false)).await;
    assert_eq!(result["isBase64Encoded"], true);
    assert_eq!(result["body"], "eA==");
}

/// A REST API inflates what comes with `Content-Encoding: gzip`, so compressed deliveries cannot be
/// verified behind one. The reason says so.
#[tokio::test]
async fn a_rest_api_inflates_compressed_deliveries() {
    let it = Parts::known();
    let webhooks = it.webhook.layer(it.triggers);
    let app = Router::new().route_service(&format!("/prod{PATH}"), webhooks);
    let body = notification("message.created", "n-1");
    let mut ask = Ask::new(Method::POST, PATH)
        .header("content-type", "application/json")
        .header("content-encoding", "gzip")
        .header("x-nylas-signature", sign(&gzip(&body)).to_hex());
    ask.body = body;
    let answer = answer_of(&invoke(app, &rest_api(&ask, true)).await);
    assert_eq!(answer.status, 401);
    assert!(it.handled.take().is_empty());
    let reports = it.reports.take().join("\n");
    assert!(reports.contains("inflated"), "{reports}");
}
