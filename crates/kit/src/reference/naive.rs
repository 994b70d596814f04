//! The oracles' own arithmetic: slow, short, and not the crate's.

use std::{
    io::Read,
    pin::pin,
    task::{Context, Poll, Waker},
};

use flate2::bufread::GzDecoder;
use sha2::{Digest, Sha256};

/// RFC 2104 as it is written there.
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0; 64];
    if key.len() > block.len() {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let inner = [&block.map(|byte| byte ^ 0x36)[..], message].concat();
    let outer = [&block.map(|byte| byte ^ 0x5c)[..], &Sha256::digest(inner)].concat();
    Sha256::digest(outer).into()
}

pub fn to_hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap();
    let digits = |byte: &u8| [digit(byte >> 4), digit(byte & 15)];
    bytes.iter().flat_map(digits).collect()
}

/// 32 bytes, if these are 64 hexadecimal digits.
pub fn from_hex(text: &[u8]) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.iter().map(|c| char::from(*c).to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len() == 64)?;
    let pair = |pair: &[u32]| u8::try_from(pair[0] * 16 + pair[1]).unwrap();
    Some(digits.chunks(2).map(pair).collect())
}

/// What a verified body of these bytes and this `Content-Encoding` means; `None` for what cannot be
/// decoded to at most `limit` bytes.
pub fn decode(body: &[u8], coding: Option<&str>, limit: usize) -> Option<Decoded> {
    let begins_as_gzip = body.len() >= 2 && body[0] == 31 && body[1] == 139;
    let label = coding.unwrap_or("").to_lowercase();
    let mut names: Vec<&str> = label.split(',').map(str::trim).collect();
    names.retain(|name| !name.is_empty() && *name != "identity");
    let says_plain = names.is_empty();
    let says_gzip = names == ["gzip"] || names == ["x-gzip"];
    if begins_as_gzip {
        let (content, ignored) = unpack(body, limit)?;
        return Some(Decoded {
            content,
            keeps_label: false,
            is_mislabelled: !says_gzip,
            ignored,
        });
    }
    let text = String::from_utf8_lossy(body);
    let blank = [' ', '\t', '\n', '\r', '\u{c}'];
    let text = text.trim_start_matches(blank);
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = text.trim_start_matches(blank);
    if says_plain || text.starts_with('{') || text.starts_with('[') {
        return Some(Decoded {
            content: body.to_vec(),
            keeps_label: says_plain,
            is_mislabelled: !says_plain,
            ignored: 0,
        });
    }
    // What remains is no gzip, whatever is said.
    None
}

/// A body as the handler gets it, and what is reported of it.
#[derive(Debug)]
pub struct Decoded {
    pub content: Vec<u8>,
    /// Whether `Content-Encoding` is still there.
    pub keeps_label: bool,
    pub is_mislabelled: bool,
    pub ignored: usize,
}

/// One gzip member after the other, and how many bytes follow the last one.
fn unpack(mut body: &[u8], limit: usize) -> Option<(Vec<u8>, usize)> {
    let mut plain = Vec::new();
    loop {
        let mut decoder = GzDecoder::new(body);
        let mut member = Vec::new();
        let most = limit as u64 + 1;
        Read::by_ref(&mut decoder)
            .take(most)
            .read_to_end(&mut member)
            .ok()?;
        plain.extend(member);
        if plain.len() > limit {
            return None;
        }
        body = decoder.into_inner();
        if body.len() < 3 || body[..3] != [31, 139, 8] {
            return Some((plain, body.len()));
        }
    }
}

/// The value to pass on, of the values of a `Retry-After`.
pub fn retry_after(values: &[&str]) -> Option<String> {
    let [value] = values else {
        return None;
    };
    let is_number = !value.is_empty() && value.chars().all(|c| c.is_ascii_digit());
    let is_delay = is_number && value.parse::<u128>().is_ok_and(|number| number < 1 << 31);
    let date = httpdate::parse_http_date(value);
    let is_date = date.is_ok_and(|date| httpdate::fmt_http_date(date) == *value);
    (is_delay || is_date).then(|| (*value).to_owned())
}

/// The signature in one value: digits, perhaps after `sha256=`.
pub fn signature(value: &[u8]) -> Option<Vec<u8>> {
    let lower = value.to_ascii_lowercase();
    from_hex(lower.strip_prefix(b"sha256=").unwrap_or(&lower))
}

/// The one signature in all fields of the header, or the name of the `Rejection`.
pub fn only_signature(fields: &[Vec<u8>]) -> Result<Vec<u8>, &'static str> {
    let mut signatures = Vec::new();
    let mut too_many = false;
    for field in fields {
        let values: Vec<&[u8]> = field.split(|byte| *byte == b',').collect();
        too_many |= values.len() > 16;
        signatures.extend(values.into_iter().map(|value| signature(trimmed(value))));
    }
    match signatures.first() {
        None => Err("SignatureMissing"),
        Some(None) => Err("SignatureMalformed"),
        Some(first) if too_many || signatures.iter().any(|other| other != first) => {
            Err("SignatureRepeated")
        }
        Some(Some(first)) => Ok(first.clone()),
    }
}

fn trimmed(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// Whether a text of ASCII may be a secret.
pub fn is_ascii_secret(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_enclosed = matches!(
        bytes,
        [b'"' | b'\'' | b'`', .., b'"' | b'\'' | b'`']
            | [b'$', b'{', .., b'}']
            | [b'$', b'(', .., b')']
            | [b'<', .., b'>']
            | [b'{', b'{', .., b'}', b'}']
            | [b'%', .., b'%']
    );
    let is_variable = text.len() > 1
        && text.chars().enumerate().all(|(at, c)| match at {
            0 => c == '$',
            1 => c.is_ascii_uppercase(),
            _ => c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_',
        });
    let is_assignment = text.find('=').is_some_and(|at| {
        let (name, value) = (&text[..at], text[at..].replace('=', ""));
        let is_capital = |c: char| c.is_ascii_uppercase();
        let other = name.trim_matches(|c: char| c == '_' || c.is_ascii_digit() || is_capital(c));
        name.starts_with(is_capital)
            && other.is_empty()
            && (name.contains("SECRET") || !value.is_empty())
    });
    let is_graphic = !bytes.is_empty() && bytes.iter().all(u8::is_ascii_graphic);
    let is_mistake = is_enclosed || is_variable || is_assignment || text == "mock-webhook-secret";
    is_graphic && !is_mistake
}

/// Percent-decoding with `+` for a space, as for a form field.
pub fn form_decode(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let digit = |at: usize| char::from(*text.get(at).unwrap_or(&b' ')).to_digit(16);
        match (text[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(u8::try_from(high * 16 + low).unwrap());
                at += 3;
            }
            (b'+', ..) => {
                decoded.push(b' ');
                at += 1;
            }
            (byte, ..) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded
}

/// The first value of a form field, whose name may be in any case.
pub fn form_field(query: &[u8], name: &[u8]) -> Option<Vec<u8>> {
    query.split(|byte| *byte == b'&').find_map(|pair| {
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let key = form_decode(halves.next().unwrap());
        let value = form_decode(halves.next().unwrap_or_default());
        (!pair.is_empty() && key.eq_ignore_ascii_case(name)).then_some(value)
    })
}

/// The output of a future that has nothing to wait for.
pub fn at_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits for something"),
    }
}

/// A body, read to its end.
pub fn read<B: http_body::Body<Data = bytes::Bytes>>(body: B) -> Vec<u8> {
    let mut body = pin!(body);
    let mut read = Vec::new();
    loop {
        match body
            .as_mut()
            .poll_frame(&mut Context::from_waker(Waker::noop()))
        {
            Poll::Ready(None) => return read,
            Poll::Ready(Some(Ok(frame))) => read.extend(frame.into_data().unwrap()),
            _ => panic!("the body waits or fails"),
        }
    }
}
