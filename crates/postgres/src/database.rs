//! Statements over the connections of a pool.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use deadpool_postgres::{Object, Pool, PoolError};
use tokio::time::{Instant, timeout};
use tokio_postgres::{
    Row,
    types::{ToSql, Type},
};

use crate::error::{Failure, with_sources};

/// How long a statement may take: less than a caller of the inbox waits.
pub(crate) const PATIENCE: Duration = Duration::from_secs(4);

/// How often a statement that was in the way of others is tried.
const TRIES: usize = 3;

/// How long no connection is tried after one could not be made: doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A parameter, and its type: a statement that is sent at once cannot ask for it first.
pub(crate) type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

pub(crate) struct Database {
    pool: Pool,
    outage: Mutex<Option<Outage>>,
}

/// The server could not be reached.
struct Outage {
    until: Instant,
    pause: Duration,
    why: Failure,
}

impl Database {
    pub(crate) fn new(pool: Pool) -> Self {
        Self {
            pool,
            outage: Mutex::new(None),
        }
    }

    /// Runs a statement that is a transaction of its own.
    ///
    /// After an error it is not known whether it has taken place, unless the server says so.
    pub(crate) async fn query(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, Failure> {
        let mut tries = 1;
        loop {
            match self.query_once(sql, parameters).await {
                Err(why) if why.is_conflict() && tries < TRIES => tries += 1,
                result => return result,
            }
        }
    }

    async fn query_once(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, Failure> {
        let connection = self.connection().await?;
        let answer = timeout(PATIENCE, connection.query_typed(sql, parameters)).await;
        let result = answer.map_or_else(
            |_| Err(Failure::new("the database does not answer")),
            |answer| answer.map_err(Failure::from),
        );
        if result.as_ref().is_err_and(|why| !why.leaves_connection()) {
            // It is closed, and not used for others.
            drop(Object::take(connection));
        }
        result
    }

    /// A connection. While the server cannot be reached, an error at once.
    pub(crate) async fn connection(&self) -> Result<Object, Failure> {
        if let Some(outage) = &*self.outage()
            && Instant::now() < outage.until
        {
            return Err(outage.why.clone());
        }
        match timeout(PATIENCE, self.pool.get()).await {
            Ok(Ok(connection)) => {
                *self.outage() = None;
                Ok(connection)
            }
            Ok(Err(PoolError::Backend(why))) => Err(self.note_outage(why.into())),
            Ok(Err(why)) => Err(Failure::new(with_sources(&why))),
            Err(_) => Err(Failure::new("the pool has no connection to the database")),
        }
    }

    fn note_outage(&self, why: Failure) -> Failure {
        let mut outage = self.outage();
        let before = outage.take().map_or(FIRST_PAUSE / 2, |outage| outage.pause);
        let pause = (before * 2).min(LONGEST_PAUSE);
        let until = Instant::now() + pause;
        let noted = why.clone();
        *outage = Some(Outage {
            until,
            pause,
            why: noted,
        });
        why
    }

    fn outage(&self) -> std::sync::MutexGuard<'_, Option<Outage>> {
        self.outage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
