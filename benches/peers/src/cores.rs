//! Which core does what.

use std::{fs, process::Stdio, str::FromStr};

use tokio::process::Command;

use crate::Result;

/// One core for the servers, and another for the load.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cores {
    pub(crate) server: usize,
    pub(crate) load: usize,
}

impl FromStr for Cores {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (server, load) = text.split_once(',').ok_or("give two, such as 0,1")?;
        let core = |text: &str| text.trim().parse().map_err(|_| "not a number".to_owned());
        let cores = Self {
            server: core(server)?,
            load: core(load)?,
        };
        if cores.server == cores.load {
            return Err("server and load need a core each".to_owned());
        }
        Ok(cores)
    }
}

impl Cores {
    /// Puts this process on the core of the load. `Err` says why nothing can be pinned.
    pub(crate) async fn settle(wanted: Option<Self>) -> Result<Self, String> {
        let cores = match wanted {
            Some(cores) => cores,
            None => Self::first_allowed()?,
        };
        let pinned = Command::new("taskset")
            .args(["--cpu-list", "--pid", &cores.load.to_string()])
            .arg(std::process::id().to_string())
            .stdin(Stdio::null())
            .output()
            .await
            .map_err(|_| "taskset (of util-linux) was not found".to_owned())?;
        if pinned.status.success() {
            Ok(cores)
        } else {
            let why = String::from_utf8_lossy(&pinned.stderr);
            Err(format!("taskset failed: {}", why.trim()))
        }
    }

    /// The start of a command line that runs on the core of the servers.
    pub(crate) fn server_command(self) -> Command {
        let mut command = Command::new("taskset");
        command.args(["--cpu-list", &self.server.to_string()]);
        command
    }

    /// Two threads of one physical core take each other's time.
    pub(crate) fn are_siblings(self) -> bool {
        let path = format!(
            "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list",
            self.server
        );
        fs::read_to_string(path).is_ok_and(|list| list_of(&list).contains(&self.load))
    }

    fn first_allowed() -> Result<Self, String> {
        let status = fs::read_to_string("/proc/self/status")
            .map_err(|_| "this system has no /proc".to_owned())?;
        let allowed = status
            .lines()
            .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))
            .map(list_of)
            .unwrap_or_default();
        match allowed[..] {
            [server, load, ..] => Ok(Self { server, load }),
            _ => Err("there is only one core for all".to_owned()),
        }
    }
}

/// Reads a list such as `0-3,8`.
fn list_of(text: &str) -> Vec<usize> {
    text.trim()
        .split(',')
        .filter_map(|range| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            Some(first.parse().ok()?..=last.parse().ok()?)
        })
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_lists_of_cores() {
        assert_eq!(list_of("0\n"), [0]);
        assert_eq!(list_of("\t0-2,8"), [0, 1, 2, 8]);
    }
}
