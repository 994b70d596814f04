//! Receive Nylas webhooks in any tower server.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod acknowledge;
#[cfg(feature = "axum")]
pub mod axum;
pub mod challenge;
pub mod decompression;
#[cfg(feature = "router")]
pub mod notification;
pub mod outcome;
#[cfg(feature = "router")]
pub mod router;
pub mod signature;
#[cfg(feature = "testing")]
pub mod testing;
pub mod time;
pub mod trigger;
#[cfg(feature = "v2")]
pub mod v2;
pub mod verify;
pub mod webhook;

mod call_ready;
mod error;
mod rejection;
mod response_body;

#[doc(inline)]
pub use self::{
    acknowledge::AcknowledgeLayer,
    challenge::ChallengeLayer,
    decompression::DecompressionLayer,
    error::{BoxError, SharedError},
    outcome::{Ack, IntoAck, Outcome},
    rejection::{MismatchHint, Rejection},
    response_body::ResponseBody,
    signature::{
        InvalidSecret, InvalidSignature, Secrets, Signature, Verifier, VerifyError, WebhookSecret,
    },
    trigger::Trigger,
    verify::{VerifiedBody, VerifySignatureLayer},
};

#[doc(inline)]
pub use self::webhook::WebhookLayer;
#[cfg(feature = "router")]
#[doc(inline)]
pub use self::{notification::Notification, router::TriggerRouter};
