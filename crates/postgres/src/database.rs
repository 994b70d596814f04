//! Statements over the connections of a pool.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use deadpool_postgres::{Object, Pool, PoolError, Timeouts};
use tokio::{
    sync::{Semaphore, oneshot},
    time::{Instant, sleep, timeout, timeout_at},
};
use tokio_postgres::{
    Row,
    types::{ToSql, Type},
};

use crate::{
    connection::{Connection, Parked},
    error::{Failure, with_sources},
};

/// How long a statement may take, with all its tries and the wait for a connection: less than a
/// caller of the inbox waits.
pub(crate) const PATIENCE: Duration = Duration::from_secs(4);

/// How long a statement waits at most that was in the way of others, before it is tried again:
/// twice as long each time, and by chance, or the same ones would meet again.
const FIRST_WAIT: Duration = Duration::from_millis(5);
const LONGEST_WAIT: Duration = Duration::from_millis(200);

/// How long no connection is made after one could not be made: doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How often a call that cannot have a new connection looks for one that others have given back.
const LOOK_EACH: Duration = Duration::from_millis(10);

/// How long a connection may take to be made, and how many are made for nobody who still waits.
const LONGEST_MAKING: Duration = Duration::from_secs(60);
const MOST_MAKING: usize = 8;

/// A parameter, and its type: a statement that is sent at once cannot ask for it first.
pub(crate) type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

pub(crate) struct Database {
    pool: Pool,
    outage: Arc<Mutex<Option<Outage>>>,
    parked: Parked,
    making: Arc<Semaphore>,
}

/// No connection could be made.
struct Outage {
    until: Instant,
    pause: Duration,
    why: Failure,
}

impl Database {
    pub(crate) fn new(pool: Pool) -> Self {
        Self {
            pool,
            outage: Arc::default(),
            parked: Parked::default(),
            making: Arc::new(Semaphore::new(MOST_MAKING)),
        }
    }

    /// Runs a statement that is a transaction of its own, within [`PATIENCE`].
    ///
    /// After an error it is not known whether it has taken place, unless the server says so.
    pub(crate) async fn query(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, Failure> {
        let until = Instant::now() + PATIENCE;
        self.query_until(until, sql, parameters).await
    }

    /// As [`query`](Self::query), until this moment.
    pub(crate) async fn query_until(
        &self,
        until: Instant,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, Failure> {
        // Half of the connections are left for what is claimed, which is handled twice if its claim
        // can be neither extended nor settled.
        if self.parked.count() >= (self.pool.status().max_size / 2).max(1) {
            return Err(Failure::new(
                "the database does not answer earlier statements",
            ));
        }
        self.run(until, sql, parameters).await
    }

    /// As [`query`](Self::query), for what becomes of claims.
    pub(crate) async fn query_on_claims(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, Failure> {
        self.run(Instant::now() + PATIENCE, sql, parameters).await
    }

    async fn run(
        &self,
        until: Instant,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, Failure> {
        let mut longest = FIRST_WAIT;
        loop {
            let why = match self.run_once(until, sql, parameters).await {
                Err(why) if why.is_conflict() => why,
                result => return result,
            };
            // Under the level `serializable`, which a role or a database may have, any two that
            // run at the same time may be in the way of each other.
            let wait = part_of(longest);
            if Instant::now() + wait >= until {
                return Err(why);
            }
            sleep(wait).await;
            longest = (longest * 2).min(LONGEST_WAIT);
        }
    }

    async fn run_once(
        &self,
        until: Instant,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, Failure> {
        let connection = self.connection(until).await?;
        match timeout_at(until, connection.query_typed(sql, parameters)).await {
            Ok(Ok(rows)) => {
                connection.give_back();
                Ok(rows)
            }
            Ok(Err(why)) => {
                let why = Failure::of_statement(why);
                if why.leaves_connection() {
                    connection.give_back();
                } else {
                    connection.close();
                }
                Err(why)
            }
            Err(_) => Err(Failure::unanswered(connection.park())),
        }
    }

    /// A connection. While none can be made and there is no other, an error at once.
    pub(crate) async fn connection(&self, until: Instant) -> Result<Connection, Failure> {
        loop {
            if Instant::now() >= until {
                return Err(Failure::new("there was no time left for the statement"));
            }
            let why = match self.refusal() {
                Some(why) if self.idle() == 0 => why,
                _ => match self.get(until).await {
                    Ok(object) => return Ok(Connection::new(object, self.parked.clone())),
                    Err(Unavailable::Other(why)) => return Err(why),
                    Err(Unavailable::CannotConnect(why)) => why,
                },
            };
            // Those that others use are given back soon: a server may have no room for one more.
            let in_use = self.pool.status().size > self.parked.count();
            if !in_use || Instant::now() + LOOK_EACH >= until {
                return Err(why);
            }
            sleep(LOOK_EACH).await;
        }
    }

    /// One of the pool. If a new one takes longer than `until`, as where the first of several hosts
    /// is dead, it is made all the same, for those that come later.
    async fn get(&self, until: Instant) -> Result<Object, Unavailable> {
        let late = || Unavailable::Other(Failure::new("there is no connection to the database"));
        let getting = Getting {
            pool: self.pool.clone(),
            outage: self.outage.clone(),
        };
        let Ok(place) = self.making.clone().try_acquire_owned() else {
            return timeout_at(until, getting.get()).await.map_err(|_| late())?;
        };
        let (reply, mut answer) = oneshot::channel();
        tokio::spawn(async move {
            // What nobody takes goes back into the pool.
            if let Ok(result) = timeout(LONGEST_MAKING, getting.get()).await {
                let _ = reply.send(result);
            }
            drop(place);
        });
        loop {
            if let Ok(result) = timeout(LOOK_EACH, &mut answer).await {
                return result.unwrap_or_else(|_| Err(late()));
            }
            // Meanwhile others give theirs back.
            if let Some(object) = self.get_idle().await {
                return Ok(object);
            }
            if Instant::now() >= until {
                return Err(late());
            }
        }
    }

    /// One that nobody uses.
    async fn get_idle(&self) -> Option<Object> {
        if self.idle() == 0 {
            return None;
        }
        let at_once = Timeouts {
            wait: Some(Duration::ZERO),
            create: Some(Duration::ZERO),
            recycle: None,
        };
        self.pool.timeout_get(&at_once).await.ok()
    }

    /// Why no connection is made now.
    fn refusal(&self) -> Option<Failure> {
        let outage = lock(&self.outage);
        let outage = outage.as_ref()?;
        (Instant::now() < outage.until).then(|| outage.why.clone())
    }

    /// How many connections the pool has that nobody uses. Its status counts those as users who
    /// wait for a new one.
    fn idle(&self) -> usize {
        self.pool.retain(|_, _| true).retained
    }
}

enum Unavailable {
    CannotConnect(Failure),
    Other(Failure),
}

struct Getting {
    pool: Pool,
    outage: Arc<Mutex<Option<Outage>>>,
}

impl Getting {
    async fn get(self) -> Result<Object, Unavailable> {
        match self.pool.get().await {
            Ok(object) => {
                if Object::metrics(&object).recycle_count == 0 {
                    // It is new.
                    *lock(&self.outage) = None;
                }
                Ok(object)
            }
            Err(PoolError::Backend(why)) => {
                let why = Failure::from(why);
                self.note_outage(why.clone());
                Err(Unavailable::CannotConnect(why))
            }
            Err(why) => Err(Unavailable::Other(Failure::new(with_sources(&why)))),
        }
    }

    fn note_outage(&self, why: Failure) {
        let mut outage = lock(&self.outage);
        let before = outage.take().map_or(FIRST_PAUSE / 2, |outage| outage.pause);
        let pause = (before * 2).min(LONGEST_PAUSE);
        let until = Instant::now() + pause;
        *outage = Some(Outage { until, pause, why });
    }
}

/// Some part of it, by chance.
fn part_of(longest: Duration) -> Duration {
    let random = getrandom::u32().unwrap_or(u32::MAX);
    longest.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

fn lock(outage: &Mutex<Option<Outage>>) -> MutexGuard<'_, Option<Outage>> {
    outage.lock().unwrap_or_else(PoisonError::into_inner)
}
