//! Entries that may end the process.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// From this number of crashes on, an entry is handled while no other suspect is.
///
/// One entry that ends the process takes its neighbours' claims with it. Two such ends make
/// suspects of it and of some neighbours; from then on, no other suspect is claimed when it ends
/// the process again, so only its own crashes count up to the end.
const SUSPECT: u32 = 2;

/// With this number of crashes an entry is dead.
const DEAD: u32 = 5;

/// How long a suspect is put off while another one is handled.
pub(super) const PUT_OFF_FOR: Duration = Duration::from_secs(2);

/// Lets one suspect in at a time.
#[derive(Debug, Clone, Default)]
pub(super) struct Suspects(Arc<AtomicBool>);

/// A suspect that is being handled, until it is settled.
#[derive(Debug)]
pub(super) struct Inside(Arc<AtomicBool>);

pub(super) enum Admission {
    /// Handle it.
    Innocent,
    Suspect(Inside),
    /// Another suspect is being handled.
    PutOff,
    Dead,
}

impl Suspects {
    pub(super) fn admit(&self, crashes: u32) -> Admission {
        match crashes {
            ..SUSPECT => Admission::Innocent,
            DEAD.. => Admission::Dead,
            _ if self.0.swap(true, Ordering::SeqCst) => Admission::PutOff,
            _ => Admission::Suspect(Inside(self.0.clone())),
        }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}
