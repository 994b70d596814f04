//! Scenarios out of random bytes. Zeros, and so bytes that ran out, make the simplest choice, so
//! that both libFuzzer and proptest shrink what they find.

use std::{io::Write, time::Duration};

use arbitrary::Unstructured;
use flate2::{Compression, write::GzEncoder};
use http::Method;
use tower_nylas::{Ack, Mismatch};

use super::{
    naive,
    scenario::{
        End, Event, Pause, Plan, Readiness, Request, Route, RouteKind, Scenario, SecretOperation,
        Settings, Step, Tenant,
    },
};

pub const SECRETS: [&str; 6] = [
    "k7-Hq_inventedSecret",
    "another-invented-one",
    "a_3rd/",
    "fourth!",
    "f",
    "a-sixth-one,longer-than-a-block-of-SHA-256,so-that-it-is-hashed-before-it-is-used-as-a-key",
];

/// Pasted as a whole line, which is refused.
const MISTAKE: &str = "NYLAS_WEBHOOK_SECRET=another-invented-one";

const FILTERS: [&str; 20] = [
    "message.created",
    "message.*",
    "message.created.truncated",
    "message.created.transformed",
    "message.created.transformed.truncated",
    "message.created.metadata",
    "message.created.metadata.truncated",
    "message.created.cleaned",
    "message.created.*",
    "message.opened",
    "message.opened.legacy",
    "message.created.metadata.*",
    "message.transactional.bounced",
    "message.transactional.*",
    "event.updated",
    "event.*",
    "yacht.sunk",
    "yacht.*",
    "message.truncated",
    "messages.created",
];

const BASES: [&str; 12] = [
    "message.created",
    "message.opened",
    "message.transactional.bounced",
    "event.updated",
    "yacht.sunk",
    "message",
    "messages.created",
    "message.truncated",
    "event",
    "message.created.transformed",
    "",
    "mess\\u0061ge.created",
];
const FORMS: [&str; 7] = [
    "",
    "",
    "",
    ".metadata",
    ".cleaned",
    ".legacy",
    ".unheard_of",
];
const SUFFIXES: [&str; 6] = [
    "",
    ".truncated",
    ".transformed",
    ".transformed.truncated",
    ".truncated.transformed",
    ".truncated.truncated",
];

/// No sum of these is a multiple of half a second, as the deadlines are, so nothing ever happens at
/// the very moment of a deadline, where either answer would do.
const WAITS: [u64; 8] = [7, 7, 7, 507, 507, 1007, 2507, 7007];

pub fn scenario(bytes: &[u8]) -> Scenario {
    let mut source = Source {
        bytes: Unstructured::new(bytes),
        newest: SECRETS[0],
    };
    let settings = source.settings();
    let routes = source.routes();
    let fallback = source.one_in(2).then(|| source.route_kind());
    let secrets = match source.below(8) {
        0..=3 => vec![SECRETS[0]],
        4 => vec![],
        5 => vec![SECRETS[1], SECRETS[0]],
        6 => SECRETS[..4].to_vec(),
        _ => vec![SECRETS[5]],
    };
    let polls_needlessly = source.one_in(4);
    let mut events = Vec::new();
    if let Some(newest) = secrets.first() {
        source.newest = newest;
    }
    while !source.bytes.is_empty() && events.len() < 16 {
        events.push(source.event());
    }
    Scenario {
        settings,
        routes,
        fallback,
        secrets,
        events,
        polls_needlessly,
    }
}

/// Operations on secrets, each after some time.
pub fn secret_operations(bytes: &[u8]) -> Vec<(Duration, SecretOperation)> {
    let mut source = Source {
        bytes: Unstructured::new(bytes),
        newest: SECRETS[0],
    };
    let mut operations = Vec::new();
    while !source.bytes.is_empty() {
        operations.push((source.wait(), source.secret_operation()));
    }
    operations
}

struct Source<'a> {
    bytes: Unstructured<'a>,
    /// The secret that Nylas most probably signs with.
    newest: &'static str,
}

impl Source<'_> {
    fn byte(&mut self) -> u8 {
        self.bytes.arbitrary().unwrap_or_default()
    }

    fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end
    }

    fn one_of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == n - 1
    }

    fn settings(&mut self) -> Settings {
        Settings {
            max_body: self.one_of(&[4096, 4096, 4096, 4096, 4096, 4096, 4096, 4096, 400, 120, 0]),
            max_challenge: self.one_of(&[4096, 8, 0]),
            max_inflated: self.one_of(&[4096, 4096, 4096, 200, 0]),
            read_timeout: Duration::from_millis(self.one_of(&[3000, 500, 1000])),
            handler_timeout: Duration::from_millis(self.one_of(&[6000, 1000, 3000])),
            acknowledge_test_events: self.one_in(2),
            pass_client_errors: self.one_in(3),
            on_mismatch: self.one_of(&[
                None,
                None,
                None,
                Some(Mismatch::RetryUntilProven),
                Some(Mismatch::Retry),
                Some(Mismatch::Refuse),
            ]),
            on_malformed: self.one_of(&[
                None,
                Some(Ack::Done),
                None,
                Some(Ack::Retry),
                None,
                Some(Ack::RetryAfter(Duration::from_millis(1500))),
                None,
                Some(Ack::give_up("nobody reads it")),
            ]),
            has_lookup: self.one_in(3),
            lacks_timer: self.one_in(16),
        }
    }

    fn routes(&mut self) -> Vec<Route> {
        let mut routes: Vec<Route> = Vec::new();
        for _ in 0..=self.below(8) {
            let filter = self.one_of(&FILTERS);
            let kind = self.route_kind();
            if routes.iter().all(|route| route.filter != filter) {
                routes.push(Route { filter, kind });
            }
        }
        routes
    }

    fn route_kind(&mut self) -> RouteKind {
        self.one_of(&[RouteKind::Plain, RouteKind::Typed, RouteKind::Service])
    }

    fn event(&mut self) -> Event {
        match self.below(5) {
            0..=2 => Event::Request(Box::new(self.request())),
            3 => Event::Secrets(self.secret_operation()),
            _ => Event::TimePasses(self.wait() * 11),
        }
    }

    fn wait(&mut self) -> Duration {
        Duration::from_millis(self.one_of(&WAITS))
    }

    /// How long secrets are kept: never as long as any sum of waits and deadlines.
    fn term(&mut self) -> Duration {
        let millis = self.one_of(&[60_003, 3, 1003, 5003, 20_003]);
        if self.one_in(8) {
            return Duration::MAX;
        }
        Duration::from_millis(millis)
    }

    fn secret_operation(&mut self) -> SecretOperation {
        let secret = match self.below(30) {
            29 => MISTAKE,
            index => SECRETS[index % SECRETS.len()],
        };
        let newest = if secret == MISTAKE {
            self.newest
        } else {
            secret
        };
        match self.below(5) {
            0 => {
                self.newest = newest;
                SecretOperation::Set(secret)
            }
            1 | 2 => {
                self.newest = newest;
                SecretOperation::Rotate(secret, self.term())
            }
            _ => SecretOperation::ExpectRotation(self.term()),
        }
    }

    fn request(&mut self) -> Request {
        let method = match self.below(16) {
            0..=11 => Method::POST,
            12 | 13 => Method::GET,
            14 => Method::HEAD,
            _ => self.one_of(&[Method::PUT, Method::OPTIONS, Method::DELETE]),
        };
        let query = self.query(&method);
        let (wire, content_encoding) = self.wire();
        let signatures = self.signatures(&wire);
        let length = wire.len() as u64;
        let body = self.body(&wire);
        let claims = match self.below(16) {
            0..=6 => (length, Some(length)),
            7..=11 => (0, None),
            12..=14 => (
                length.saturating_sub(self.below(40) as u64),
                Some(length + 5),
            ),
            _ => {
                let lower = self.one_of(&[0, 119, 120, 121, 400, 401, 4097, u64::MAX]);
                (lower, self.one_in(2).then_some(lower))
            }
        };
        Request {
            method,
            tenant: match self.below(16) {
                14 => Tenant::Unknown,
                15 => Tenant::LookupFails,
                _ => Tenant::Known,
            },
            query,
            signatures,
            content_encoding,
            body,
            claims,
            announces_end: self.one_in(2),
            plan: self.plan(),
        }
    }

    fn query(&mut self, method: &Method) -> Option<Vec<u8>> {
        if *method == Method::POST && !self.one_in(4) {
            return None;
        }
        let mut query = Vec::new();
        for _ in 0..self.below(4) {
            let name: &[u8] = self.one_of(&[
                &b"challenge"[..],
                b"Challenge",
                b"%63hallenge",
                b"a",
                b"challenges",
                b"",
            ]);
            let value: &[u8] = self.one_of(&[
                &b"=bc609b38-c81f"[..],
                b"=abcdefgh",
                b"=%61%62%63%64%65%66%67%68",
                b"=",
                b"",
                b"=%FF+%zz%4",
                b"=a=b",
            ]);
            if !query.is_empty() {
                query.push(b'&');
            }
            query.extend_from_slice(name);
            query.extend_from_slice(value);
        }
        Some(query)
    }

    /// The bytes on the wire, and what the head says of their coding.
    fn wire(&mut self) -> (Vec<u8>, Option<&'static str>) {
        let mut content = self.content();
        match self.below(16) {
            0..=6 => (content, None),
            7 => (packed(&content), Some("gzip")),
            8 => (packed(&content), Some("GZip")),
            9 => (packed(&content), None),
            10 => {
                let mut cut = packed(&content);
                cut.truncate(cut.len() - 1 - self.below(10));
                (cut, Some("gzip"))
            }
            11 => {
                content.extend([b' '; 3]);
                (
                    content,
                    Some(self.one_of(&["identity", "br", "gzip", "deflate"])),
                )
            }
            12 => {
                let front: &[u8] = self.one_of(&[&b" \n"[..], "\u{feff}".as_bytes()]);
                let label = self.one_of(&[Some("gzip"), Some("UTF-8"), None]);
                ([front, &content].concat(), label)
            }
            13 => {
                let label = self.one_of(&["br", "gzip, gzip", "UTF-8", "x-gzip"]);
                (packed(&content), Some(label))
            }
            14 => {
                let behind: &[u8] = self.one_of(&[
                    &[0; 8][..],
                    b"\r\n",
                    b"\x1f",
                    b"\x1f\x8b",
                    b"\x1f\x8b\x07\0\0",
                    b"\x1f\x8b\x08",
                ]);
                let label = self.one_of(&[Some("gzip"), None]);
                ([&packed(&content), behind].concat(), label)
            }
            _ => {
                let (start, end) = content.split_at(content.len() / 2);
                let mut members = [packed(start), packed(end)].concat();
                if self.one_in(4) {
                    members.truncate(members.len() - 1 - self.below(10));
                }
                (members, Some("gzip"))
            }
        }
    }

    fn base(&mut self) -> &'static str {
        match self.below(2) {
            0 => self.one_of(&["message.created", "event.updated"]),
            _ => self.one_of(&BASES),
        }
    }

    fn content(&mut self) -> Vec<u8> {
        let name = [self.base(), self.one_of(&FORMS), self.one_of(&SUFFIXES)].concat();
        let padding = " ".repeat(self.below(4) * 100);
        let object = self.one_of(&[r#"{"must":1}"#, "{}", r#"{"must":"1"}"#, r#"{"type":"no"}"#]);
        let attempt = self.one_of(&[1, 2, 3, 4]);
        let attempt = format!(r#""webhook_delivery_attempt":{attempt}"#);
        match self.below(12) {
            0..=4 => {
                format!(
                    r#"{{"type":"{name}","id":"n",{attempt},"data":{{"object":{object}}}{padding}}}"#
                )
            }
            10 => format!(r#"{{"type":"{name}","data":{{"object":{object}}}{padding}}}"#),
            11 => format!(r#"{{"type":7,{attempt}}}"#),
            5 | 6 => {
                format!(r#"{{"data":{{"object":{object}}},{padding}"type":"{name}",{attempt}}}"#)
            }
            7 => format!(r#"{{"id":"n","data":{{"object":{object}}}{padding}}}"#),
            _ => self
                .one_of(&[
                    "",
                    "[]",
                    "null",
                    r#"{"type":7}"#,
                    r#"{"deltas":[]}"#,
                    "no JSON",
                    r#"["type","message.created"]"#,
                ])
                .to_owned(),
        }
        .into_bytes()
    }

    fn signatures(&mut self, wire: &[u8]) -> Vec<Vec<u8>> {
        let secret = match self.below(10) {
            0..=6 => self.newest,
            7 => "mock-webhook-secret",
            _ => self.one_of(&SECRETS),
        };
        let right = naive::to_hex(&naive::hmac_sha256(secret.as_bytes(), wire)).into_bytes();
        match self.below(40) {
            10 => vec![right.to_ascii_uppercase()],
            11 => vec![],
            12 => vec![right.clone(), right],
            13 => vec![right[..self.below(64)].to_vec()],
            14 => {
                let mut wrong = right;
                wrong[self.below(64)] = self.one_of(b"0123456789abcdefg");
                vec![wrong]
            }
            15 => vec![[b"sha256=", &right[..]].concat()],
            16..=18 => self.repeated(&right),
            _ => vec![right],
        }
    }

    /// What proxies make of one signature, or nearly.
    fn repeated(&mut self, right: &[u8]) -> Vec<Vec<u8>> {
        let upper = right.to_ascii_uppercase();
        let mut fields = Vec::new();
        for _ in 0..=self.below(3) {
            let mut field = Vec::new();
            let values = self.one_of(&[0, 0, 1, 1, 2, 3, 15, 16]);
            for at in 0..=values {
                if at > 0 {
                    field.extend_from_slice(self.one_of(&[&b","[..], b", ", b"\t ,", b",,"]));
                }
                if self.one_in(4) {
                    field.extend_from_slice(self.one_of(&[
                        &b"sha256="[..],
                        b"SHA256=",
                        b" ",
                        b"v1=",
                    ]));
                }
                field.extend_from_slice(if self.one_in(4) { &upper } else { right });
            }
            if self.one_in(8) {
                let at = self.below(field.len());
                field[at] = self.one_of(b"0123456789abcdef,");
            }
            fields.push(field);
        }
        fields
    }

    fn body(&mut self, wire: &[u8]) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut rest = wire;
        for _ in 0..self.below(8).saturating_sub(2) {
            match self.below(10) {
                0..=3 => {
                    let (frame, behind) = rest.split_at(self.below(256).min(rest.len()));
                    steps.push(Step::Data(frame.to_vec()));
                    rest = behind;
                }
                4 => steps.push(Step::Pause(Pause::Again)),
                5 | 6 => steps.push(Step::Pause(Pause::Wait(self.wait()))),
                7 => steps.push(Step::Secrets(self.secret_operation())),
                8 => steps.push(self.one_of(&[Step::Trailers, Step::Trailers, Step::Broken])),
                _ => steps.push(Step::Pause(self.one_of(&[
                    Pause::Again,
                    Pause::Again,
                    Pause::Never,
                ]))),
            }
        }
        // More frames than a task should read at once, now and then.
        let frame = if self.one_in(16) { 1 } else { 5000 };
        steps.extend(rest.chunks(frame).map(|frame| Step::Data(frame.to_vec())));
        match self.below(6) {
            3 => steps.push(Step::Trailers),
            4 => steps.push(Step::Pause(Pause::Wait(self.wait()))),
            5 => steps.push(Step::Secrets(self.secret_operation())),
            _ => {}
        }
        steps
    }

    fn plan(&mut self) -> Plan {
        Plan {
            ready: self.pauses(),
            readiness: match self.below(20) {
                18 => Readiness::Fails,
                19 => Readiness::Panics,
                _ => Readiness::Ready,
            },
            work: self.pauses(),
            end: match self.below(16) {
                0 => End::Ack(Ack::Done),
                1 => End::Ack(Ack::Discard),
                2 => End::Ack(Ack::Retry),
                3 => End::Ack(Ack::RetryAfter(Duration::from_millis(
                    self.one_of(&[30_000, 0, 1, 1001]),
                ))),
                4 => End::Error,
                5 => End::Panic,
                6 => End::PanicAtOnce,
                15 => End::Ack(Ack::give_up("it never can be handled")),
                _ => End::Status {
                    status: self.one_of(&[
                        200, 201, 204, 299, 100, 101, 300, 304, 400, 401, 404, 408, 422, 429, 500,
                        502, 503, 599, 999,
                    ]),
                    retry_after: self.one_of(&[
                        &[][..],
                        &["30"],
                        &["Wed, 21 Oct 2026 07:28:00 GMT"],
                        &["30", "60"],
                        &["2147483647"],
                        &["2147483648"],
                        &["soon"],
                        &["+7"],
                        &[""],
                        &["Wed, 21 Oct 2026 25:28:00 GMT"],
                        &["Wed Oct 21 07:28:00 2026"],
                    ]),
                    is_odd: self.one_in(4),
                },
            },
        }
    }

    fn pauses(&mut self) -> Vec<Pause> {
        let mut pauses = Vec::new();
        for _ in 0..self.below(10).saturating_sub(6) {
            pauses.push(match self.below(6) {
                0 | 1 => Pause::Again,
                5 => Pause::Never,
                _ => Pause::Wait(self.wait()),
            });
        }
        pauses
    }
}

fn packed(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}
