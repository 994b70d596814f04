//! Signatures and the secrets that make them, on plain bytes: no HTTP server and no I/O, so a queue
//! worker or any other framework can use them as well.
//!
//! Nylas sends in the header `X-Nylas-Signature` the hexadecimal HMAC-SHA256 of the exact bytes of
//! the request body, keyed with the destination's `webhook_secret`
//! ([source](https://developer.nylas.com/docs/v3/notifications/)). Neither the URL nor a time is
//! signed, so a captured request can be replayed: de-duplicate by notification id.
//!
//! ```
//! use tower_nylas::{Secrets, Signature, VerifyError};
//!
//! let body = br#"{"specversion":"1.0","type":"grant.expired"}"#;
//! let header = "df26b41e3ceb64c817e817460a62ef6655bf832ba1d0422be3a676072f816e9f";
//!
//! let secrets = Secrets::new("an-invented-secret")?;
//! let signature = Signature::from_hex(header)?;
//! assert_eq!(secrets.verify(body, &signature), Ok(()));
//! assert_eq!(secrets.verify(b"{}", &signature), Err(VerifyError::Mismatch));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod builder;
mod header;
mod mistake;
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
