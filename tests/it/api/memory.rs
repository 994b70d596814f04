//! A store of one destination in memory.

use std::sync::{Arc, Mutex};

use tower_nylas::{
    BoxError,
    api::{DestinationStore, NewSecret, Recorded, WebhookId},
};

#[derive(Clone, Default)]
pub(super) struct Memory(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    recorded: Option<Recorded>,
    secret: Option<String>,
    calls: Vec<&'static str>,
    /// The call that fails.
    fails: Option<&'static str>,
}

impl Memory {
    /// As after an earlier run.
    pub(super) fn with(id: &str, secret: &str) -> Self {
        let memory = Self::default();
        memory
            .call("save", |state| {
                state.recorded = Some(Recorded::current(super::id(id)));
                state.secret = Some(secret.to_owned());
            })
            .unwrap();
        memory.calls();
        memory
    }

    pub(super) fn fail(&self, call: Option<&'static str>) {
        self.0.lock().unwrap().fails = call;
    }

    pub(super) fn recorded(&self) -> Option<Recorded> {
        self.0.lock().unwrap().recorded.clone()
    }

    pub(super) fn secret(&self) -> Option<String> {
        self.0.lock().unwrap().secret.clone()
    }

    /// Since the last time, without those that read.
    pub(super) fn calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.0.lock().unwrap().calls)
    }

    fn call(&self, name: &'static str, act: impl FnOnce(&mut State)) -> Result<(), BoxError> {
        let state = &mut *self.0.lock().unwrap();
        if state.fails == Some(name) {
            return Err("the disk is full".into());
        }
        act(state);
        state.calls.push(name);
        Ok(())
    }
}

impl DestinationStore for Memory {
    async fn load(&self) -> Result<Option<Recorded>, BoxError> {
        let state = &*self.0.lock().unwrap();
        match state.fails {
            Some("load") => Err("the disk is full".into()),
            _ => Ok(state.recorded.clone()),
        }
    }

    async fn begin_rotation(&self, id: &WebhookId) -> Result<(), BoxError> {
        self.call("begin", |state| {
            state.recorded = Some(Recorded::in_doubt(id.clone()));
        })
    }

    async fn save(&self, id: &WebhookId, secret: &NewSecret) -> Result<(), BoxError> {
        self.call("save", |state| {
            state.recorded = Some(Recorded::current(id.clone()));
            state.secret = Some(secret.expose().to_owned());
        })
    }
}
