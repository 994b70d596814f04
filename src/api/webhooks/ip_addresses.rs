use bytes::Bytes;
use http::{Method, Request, Response};
use serde::Deserialize;

use crate::{
    api::{Api, ApiError, Operation, answer, path::Path},
    notification::object::{List, NumberOrString},
};

/// `GET /v3/webhooks/ip-addresses`: where Nylas sends notifications from.
///
/// Nylas' own clients have it; the API reference does not list it any more. The list changes, and
/// it never takes the place of the signature.
#[derive(Debug, Clone, Copy)]
pub struct IpAddresses;

/// The addresses that Nylas sends notifications from.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct IpRanges {
    /// Addresses, or networks (`192.0.2.0/24`).
    #[serde(default)]
    pub ip_addresses: List<String>,
    /// When the list has changed, in Unix seconds.
    pub updated_at: Option<NumberOrString>,
}

impl Operation for IpAddresses {
    type Output = IpRanges;

    fn request(&self, api: &Api) -> Request<Bytes> {
        api.request(Method::GET, &Path::fixed("/v3/webhooks/ip-addresses"))
    }

    fn response(&self, response: Response<Bytes>) -> Result<IpRanges, ApiError> {
        answer::data(&response)
    }
}
