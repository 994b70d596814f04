//! The figures, and what they say about the promises.

use std::time::Duration;

use super::{
    attack::{Kind, Tally},
    conductor::LANES,
    genuine::{LARGEST, Record},
    options::Options,
    sample::Sample,
};

/// What a connection costs the server besides the bytes of its body: the task, the buffers of hyper
/// and the state of the layer. Measured: 23 KiB with a body that drips, and the whole read buffer
/// more with one that comes fast.
const PER_CONNECTION: u64 = 32 * 1024;

/// What else the server needs: answers, HTTP/2, code, and pieces that the allocator cannot use.
/// Measured: 20 MiB.
const CONSTANT: u64 = 32 * 1024 * 1024;

pub(super) struct Report {
    pub(super) options: Options,
    pub(super) before: Sample,
    pub(super) after: Sample,
    pub(super) most_held: u64,
    pub(super) attacks: Vec<(Kind, Tally)>,
    pub(super) genuine: Record,
}

impl Report {
    /// Prints everything, the summary last, and tells whether every promise was kept.
    pub(super) fn print(&self) -> bool {
        self.print_attacks();
        self.print_genuine();
        self.print_server();
        let broken = self.broken();
        if broken.is_empty() {
            let genuine = &self.genuine;
            println!("\nPASS: {} of {0} genuine notifications in", genuine.sent);
        } else {
            println!("\nFAIL: {}", broken.join("; "));
        }
        broken.is_empty()
    }

    fn print_attacks(&self) {
        println!();
        println!(
            "{:10}  {:33}  {:>11}  {:>9}  {:>10}  answers",
            "attack", "", "connections", "requests", "unanswered"
        );
        for (kind, tally) in &self.attacks {
            let statuses = tally.statuses.iter();
            let statuses: Vec<_> = statuses
                .map(|(status, count)| format!("{status} × {count}"))
                .collect();
            println!(
                "{kind:10}  {:33}  {:>11}  {:>9}  {:>10}  {}",
                kind.description(),
                tally.connections,
                tally.requests,
                tally.unanswered,
                statuses.join(", "),
            );
        }
    }

    fn print_genuine(&self) {
        let genuine = &self.genuine;
        println!();
        line("genuine notifications", genuine.sent);
        line("  in at the first attempt", genuine.at_once);
        line("  in at a later attempt", genuine.retried);
        line("  lost", genuine.lost);
        for (cause, count) in &genuine.causes {
            line(&format!("  attempts that failed: {cause}"), count);
        }
        let challenges = genuine.challenges;
        let right = challenges - genuine.challenges_failed;
        line("challenges answered", format!("{right} of {challenges}"));
        let mut latencies = genuine.latencies.clone();
        latencies.sort();
        for (name, part) in [("median", 50), ("99th percentile", 99), ("longest", 100)] {
            line(
                &format!("latency, {name}"),
                milliseconds(percentile(&latencies, part)),
            );
        }
    }

    fn print_server(&self) {
        let (before, after) = (&self.before, &self.after);
        println!();
        let unknown = || "unknown here".to_owned();
        let resident = |kib: Option<u64>| kib.map_or_else(unknown, |kib| mebibytes(kib * 1024));
        line("memory before", resident(before.resident));
        line("memory at most", resident(after.most_resident));
        line("  it may be", mebibytes(self.memory_bound()));
        line("memory afterwards", resident(after.resident));
        line(
            "held of unverified bodies at most",
            mebibytes(self.most_held),
        );
        line("  it may be", mebibytes(self.options.budget as u64));
        line("connections at most", after.most_open);
        let both = |before: String, after: String| format!("{before} before, {after} afterwards");
        line(
            "tasks",
            both(before.tasks.to_string(), after.tasks.to_string()),
        );
        let descriptors =
            |sample: &Sample| sample.descriptors.map_or_else(unknown, |n| n.to_string());
        line("descriptors", both(descriptors(before), descriptors(after)));
    }

    /// What the process may have resident: the budget, what its connections cost, and the genuine
    /// notifications, which are outside the budget once they are verified. Each of them is there
    /// twice, as it came and as the handler reads it.
    fn memory_bound(&self) -> u64 {
        let before = self.before.resident.unwrap_or(0) * 1024;
        let connections = self.after.most_open * PER_CONNECTION;
        let genuine = 2 * u64::from(LANES) * LARGEST as u64;
        before + self.options.budget as u64 + connections + genuine + CONSTANT
    }

    fn broken(&self) -> Vec<String> {
        let (genuine, before, after) = (&self.genuine, &self.before, &self.after);
        let mut broken = Vec::new();
        let mut promise = |kept: bool, otherwise: String| {
            if !kept {
                broken.push(otherwise);
            }
        };
        let sent = genuine.sent;
        promise(sent > 0, "nothing was delivered".to_owned());
        promise(
            genuine.lost == 0,
            format!("{} of {sent} genuine notifications lost", genuine.lost),
        );
        promise(
            genuine.challenges_failed == 0,
            format!("{} challenges failed", genuine.challenges_failed),
        );
        // A repeated one may have been handled twice.
        let accepted = genuine.at_once + genuine.retried;
        promise(
            after.handled >= accepted,
            format!(
                "{accepted} answered with 200, but {} handled",
                after.handled
            ),
        );
        promise(
            after.intruders == 0,
            format!("{} forged requests reached a handler", after.intruders),
        );
        if let Some(most) = after.most_resident {
            let bound = self.memory_bound();
            promise(
                most * 1024 <= bound,
                format!(
                    "{} resident, more than {}",
                    mebibytes(most * 1024),
                    mebibytes(bound)
                ),
            );
        }
        promise(
            self.most_held <= self.options.budget as u64,
            format!("{} held, more than the budget", mebibytes(self.most_held)),
        );
        promise(after.held == 0, format!("{} bytes still held", after.held));
        promise(
            after.tasks == before.tasks,
            format!("{} tasks where {} were before", after.tasks, before.tasks),
        );
        promise(
            after.descriptors == before.descriptors,
            "descriptors are still open".to_owned(),
        );
        for kind in &self.options.strength.kinds {
            let tally = self.attacks.iter().find(|(other, _)| other == kind);
            let requests = tally.map_or(0, |(_, tally)| tally.requests);
            promise(
                requests > 0,
                format!("the attack {kind} did not take place"),
            );
            let refused = |status: &u16| [401, 408, 413, 503].contains(status);
            let all_refused = tally.is_none_or(|(_, tally)| tally.statuses.keys().all(refused));
            promise(
                all_refused,
                format!("{kind} was not refused as it should be"),
            );
        }
        broken
    }
}

fn line(name: &str, value: impl std::fmt::Display) {
    println!("{name:42}  {value:>12}", value = value.to_string());
}

pub(super) fn mebibytes(bytes: u64) -> String {
    // To a tenth, as whole numbers lose nothing.
    let tenths = bytes * 10 / (1024 * 1024);
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

fn milliseconds(duration: Duration) -> String {
    format!("{} ms", duration.as_millis())
}

fn percentile(sorted: &[Duration], part: usize) -> Duration {
    let at = (sorted.len() * part).div_ceil(100).saturating_sub(1);
    sorted.get(at).copied().unwrap_or_default()
}
