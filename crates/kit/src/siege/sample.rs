//! What the server tells about itself, on a line of its own, whenever it is asked.

use std::{collections::BTreeMap, fmt, sync::atomic::Ordering::Relaxed};

use tokio::runtime::Handle;
use tower_nylas::MemoryBudget;

use super::{process, server::Counters};

/// Memory in KiB. What only Linux tells is missing elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sample {
    pub resident: Option<u64>,
    pub most_resident: Option<u64>,
    pub descriptors: Option<u64>,
    pub tasks: u64,
    pub open: u64,
    pub most_open: u64,
    /// What the layer holds of unverified bodies.
    pub held: u64,
    pub handled: u64,
    pub intruders: u64,
}

impl Sample {
    pub fn take(runtime: &Handle, budget: &MemoryBudget, counters: &Counters) -> Self {
        let memory = process::memory();
        Self {
            resident: memory.map(|(now, _)| now),
            most_resident: memory.map(|(_, most)| most),
            descriptors: process::descriptors().map(|count| count as u64),
            tasks: runtime.metrics().num_alive_tasks() as u64,
            open: counters.open.load(Relaxed) as u64,
            most_open: counters.most_open.load(Relaxed) as u64,
            held: budget.used() as u64,
            handled: counters.handled.load(Relaxed),
            intruders: counters.intruders.load(Relaxed),
        }
    }

    pub fn parse(line: &str) -> Option<Self> {
        let words = line.split(' ').filter_map(|word| word.split_once('='));
        let values: BTreeMap<_, u64> = words
            .filter_map(|(name, value)| Some((name, value.parse().ok()?)))
            .collect();
        let value = |name| values.get(name).copied();
        Some(Self {
            resident: value("resident"),
            most_resident: value("most_resident"),
            descriptors: value("descriptors"),
            tasks: value("tasks")?,
            open: value("open")?,
            most_open: value("most_open")?,
            held: value("held")?,
            handled: value("handled")?,
            intruders: value("intruders")?,
        })
    }

    /// Whether everything that came with the attack is gone again.
    pub fn is_back_to(&self, before: &Self) -> bool {
        self.tasks == before.tasks && self.descriptors == before.descriptors && self.held == 0
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = [
            ("resident", self.resident),
            ("most_resident", self.most_resident),
            ("descriptors", self.descriptors),
            ("tasks", Some(self.tasks)),
            ("open", Some(self.open)),
            ("most_open", Some(self.most_open)),
            ("held", Some(self.held)),
            ("handled", Some(self.handled)),
            ("intruders", Some(self.intruders)),
        ];
        let known = values
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        known
            .into_iter()
            .try_for_each(|(name, value)| write!(f, "{name}={value} "))
    }
}
