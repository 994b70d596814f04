//! What a process has used, as Linux tells in /proc. Elsewhere there is simply no figure.

use std::{fs, process::Command, sync::OnceLock, time::Duration};

/// The CPU time of a process so far, in user and kernel mode, over all of its threads.
pub(crate) fn cpu(pid: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(duration(ticks(&stat)?))
}

/// The time that a core has spent on processes so far, or that the host has kept it for itself.
/// Interrupts are left out: it depends on the kernel whether they are charged to processes.
pub(crate) fn core(number: usize) -> Option<Duration> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    Some(duration(core_ticks(&stat, number)?))
}

/// The most memory that a process has had resident so far, in KiB.
pub(crate) fn peak_memory(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim_end().parse().ok()
}

/// `utime` and `stime`, the fields 14 and 15. The second field is the name, and may contain
/// anything.
fn ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace().skip(11);
    let mut field = || fields.next()?.parse::<u64>().ok();
    Some(field()? + field()?)
}

/// `user`, `nice`, `system` and `steal`.
fn core_ticks(stat: &str, number: usize) -> Option<u64> {
    let name = format!("cpu{number} ");
    let line = stat.lines().find_map(|line| line.strip_prefix(&name))?;
    let fields = line
        .split_ascii_whitespace()
        .map(|field| field.parse().ok())
        .collect::<Option<Vec<u64>>>()?;
    [0, 1, 2, 7].iter().map(|&at| fields.get(at)).sum()
}

fn duration(ticks: u64) -> Duration {
    Duration::from_secs_f64(ticks as f64 / ticks_per_second())
}

fn ticks_per_second() -> f64 {
    static TICKS: OnceLock<f64> = OnceLock::new();
    *TICKS.get_or_init(|| {
        let told = Command::new("getconf").arg("CLK_TCK").output().ok();
        told.and_then(|told| String::from_utf8(told.stdout).ok()?.trim().parse().ok())
            // The value on every architecture that Linux still supports.
            .unwrap_or(100.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_times_behind_a_strange_name() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194304 103 0 0 0 25 17 0 0 20 0 1 0 411811";
        assert_eq!(ticks(stat), Some(42));
    }

    #[test]
    fn finds_the_times_of_one_core() {
        let stat = "cpu  9 9 9 9 9 9 9 9 9 9\ncpu1 1 2 3 400 50 60 70 8 0 0\ncpu10 0\n";
        assert_eq!(core_ticks(stat, 1), Some(14));
        assert_eq!(core_ticks(stat, 10), None);
        assert_eq!(core_ticks(stat, 2), None);
    }
}
