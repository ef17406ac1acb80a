//! A writer that loses nothing: what arrives together is written together, since a database's cost is the
//! transaction; what cannot be written harms no other and holds up no other; and what waits for a database
//! that is busy or away is kept until it is written.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::{Db, Store, StoreError};

/// At most this many in one transaction (measured: more gain little).
const BATCH: usize = 64;
/// Pauses between attempts on what is locked, busy or away: they double up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// So many refusals in a row that say neither that the database is away nor that the schema forbids it,
/// while the database takes other writes, are the fault of what is written.
const UNCLEAR_REFUSALS: u32 = 3;

/// What a [`Recorder`] writes.
pub trait Recordable: Send + Sync + Sized + 'static {
    /// What is known once it is in the database.
    type Recorded: Send + 'static;

    /// What it is called in the log, such as `an outcome of PI-1013/2023-24/000256`.
    fn name(&self) -> String;

    /// Locks what these write, all together and in the one order of all locks, without waiting for
    /// anybody; which of them can be written now.
    fn lock(all: &[Arc<Self>], _db: &mut Db) -> Result<Vec<bool>, StoreError> {
        Ok(vec![true; all.len()])
    }

    /// Writes it. May be called again after a transaction that was rolled back.
    fn store(&self, db: &mut Db) -> Result<Self::Recorded, StoreError>;

    /// What is written in its place if the database refuses it for good; `None`: nothing can be.
    fn if_refused(&self) -> Option<Self>;
}

type Waiter<T> = oneshot::Sender<Result<<T as Recordable>::Recorded, StoreError>>;

/// Takes things in and says when they are in the database. Cheap to clone; its task ends with the last
/// clone, after everything taken in is written.
pub struct Recorder<T: Recordable> {
    queue: mpsc::Sender<(T, Waiter<T>)>,
    unrecorded: Arc<AtomicUsize>,
}

impl<T: Recordable> Clone for Recorder<T> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone(), unrecorded: Arc::clone(&self.unrecorded) }
    }
}

impl<T: Recordable> Recorder<T> {
    /// Starts the writer's task on the current tokio runtime.
    pub fn start(store: Store) -> Self {
        let (queue, mut arrivals) = mpsc::channel(BATCH);
        let unrecorded = Arc::new(AtomicUsize::new(0));
        let writer = Writer { store, unrecorded: Arc::clone(&unrecorded) };
        tokio::spawn(async move {
            let mut batch = Vec::with_capacity(BATCH);
            while arrivals.recv_many(&mut batch, BATCH).await > 0 {
                writer.record_all(std::mem::take(&mut batch)).await;
            }
        });
        Self { queue, unrecorded }
    }

    /// Returns when it is in the database, or never can be.
    pub async fn record(&self, one: T) -> Result<T::Recorded, StoreError> {
        let gone = || StoreError::BrokeOff("the writer has ended".to_owned());
        let (recorded, done) = oneshot::channel();
        self.unrecorded.fetch_add(1, Ordering::AcqRel);
        self.queue.send((one, recorded)).await.map_err(|_| gone())?;
        done.await.map_err(|_| gone())?
    }

    /// How many are in hand and not in the database yet.
    pub fn unrecorded(&self) -> usize {
        self.unrecorded.load(Ordering::Acquire)
    }
}

#[derive(Clone)]
struct Writer {
    store: Store,
    unrecorded: Arc<AtomicUsize>,
}

impl Writer {
    /// All that can be in one transaction; what somebody else has locked, and if that fails everything,
    /// in tasks of their own.
    async fn record_all<T: Recordable>(&self, batch: Vec<(T, Waiter<T>)>) {
        let (all, waiters): (Vec<_>, Vec<_>) = batch.into_iter().map(|(one, w)| (Arc::new(one), w)).unzip();
        let attempted = self.attempt(all.clone()).await.unwrap_or_else(|fault| {
            log::warn!("{} could not be recorded together: {fault}", all.len());
            all.iter().map(|_| None).collect()
        });
        for ((one, waiter), recorded) in all.into_iter().zip(waiters).zip(attempted) {
            match recorded {
                Some(recorded) => self.told::<T>(waiter, Ok(recorded)),
                None => {
                    let writer = self.clone();
                    tokio::spawn(async move {
                        let recorded = writer.record_alone(one).await;
                        writer.told::<T>(waiter, recorded);
                    });
                }
            }
        }
    }

    /// Nobody may be waiting any more: it is recorded all the same.
    fn told<T: Recordable>(&self, waiter: Waiter<T>, recorded: Result<T::Recorded, StoreError>) {
        self.unrecorded.fetch_sub(1, Ordering::AcqRel);
        drop(waiter.send(recorded));
    }

    /// One transaction; `None` for what somebody else has locked.
    async fn attempt<T: Recordable>(&self, all: Vec<Arc<T>>) -> Result<Vec<Option<T::Recorded>>, StoreError> {
        self.store
            .write(move |db| {
                let free = T::lock(&all, db)?;
                all.iter().zip(free).map(|(one, free)| free.then(|| one.store(db)).transpose()).collect()
            })
            .await
    }

    /// Tries until the database takes it. What it would refuse for ever is followed by what stands for
    /// it, if there is such.
    async fn record_alone<T: Recordable>(&self, mut one: Arc<T>) -> Result<T::Recorded, StoreError> {
        let mut pause = FIRST_PAUSE;
        let mut unclear = 0;
        // Said loudly once of each, however long the database is away.
        let mut level = log::Level::Warn;
        loop {
            match self.attempt(vec![Arc::clone(&one)]).await {
                Ok(mut recorded) => match recorded.pop().flatten() {
                    Some(recorded) => return Ok(recorded),
                    None => log::debug!("{} waits for who has locked it", one.name()),
                },
                Err(fault) => {
                    let is_unclear = !fault.is_transient() && !fault.is_final();
                    unclear = if is_unclear && self.store.is_writable().await { unclear + 1 } else { 0 };
                    if fault.is_final() || unclear >= UNCLEAR_REFUSALS {
                        log::error!("{} cannot be recorded: {fault}", one.name());
                        one = Arc::new(one.if_refused().ok_or(fault)?);
                        unclear = 0;
                        continue;
                    }
                    log::log!(level, "{} waits for the database: {fault}", one.name());
                    level = log::Level::Debug;
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}
