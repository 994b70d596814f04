//! What an inspector is made of.

use std::sync::Arc;

use tower_nylas::{health::Health, inbox::Pause, time::Clock};

use crate::{action::Hook, authorize::Guard, recent::Recent, source::Source};

pub(crate) struct Settings {
    pub(crate) source: Option<Box<dyn Source>>,
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
}

impl Settings {
    pub(crate) fn source(&self) -> Option<&dyn Source> {
        self.source.as_deref()
    }
}
