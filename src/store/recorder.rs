//! A writer that loses nothing: what arrives together is written together, since a database's cost is the
//! transaction; what cannot be written harms no other; and what waits for a database that is busy or away
//! is kept until it is written.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::{Db, Store, StoreError};

/// At most this many in one transaction (measured: more gain little).
const BATCH: usize = 64;
/// Pauses between attempts on a database that is busy or away: they double up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What a [`Recorder`] writes.
pub trait Recordable: Send + Sync + Sized + 'static {
    /// What is known once it is in the database.
    type Recorded: Send + 'static;

    /// What it is called in the log, such as `an outcome of PI-1013/2023-24/000256`.
    fn name(&self) -> String;

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
}

impl<T: Recordable> Clone for Recorder<T> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone() }
    }
}

impl<T: Recordable> Recorder<T> {
    /// Starts the writer's task on the current tokio runtime.
    pub fn start(store: Store) -> Self {
        let (queue, mut arrivals) = mpsc::channel(BATCH);
        tokio::spawn(async move {
            let mut batch = Vec::with_capacity(BATCH);
            while arrivals.recv_many(&mut batch, BATCH).await > 0 {
                record_all(&store, std::mem::take(&mut batch)).await;
            }
        });
        Self { queue }
    }

    /// Returns when it is in the database, or never can be.
    pub async fn record(&self, one: T) -> Result<T::Recorded, StoreError> {
        let gone = || StoreError::BrokeOff("the writer has ended".to_owned());
        let (recorded, done) = oneshot::channel();
        self.queue.send((one, recorded)).await.map_err(|_| gone())?;
        done.await.map_err(|_| gone())?
    }
}

/// All in one transaction; if that fails, each in its own.
async fn record_all<T: Recordable>(store: &Store, batch: Vec<(T, Waiter<T>)>) {
    let (all, waiters): (Vec<_>, Vec<_>) = batch.into_iter().map(|(one, w)| (Arc::new(one), w)).unzip();
    match attempt(store, all.clone()).await {
        Ok(recorded) => {
            for (waiter, recorded) in waiters.into_iter().zip(recorded) {
                // Nobody may be waiting any more: it is recorded all the same.
                drop(waiter.send(Ok(recorded)));
            }
        }
        Err(fault) => {
            log::warn!("{} could not be recorded together: {fault}", all.len());
            for (one, waiter) in all.into_iter().zip(waiters) {
                drop(waiter.send(record_alone(store, one).await));
            }
        }
    }
}

async fn attempt<T: Recordable>(store: &Store, all: Vec<Arc<T>>) -> Result<Vec<T::Recorded>, StoreError> {
    store.write(move |db| all.iter().map(|one| one.store(db)).collect()).await
}

/// Tries until the database takes it. What the schema itself refuses would be refused for ever: then what
/// stands for it is written, if there is such.
async fn record_alone<T: Recordable>(store: &Store, mut one: Arc<T>) -> Result<T::Recorded, StoreError> {
    let mut pause = FIRST_PAUSE;
    loop {
        match attempt(store, vec![Arc::clone(&one)]).await {
            Ok(mut recorded) => {
                return recorded.pop().ok_or_else(|| StoreError::BrokeOff("nothing was recorded".to_owned()));
            }
            Err(fault) if fault.is_transient() => {
                log::warn!("{} waits for the database: {fault}", one.name());
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Err(fault) => {
                log::error!("{} cannot be recorded: {fault}", one.name());
                one = Arc::new(one.if_refused().ok_or(fault)?);
            }
        }
    }
}
