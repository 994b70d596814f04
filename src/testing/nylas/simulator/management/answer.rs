//! The JSON of the answers.

use http::{HeaderValue, Response, header};
use serde_json::{Value, json};

use super::{ManagementBody, ManagementError, Shared};
use crate::testing::nylas::simulator::{Destination, Status};

pub(super) fn response(
    request_id: &str,
    answered: Result<Value, ManagementError>,
) -> Response<ManagementBody> {
    let (status, body) = match answered {
        Ok(data) => (
            http::StatusCode::OK,
            json!({"request_id": request_id, "data": data}),
        ),
        Err(why) => {
            let error = json!({"type": why.kind(), "message": why.to_string()});
            (
                why.status(),
                json!({"request_id": request_id, "error": error}),
            )
        }
    };
    let mut response = Response::new(ManagementBody::whole(body.to_string()));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// What every answer about a destination has. The secret is only in those that issue it, and the
/// times and `compressed_delivery` are not in all.
pub(super) fn destination(shared: &Shared, it: &Destination) -> Value {
    let status = match it.status {
        Status::Paused => shared.readings.pause_word.to_owned(),
        other => other.to_string(),
    };
    json!({
        "id": it.id.as_str(),
        "description": it.description,
        "trigger_types": it.trigger_types,
        "webhook_url": it.webhook_url,
        "status": status,
        "notification_email_addresses": it.notification_email_addresses,
    })
}

pub(super) fn with_secret(mut answer: Value, it: &Destination) -> Value {
    answer["webhook_secret"] = it.secret().into();
    answer
}

pub(super) fn with_times(mut answer: Value, it: &Destination) -> Value {
    answer["status_updated_at"] = it.status_updated_at.into();
    answer["created_at"] = it.created_at.into();
    answer["updated_at"] = it.updated_at.into();
    answer
}

pub(super) fn with_compression(mut answer: Value, it: &Destination) -> Value {
    answer["compressed_delivery"] = it.compressed_delivery.into();
    answer
}
