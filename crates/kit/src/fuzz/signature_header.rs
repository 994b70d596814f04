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

    let signature = parsed(&text);
    let Some(signature) = signature else {
        return Ok(());
    };
    let accepted = verified(&secrets, &signature, body, piece, expects_rotation);
    let received = naive::from_hex(&text).unwrap();
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
        let is_one = !text.is_empty() && text.trim() == text;
        assert_eq!(WebhookSecret::new(&text).is_ok(), is_one);
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

fn parsed(text: &[u8]) -> Option<Signature> {
    let read = Signature::from_hex(text);
    if let Ok(text) = std::str::from_utf8(text) {
        assert_eq!(text.parse::<Signature>(), read);
    }
    if let Ok(value) = HeaderValue::from_bytes(text) {
        assert_eq!(Signature::try_from(&value), read);
    }
    match read {
        Ok(signature) => {
            assert!(naive::from_hex(text).is_some());
            let lower = text.to_ascii_lowercase();
            assert_eq!(signature.to_hex().as_bytes(), lower);
            assert!(!format!("{signature:?}").contains(&signature.to_hex()[..8]));
            Some(signature)
        }
        Err(why) => {
            assert!(naive::from_hex(text).is_none());
            assert_eq!(why, diagnosis(text));
            None
        }
    }
}

fn diagnosis(text: &[u8]) -> InvalidSignature {
    let is_hex = |text: &[u8]| text.iter().all(u8::is_ascii_hexdigit);
    let is_base64 = |c: &u8| c.is_ascii_alphanumeric() || b"+/-_=".contains(c);
    let behind_name = text.get(7..).filter(|_| text[..7] == *b"sha256=");
    if text.is_empty() {
        InvalidSignature::Empty
    } else if is_hex(text) {
        InvalidSignature::Length(text.len())
    } else if behind_name.is_some_and(|rest| rest.len() == 64 && is_hex(rest)) {
        InvalidSignature::Prefixed
    } else if (43..=44).contains(&text.len()) && text.iter().all(is_base64) {
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
