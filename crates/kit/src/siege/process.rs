//! What a process costs, as Linux tells it. Elsewhere nothing is told, and nothing is judged.

use std::fs;

/// Kibibytes of memory that are resident now, and that were at most.
pub(super) fn memory() -> Option<(u64, u64)> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let kibibytes = |name: &str| {
        let mut lines = status.lines().filter_map(|line| line.split_once(':'));
        let (_, value) = lines.find(|(other, _)| *other == name)?;
        value.trim().strip_suffix(" kB")?.parse().ok()
    };
    Some((kibibytes("VmRSS")?, kibibytes("VmHWM")?))
}

/// How many files and sockets are open.
pub(super) fn descriptors() -> Option<usize> {
    Some(fs::read_dir("/proc/self/fd").ok()?.count())
}

/// How many may be open at once.
pub(super) fn descriptor_limit() -> Option<usize> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}
