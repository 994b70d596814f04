//! A function of the application that is called with each report.

use std::{sync::Arc, time::Instant};

use super::{
    facts::{End, Facts, Identity},
    witness::{Reads, Witness},
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

    fn reads(&self) -> Reads {
        Reads::all_if(self.is_some())
    }

    fn reads_identity(&self) -> bool {
        self.is_some()
    }

    fn unverified(&self, report: &Report<'_>, _now: Instant) {
        if let Some(observer) = self {
            observer(*report);
        }
    }

    fn verified(&self, _: &Arc<str>, _: Option<&Facts<'_>>, _: Option<&Identity>) {}

    fn ended(&self, (): &(), end: &End<'_>) {
        self.unverified(&end.report, end.now);
    }
}
