use std::sync::Arc;

use crate::{
    acknowledge,
    challenge::ChallengeLayer,
    decompression::DecompressionLayer,
    observe::Observers,
    time::Timer,
    verify::{self, SecretSource},
};

/// The settings of a [`WebhookLayer`](super::WebhookLayer), shared by all of its services.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) max_challenge_length: usize,
    pub(super) verify: verify::Settings,
    pub(super) max_inflated_size: usize,
    pub(super) acknowledge: acknowledge::Settings,
    pub(super) observers: Observers,
}

impl Settings {
    pub(super) fn new(source: SecretSource, timer: Arc<dyn Timer>) -> Self {
        let mut verify = verify::Settings::new(source, timer.clone());
        verify.on_buffered = Observers::buffered;
        Self {
            max_challenge_length: ChallengeLayer::MAX_LENGTH,
            verify,
            max_inflated_size: DecompressionLayer::MAX_SIZE,
            acknowledge: acknowledge::Settings::new(timer.clone()),
            observers: Observers::new(timer),
        }
    }
}
