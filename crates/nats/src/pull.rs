//! Asks the consumer for messages.

use std::time::{Duration, Instant};

use async_nats::{
    Client, HeaderMap, Message, StatusCode, Subject, Subscriber,
    jetstream::{
        Context,
        consumer::{PullConsumer, pull::BatchConfig},
        message,
    },
};
use futures_util::StreamExt;
use tokio::time::timeout_at;
use tower_nylas::inbox::engine::Failure;

use crate::core::no_answer;

/// How many messages, and how many bytes, of a request were not sent when it ended.
const PENDING_MESSAGES: &str = "Nats-Pending-Messages";
const PENDING_BYTES: &str = "Nats-Pending-Bytes";

/// How long messages can come behind the word that the request has ended, if it does not say how
/// many of them there are.
const STRAGGLERS: Duration = Duration::from_millis(250);

/// What a consumer answers that has as many open claims as it can have.
const EXHAUSTED: &str = "MaxAckPending";

/// A request for messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pull {
    /// How many at most.
    pub(crate) messages: usize,
    /// How many bytes at most; 0 for any number.
    pub(crate) bytes: usize,
    /// How long the server waits for the first one; `None` for not at all.
    pub(crate) wait: Option<Duration>,
}

impl Pull {
    /// The messages that the server sends for this request. Those that have come before an error
    /// are there all the same.
    ///
    /// Where a consumer has replicas, a server of 2.11 or later sends a message when a majority
    /// knows of it, but says at once that the request is complete. So that word can come before
    /// the messages that it counts, and whoever stops reading then never sees them: they are
    /// claimed for nobody until their leases end.
    pub(crate) async fn run(
        self,
        client: &Client,
        context: &Context,
        consumer: &PullConsumer,
        end: Instant,
    ) -> Result<Vec<message::Message>, Failure> {
        let mut answers = match timeout_at(end.into(), self.ask(client, consumer)).await {
            Ok(asked) => asked?,
            Err(_) => return Err(no_answer()),
        };
        let mut read = Read::new(self, end);
        let ended = loop {
            if read.is_complete() {
                break Ok(());
            }
            match timeout_at(read.end.into(), answers.next()).await {
                Ok(Some(answer)) => {
                    if let Err(why) = read.take(answer) {
                        break Err(why);
                    }
                }
                Ok(None) => break Err(Failure::new("the connection was closed")),
                Err(_) if read.has_ended => break Ok(()),
                Err(_) => break Err(no_answer()),
            }
        };
        if read.messages.is_empty() {
            ended?;
        }
        let messages = read.messages.into_iter();
        let messages = messages.map(|message| message::Message {
            message,
            context: context.clone(),
        });
        Ok(messages.collect())
    }

    async fn ask(self, client: &Client, consumer: &PullConsumer) -> Result<Subscriber, Failure> {
        let inbox = Subject::from(client.new_inbox());
        let subscribed = client.subscribe(inbox.clone()).await;
        let answers = subscribed.map_err(Failure::new)?;
        let request = BatchConfig {
            batch: self.messages,
            expires: self.wait,
            no_wait: self.wait.is_none(),
            max_bytes: self.bytes,
            ..BatchConfig::default()
        };
        let asked = consumer.request_batch(request, inbox).await;
        asked.map_err(Failure::new)?;
        Ok(answers)
    }
}

/// What has come of a request.
struct Read {
    messages: Vec<Message>,
    /// Whether its messages can end at a number of bytes.
    is_bounded: bool,
    /// How many the server sends.
    expected: usize,
    /// Whether it has said that the request has ended.
    has_ended: bool,
    end: Instant,
}

impl Read {
    fn new(pull: Pull, end: Instant) -> Self {
        Self {
            messages: Vec::new(),
            is_bounded: pull.bytes > 0,
            expected: pull.messages,
            has_ended: false,
            end,
        }
    }

    fn is_complete(&self) -> bool {
        self.messages.len() >= self.expected
    }

    fn take(&mut self, answer: Message) -> Result<(), Failure> {
        let Some(status) = answer.status.filter(|status| *status != StatusCode::OK) else {
            self.messages.push(answer);
            return Ok(());
        };
        if status == StatusCode::IDLE_HEARTBEAT {
            return Ok(());
        }
        self.has_ended = true;
        let pending = |name| pending(answer.headers.as_ref(), name);
        let Some(messages) = pending(PENDING_MESSAGES) else {
            // It has nothing to send, or not more than it has sent.
            self.expected = 0;
            return why_it_ended(status, &answer);
        };
        // A request that has used up its bytes says that none of its messages is left.
        if self.is_bounded && pending(PENDING_BYTES) == Some(0) {
            self.end = self.end.min(Instant::now() + STRAGGLERS);
        } else {
            self.expected = self.expected.saturating_sub(messages);
        }
        if self.expected == 0 {
            return why_it_ended(status, &answer);
        }
        Ok(())
    }
}

/// An error if it is not because there is nothing.
fn why_it_ended(status: StatusCode, answer: &Message) -> Result<(), Failure> {
    let description = answer.description.as_deref().unwrap_or_default();
    let is_empty = status == StatusCode::NOT_FOUND
        || status == StatusCode::TIMEOUT
        || description.contains(EXHAUSTED);
    if is_empty {
        return Ok(());
    }
    Err(Failure::new(format!("{status} {description}")))
}

fn pending(headers: Option<&HeaderMap>, name: &str) -> Option<usize> {
    headers?.get(name)?.as_str().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(messages: usize, bytes: usize) -> Read {
        let wait = None;
        let pull = Pull {
            messages,
            bytes,
            wait,
        };
        Read::new(pull, Instant::now() + Duration::from_secs(60))
    }

    fn message() -> Message {
        Message {
            subject: "inbox.entries".into(),
            reply: None,
            payload: "{}".into(),
            headers: None,
            status: None,
            description: None,
            length: 0,
        }
    }

    fn status(code: u16, description: &str, headers: &[(&str, &str)]) -> Message {
        let mut map = HeaderMap::new();
        for &(name, value) in headers {
            map.insert(name, value);
        }
        Message {
            status: Some(StatusCode::from_u16(code).unwrap()),
            description: Some(description.into()),
            headers: Some(map),
            payload: "".into(),
            ..message()
        }
    }

    /// Whether it is complete after each of these.
    fn take(read: &mut Read, answers: impl IntoIterator<Item = Message>) -> Vec<bool> {
        let taken = answers.into_iter().map(|answer| {
            read.take(answer).unwrap();
            read.is_complete()
        });
        taken.collect()
    }

    #[test]
    fn messages_that_come_behind_the_word_that_they_are_all_are_awaited() {
        let completed = [
            ("Nats-Pending-Messages", "0"),
            ("Nats-Pending-Bytes", "100"),
        ];
        let mut all = read(2, 1000);
        let answers = [
            status(409, "Batch Completed", &completed),
            message(),
            message(),
        ];
        assert_eq!(take(&mut all, answers), [false, false, true]);

        // The next one did not fit.
        let too_large = [("Nats-Pending-Messages", "7"), ("Nats-Pending-Bytes", "5")];
        let mut some = read(9, 1000);
        let answers = [
            status(409, "Message Size Exceeds MaxBytes", &too_large),
            message(),
            message(),
        ];
        assert_eq!(take(&mut some, answers), [false, false, true]);
    }

    /// As all servers say it: one of them counts as pending although it was sent.
    #[test]
    fn what_was_sent_before_the_end_is_all() {
        let pending = [("Nats-Pending-Messages", "3"), ("Nats-Pending-Bytes", "0")];
        let mut some = read(4, 0);
        let answers = [
            message(),
            message(),
            status(408, "Request Timeout", &pending),
        ];
        assert_eq!(take(&mut some, answers), [false, false, true]);
        let mut none = read(4, 0);
        let answers = [status(404, "No Messages", &[])];
        assert_eq!(take(&mut none, answers), [true]);
        let mut some = read(4, 0);
        let answers = [message(), status(404, "No Messages", &[])];
        assert_eq!(take(&mut some, answers), [false, true]);
    }

    #[test]
    fn a_request_without_bytes_left_does_not_say_how_many_it_was() {
        let used_up = [("Nats-Pending-Messages", "0"), ("Nats-Pending-Bytes", "0")];
        let mut some = read(9, 1000);
        let end = some.end;
        let answers = [
            message(),
            status(409, "Batch Completed", &used_up),
            message(),
        ];
        assert_eq!(take(&mut some, answers), [false, false, false]);
        assert!(some.has_ended && some.end < end);
        assert_eq!(some.messages.len(), 2);
    }

    #[test]
    fn the_first_one_is_too_large_or_there_is_no_consumer() {
        let nothing = [("Nats-Pending-Messages", "9"), ("Nats-Pending-Bytes", "10")];
        for (status, text) in [
            (
                status(409, "Message Size Exceeds MaxBytes", &nothing),
                "409 Message Size Exceeds MaxBytes",
            ),
            (status(409, "Consumer Deleted", &[]), "409 Consumer Deleted"),
            (status(503, "", &[]), "503 "),
            (
                status(400, "Bad Request", &[("Nats-Pending-Messages", "-1")]),
                "400 Bad Request",
            ),
        ] {
            let mut none = read(9, 10);
            assert_eq!(none.take(status).unwrap_err().to_string(), text);
            assert!(none.is_complete());
        }
        let mut full = read(9, 10);
        assert!(
            full.take(status(409, "Exceeded MaxAckPending", &[]))
                .is_ok()
        );
        assert!(full.is_complete());
    }
}
