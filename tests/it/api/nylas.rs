//! The simulated Nylas as the API shows it, with destinations that others have made.

use std::{convert::Infallible, future::ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use serde_json::{Value, json};
use tower::service_fn;
use tower_nylas::testing::nylas::{Cut, Management, NewDestination, Readings, Simulator, Status};

/// The secret of every destination that was [put](Nylas::put) there.
pub(super) const PUT_SECRET: &str = "invented-secret-1";

#[derive(Clone)]
pub(super) struct Nylas {
    pub(super) simulator: Simulator,
    api: Management,
}

impl Nylas {
    /// Behind every URL is an endpoint that answers the challenge.
    pub(super) fn new() -> Self {
        Self::with(200, Readings::default())
    }

    /// Its endpoints answer with this status.
    pub(super) fn with(status: u16, readings: Readings) -> Self {
        let endpoint = service_fn(move |request: Request<Full<Bytes>>| {
            let query = request.uri().query().unwrap_or_default();
            let value = query.strip_prefix("challenge=").unwrap_or_default();
            let mut answer = Response::new(Full::<Bytes>::from(value.to_owned()));
            *answer.status_mut() = status.try_into().unwrap();
            ready(Ok::<_, Infallible>(answer))
        });
        let builder = Simulator::builder().readings(readings);
        let simulator = builder.client(endpoint).build();
        let api = simulator.management();
        Self { simulator, api }
    }

    /// The API, for a client in this process.
    pub(super) fn client(&self) -> Management {
        self.api.clone()
    }

    /// Cuts the connection of the request with this number, from 0, and of no other.
    pub(super) fn cut(&self, request: usize, at: Cut) {
        self.api.cut(request, at);
    }

    /// The requests since the last time, as `POST /v3/webhooks`.
    pub(super) fn requests(&self) -> Vec<String> {
        self.api.requests()
    }

    /// Adds or changes a destination, as somebody else does.
    pub(super) fn put(&self, id: &str, fields: &Value) {
        let list = |name: &str| {
            let items = fields[name].as_array().into_iter().flatten();
            items.map(|item| item.as_str().unwrap().to_owned())
        };
        let url = fields["webhook_url"].as_str().unwrap();
        let mut new = NewDestination::new(url, list("trigger_types"))
            .notification_email_addresses(list("notification_email_addresses"))
            .compressed_delivery(fields["compressed_delivery"] == true);
        if let Some(description) = fields["description"].as_str() {
            new = new.description(description);
        }
        let status = match fields["status"].as_str().unwrap_or("active") {
            "active" => Status::Active,
            "failing" => Status::Failing,
            "failed" => Status::Failed,
            // It has several names.
            _ => Status::Paused,
        };
        self.simulator.put(id, PUT_SECRET, &new, status).unwrap();
    }

    pub(super) fn remove(&self, id: &str) {
        self.simulator.delete(id).unwrap();
    }

    /// With their secrets.
    pub(super) fn destinations(&self) -> Vec<Value> {
        let all = self.simulator.destinations().into_iter();
        let all = all.map(|it| {
            json!({
                "id": it.id.as_str(),
                "webhook_url": it.webhook_url,
                "webhook_secret": it.secret(),
                "description": it.description,
                "trigger_types": it.trigger_types,
                "status": it.status.to_string(),
                "notification_email_addresses": it.notification_email_addresses,
                "compressed_delivery": it.compressed_delivery,
            })
        });
        all.collect()
    }
}
