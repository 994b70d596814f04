//! Bodies of real shape, grown to a size.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, header};
use http_body::{Body, Frame, SizeHint};
use serde_json::Value;
use tower_nylas::WebhookSecret;

pub(crate) const SECRET: &str = "k7-Hq_inventedSecret";

/// Name and bytes.
pub(crate) const SIZES: [(&str, usize); 5] = [
    ("0.6KB", 600),
    ("2KB", 2_000),
    ("16KB", 16_000),
    ("100KB", 100_000),
    ("1MB", 1_000_000),
];

const FRAME: usize = 16 * 1024;

/// Where the `type` stands.
#[derive(Clone, Copy)]
pub(crate) enum TypeAt {
    /// As in real captures: `specversion`, `type`, `source`, `id`, …, `data`.
    BeforeData,
    First,
    AfterData,
}

/// A `message.created` of about `size` bytes, compact as on the wire.
pub(crate) fn message(size: usize, type_at: TypeAt) -> Bytes {
    let sample = include_str!("../../src/testing/samples/message.created.json");
    let mut sample: Value = serde_json::from_str(sample).expect("the sample is JSON");
    let mut object = sample["data"]["object"].take();
    if size < 1000 {
        // As field selection leaves it.
        for field in [
            "attachments",
            "metadata",
            "cc",
            "bcc",
            "reply_to",
            "folders",
        ] {
            object
                .as_object_mut()
                .and_then(|object| object.remove(field));
        }
        object["body"] = "".into();
    }
    let mut build = |text: &str| {
        if !text.is_empty() {
            object["body"] = text.into();
        }
        let data = format!(
            r#""data":{{"application_id":"d7956bff-f0df-583b-9b77-a910af44572a","object":{object}}}"#
        );
        let before = r#""specversion":"1.0""#;
        let name = r#""type":"message.created""#;
        let after = r#""source":"/google/emails/realtime","id":"QTXngHZ4RbOfM5tRHOZi252200","time":1790252200,"webhook_delivery_attempt":1"#;
        match type_at {
            TypeAt::BeforeData => format!("{{{before},{name},{after},{data}}}"),
            TypeAt::First => format!("{{{name},{before},{after},{data}}}"),
            TypeAt::AfterData => format!("{{{before},{data},{after},{name}}}"),
        }
    };
    let line = "<p>The <b>new</b> timetable is \"attached\": line 7, pier 3.</p>\r\n";
    let empty = build("").len();
    let mut body = build("");
    let mut text = String::new();
    while body.len() < size {
        // Escapes make the text longer, so it is approached from below.
        let more = ((size - body.len()) / (line.len() + 4)).max(1);
        text.push_str(&line.repeat(more));
        body = build(&text);
    }
    debug_assert!(body.len() >= empty);
    body.into()
}

pub(crate) fn signature(body: &[u8]) -> String {
    WebhookSecret::new(SECRET)
        .expect("the secret is good")
        .sign(body)
        .to_hex()
}

/// The head of a delivery, to be cloned for each request.
pub(crate) fn head(body: &[u8], signature: &str) -> Request<()> {
    Request::post("/webhooks/nylas")
        .header(header::HOST, "hooks.example")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONTENT_LENGTH, body.len())
        .header(header::ACCEPT_ENCODING, "gzip")
        .header(header::USER_AGENT, "nylas-webhooks")
        .header("x-nylas-signature", signature)
        .body(())
        .expect("the request is well-formed")
}

/// A body in frames, as a server's connection delivers them.
#[derive(Clone)]
pub(crate) struct Frames {
    rest: Bytes,
    frame: usize,
    hint: bool,
}

#[allow(dead_code)]
impl Frames {
    pub(crate) fn whole(bytes: Bytes) -> Self {
        let frame = bytes.len();
        Self {
            rest: bytes,
            frame,
            hint: true,
        }
    }

    /// In frames of this many bytes, with a length.
    pub(crate) fn split_at(bytes: Bytes, frame: usize) -> Self {
        Self {
            rest: bytes,
            frame,
            hint: true,
        }
    }

    pub(crate) fn split(bytes: Bytes, hint: bool) -> Self {
        Self {
            rest: bytes,
            frame: FRAME,
            hint,
        }
    }
}

impl Body for Frames {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.frame.min(self.rest.len());
        let frame = self.rest.split_to(length);
        Poll::Ready(Some(Ok(Frame::data(frame))))
    }

    fn is_end_stream(&self) -> bool {
        self.hint && self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        if self.hint {
            SizeHint::with_exact(self.rest.len() as u64)
        } else {
            SizeHint::default()
        }
    }
}
