//! Everything at a glance.

use serde::Serialize;
use tower_nylas::{health::Status, inbox::Stats};

use super::{DeliveryRow, Group, delivery, entries::groups};
use crate::{recent::Kind, settings::Settings};

/// How many groups and deliveries are shown.
const SHOWN: usize = 5;

#[derive(Debug, Serialize)]
pub(crate) struct Overview {
    pub(crate) health: Option<Status>,
    pub(crate) inbox: Option<Counts>,
    /// Why the inbox does not answer, if it does not.
    pub(crate) inbox_failed: Option<String>,
    pub(crate) is_paused: Option<bool>,
    pub(crate) deliveries: Option<Tally>,
    /// The largest ones.
    pub(crate) dead: Vec<Group>,
    /// The last deliveries that failed, and the last requests that were refused.
    pub(crate) problems: Vec<DeliveryRow>,
}

/// How many entries there are of each state.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Counts {
    pub(crate) ready: u64,
    pub(crate) waiting: u64,
    pub(crate) claimed: u64,
    pub(crate) done: u64,
    pub(crate) dead: u64,
    pub(crate) bytes: u64,
    pub(crate) oldest_ready_seconds: Option<u64>,
}

pub(crate) fn counts(stats: &Stats) -> Counts {
    Counts {
        ready: stats.ready,
        waiting: stats.waiting,
        claimed: stats.claimed,
        done: stats.done,
        dead: stats.dead,
        bytes: stats.bytes,
        oldest_ready_seconds: stats.oldest_ready.map(|since| since.as_secs()),
    }
}

/// How many requests of each kind are remembered.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Tally {
    pub(crate) accepted: usize,
    pub(crate) failed: usize,
    pub(crate) lost: usize,
    pub(crate) refused: usize,
    pub(crate) challenges: usize,
}

pub(super) async fn gather(settings: &Settings) -> Overview {
    let mut overview = Overview {
        health: settings
            .health
            .as_ref()
            .map(tower_nylas::health::Health::status),
        inbox: None,
        inbox_failed: None,
        is_paused: settings
            .pause
            .as_ref()
            .map(tower_nylas::inbox::Pause::is_paused),
        deliveries: None,
        dead: Vec::new(),
        problems: Vec::new(),
    };
    if let Some(source) = settings.source() {
        match source.stats().await {
            Ok(stats) => overview.inbox = Some(counts(&stats)),
            Err(why) => overview.inbox_failed = Some(why.to_string()),
        }
        if overview.inbox.is_some_and(|inbox| inbox.dead > 0) {
            match groups(source, SHOWN).await {
                Ok(dead) => overview.dead = dead.groups,
                Err(why) => overview.inbox_failed = Some(why.to_string()),
            }
        }
    }
    if let Some(recent) = &settings.recent {
        let all = recent.list(usize::MAX, |_| true);
        let mut tally = Tally::default();
        for record in &all {
            *match record.kind {
                Kind::Accepted => &mut tally.accepted,
                Kind::Failed => &mut tally.failed,
                Kind::Refused => &mut tally.refused,
                Kind::Challenge => &mut tally.challenges,
            } += 1;
            tally.lost += usize::from(record.is_lost);
        }
        overview.deliveries = Some(tally);
        let is_problem = |kind| matches!(kind, Kind::Failed | Kind::Refused);
        let problems = all
            .iter()
            .filter(|record| is_problem(record.kind) || record.is_lost);
        overview.problems = problems
            .take(SHOWN)
            .map(|record| delivery(settings, record))
            .collect();
    }
    overview
}
