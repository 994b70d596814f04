//! A function of the application that is called with each report.

use std::{sync::Arc, time::Instant};

use super::{
    facts::{End, Facts, Identity},
    witness::Witness,
};
use crate::report::Report;

pub(super) type Closure = Arc<dyn Fn(Report<'_>) + Send + Sync>;

impl Witness for Option<Closure> {
    type Delivery = ();
    type Entered<'a> = ();

    fn new(_now: Instant) -> Self {
        None
    }

    fn enter((): &()) {}

    fn is_read(&self) -> bool {
        self.is_some()
    }

    fn reads_identity(&self) -> bool {
        self.is_some()
    }

    fn unverified(&self, report: &Report<'_>, _now: Instant) {
        if let Some(observer) = self {
            observer(*report);
        }
    }

    fn verified(&self, _facts: &Facts<'_>, _identity: Option<&Identity>) {}

    fn ended(&self, (): &(), end: &End<'_>) {
        self.unverified(&end.report, end.now);
    }
}
