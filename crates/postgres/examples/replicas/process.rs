//! The processes, and what they print.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::task::JoinHandle;
use tower_nylas::BoxError;
use tower_nylas_kit::{
    delivery::SECRET,
    program::{Program, SECRET_VARIABLE},
};

/// Which processes have handled a notification, by its id.
#[derive(Clone, Default)]
pub(crate) struct Handled(Arc<Mutex<BTreeMap<String, Vec<usize>>>>);

impl Handled {
    fn note(&self, line: &str, process: usize) {
        if let Some(id) = line.strip_prefix("handled ") {
            let mut handled = self.0.lock().unwrap();
            handled.entry(id.to_owned()).or_default().push(process);
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    pub(crate) fn all(&self) -> BTreeMap<String, Vec<usize>> {
        self.0.lock().unwrap().clone()
    }
}

fn start(arguments: &[&str]) -> Result<Program, BoxError> {
    let variables = [(SECRET_VARIABLE, SECRET)];
    Ok(Program::start(
        std::env::current_exe()?,
        arguments,
        &variables,
    ))
}

pub(crate) struct Receiver {
    program: Program,
    pub(crate) address: SocketAddr,
}

impl Receiver {
    pub(crate) async fn start(url: &str) -> Result<Self, BoxError> {
        let mut program = start(&["receive", url])?;
        let line = program.next_line().await;
        let address = line.strip_prefix("listening on ");
        Ok(Self {
            address: address.ok_or("it does not listen")?.parse()?,
            program,
        })
    }

    /// What is under way is answered.
    pub(crate) async fn end(self) -> Result<(), BoxError> {
        self.program.terminate().await;
        let ended = self.program.end_without_input().await;
        if ended.status.success() {
            return Ok(());
        }
        Err(format!("a receiver ended with {}: {}", ended.status, ended.stderr).into())
    }
}

pub(crate) struct Worker {
    number: usize,
    handled: Handled,
    program: Program,
}

impl Worker {
    pub(crate) async fn start(
        url: &str,
        number: usize,
        handled: &Handled,
    ) -> Result<Self, BoxError> {
        let mut program = start(&["work", url])?;
        let line = program.next_line().await;
        if line != "working" {
            return Err(line.into());
        }
        Ok(Self {
            number,
            handled: handled.clone(),
            program,
        })
    }

    /// What it is handling ends, and the rest is given back.
    pub(crate) async fn end(self) -> Result<(), BoxError> {
        self.program.terminate().await;
        let ended = self.program.end_without_input().await;
        for line in &ended.stdout {
            self.handled.note(line, self.number);
        }
        if ended.status.success() {
            return Ok(());
        }
        Err(format!("a worker ended with {}: {}", ended.status, ended.stderr).into())
    }

    /// As a machine that dies.
    pub(crate) async fn kill(self) {
        let ended = self.program.kill().await;
        for line in &ended.stdout {
            self.handled.note(line, self.number);
        }
    }

    /// Notes what it prints until it is told to end.
    pub(crate) fn listen(mut self, mut end: tokio::sync::watch::Receiver<()>) -> JoinHandle<Self> {
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    line = self.program.next_line() => self.handled.note(&line, self.number),
                    _ = end.changed() => return self,
                }
            }
        })
    }
}
