//! The health that a layer was given.

use std::time::Instant;

use super::{
    facts::{End, Facts, Identity},
    witness::Witness,
};
use crate::{
    health::Attached,
    report::{Destination, Report, Resolution},
};

pub(super) type Health = Option<Attached>;

impl Witness for Health {
    type Delivery = Option<Destination>;
    type Entered<'a> = ();

    fn new(_now: Instant) -> Self {
        None
    }

    fn enter(_destination: &Self::Delivery) {}

    fn is_read(&self) -> bool {
        self.is_some()
    }

    fn unverified(&self, report: &Report<'_>, now: Instant) {
        let Some(health) = self else { return };
        match report.resolution() {
            Resolution::Challenged => health.challenged(now),
            Resolution::Rejected(why) => health.refused(report.destination(), why, now),
            Resolution::Acknowledged(_) | Resolution::Disconnected => {}
        }
    }

    fn verified(&self, facts: &Facts<'_>, _identity: Option<&Identity>) -> Self::Delivery {
        let health = self.as_ref()?;
        Some(health.verified(facts.destination))
    }

    fn ended(&self, destination: &Self::Delivery, end: &End<'_>) {
        if let (Some(health), Some(destination)) = (self, *destination) {
            let report = &end.report;
            let failed = report.status() != Some(http::StatusCode::OK);
            health.answered(destination, failed, report.is_lost(), end.now);
        }
    }
}
