use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use hmac::{KeyInit, Mac};

use super::*;
use crate::time::Clock;

/// RFC 4231, test case 2.
#[test]
fn signs_as_specified_by_the_rfc() {
    let secret = WebhookSecret::new("Jefe").unwrap();
    let signature = secret.sign(b"what do ya want for nothing?");
    let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    assert_eq!(signature.to_hex(), expected);
    assert!(secret.verify(b"what do ya want for nothing?", &signature));
    assert!(!secret.verify(b"what do ya want for nothing", &signature));
}

/// A secret that is longer than a block of SHA-256 is hashed first, not cut.
#[test]
fn every_byte_of_a_long_secret_counts() {
    let long = "a".repeat(200);
    let signature = WebhookSecret::new(&long).unwrap().sign(b"{}");
    for at in [0, 63, 64, 65, 127, 199] {
        let mut other = long.clone();
        other.replace_range(at..=at, "b");
        assert!(
            !WebhookSecret::new(&other)
                .unwrap()
                .verify(b"{}", &signature)
        );
    }
    assert!(
        !WebhookSecret::new(&long[1..])
            .unwrap()
            .verify(b"{}", &signature)
    );
}

/// Secrets that resemble hex or base64 are not decoded.
#[test]
fn a_secret_is_its_text() {
    let secret = WebhookSecret::new("4a656665").unwrap();
    let decoded = WebhookSecret::new("Jefe").unwrap();
    assert!(!decoded.verify(b"{}", &secret.sign(b"{}")));
    let secret = WebhookSecret::new("SmVmZQ==").unwrap();
    assert!(!decoded.verify(b"{}", &secret.sign(b"{}")));
}

#[test]
fn reads_and_writes_64_hexadecimal_digits() {
    let digits = "00ff".repeat(16);
    for text in [
        digits.clone(),
        digits.to_uppercase(),
        format!("sha256={digits}"),
        format!("Sha256={}", digits.to_uppercase()),
    ] {
        assert_eq!(Signature::from_hex(text).unwrap().to_hex(), digits);
    }
    assert_eq!(digits.parse::<Signature>().unwrap().to_hex(), digits);
    let header = http::HeaderValue::from_str(&digits).unwrap();
    assert_eq!(Signature::try_from(&header).unwrap().to_hex(), digits);
}

#[test]
fn a_text_that_is_no_signature_is_classified() {
    use InvalidSignature::{Base64, Empty, Length, NotHex};
    let digits = "00ff".repeat(16);
    for (text, why) in [
        (String::new(), Empty),
        (digits[..63].to_owned(), Length(63)),
        (format!("{digits}0"), Length(65)),
        (digits.repeat(2), Length(128)),
        ("0".to_owned(), Length(1)),
        ("sha256=".to_owned(), Empty),
        (format!("sha256={}", &digits[..62]), Length(62)),
        (format!("sha256= {digits}"), NotHex),
        (format!("sha256=sha256={digits}"), NotHex),
        (format!("sha1={digits}"), NotHex),
        (format!("{}=", "Zm9vYmFy_+/".repeat(4).split_off(1)), Base64),
        ("Zm9vYmFy-_/".repeat(4).split_off(1), Base64),
        (
            format!("sha256={}=", "Zm9vYmFy_+/".repeat(4).split_off(1)),
            Base64,
        ),
        // As long as base64 and hexadecimal all the same.
        (digits[..43].to_owned(), Length(43)),
        (format!("{}g", &digits[..63]), NotHex),
        (format!(" {}", &digits[..63]), NotHex),
        ("٣".repeat(32), NotHex),
        // Lists and white space are the header's.
        (format!("{digits},{digits}"), NotHex),
        (format!("{digits} "), NotHex),
    ] {
        assert_eq!(Signature::from_hex(&text), Err(why), "{text}");
    }
}

#[test]
fn a_header_has_one_signature_however_often() {
    use InvalidSignature::{Base64, Empty, Length, NotHex, Repeated};
    let digits = "00ff".repeat(16);
    let other = "00fe".repeat(16);
    let read = |field: &str| {
        let value = http::HeaderValue::from_str(field).unwrap();
        Signature::try_from(&value).map(|signature| signature.to_hex())
    };
    for field in [
        format!(" \t{digits}\t "),
        format!("{digits},{digits}"),
        format!("\t{digits} , SHA256={}", digits.to_uppercase()),
        format!("sha256={digits},{digits}, {digits}"),
        [&*digits; 16].join(" , "),
    ] {
        assert_eq!(read(&field).as_ref(), Ok(&digits), "{field}");
    }
    for (field, why) in [
        (format!("{digits},{other}"), Repeated),
        (format!("{digits},{digits},{other}"), Repeated),
        (format!("{digits},"), Repeated),
        (format!("{digits},,{digits}"), Repeated),
        (format!("{digits},v1"), Repeated),
        ([&*digits; 17].join(","), Repeated),
        (format!("{digits}{}", ",".repeat(60_000)), Repeated),
        (",".repeat(60_000), Empty),
        (format!(",{digits}"), Empty),
        (" ".to_owned(), Empty),
        (format!("v1,{digits}"), NotHex),
        (format!("{digits} {digits}"), NotHex),
        (format!("{digits};{digits}"), NotHex),
        (format!("{}, {digits}", &digits[1..]), Length(63)),
        (
            format!("{}=, {digits}", "Zm9vYmFy_+/".repeat(4).split_off(1)),
            Base64,
        ),
    ] {
        assert_eq!(read(&field), Err(why), "{field}");
    }
}

#[test]
fn signatures_are_equal_in_all_bytes_or_not() {
    let one = Signature::from_bytes([7; 32]);
    assert_eq!(one, Signature::from_bytes([7; 32]));
    for at in 0..32 {
        let mut bytes = [7; 32];
        bytes[at] ^= 0x80;
        assert_ne!(one, Signature::from_bytes(bytes), "{at}");
    }
}

/// A body of which nothing arrived is a body of no bytes.
#[test]
fn a_verifier_that_got_nothing_checks_an_empty_body() {
    let secret = WebhookSecret::new("a").unwrap();
    let secrets = Secrets::new("a").unwrap();
    assert_eq!(secrets.verifier(secret.sign(b"")).finish(), Ok(()));
    let other = secrets.verifier(secret.sign(b" ")).finish();
    assert_eq!(other, Err(VerifyError::Mismatch));
    let pending = Secrets::pending().verifier(secret.sign(b"")).finish();
    assert_eq!(pending, Err(VerifyError::Pending));
}

/// Whether the signature matched the old secrets or not, the caller has to check again.
#[test]
fn a_verifier_notices_that_the_secrets_were_exchanged() {
    let secret = WebhookSecret::new("a").unwrap();
    for signature in [secret.sign(b"{}"), secret.sign(b"other")] {
        let secrets = Secrets::new("a").unwrap();
        let mut verifier = secrets.verifier(signature);
        verifier.update(b"{}");
        secrets.set("a").unwrap();
        assert_eq!(verifier.finish(), Err(VerifyError::Exchanged));
    }
}

/// A clock that exchanges the secrets of its set whenever they read it.
#[derive(Clone, Default)]
struct Exchanging {
    secrets: Arc<OnceLock<Secrets>>,
    is_on: Arc<AtomicBool>,
}

impl Clock for Exchanging {
    fn now(&self) -> Instant {
        // Off meanwhile, since the exchange reads the clock as well.
        if self.is_on.swap(false, Ordering::Relaxed) {
            let secrets = self.secrets.get().unwrap();
            secrets.expect_rotation(Duration::from_secs(60));
            self.is_on.store(true, Ordering::Relaxed);
        }
        Instant::now()
    }
}

/// Neither a match nor a mismatch counts if the secrets it was found with were replaced.
#[test]
fn a_check_that_is_always_interrupted_is_to_be_repeated() {
    let clock = Exchanging::default();
    let secrets = Secrets::builder().clock(clock.clone()).secret("a").unwrap();
    secrets.expect_rotation(Duration::from_secs(60));
    let signature = WebhookSecret::new("a").unwrap().sign(b"{}");
    assert!(clock.secrets.set(secrets.clone()).is_ok());
    clock.is_on.store(true, Ordering::Relaxed);
    let verdict = secrets.verify(b"{}", &signature);
    assert_eq!(verdict, Err(VerifyError::RotationExpected));
    clock.is_on.store(false, Ordering::Relaxed);
    assert_eq!(secrets.verify(b"{}", &signature), Ok(()));
}

#[test]
fn the_secret_of_test_events_is_the_documented_one() {
    let documented = hmac::Hmac::<sha2::Sha256>::new_from_slice(b"mock-webhook-secret").unwrap();
    let signed = documented.chain_update(b"{}").finalize().into_bytes();
    let signature = WebhookSecret::of_test_events().sign(b"{}");
    assert_eq!(signature, Signature::from_bytes(signed.into()));
}

#[test]
fn values_can_be_shared_between_threads() {
    fn shared<T: Clone + Send + Sync + 'static>() {}
    shared::<Signature>();
    shared::<WebhookSecret>();
    shared::<Secrets>();
    shared::<InvalidSecret>();
    shared::<VerifyError>();
}
