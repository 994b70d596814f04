//! Which `Retry-After` of an inner response is passed on.

use http::{HeaderMap, HeaderValue, header};

use crate::report::MAX_RETRY_AFTER;

/// A date as senders must write it (RFC 9110, 5.6.7). `0` is any digit, `A` and `a` any letter.
const SHAPE: &[u8; 29] = b"Aaa, 00 Aaa 0000 00:00:00 GMT";

const DAYS: [&[u8]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
const MONTHS: [&[u8]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// Removes the header, and returns its value if it is well-formed: one value, either seconds or a
/// date (RFC 9110, 10.2.3). Nobody can say what Nylas makes of another one.
pub(super) fn take(headers: &mut HeaderMap) -> Option<HeaderValue> {
    let is_single = headers.get_all(header::RETRY_AFTER).iter().nth(1).is_none();
    let value = headers.remove(header::RETRY_AFTER)?;
    let bytes = value.as_bytes();
    (is_single && (is_delay(bytes) || is_date(bytes))).then_some(value)
}

fn is_delay(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else {
        return false;
    };
    // Without the first condition, a sign would be accepted as well.
    value.iter().all(u8::is_ascii_digit)
        && text
            .parse()
            .is_ok_and(|seconds: u64| seconds <= MAX_RETRY_AFTER)
}

fn is_date(value: &[u8]) -> bool {
    let has_shape = value.len() == SHAPE.len()
        && value.iter().zip(SHAPE).all(|(byte, shape)| match shape {
            b'0' => byte.is_ascii_digit(),
            b'A' | b'a' => byte.is_ascii_alphabetic(),
            other => byte == other,
        });
    // Digits compare as the numbers do.
    let is_in = |at: usize, least: &[u8; 2], most: &[u8; 2]| {
        let part = &value[at..at + 2];
        &least[..] <= part && part <= &most[..]
    };
    has_shape
        && DAYS.contains(&&value[..3])
        && is_in(5, b"01", b"31")
        && MONTHS.contains(&&value[8..11])
        && is_in(17, b"00", b"23")
        && is_in(20, b"00", b"59")
        && is_in(23, b"00", b"60")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_pass_and_nothing_else() {
        let taken = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::RETRY_AFTER, value.parse().unwrap());
            }
            let taken = take(&mut headers);
            assert!(headers.is_empty(), "{values:?}");
            taken
        };
        for value in [
            "0",
            "007",
            "120",
            "2147483647",
            "Wed, 21 Oct 2026 07:28:00 GMT",
            "Sun, 01 Feb 1970 23:59:60 GMT",
        ] {
            assert_eq!(taken(&[value]).unwrap(), value);
        }
        for value in [
            "",
            "soon",
            "-1",
            "+1",
            "1.5",
            "1e3",
            "12 s",
            "5, 6",
            "2147483648",
            "99999999999999999999999999",
            "2026-10-21T07:28:00Z",
            "Wed, 21 Oct 2026 07:28:00 UTC",
            "Wed, 21 Oct 2026 07:28:00 GMT ",
            "wed, 21 Oct 2026 07:28:00 GMT",
            "Wed, 00 Oct 2026 07:28:00 GMT",
            "Wed, 32 Oct 2026 07:28:00 GMT",
            "Wed, 21 Okt 2026 07:28:00 GMT",
            "Wed, 21 Oct 2026 24:28:00 GMT",
            "Wed, 21 Oct 2026 07:60:00 GMT",
            "Wed, 21 Oct 2026 07:28:61 GMT",
            "Wed, 21 Oct 2026 07:28:0\u{661} GMT",
            "Wednesday, 21-Oct-26 07:28:00 GMT",
            "Wed Oct 21 07:28:00 2026",
        ] {
            assert_eq!(taken(&[value]), None, "{value:?}");
        }
        assert_eq!(taken(&[]), None);
        assert_eq!(taken(&["5", "5"]), None);
        assert_eq!(taken(&["5", "120"]), None);
    }
}
