//! A receiver as a process.

use std::{net::SocketAddr, process::Stdio};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use super::Error;
use crate::{delivery::SECRET, program::SECRET_VARIABLE};

#[derive(Debug)]
pub struct Receiver {
    // Its input ends with it, and with that the process.
    _child: Child,
    pub address: SocketAddr,
}

impl Receiver {
    /// Starts a program that [serves](super::serve).
    pub async fn start(mut command: Command) -> Result<Self, Error> {
        let mut child = command
            .env(SECRET_VARIABLE, SECRET)
            .kill_on_drop(true)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().ok_or("its output is not there")?;
        let line = BufReader::new(output).lines().next_line().await?;
        let line = line.ok_or("the receiver has ended")?;
        let address = line
            .strip_prefix("listening on ")
            .ok_or("it does not listen")?;
        Ok(Self {
            _child: child,
            address: address.parse()?,
        })
    }

    /// The program that runs, once more as a receiver, with these arguments.
    pub async fn of_this_program(arguments: &[&str]) -> Result<Self, Error> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(arguments);
        Self::start(command).await
    }
}
