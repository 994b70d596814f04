//! The notifications that all servers receive.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tower_nylas::WebhookSecret;

use crate::{Result, args::Size};

/// The secret that every server knows.
pub(crate) const SECRET: &str = "an-invented-secret-1";

/// The path that every server listens at.
pub(crate) const PATH: &str = "/webhooks/nylas";

/// A `message.created` in the shape of a real one.
const SAMPLE: &str = include_str!("../../../src/testing/samples/message.created.json");

/// What a mail without copies, attachments and names does not have. Left out where the size leaves
/// no room for it.
const DISPENSABLE: [&str; 6] = [
    "cc",
    "bcc",
    "reply_to",
    "attachments",
    "metadata",
    "folders",
];

/// A notification as it stands on the wire: compact, the envelope's members in this order, those of
/// the objects in alphabetical order (as in real captures; `Value` sorts them).
#[derive(Clone, Deserialize, Serialize)]
struct Notification {
    specversion: String,
    r#type: String,
    source: String,
    id: String,
    time: u64,
    webhook_delivery_attempt: u8,
    data: Value,
}

/// `count` requests that differ in the notification's id, each signed and exactly `size` long in
/// the body.
pub(crate) fn requests(size: Size, count: u16) -> Result<Vec<Bytes>> {
    let secret = WebhookSecret::new(SECRET)?;
    let mut notification = sized(size)?;
    (0..count)
        .map(|number| {
            notification.id = format!("QTXngHZ4RbOfM5tRHOZi{number:06}");
            let body = serde_json::to_vec(&notification)?;
            Ok(request(&body, &secret.sign(&body).to_hex()))
        })
        .collect()
}

/// The same with a signature that belongs to another body.
pub(crate) fn forged(size: Size) -> Result<Bytes> {
    let secret = WebhookSecret::new(SECRET)?;
    let body = serde_json::to_vec(&sized(size)?)?;
    Ok(request(&body, &secret.sign(b"another body").to_hex()))
}

fn request(body: &[u8], signature: &str) -> Bytes {
    let head = format!(
        "POST {PATH} HTTP/1.1\r\n\
         host: webhooks.northwind-test.example\r\n\
         user-agent: peers\r\n\
         accept: */*\r\n\
         content-type: application/json\r\n\
         content-length: {}\r\n\
         x-nylas-signature: {signature}\r\n\
         \r\n",
        body.len(),
    );
    [head.as_bytes(), body].concat().into()
}

fn sized(size: Size) -> Result<Notification> {
    let mut notification: Notification = serde_json::from_str(SAMPLE)?;
    set_body(&mut notification, "");
    if serde_json::to_vec(&notification)?.len() > size.0 {
        let mail = notification.data["object"]
            .as_object_mut()
            .ok_or("the sample has no object")?;
        mail.retain(|name, _| !DISPENSABLE.contains(&name.as_str()));
        for side in ["from", "to"] {
            if let Some(address) = mail[side][0].as_object_mut() {
                address.remove("name");
            }
        }
    }
    let least = serde_json::to_vec(&notification)?.len();
    let room = size
        .0
        .checked_sub(least)
        .ok_or_else(|| format!("a message needs at least {least} bytes"))?;
    set_body(&mut notification, &mail_text(room)?);
    Ok(notification)
}

fn set_body(notification: &mut Notification, text: &str) {
    notification.data["object"]["body"] = Value::from(text);
}

/// The HTML of a mail that takes `room` bytes inside a JSON string. As in real mails, there is a
/// quotation mark or a line break to be escaped every few dozen bytes.
fn mail_text(room: usize) -> Result<String> {
    let mut text = String::with_capacity(room);
    let mut left = room;
    for number in 1_u32.. {
        let line = format!(
            "<p style=\"margin:0 0 12px\">Departure {number}: the ferry <b>Aurora</b> leaves pier \
             {} at {:02}:{:02} – please be there a quarter of an hour early.</p>\r\n",
            number % 7 + 1,
            number % 24,
            number % 60,
        );
        let escaped = serde_json::to_string(&line)?.len() - r#""""#.len();
        match left.checked_sub(escaped) {
            Some(rest) => left = rest,
            None => break,
        }
        text.push_str(&line);
    }
    text.extend(std::iter::repeat_n('.', left));
    Ok(text)
}

#[cfg(test)]
mod tests {
    use tower_nylas::{Secrets, Signature};

    use super::*;

    #[test]
    fn requests_are_as_long_as_asked_and_verify() {
        let secrets = Secrets::new(SECRET).unwrap();
        for size in ["0.6k", "2k", "16k", "100k", "1m"] {
            let size: Size = size.parse().unwrap();
            let [first, second] = &requests(size, 2).unwrap()[..] else {
                panic!("not two");
            };
            assert_ne!(first, second);

            let text = std::str::from_utf8(first).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert_eq!(body.len(), size.0);
            assert!(body.starts_with(r#"{"specversion":"1.0","type":"message.created","#));
            let (_, signature) = head.split_once("x-nylas-signature: ").unwrap();
            let signature = Signature::from_hex(signature).unwrap();
            assert_eq!(secrets.verify(body.as_bytes(), &signature), Ok(()));
        }
    }

    #[test]
    fn says_which_size_is_too_small() {
        let error = requests(Size(100), 1).unwrap_err().to_string();
        assert!(error.starts_with("a message needs at least"), "{error}");
    }
}
