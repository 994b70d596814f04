//! From the paths to the operations.

use http::Method;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::{
    ManagementError, Shared,
    answer::{destination, with_compression, with_secret, with_times},
    fields::Fields,
};
use crate::testing::{nylas::simulator::triggers::MOCKED, sample};

/// Addresses of a block that is reserved for documentation (RFC 5737).
const ADDRESSES: [&str; 2] = ["192.0.2.17", "192.0.2.18"];

/// The trigger of a test event, where none is asked for.
const TESTED: &str = "message.created";

/// Does what a request asks for, and returns the `data` of the answer.
pub(super) async fn act(
    shared: &Shared,
    method: &Method,
    path: &str,
    body: &[u8],
) -> Result<Value, ManagementError> {
    let segments: Vec<&str> = path.trim_end_matches('/').split('/').skip(1).collect();
    let ["v3", rest @ ..] = &segments[..] else {
        return Err(ManagementError::NotFound);
    };
    match (method.as_str(), rest) {
        ("POST", ["webhooks"]) => create(shared, body).await,
        ("GET", ["webhooks"]) => Ok(list(shared)),
        // The Python SDK and other sources have `PUT`, and the former the segments exchanged.
        ("POST" | "PUT", ["webhooks", "rotate-secret", id])
        | ("PUT", ["webhooks", id, "rotate-secret"]) => {
            let rotated = shared.rotate(&decoded(id))?;
            Ok(with_secret(destination(shared, &rotated), &rotated))
        }
        ("POST", ["webhooks", "mock-payload"]) => {
            let sample = mocked(&Fields::read(body)?.required("trigger_type")?)?;
            let sample: Value = serde_json::from_str(sample).unwrap_or_default();
            Ok(json!({"data": sample}))
        }
        ("POST", ["webhooks", "send-test-event"]) => {
            let fields = Fields::read(body)?;
            let trigger = fields.text("trigger_type")?;
            let trigger = trigger.as_deref().unwrap_or(TESTED);
            let sample = mocked(trigger)?;
            let url = fields.required("webhook_url")?;
            shared.send_test_event(&url, trigger, sample).await?;
            Ok(json!("success"))
        }
        ("GET", ["webhooks", "ip-addresses"]) => {
            let updated_at = shared.time.unix();
            Ok(json!({"ip_addresses": ADDRESSES, "updated_at": updated_at}))
        }
        ("GET", ["webhooks", id]) => {
            let found = shared.destination(&decoded(id))?;
            Ok(with_times(destination(shared, &found), &found))
        }
        ("PUT", ["webhooks", id]) => {
            let update = Fields::read(body)?.update(shared.readings.pause_word)?;
            let changed = shared.update(&decoded(id), &update).await?;
            let answer = with_times(destination(shared, &changed), &changed);
            Ok(with_compression(answer, &changed))
        }
        ("DELETE", ["webhooks", id]) => {
            shared.delete(&decoded(id))?;
            Ok(json!({"status": "success"}))
        }
        ("GET", ["grants", ..]) => {
            let state = shared.state();
            let object = state.objects.get(&decoded(path)).cloned();
            object.ok_or(ManagementError::NotFound)
        }
        (
            _,
            ["webhooks"]
            | ["webhooks", _]
            | ["webhooks", "rotate-secret", _]
            | ["webhooks", _, "rotate-secret"],
        ) => Err(ManagementError::MethodNotAllowed),
        _ => Err(ManagementError::NotFound),
    }
}

async fn create(shared: &Shared, body: &[u8]) -> Result<Value, ManagementError> {
    let new = Fields::read(body)?.new_destination()?;
    let created = shared.create(&new).await?;
    let created = shared.destination(created.id.as_str())?;
    let answer = with_secret(destination(shared, &created), &created);
    Ok(with_compression(answer, &created))
}

fn list(shared: &Shared) -> Value {
    let state = shared.state();
    let all = state.destinations.iter().map(|entry| &entry.destination);
    let all = all.map(|it| {
        let answer = with_times(destination(shared, it), it);
        with_compression(answer, it)
    });
    all.collect()
}

fn mocked(trigger: &str) -> Result<&'static str, ManagementError> {
    let sample = sample(trigger).filter(|_| MOCKED.contains(&trigger));
    let unknown = || ManagementError::Invalid(format!("trigger_type: {trigger:?} is no trigger"));
    sample.ok_or_else(unknown)
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}
