//! The health that a layer was given.

use std::{sync::Arc, time::Instant};

use super::{
    facts::{End, Facts, Identity},
    witness::{Reads, Witness},
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

    fn reads(&self) -> Reads {
        match self {
            Some(_) => Reads::Ends,
            None => Reads::Nothing,
        }
    }

    fn unverified(&self, report: &Report<'_>, now: Instant) {
        let Some(health) = self else { return };
        match report.resolution() {
            Resolution::Challenged => health.challenged(now),
            Resolution::Rejected(why) => health.refused(report.destination(), why, now),
            Resolution::Acknowledged(_) | Resolution::Disconnected => {}
        }
    }

    fn verified(
        &self,
        destination: &Arc<str>,
        _facts: Option<&Facts<'_>>,
        _identity: Option<&Identity>,
    ) -> Self::Delivery {
        let health = self.as_ref()?;
        Some(health.verified(destination))
    }

    fn ended(&self, destination: &Self::Delivery, end: &End<'_>) {
        if let (Some(health), Some(destination)) = (self, *destination) {
            let report = &end.report;
            let failed = report.status() != Some(http::StatusCode::OK);
            health.answered(destination, failed, report.is_lost(), end.now);
        }
    }
}
