//! The one writer of what came of the attempts: what arrives together is recorded together, and an
//! answer in hand is never dropped.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::store::outbox::sending::{self, Attempted};
use crate::store::{Store, StoreError};

/// At most this many in one transaction.
const BATCH: usize = 64;
/// Pauses between attempts on a database that is busy or away: they double up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

type Recorded = oneshot::Sender<()>;

/// Takes attempts in and says when they are in the database. Cheap to clone; its task ends with the
/// last clone, after everything taken in is recorded.
#[derive(Clone)]
pub(super) struct Recorder {
    queue: mpsc::Sender<(Attempted, Recorded)>,
}

impl Recorder {
    /// Starts the writer's task on the current tokio runtime.
    pub(super) fn start(store: Store) -> Self {
        let (queue, mut arrivals) = mpsc::channel(BATCH);
        tokio::spawn(async move {
            let mut batch = Vec::with_capacity(BATCH);
            while arrivals.recv_many(&mut batch, BATCH).await > 0 {
                let (attempts, waiters): (Vec<Attempted>, Vec<Recorded>) =
                    std::mem::take(&mut batch).into_iter().unzip();
                record_all(&store, attempts).await;
                for waiter in waiters {
                    // Nobody may be waiting any more: the attempt is recorded all the same.
                    let _gone = waiter.send(());
                }
            }
        });
        Self { queue }
    }

    /// Returns when the attempt is recorded, or never can be.
    pub(super) async fn record(&self, attempted: Attempted) {
        let (recorded, done) = oneshot::channel();
        if self.queue.send((attempted, recorded)).await.is_err() || done.await.is_err() {
            log::error!("the writer of SMS attempts has ended: one becomes unknown");
        }
    }
}

/// All in one transaction; if that fails, each in its own, so that one that cannot be recorded
/// harms no other.
async fn record_all(store: &Store, attempts: Vec<Attempted>) {
    let attempts = Arc::new(attempts);
    if let Err(fault) = attempt(store, &attempts).await {
        log::warn!("{} SMS attempts could not be recorded together: {fault}", attempts.len());
        for one in attempts.iter() {
            record_alone(store, Arc::new(vec![one.clone()])).await;
        }
    }
}

async fn attempt(store: &Store, attempts: &Arc<Vec<Attempted>>) -> Result<(), StoreError> {
    let attempts = Arc::clone(attempts);
    let late = store
        .write(move |db| {
            let mut late = 0;
            for one in attempts.iter() {
                late += usize::from(!sending::record(db, one)?);
            }
            Ok(late)
        })
        .await?;
    if late > 0 {
        log::warn!("{late} SMS had been sent again by a person before the gateway's answer was recorded");
    }
    Ok(())
}

/// Tries until the database takes it. What the schema itself refuses would be refused for ever: its
/// message becomes unknown when its claim ends.
async fn record_alone(store: &Store, one: Arc<Vec<Attempted>>) {
    let mut pause = FIRST_PAUSE;
    while let Err(fault) = attempt(store, &one).await {
        if !fault.is_transient() {
            log::error!("an SMS attempt cannot be recorded: {fault}");
            return;
        }
        log::warn!("an SMS attempt waits for the database: {fault}");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
