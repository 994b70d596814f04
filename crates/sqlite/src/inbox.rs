//! The handle of an inbox.

use std::{
    fmt,
    ops::Deref,
    path::PathBuf,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use tokio::sync::{oneshot, watch};
use tower_nylas::{
    BoxError,
    inbox::{
        AppendError, Appended, Claimed, Entry, Inbox, SettleError, Settlement,
        engine::{Failure, Settings},
    },
};

use crate::{
    clock::FileClock,
    error::OpenError,
    open::{Options, SqliteInboxBuilder},
    reader::Reader,
    receipt::SqliteReceipt,
    room,
    writer::{Append, Claim, Order, Queue, What, Writer},
};

/// An inbox in a SQLite file. See the [crate](crate).
///
/// Clones are handles of the same one. When the last one is dropped, what was asked for is still
/// written, and the file is closed; [`close`](Self::close) does that at once, and waits for it.
///
/// It runs on any runtime, with three threads of its own.
#[derive(Clone)]
pub struct SqliteInbox {
    shared: Arc<Shared>,
}

struct Shared {
    queue: Closing,
    reader: Reader,
    clock: FileClock,
    largest_content: usize,
    path: PathBuf,
    /// Closed when all threads have ended.
    ended: watch::Sender<()>,
}

/// Held by each thread until it ends.
pub(crate) type Ended = watch::Receiver<()>;

impl SqliteInbox {
    /// How long a claim lasts by default: 30 seconds.
    pub const LEASE: Duration = Settings::LEASE;

    /// How long a key is remembered by default: 72 hours.
    pub const WINDOW: Duration = Settings::WINDOW;

    /// What the file may use by default: 8 GiB.
    pub const MAX_BYTES: u64 = Settings::MAX_BYTES;

    /// What appends leave free on the disk by default: 256 MiB.
    pub const MIN_FREE_DISK: u64 = 256 << 20;

    /// How long dead entries are kept by default: 30 days.
    pub const KEEP_DEAD_FOR: Duration = Settings::KEEP_DEAD_FOR;

    /// Opens a file with the default settings, or creates it. Its directory must be there.
    ///
    /// Beside the file there are others with its name and `-wal`, `-shm` and `-lock`; they belong
    /// to it.
    ///
    /// # Errors
    ///
    /// [`OpenError`]: nothing in the file was changed.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self, OpenError> {
        Self::builder().open(path).await
    }

    /// Settings for a file.
    pub fn builder() -> SqliteInboxBuilder {
        SqliteInboxBuilder::new()
    }

    pub(crate) async fn start(options: Options) -> Result<Self, OpenError> {
        let path = options.path.clone();
        let of_io = |why| OpenError::of_io(&path, why);
        let queue = Closing(Arc::new(Queue::new()));
        let (ended, end) = watch::channel(());
        let largest_content = room::largest_content(&options).min(Queue::largest());
        let (reply, opened) = oneshot::channel();
        let writer = {
            let (queue, end) = (queue.0.clone(), end.clone());
            move || {
                match Writer::open(options, queue, &end) {
                    Ok(writer) => {
                        let opened = (writer.location().clone(), writer.clock().clone());
                        if reply.send(Ok(opened)).is_ok() {
                            writer.run();
                        }
                    }
                    Err(why) => drop(reply.send(Err(why))),
                }
                drop(end);
            }
        };
        let name = "nylas-inbox-write".to_owned();
        thread::Builder::new()
            .name(name)
            .spawn(writer)
            .map_err(of_io)?;
        let (location, clock) = opened.await.unwrap_or_else(|_| {
            let why = "the thread that opens it has panicked".into();
            Err(OpenError::Other(path.clone(), why))
        })?;
        let reader = Reader::start(location, end).map_err(of_io)?;
        Ok(Self {
            shared: Arc::new(Shared {
                queue,
                reader,
                clock,
                largest_content,
                path,
                ended,
            }),
        })
    }

    /// Closes the file, for all handles: what was asked for is still written, and whatever comes
    /// later is an error. Returns when the file is closed.
    pub async fn close(&self) {
        self.shared.queue.close();
        self.shared.reader.close();
        self.shared.ended.closed().await;
    }

    pub(crate) fn reader(&self) -> &Reader {
        &self.shared.reader
    }

    /// The present time of the file, as far as this handle knows.
    pub(crate) fn file_clock(&self) -> &FileClock {
        &self.shared.clock
    }

    /// Gives the writer something to do, and returns of how many entries it was true.
    pub(crate) async fn order(&self, what: What) -> Result<usize, Failure> {
        let place = self.shared.queue.order_place().await?;
        let (reply, answer) = oneshot::channel();
        self.shared.queue.order(Order {
            what,
            reply,
            _place: place,
        });
        answer.await.map_err(|_| self.shared.queue.no_answer())?
    }

    async fn on_claim(&self, what: What) -> Result<(), SettleError> {
        match self.order(what).await {
            Ok(0) => Err(SettleError::LeaseLost),
            Ok(_) => Ok(()),
            Err(why) => Err(SettleError::Unavailable(why.into())),
        }
    }
}

impl Inbox for SqliteInbox {
    type Receipt = SqliteReceipt;

    async fn append(&self, entry: Entry) -> Result<Appended, AppendError> {
        let unavailable = |why: Failure| AppendError::Unavailable(why.into());
        let Shared {
            queue,
            largest_content,
            ..
        } = &*self.shared;
        if entry.content().len() > *largest_content {
            return Err(AppendError::TooLarge {
                limit: *largest_content,
            });
        }
        let place = queue
            .append_place(entry.content().len())
            .await
            .map_err(unavailable)?;
        let (reply, answer) = oneshot::channel();
        queue.append(Append {
            entry,
            reply,
            _place: place,
        });
        answer
            .await
            .unwrap_or_else(|_| Err(unavailable(queue.no_answer())))
    }

    async fn claim(
        &self,
        max: usize,
        wait: Duration,
    ) -> Result<Vec<Claimed<SqliteReceipt>>, BoxError> {
        let place = self.shared.queue.order_place().await?;
        let (reply, answer) = oneshot::channel();
        self.shared.queue.claim(Claim {
            max,
            until: Instant::now().checked_add(wait),
            reply,
            _place: place,
        });
        answer
            .await
            .unwrap_or_else(|_| Err(self.shared.queue.no_answer().into()))
    }

    async fn extend(&self, receipt: &SqliteReceipt) -> Result<(), SettleError> {
        self.on_claim(What::Extend(receipt.clone())).await
    }

    async fn settle(
        &self,
        receipt: &SqliteReceipt,
        settlement: Settlement,
    ) -> Result<(), SettleError> {
        self.on_claim(What::Settle(receipt.clone(), settlement))
            .await
    }
}

/// Closes the queue with the last handle, or with a future that opens the file and is dropped.
struct Closing(Arc<Queue>);

impl Deref for Closing {
    type Target = Queue;

    fn deref(&self) -> &Queue {
        &self.0
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl fmt::Debug for SqliteInbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteInbox")
            .field("path", &self.shared.path)
            .finish_non_exhaustive()
    }
}
