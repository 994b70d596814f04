//! The command line.

use std::{path::PathBuf, time::Duration};

use crate::server::Kind;

pub(crate) const USAGE: &str = "\
usage: load [OPTION]...

  --seconds N     how long each receiver is measured (default 10)
  --only NAMES    these parts only, separated by commas: rates, large, keys, slow, burst, curve
  --keys N        how many keys are there before the part `keys` (default 5000000)
  --data FOLDER   where the files are (default: in the target folder)
  --connections N of the part `curve`, separated by commas (default 1,4,16,32,64,128,256,512)
  --plot FILE     writes the part `curve` as SVG
  --help          this text

Express takes part if node is there, after `npm install` in benches/load/express; the part `slow`
needs strace. What does not take part is said.";

pub(crate) enum Command {
    Help,
    Measure(Options),
    /// A receiver, which the bench starts as a process of its own.
    Serve {
        kind: Kind,
        folder: PathBuf,
    },
}

#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) time: Duration,
    pub(crate) only: Option<Vec<String>>,
    pub(crate) keys: u64,
    pub(crate) connections: Vec<usize>,
    pub(crate) data: PathBuf,
    pub(crate) plot: Option<PathBuf>,
}

impl Command {
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut arguments = arguments.peekable();
        if arguments.next_if_eq("serve").is_some() {
            let (Some(kind), Some(folder)) = (arguments.next(), arguments.next()) else {
                return Err("serve needs a kind and a folder".to_owned());
            };
            return Ok(Self::Serve {
                kind: kind.parse()?,
                folder: folder.into(),
            });
        }
        let mut options = Options {
            time: Duration::from_secs(10),
            only: None,
            keys: 5_000_000,
            connections: vec![1, 4, 16, 32, 64, 128, 256, 512],
            data: env!("CARGO_TARGET_TMPDIR").into(),
            plot: None,
        };
        while let Some(name) = arguments.next() {
            match &*name {
                // What `cargo bench` adds.
                "--bench" => continue,
                "--help" => return Ok(Self::Help),
                _ => {}
            }
            let value = arguments.next().ok_or(format!("{name} needs a value"))?;
            let number = || value.parse().map_err(|_| format!("{name} needs a number"));
            match &*name {
                "--seconds" => options.time = Duration::from_secs(number()?),
                "--keys" => options.keys = number()?,
                "--only" => options.only = Some(value.split(',').map(str::to_owned).collect()),
                "--connections" => {
                    let numbers = value.split(',').map(str::parse);
                    let numbers: Result<_, _> = numbers.collect();
                    let why = |_| format!("{name} needs numbers");
                    options.connections = numbers.map_err(why)?;
                }
                "--data" => options.data = value.into(),
                "--plot" => options.plot = Some(value.into()),
                _ => return Err(format!("there is no option {name}")),
            }
        }
        Ok(Self::Measure(options))
    }
}

impl Options {
    pub(crate) fn has(&self, part: &str) -> bool {
        let only = self.only.as_ref();
        only.is_none_or(|only| only.iter().any(|name| name == part))
    }
}
