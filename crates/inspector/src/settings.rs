//! What an inspector is made of.

use std::sync::Arc;

use tower_nylas::{health::Health, inbox::Pause, time::Clock};

use crate::{
    action::Hook, authorize::Guard, limit::Limited, recent::Recent, source::Source, turns::Turns,
};

pub(crate) struct Settings {
    pub(crate) source: Option<Limited>,
    pub(crate) recent: Option<Recent>,
    pub(crate) health: Option<Health>,
    pub(crate) pause: Option<Pause>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) guard: Guard,
    pub(crate) hook: Option<Hook>,
    pub(crate) shows_bodies: bool,
    pub(crate) is_read_only: bool,
    pub(crate) most_listed: usize,
    pub(crate) most_changed: usize,
    /// Of secrets, beside those that are known from health and deliveries.
    pub(crate) labels: Vec<String>,
    pub(crate) dry_runs: Turns,
}

impl Settings {
    pub(crate) fn source(&self) -> Option<&dyn Source> {
        self.source.as_ref().map(|limited| limited as &dyn Source)
    }
}
