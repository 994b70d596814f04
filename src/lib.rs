//! Receive Nylas webhooks in any tower server.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod acknowledge;
pub mod challenge;
pub mod decompression;
pub mod outcome;
pub mod signature;
pub mod time;
pub mod trigger;
pub mod verify;

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
