//! A connection that is given back when its statement was answered, and not before.

use std::{
    ops::{Deref, DerefMut},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use deadpool_postgres::Object;
use tokio::{runtime::Handle, sync::watch};

/// How many connections have statements for whose answers nobody waits any more.
#[derive(Clone, Default)]
pub(crate) struct Parked(Arc<AtomicUsize>);

impl Parked {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// When a statement that was given up has ended: its server has answered, or the connection broke.
pub(crate) type Ended = watch::Receiver<()>;

pub(crate) fn has_ended() -> Ended {
    watch::channel(()).1
}

/// One of the pool. Dropped, its statement may be under way: a server does not notice that a client
/// has gone while a statement waits for a lock, so a connection in its place would be one more, and
/// the next one one more. So it counts among those of the pool until the statement has ended.
pub(crate) struct Connection {
    /// Taken at its end.
    object: Option<Object>,
    parked: Parked,
}

impl Connection {
    pub(crate) fn new(object: Object, parked: Parked) -> Self {
        Self {
            object: Some(object),
            parked,
        }
    }

    /// Nothing is under way.
    pub(crate) fn give_back(mut self) {
        self.object = None;
    }

    /// It is not used again.
    pub(crate) fn close(mut self) {
        drop(self.object.take().map(Object::take));
    }

    /// Keeps it until what is under way has ended.
    pub(crate) fn park(mut self) -> Ended {
        let object = self.object.take();
        object.map_or_else(has_ended, |object| park(object, self.parked.clone()))
    }
}

fn park(object: Object, parked: Parked) -> Ended {
    let (ending, ended) = watch::channel(());
    let Ok(runtime) = Handle::try_current() else {
        drop(Object::take(object));
        return ended;
    };
    parked.0.fetch_add(1, Ordering::Relaxed);
    runtime.spawn(async move {
        // Sent behind the statement, it is answered when that has ended; and a network that is
        // gone shows, since something is sent.
        match object.simple_query("").await {
            Ok(_) => drop(object),
            Err(_) => drop(Object::take(object)),
        }
        parked.0.fetch_sub(1, Ordering::Relaxed);
        drop(ending);
    });
    ended
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(object) = self.object.take() {
            park(object, self.parked.clone());
        }
    }
}

impl Deref for Connection {
    type Target = deadpool_postgres::ClientWrapper;

    fn deref(&self) -> &Self::Target {
        self.object
            .as_ref()
            .expect("it is taken by what consumes it")
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.object
            .as_mut()
            .expect("it is taken by what consumes it")
    }
}
