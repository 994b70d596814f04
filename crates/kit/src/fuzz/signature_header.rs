//! Signatures as text, and what they sign. The oracle: digits one by one, HMAC as in RFC 2104, and
//! the descriptions of [`InvalidSignature`]'s variants.

use std::time::Duration;

use arbitrary::Unstructured;
use http::HeaderValue;
use tower_nylas::{InvalidSignature, Secrets, Signature, VerifyError, WebhookSecret};

use crate::reference::naive;

pub fn run(data: &[u8]) {
    let _ = read(&mut Unstructured::new(data));
}

fn read(u: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let secrets = some_secrets(u)?;
    let length = u.int_in_range(0..=255)?;
    let length = length.min(u.len());
    let body = u.bytes(length)?;
    let signer: usize = u.arbitrary::<u8>()?.into();
    let expects_rotation = u.arbitrary::<u8>()? % 2 == 1;
    let piece = u.int_in_range(1..=80)?;
    let text = text(u, &secrets, signer, body)?;
    parsed(&text);
    let field = repeated(u, &text)?;

    let Some(signature) = read_field(&field) else {
        return Ok(());
    };
    let accepted = verified(&secrets, &signature, body, piece, expects_rotation);
    let received = naive::only_signature(&[field]).unwrap();
    let expected = secrets
        .iter()
        .any(|secret| naive::hmac_sha256(secret.as_bytes(), body)[..] == received);
    assert_eq!(accepted, expected);
    Ok(())
}

/// One to four secrets that the crate takes; the others are checked to be refused.
fn some_secrets(u: &mut Unstructured<'_>) -> arbitrary::Result<Vec<String>> {
    let mut secrets = Vec::new();
    for _ in 0..u.int_in_range(1..=4)? {
        let text: String = u.arbitrary()?;
        let is_one = WebhookSecret::new(&text).is_ok();
        if text.is_ascii() {
            assert_eq!(is_one, naive::is_ascii_secret(&text), "{text:?}");
        } else if text.contains(char::is_whitespace) || text.contains(char::is_control) {
            assert!(!is_one, "{text:?}");
        }
        secrets.push(if is_one { text } else { "invented".to_owned() });
    }
    Ok(secrets)
}

/// A right signature, nearly one, or anything.
fn text(
    u: &mut Unstructured<'_>,
    secrets: &[String],
    signer: usize,
    body: &[u8],
) -> arbitrary::Result<Vec<u8>> {
    let signer = &secrets[signer % secrets.len()];
    let mut text = naive::to_hex(&naive::hmac_sha256(signer.as_bytes(), body)).into_bytes();
    match u.int_in_range(0..=5)? {
        0 => {}
        1 => text.make_ascii_uppercase(),
        2 => {
            let at = usize::from(u.arbitrary::<u8>()?) % 64;
            text[at] = u.arbitrary()?;
        }
        3 => text.truncate(usize::from(u.arbitrary::<u8>()?) % 64),
        4 => {
            let rest = u.take_rest_ref();
            let (before, behind) = rest.split_at(rest.len() / 2);
            text = [before, &text, behind].concat();
        }
        _ => text = u.take_rest_ref().to_vec(),
    }
    Ok(text)
}

trait TakeRest<'a> {
    fn take_rest_ref(&mut self) -> &'a [u8];
}

impl<'a> TakeRest<'a> for Unstructured<'a> {
    fn take_rest_ref(&mut self) -> &'a [u8] {
        self.bytes(self.len()).unwrap_or_default()
    }
}

/// The text as it is, or as proxies repeat it, each time with what may stand around it.
fn repeated(u: &mut Unstructured<'_>, text: &[u8]) -> arbitrary::Result<Vec<u8>> {
    let mut field = text.to_vec();
    for _ in 0..u.arbitrary::<u8>()? % 20 {
        field.extend_from_slice(u.choose(&[
            &b","[..],
            b", ",
            b"\t,\t",
            b",,",
            b" ",
            b", sha256=",
            b",SHA256=",
        ])?);
        let mut again = text.to_vec();
        match u.arbitrary::<u8>()? {
            255 => again = u.arbitrary()?,
            even if even % 2 == 0 => again.make_ascii_uppercase(),
            _ => {}
        }
        field.extend_from_slice(&again);
    }
    Ok(field)
}

/// A single value, as text.
fn parsed(text: &[u8]) {
    let read = Signature::from_hex(text);
    if let Ok(text) = std::str::from_utf8(text) {
        assert_eq!(text.parse::<Signature>(), read);
    }
    match read {
        Ok(signature) => {
            let expected = naive::signature(text).map(|bytes| naive::to_hex(&bytes));
            assert_eq!(Some(signature.to_hex()), expected);
            assert!(!format!("{signature:?}").contains(&signature.to_hex()[..8]));
        }
        Err(why) => {
            assert!(naive::signature(text).is_none());
            assert_eq!(why, diagnosis(text));
        }
    }
}

fn read_field(field: &[u8]) -> Option<Signature> {
    let value = HeaderValue::from_bytes(field).ok()?;
    let read = Signature::try_from(&value);
    let expected = naive::only_signature(&[field.to_vec()]);
    match read {
        Ok(signature) => {
            let expected = expected.map(|bytes| naive::to_hex(&bytes));
            assert_eq!(Ok(signature.to_hex()), expected);
            Some(signature)
        }
        Err(why) => {
            let rejection = match why {
                InvalidSignature::Repeated => "SignatureRepeated",
                _ => "SignatureMalformed",
            };
            assert_eq!(Err(rejection), expected);
            None
        }
    }
}

fn diagnosis(text: &[u8]) -> InvalidSignature {
    let is_hex = |text: &[u8]| text.iter().all(u8::is_ascii_hexdigit);
    let is_base64 = |c: &u8| c.is_ascii_alphanumeric() || b"+/-_=".contains(c);
    let is_prefixed = text.to_ascii_lowercase().starts_with(b"sha256=");
    let digits = if is_prefixed { &text[7..] } else { text };
    if digits.is_empty() {
        InvalidSignature::Empty
    } else if is_hex(digits) {
        InvalidSignature::Length(digits.len())
    } else if (43..=44).contains(&digits.len()) && digits.iter().all(is_base64) {
        InvalidSignature::Base64
    } else {
        InvalidSignature::NotHex
    }
}

/// Checks the body whole and in pieces, which must agree. No secret has verified anything before.
fn verified(
    secrets: &[String],
    signature: &Signature,
    body: &[u8],
    piece: usize,
    expects_rotation: bool,
) -> bool {
    let set = Secrets::any_of(secrets).unwrap();
    if expects_rotation {
        set.expect_rotation(Duration::MAX);
    }
    let whole = set.verify(body, signature);
    let mut verifier = set.verifier(*signature);
    for piece in body.chunks(piece) {
        verifier.update(piece);
    }
    assert_eq!(verifier.finish(), whole);
    match whole {
        Ok(()) => true,
        Err(VerifyError::Unproven) => {
            assert!(!expects_rotation);
            false
        }
        Err(VerifyError::RotationExpected) => {
            assert!(expects_rotation);
            false
        }
        Err(other) => panic!("{other}"),
    }
}
