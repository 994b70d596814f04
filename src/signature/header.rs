//! The `X-Nylas-Signature` header and its value.

use std::{fmt, str::FromStr};

use http::{HeaderName, HeaderValue};
use subtle::{Choice, ConstantTimeEq};

/// The header that contains the signature: `x-nylas-signature`, in any case
/// ([source](https://developer.nylas.com/docs/v3/notifications/)).
pub const SIGNATURE_HEADER: HeaderName = HeaderName::from_static("x-nylas-signature");

/// An HMAC-SHA256, received or computed.
///
/// Nylas sends it as 64 lower-case hexadecimal digits without a prefix
/// ([source](https://developer.nylas.com/docs/v3/notifications/)). Upper case and the prefix
/// `sha256=` are accepted as well, as Nylas' own verifier does
/// ([source](https://github.com/nylas/cli/blob/main/internal/adapters/webhookserver/signature.go)).
/// Two signatures are compared in constant time, and `Debug` never shows one.
///
/// Proxies repeat headers and join them. `TryFrom<&HeaderValue>` reads one value, or one repeated
/// up to 16 times with commas between, and white space around each.
///
/// ```
/// use http::HeaderValue;
/// use tower_nylas::Signature;
///
/// let digits = "df26b41e3ceb64c817e817460a62ef6655bf832ba1d0422be3a676072f816e9f";
/// let joined = HeaderValue::try_from(format!("{digits}, sha256={digits}"))?;
/// assert_eq!(Signature::try_from(&joined)?, Signature::from_hex(digits)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct Signature([u8; 32]);

/// How many values a list in one header field has at most. Each proxy in front may double it, but
/// a forger must not keep the processor busy with it.
const MAX_VALUES: usize = 16;

const PREFIX: &[u8] = b"sha256=";

impl Signature {
    /// Parses exactly 64 hexadecimal digits of any case, with or without `sha256=` before them, in
    /// any case too.
    ///
    /// # Errors
    ///
    /// [`InvalidSignature`] for any other text; the layer answers `401`.
    pub fn from_hex(text: impl AsRef<[u8]>) -> Result<Self, InvalidSignature> {
        let text = text.as_ref();
        match decode(text) {
            Some(bytes) => Ok(Self(bytes)),
            None => Self::from_unusual(text),
        }
    }

    #[cold]
    fn from_unusual(text: &[u8]) -> Result<Self, InvalidSignature> {
        let digits = match text.split_at_checked(PREFIX.len()) {
            Some((prefix, digits)) if prefix.eq_ignore_ascii_case(PREFIX) => digits,
            _ => text,
        };
        decode(digits)
            .map(Self)
            .ok_or_else(|| InvalidSignature::describe(digits))
    }

    /// Reads a header field that is more than 64 digits. The first value is judged as if it were
    /// alone; all others must be the same signature.
    #[cold]
    fn from_list(field: &[u8]) -> Result<Self, InvalidSignature> {
        // No header value contains other white space than RFC 9110, 5.6.3 allows in a list.
        let mut values = field.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        let first = Self::from_hex(values.next().unwrap_or_default())?;
        let is_first = |value| Self::from_hex(value) == Ok(first);
        if values.by_ref().take(MAX_VALUES - 1).all(is_first) && values.next().is_none() {
            Ok(first)
        } else {
            Err(InvalidSignature::Repeated)
        }
    }

    /// Formats the header's value: 64 lower-case hexadecimal digits.
    pub fn to_hex(&self) -> String {
        let mut text = [0; 64];
        let mut header = String::with_capacity(text.len());
        // Neither step can fail: 32 bytes are 64 digits, and digits are UTF-8.
        if hex::encode_to_slice(self.0, &mut text).is_ok() {
            header.extend(text.iter().copied().map(char::from));
        }
        header
    }

    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// Exactly 64 hexadecimal digits, eight at a time. `hex::decode_to_slice` takes 940 instructions
/// for them and a table of digits 340: a sixth of what verification costs besides the hash.
/// Inlined, since the call took 14 instructions more.
#[inline(always)]
#[allow(clippy::inline_always)]
fn decode(text: &[u8]) -> Option<[u8; 32]> {
    let digits: &[u8; 64] = text.try_into().ok()?;
    let (words, _) = digits.as_chunks::<8>();
    let mut bytes = [0; 32];
    let mut valid = EACH_HIGH_BIT;
    for (four, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(words) {
        let word = u64::from_le_bytes(*word);
        valid &= are_digits(word);
        *four = values(word).to_le_bytes();
    }
    (valid == EACH_HIGH_BIT).then_some(bytes)
}

const EACH_HIGH_BIT: u64 = each(0x80);

const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// The highest bit of each byte that is a hexadecimal digit.
fn are_digits(word: u64) -> u64 {
    let ascii = word & each(0x7f);
    let lower = ascii | each(0x20);
    // Adding sets the highest bit of a byte that is at least, or more than, the other one.
    let decimal = (ascii + each(0x80 - b'0')) & !(ascii + each(0x7f - b'9'));
    let letter = (lower + each(0x80 - b'a')) & !(lower + each(0x7f - b'f'));
    (decimal | letter) & !word & EACH_HIGH_BIT
}

/// The four bytes that eight hexadecimal digits stand for, the first digit in the lowest byte.
fn values(word: u64) -> u32 {
    let letters = word >> 6 & each(1);
    let nibbles = (word & each(0x0f)) + letters * 9;
    // A pair of digits becomes the byte at the place of the first one; then the gaps are closed.
    let bytes = (nibbles << 4 | nibbles >> 8) & 0x00ff_00ff_00ff_00ff;
    let pairs = (bytes | bytes >> 8) & 0x0000_ffff_0000_ffff;
    #[allow(clippy::cast_possible_truncation)] // the lower half is what is wanted
    let all = (pairs | pairs >> 16) as u32;
    all
}

impl ConstantTimeEq for Signature {
    /// By words: `subtle` compares a slice byte by byte, which took 350 of the 575 instructions of
    /// a check that takes 260 like this.
    fn ct_eq(&self, other: &Self) -> Choice {
        let (ours, _) = self.0.as_chunks::<8>();
        let (theirs, _) = other.0.as_chunks::<8>();
        let mut equal = Choice::from(1);
        for (our, their) in ours.iter().zip(theirs) {
            equal &= u64::from_ne_bytes(*our).ct_eq(&u64::from_ne_bytes(*their));
        }
        equal
    }
}

impl PartialEq for Signature {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for Signature {}

impl FromStr for Signature {
    type Err = InvalidSignature;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_hex(text)
    }
}

impl TryFrom<&HeaderValue> for Signature {
    type Error = InvalidSignature;

    fn try_from(value: &HeaderValue) -> Result<Self, Self::Error> {
        match decode(value.as_bytes()) {
            Some(bytes) => Ok(Self(bytes)),
            None => Self::from_list(value.as_bytes()),
        }
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature(..)")
    }
}

/// Why a header's value is not a signature, and what it resembles instead; the layer answers `401`.
///
/// The value itself is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidSignature {
    /// No characters.
    Empty,
    /// 43 or 44 characters of base64: another encoding of the HMAC than Nylas uses.
    Base64,
    /// Hexadecimal digits, but this many instead of 64.
    Length(usize),
    /// Several values in one header field: the first is a signature, but not all others are the
    /// same one, or there are more than 16.
    Repeated,
    /// Anything else.
    NotHex,
}

impl InvalidSignature {
    fn describe(text: &[u8]) -> Self {
        let base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(byte);
        let hex = |text: &[u8]| text.iter().all(u8::is_ascii_hexdigit);
        match text {
            [] => Self::Empty,
            _ if hex(text) => Self::Length(text.len()),
            _ if matches!(text.len(), 43 | 44) && text.iter().all(base64) => Self::Base64,
            _ => Self::NotHex,
        }
    }
}

impl fmt::Display for InvalidSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the signature is empty"),
            Self::Base64 => f.write_str(
                "the signature looks like base64, but Nylas sends 64 hexadecimal digits: \
                 is the sender really Nylas?",
            ),
            Self::Length(length) => write!(
                f,
                "the signature has {length} hexadecimal digits instead of 64"
            ),
            Self::Repeated => write!(
                f,
                "the values are not all the same signature, or more than {MAX_VALUES}"
            ),
            Self::NotHex => f.write_str("the signature is not 64 hexadecimal digits"),
        }
    }
}

impl std::error::Error for InvalidSignature {}
