//! What is not as it should be, and does not keep an inbox from being opened.

use std::fmt;

/// The first patch releases of each line that keep what they have acknowledged when a leader or a
/// disk fails, as far as is known.
const FIXED: [(u64, u64, u64); 2] = [(2, 12, 9), (2, 14, 1)];

/// The cluster may lose what it has acknowledged. Told once for each inbox that is opened, in the
/// log and by [`NatsInbox::warnings`](crate::NatsInbox::warnings).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// The server that this process is connected to is older than 2.12.9, or than 2.14.1.
    OldServer {
        /// Its version, as it names it.
        found: String,
    },
    /// Nobody has [asserted](crate::NatsInboxBuilder::sync_always) that the servers sync before they
    /// acknowledge. By default they sync every two minutes, and a power cut at a majority of them
    /// loses what they have acknowledged since.
    NotSynced,
    /// The streams have one replica, so the inbox is away with its server, and lost with its disk.
    OneReplica,
}

impl Warning {
    pub(crate) fn all_of(version: &str, replicas: usize, sync_always: bool) -> Vec<Self> {
        let mut warnings = Vec::new();
        if !is_fixed(version) {
            warnings.push(Self::OldServer {
                found: version.to_owned(),
            });
        }
        if !sync_always {
            warnings.push(Self::NotSynced);
        }
        if replicas == 1 {
            warnings.push(Self::OneReplica);
        }
        warnings
    }
}

fn is_fixed(version: &str) -> bool {
    // What stands behind a hyphen is of a release that is still to come.
    let (numbers, is_preview) = match version.split_once('-') {
        Some((numbers, _)) => (numbers, true),
        None => (version, false),
    };
    let mut numbers = numbers.split('.').map(|number| number.parse().ok());
    let mut next = || numbers.next().flatten();
    let (Some(major), Some(minor), Some(patch)) = (next(), next(), next()) else {
        return false;
    };
    let found: (u64, u64, u64) = (major, minor, patch);
    let [_, latest] = FIXED;
    let is_in_line = FIXED
        .iter()
        .any(|fixed| (found.0, found.1) == (fixed.0, fixed.1) && found >= *fixed);
    let is_later = found >= latest;
    (is_in_line || is_later) && !(is_preview && FIXED.contains(&found))
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OldServer { found } => write!(
                f,
                "the server has version {found}, which can lose what it has acknowledged: 2.12.9 \
                 and 2.14.1 are the first that are known not to"
            ),
            Self::NotSynced => f.write_str(
                "by default, servers sync every two minutes, and a power cut loses what they have \
                 acknowledged since: configure `sync_interval: always`, and call `sync_always`",
            ),
            Self::OneReplica => {
                f.write_str("the streams have one replica: they are lost with the disk of a server")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_old_below_the_fixed_release_of_its_line() {
        for (version, is_old) in [
            ("2.9.10", true),
            ("2.12.8", true),
            ("2.12.9", false),
            ("2.12.10", false),
            ("2.12.9-RC.1", true),
            ("2.13.5", true),
            ("2.14.0", true),
            ("2.14.1", false),
            ("2.14.2-dev", false),
            ("2.15.0", false),
            ("3.0.0", false),
            ("", true),
            ("two", true),
        ] {
            let warnings = Warning::all_of(version, 3, true);
            assert_eq!(!warnings.is_empty(), is_old, "{version}");
        }
    }

    #[test]
    fn what_is_not_asserted_is_told() {
        let warnings = Warning::all_of("2.14.1", 1, false);
        assert_eq!(warnings, [Warning::NotSynced, Warning::OneReplica]);
    }
}
