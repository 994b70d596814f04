//! The options, which all roles share.

use std::{net::SocketAddr, time::Duration};

use super::{
    attack::{Kind, Strength},
    process,
};

pub(super) const USAGE: &str = "\
usage: siege [OPTION]...

  --seconds N        how long to attack (default 20)
  --connections N    slow connections at once (default 2000); the others follow from it
  --rate MIB         what all attackers together send of bodies that stay unverified for a
                     while, in MiB a second (default 64); the promises hold while a quarter
                     of it is well below the budget
  --budget MIB       what the layer may hold of unverified bodies (default 64)
  --genuine N        genuine notifications a second (default 40)
  --only KINDS       attack in these ways only, separated by commas (default: in all)
  --help             this text, and the kinds of attacks";

const MIB: usize = 1024 * 1024;

/// What a process has open besides the connections of the attackers: standard streams, the poller,
/// the listener, and the connections of the genuine sender.
const OTHER_DESCRIPTORS: usize = 150;

#[derive(Debug, Clone)]
pub(super) struct Options {
    pub(super) time: Duration,
    pub(super) budget: usize,
    pub(super) genuine: u32,
    pub(super) strength: Strength,
}

pub(super) enum Command {
    Help,
    Besiege(Options),
    /// The server, which the siege starts as a process of its own.
    Serve(Options),
    /// And the attackers, in another one.
    Attack(SocketAddr, Options),
}

impl Command {
    pub(super) fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut arguments = arguments.into_iter().peekable();
        let is_server = arguments.next_if_eq("server").is_some();
        let target = match arguments.next_if_eq("attack") {
            Some(_) => Some(value("attack", arguments.next())?),
            None => None,
        };
        let mut options = Options::default();
        while let Some(name) = arguments.next() {
            if name == "--help" {
                return Ok(Self::Help);
            }
            let text = arguments.next();
            let strength = &mut options.strength;
            match &*name {
                "--seconds" => options.time = Duration::from_secs(value(&name, text)?),
                "--budget" => options.budget = mebibytes(&name, text)?,
                "--genuine" => options.genuine = value(&name, text)?,
                "--connections" => strength.connections = value(&name, text)?,
                "--rate" => strength.bytes_per_second = mebibytes(&name, text)?,
                "--only" => {
                    let kinds: String = value(&name, text)?;
                    strength.kinds = kinds.split(',').map(str::parse).collect::<Result<_, _>>()?;
                }
                _ => return Err(format!("there is no option {name}")),
            }
        }
        if options.genuine == 0 || options.time.is_zero() {
            return Err("a siege of nobody proves nothing".to_owned());
        }
        Ok(match target {
            _ if is_server => Self::Serve(options),
            Some(address) => Self::Attack(address, options),
            None => Self::Besiege(options),
        })
    }
}

impl Options {
    /// Has fewer connections if the system allows no more, and says so.
    pub(super) fn adapt_to_limits(&mut self) -> Option<String> {
        let limit = process::descriptor_limit()?;
        let strength = &mut self.strength;
        let wanted = strength.connections;
        let fits =
            |connections: &usize| Kind::all_workers(*connections) + OTHER_DESCRIPTORS <= limit;
        strength.connections = (0..=wanted).rev().find(fits).unwrap_or(0);
        (strength.connections < wanted).then(|| {
            format!(
                "{} slow connections instead of {wanted}, since a process may open only {limit} files",
                strength.connections
            )
        })
    }

    /// The same options, for the process in another role.
    pub(super) fn arguments(&self) -> Vec<String> {
        let kinds: Vec<_> = self.strength.kinds.iter().map(Kind::to_string).collect();
        let pairs = [
            ("--seconds", self.time.as_secs().to_string()),
            ("--budget", (self.budget / MIB).to_string()),
            ("--genuine", self.genuine.to_string()),
            ("--connections", self.strength.connections.to_string()),
            ("--rate", (self.strength.bytes_per_second / MIB).to_string()),
            ("--only", kinds.join(",")),
        ];
        let pairs = pairs.into_iter();
        pairs
            .flat_map(|(name, value)| [name.to_owned(), value])
            .collect()
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(20),
            budget: 64 * MIB,
            genuine: 40,
            strength: Strength {
                kinds: Kind::ALL.map(|(kind, ..)| kind).to_vec(),
                connections: 2000,
                bytes_per_second: 64 * MIB,
            },
        }
    }
}

fn value<T: std::str::FromStr>(name: &str, text: Option<String>) -> Result<T, String> {
    let value = text.and_then(|text| text.parse().ok());
    value.ok_or_else(|| format!("{name} needs a value that fits"))
}

fn mebibytes(name: &str, text: Option<String>) -> Result<usize, String> {
    let number: usize = value(name, text)?;
    let bytes = number.checked_mul(MIB).filter(|bytes| *bytes > 0);
    bytes.ok_or_else(|| format!("{name} needs a value that fits"))
}
