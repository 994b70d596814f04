//! Dead letters: messages in a stream of their own, with what is known of them in headers.

use async_nats::{
    HeaderMap,
    jetstream::{
        AckKind,
        context::PublishErrorKind,
        message::{PublishMessage, StreamMessage},
    },
};
use tower_nylas::inbox::{
    DeadCause, EntryState, StoredEntry,
    engine::{Failure, stored_cause},
};

use crate::{core::Core, envelope, error::code_of, receipt::NatsReceipt};

/// Those by which letters are counted.
pub(crate) const CAUSE: &str = "Nylas-Cause";
pub(crate) const TRIGGER: &str = "Nylas-Trigger";

const WHY: &str = "Nylas-Why";
const CRASHES: &str = "Nylas-Crashes";
const FAILURES: &str = "Nylas-Failures";
const REPLAYS: &str = "Nylas-Replays";

/// How much of a reason is kept, in bytes: the rest of a message's reserve is for other headers.
const LONGEST_WHY: usize = 6 << 10;

/// Why an entry is dead.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Letter<'a> {
    pub(crate) cause: DeadCause,
    pub(crate) why: &'a str,
}

impl Core {
    /// Stores a dead letter, and ends the entry then. It can be repeated: of each key the last one
    /// is kept.
    pub(crate) async fn bury(
        &self,
        receipt: &NatsReceipt,
        letter: Letter<'_>,
    ) -> Result<(), NotBuried> {
        let mut headers = HeaderMap::new();
        headers.insert(CAUSE, letter.cause.as_str());
        if let Some(trigger) = trigger_of(receipt) {
            headers.insert(TRIGGER, trigger.as_str());
        }
        headers.insert(WHY, one_line(letter.why).as_str());
        headers.insert(CRASHES, receipt.crashes().to_string().as_str());
        headers.insert(FAILURES, receipt.failures().to_string().as_str());
        headers.insert(REPLAYS, receipt.replays.to_string().as_str());
        let id = format!("{}.{}", receipt.key, receipt.position);
        let message = PublishMessage::build()
            .headers(headers)
            .payload(receipt.payload.clone())
            .message_id(id);
        let subject = self.names.dead(receipt.key);
        let stored = self.publish(&self.streams.dead, subject, message).await;
        stored.map_err(|why| NotBuried {
            is_refused: why.kind() == PublishErrorKind::MaxPayloadExceeded
                || code_of(&why).is_some(),
            why: Failure::new(why),
        })?;
        let ended = self.end(receipt, AckKind::Term).await;
        ended.map_err(|why| NotBuried {
            why,
            is_refused: false,
        })
    }
}

/// A dead letter was not stored, or its entry not ended.
#[derive(Debug)]
pub(crate) struct NotBuried {
    pub(crate) why: Failure,
    /// A server has said that it does not store the letter.
    pub(crate) is_refused: bool,
}

/// The trigger of an entry, unless it has one that a header would not give back as it is.
fn trigger_of(receipt: &NatsReceipt) -> Option<String> {
    let entry = envelope::unpack(receipt.key, &receipt.payload).ok()?;
    let trigger = entry.trigger()?.to_string();
    let is_plain = trigger.bytes().all(|byte| byte.is_ascii_graphic());
    (is_plain && !trigger.is_empty()).then_some(trigger)
}

/// A header has one line.
fn one_line(why: &str) -> String {
    let mut text: String = why
        .chars()
        .map(|char| if char.is_control() { ' ' } else { char })
        .collect();
    let mut end = text.len().min(LONGEST_WHY);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

/// What an operator sees of a letter; `None` if another application has written it.
pub(crate) fn shown(message: &StreamMessage) -> Option<StoredEntry> {
    let key = message.subject.rsplit('.').next()?;
    let key = envelope::read_key(key)?;
    let header = |name: &str| {
        message
            .headers
            .get(name)
            .map(async_nats::HeaderValue::as_str)
    };
    let number = |name| header(name)?.parse().ok();
    let state = EntryState::Dead(stored_cause(header(CAUSE)));
    let entry = envelope::unpack(key, &message.payload).ok();
    let mut stored = StoredEntry::new(key, entry, state, message.sequence);
    stored.crashes = number(CRASHES).unwrap_or(0);
    stored.failures = number(FAILURES).unwrap_or(0);
    header(WHY).unwrap_or_default().clone_into(&mut stored.why);
    Some(stored)
}

/// How often the entry of a letter was replayed before it died.
pub(crate) fn replays(message: &StreamMessage) -> u32 {
    let header = message.headers.get(REPLAYS);
    header
        .and_then(|replays| replays.as_str().parse().ok())
        .unwrap_or(0)
}
