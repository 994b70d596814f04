//! The envelope of a response: `{"request_id": …, "data": …}`.

use bytes::Bytes;
use http::Response;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::ApiError;
use crate::{notification, report::MalformedReason};

const DATA: &str = "data";
const PATH: &str = "/data";

/// What a successful response says.
pub(super) fn data<T: DeserializeOwned>(response: &Response<Bytes>) -> Result<T, ApiError> {
    read(response, |body| {
        notification::read(notification::member(body, DATA)?, PATH)
    })
}

/// The same of a list. One item that cannot be read makes the list unreadable: it must not seem to
/// lack what exists.
pub(super) fn list<T: DeserializeOwned>(response: &Response<Bytes>) -> Result<Vec<T>, ApiError> {
    read(response, |body| match notification::member(body, DATA)? {
        Value::Array(items) => {
            let items = items.into_iter().enumerate();
            let items = items.map(|(at, item)| notification::read(item, &format!("{PATH}/{at}")));
            items.collect()
        }
        _ => Err(MalformedReason::UnfitValue {
            path: PATH.to_owned(),
            expected: "a list".to_owned(),
        }),
    })
}

/// What a successful response says, as the JSON that it is.
pub(super) fn raw(response: &Response<Bytes>) -> Result<Bytes, ApiError> {
    read(response, |body| notification::raw_member(body, DATA)).map(Bytes::from)
}

fn read<T>(
    response: &Response<Bytes>,
    read: impl FnOnce(&Bytes) -> Result<T, MalformedReason>,
) -> Result<T, ApiError> {
    read(success(response)?).map_err(|reason| ApiError::unreadable(response, reason))
}

/// The body of a successful response.
pub(super) fn success(response: &Response<Bytes>) -> Result<&Bytes, ApiError> {
    if response.status().is_success() {
        Ok(response.body())
    } else {
        Err(ApiError::of(response))
    }
}
