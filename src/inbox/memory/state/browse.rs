//! What an operator sees and does.

use super::{Now, State};
use crate::inbox::{
    DeadGroup, EntryKey, EntryState, Happened, Stats, StoredEntry,
    browse::Groups,
    memory::job::{Job, JobState},
};

impl State {
    pub(in crate::inbox::memory) fn stats(&self, now: Now) -> Stats {
        let mut stats = Stats::default();
        for job in self.jobs() {
            let count = match job.entry_state(now.monotonic) {
                EntryState::Ready => &mut stats.ready,
                EntryState::Waiting => &mut stats.waiting,
                EntryState::Claimed => &mut stats.claimed,
                EntryState::Done => &mut stats.done,
                EntryState::Dead(_) => &mut stats.dead,
            };
            *count += 1;
            if let JobState::Due(at) = job.state
                && at <= now.monotonic
            {
                let since = now.monotonic.saturating_duration_since(at);
                stats.oldest_ready = stats.oldest_ready.max(Some(since));
            }
        }
        stats.bytes = self.bytes as u64;
        stats
    }

    /// The last one first, below a position.
    pub(in crate::inbox::memory) fn list(
        &self,
        before: Option<u64>,
        max: usize,
        now: Now,
        is_wanted: impl Fn(&StoredEntry) -> bool,
    ) -> Vec<StoredEntry> {
        let positions = self.by_position.range(..before.unwrap_or(u64::MAX)).rev();
        let jobs = positions.filter_map(|(_, key)| self.job(key));
        let stored = jobs.map(|job| job.stored(now.monotonic));
        stored.filter(is_wanted).take(max).collect()
    }

    pub(in crate::inbox::memory) fn dead_groups(&self, max: usize, now: Now) -> Vec<DeadGroup> {
        let mut groups = Groups::default();
        for key in self.by_position.values().rev() {
            if let Some(job) = self.job(key)
                && matches!(job.state, JobState::Dead(..))
            {
                groups.add(&job.stored(now.monotonic));
            }
        }
        groups.largest(max)
    }

    pub(in crate::inbox::memory) fn replay(
        &mut self,
        keys: &[EntryKey],
        only_dead: bool,
        now: Now,
    ) -> usize {
        let mut replayed = 0;
        for key in keys {
            let Some(job) = self.keys.get_mut(key).and_then(|key| key.job.as_mut()) else {
                continue;
            };
            match job.state {
                JobState::Done if only_dead => continue,
                JobState::Done => self.done_bytes -= job.bytes(),
                JobState::Dead(..) => {}
                JobState::Due(_) | JobState::Claimed(_) => continue,
            }
            job.replayed(now.monotonic);
            job.note(now.unix, Happened::Replayed);
            self.due.insert((now.monotonic, job.position), *key);
            replayed += 1;
        }
        replayed
    }

    pub(in crate::inbox::memory) fn discard(&mut self, keys: &[EntryKey]) -> usize {
        let is_dead = |job: &Job| matches!(job.state, JobState::Dead(..));
        keys.iter()
            .filter(|key| self.job(key).is_some_and(is_dead) && self.remove(key))
            .count()
    }

    pub(in crate::inbox::memory) fn purge_grant(&mut self, grant_id: &str) -> usize {
        let is_purged = |job: &&Job| {
            job.entry.grant_id() == Some(grant_id) && !matches!(job.state, JobState::Claimed(_))
        };
        let purged = self.jobs().filter(is_purged);
        let keys: Vec<_> = purged.map(|job| job.entry.key()).collect();
        keys.iter().filter(|key| self.remove(key)).count()
    }
}
