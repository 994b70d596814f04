//! Signatures and the secrets that make them: the ground floor, usable on plain bytes by a queue
//! worker or under any other framework.
//!
//! Nylas signs a notification with the hexadecimal HMAC-SHA256 of the exact bytes of the request
//! body, keyed with the destination's `webhook_secret`, in the header `X-Nylas-Signature`
//! ([source](https://developer.nylas.com/docs/v3/notifications/)). Neither the URL nor a time is
//! signed, so whoever captured a request can send it again: de-duplicate by notification id.
//!
//! ```
//! use tower_nylas::{Secrets, Signature};
//!
//! let body = br#"{"specversion":"1.0","type":"grant.expired"}"#;
//! let header = "b3b1c2b0a6b8dbb5a5a0f9d8b3d1c4e5f60718293a4b5c6d7e8f901234567890";
//!
//! let secrets = Secrets::new("an invented secret")?;
//! assert!(secrets.verify(body, &Signature::from_hex(header)?).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod builder;
mod header;
mod secret;
mod secrets;
mod set;
mod verifier;

pub use self::{
    builder::SecretsBuilder,
    header::{InvalidSignature, SIGNATURE_HEADER, Signature},
    secret::{InvalidSecret, WebhookSecret},
    secrets::Secrets,
    verifier::{Verifier, VerifyError},
};

#[cfg(test)]
mod tests;
