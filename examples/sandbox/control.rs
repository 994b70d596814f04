//! The commands over HTTP, beside Nylas' API.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, Query, State, rejection::BytesRejection},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use serde_json::{Map, Value, json};

use crate::{command::Command, form, perform::Sandbox};

/// What is read of a request.
const MAX_BODY: usize = 64 << 10;

pub(crate) fn routes(sandbox: Arc<Sandbox>) -> Router {
    let nylas = sandbox.nylas.management();
    Router::new()
        .route("/sandbox", get(async || form::help()))
        .route("/sandbox/{command}", any(control))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(sandbox)
        .fallback_service(nylas)
}

async fn control(
    State(sandbox): State<Arc<Sandbox>>,
    method: Method,
    Path(name): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let is_text = headers
        .get(header::ACCEPT)
        .is_some_and(|value| value == "text/plain");
    let refused = |status: StatusCode, why: String| {
        if is_text {
            return (status, why).into_response();
        }
        let error = json!({"type": "invalid_request_error", "message": why});
        (status, Json(json!({"error": error}))).into_response()
    };
    // Of a web page, which a browser on this machine would let in.
    if headers.contains_key(header::ORIGIN) {
        let why = "web pages cannot use the sandbox".to_owned();
        return refused(StatusCode::FORBIDDEN, why);
    }
    let body = match body {
        Ok(body) => body,
        Err(why) => return refused(why.status(), why.body_text()),
    };
    let command = match read(&method, &name, query, &body) {
        Ok(command) => command,
        Err((status, why)) => return refused(status, why),
    };
    match sandbox.perform(command).await {
        Ok(reply) if is_text => reply.text.into_response(),
        Ok(reply) => Json(json!({"data": reply.data})).into_response(),
        Err(why) => refused(StatusCode::BAD_REQUEST, why),
    }
}

fn read(
    method: &Method,
    name: &str,
    query: HashMap<String, String>,
    body: &[u8],
) -> Result<Command, (StatusCode, String)> {
    let bad = |why| (StatusCode::BAD_REQUEST, why);
    let known = form::find(name).map_err(|why| (StatusCode::NOT_FOUND, why))?;
    let fields = match *method {
        Method::GET if is_read(known.name) => query
            .into_iter()
            .map(|(field, text)| {
                let value = text.parse().map_or(Value::String(text), |n: u64| n.into());
                (field, value)
            })
            .collect(),
        Method::DELETE if name == "faults" => {
            return Command::from_fields("clear", Map::new()).map_err(bad);
        }
        Method::POST if body.is_empty() => Map::new(),
        Method::POST => match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => fields,
            Ok(_) => return Err(bad("the body is no JSON object".to_owned())),
            Err(why) => return Err(bad(format!("the body is no JSON: {why}"))),
        },
        _ => {
            let why = format!("/sandbox/{name} is not for {method}");
            return Err((StatusCode::METHOD_NOT_ALLOWED, why));
        }
    };
    // As collections are used elsewhere.
    let name = match name {
        "faults" if !fields.is_empty() => "fault",
        "destinations" if !fields.is_empty() => "create",
        other => other,
    };
    Command::from_fields(name, fields).map_err(bad)
}

/// Whether it changes nothing.
fn is_read(name: &str) -> bool {
    matches!(name, "faults" | "destinations" | "ledger" | "help")
}
