//! What an entry says of its content, as bytes that engines store and do not read.

use std::{error::Error, fmt, sync::Arc, time::Duration};

/// Of the head's first byte. A later version of this crate may add fields without another number:
/// fields that are not known are passed over.
const VERSION: u8 = 1;

/// A name that is longer is left out: it stands in the content, and nothing looks for it here.
const LONGEST_NAME: usize = 256;

const RECEIVED_AT: u8 = 1;
const LABEL: u8 = 2;
const BY_LOOKUP: u8 = 3;
const TRIGGER: u8 = 4;
const GRANT_ID: u8 = 5;
const TRACEPARENT: u8 = 6;

/// What is known of an entry without its content.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Head {
    /// Since the Unix epoch, in whole milliseconds.
    pub(super) received_at: Duration,
    pub(super) label: Arc<str>,
    pub(super) by_lookup: bool,
    pub(super) trigger: Option<Box<str>>,
    pub(super) grant_id: Option<Box<str>>,
    pub(super) traceparent: Option<Box<str>>,
}

/// The head of a stored entry cannot be read: an engine has stored it otherwise than it came, or a
/// later version of this crate has written it. The entry is to be buried as
/// [`DeadCause::Undecodable`](super::DeadCause::Undecodable).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidHead(Fault);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Version(u8),
    Cut,
    Field(u8),
    Missing,
}

/// A name, unless it is too long to be kept twice.
pub(super) fn short(name: &str) -> Option<Box<str>> {
    (name.len() <= LONGEST_NAME).then(|| name.into())
}

impl Head {
    pub(super) fn write(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        let mut field = |tag: u8, value: &[u8]| {
            // No name is so long, and no label: it would not fit in memory.
            let Ok(length) = u32::try_from(value.len()) else {
                return;
            };
            bytes.push(tag);
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(value);
        };
        let received_at = u64::try_from(self.received_at.as_millis()).unwrap_or(u64::MAX);
        field(RECEIVED_AT, &received_at.to_be_bytes());
        field(LABEL, self.label.as_bytes());
        if self.by_lookup {
            field(BY_LOOKUP, b"");
        }
        for (tag, name) in [
            (TRIGGER, &self.trigger),
            (GRANT_ID, &self.grant_id),
            (TRACEPARENT, &self.traceparent),
        ] {
            if let Some(name) = name {
                field(tag, name.as_bytes());
            }
        }
        bytes
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self, InvalidHead> {
        let (&version, mut rest) = bytes.split_first().ok_or(InvalidHead(Fault::Cut))?;
        if version != VERSION {
            return Err(InvalidHead(Fault::Version(version)));
        }
        let (mut received_at, mut label, mut by_lookup) = (None, None, false);
        let (mut trigger, mut grant_id, mut traceparent) = (None, None, None);
        while let Some((&tag, after)) = rest.split_first() {
            let (value, after) = value(after).ok_or(InvalidHead(Fault::Cut))?;
            rest = after;
            let text = || std::str::from_utf8(value).map_err(|_| InvalidHead(Fault::Field(tag)));
            match tag {
                RECEIVED_AT => {
                    let millis = value
                        .try_into()
                        .map_err(|_| InvalidHead(Fault::Field(tag)))?;
                    received_at = Some(Duration::from_millis(u64::from_be_bytes(millis)));
                }
                LABEL => label = Some(Arc::from(text()?)),
                BY_LOOKUP => by_lookup = true,
                TRIGGER => trigger = Some(text()?.into()),
                GRANT_ID => grant_id = Some(text()?.into()),
                TRACEPARENT => traceparent = Some(text()?.into()),
                _ => {}
            }
        }
        Ok(Self {
            received_at: received_at.ok_or(InvalidHead(Fault::Missing))?,
            label: label.ok_or(InvalidHead(Fault::Missing))?,
            by_lookup,
            trigger,
            grant_id,
            traceparent,
        })
    }
}

/// A value behind its length, and what follows it.
fn value(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(u32::from_be_bytes(*length).try_into().ok()?)
}

impl fmt::Display for InvalidHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Fault::Version(version) => write!(
                f,
                "the head of the entry has version {version}, and this program reads version \
                 {VERSION}"
            ),
            Fault::Cut => f.write_str("the head of the entry ends too early"),
            Fault::Field(tag) => write!(f, "field {tag} of the entry's head is malformed"),
            Fault::Missing => f.write_str("the head of the entry lacks a field"),
        }
    }
}

impl Error for InvalidHead {}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Head {
        Head {
            received_at: Duration::from_millis(1_767_225_600_123),
            label: "acme".into(),
            by_lookup: true,
            trigger: Some("message.created".into()),
            grant_id: Some("g-1".into()),
            traceparent: None,
        }
    }

    #[test]
    fn what_was_written_is_read() {
        let without = Head {
            by_lookup: false,
            trigger: None,
            grant_id: None,
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
            ..head()
        };
        for head in [head(), without] {
            assert!(Head::read(&head.write()) == Ok(head));
        }
    }

    #[test]
    fn a_field_of_a_later_version_is_passed_over() {
        let mut bytes = head().write();
        bytes.extend([200, 0, 0, 0, 3, 1, 2, 3]);
        assert!(Head::read(&bytes) == Ok(head()));
    }

    #[test]
    fn what_is_cut_or_changed_is_an_error() {
        let bytes = head().write();
        for end in 0..bytes.len() {
            let read = Head::read(&bytes[..end]);
            // At the end of a field, the others are missing or were optional.
            if let Ok(read) = read {
                assert!(read.received_at == head().received_at && read.label == head().label);
            }
        }
        let refused = |bytes: &[u8]| Head::read(bytes).err().unwrap().to_string();
        assert_eq!(
            refused(&[9, 9]),
            "the head of the entry has version 9, and this program reads version 1"
        );
        assert_eq!(refused(&[]), "the head of the entry ends too early");
        assert_eq!(refused(&[1]), "the head of the entry lacks a field");
        assert_eq!(
            refused(&[1, LABEL, 255, 255, 255, 255]),
            "the head of the entry ends too early"
        );
        assert_eq!(
            refused(&[1, TRIGGER, 0, 0, 0, 1, 0xff]),
            "field 4 of the entry's head is malformed"
        );
        assert_eq!(
            refused(&[1, RECEIVED_AT, 0, 0, 0, 1, 0]),
            "field 1 of the entry's head is malformed"
        );
    }
}
