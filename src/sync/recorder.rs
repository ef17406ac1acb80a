//! The one writer of outcomes: what arrives together is recorded together, since a database's cost
//! is the transaction, and an answer in hand is never dropped.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::ftps::Decision;
use crate::sealing::Sealer;
use crate::store::recording::{Recording, record};
use crate::store::{Store, StoreError};

/// At most this many outcomes in one transaction (DESIGN.md §3: more gain little).
const BATCH: usize = 64;
/// Pauses between attempts on a database that is busy or away: they double up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

type Recorded = oneshot::Sender<Result<Decision, StoreError>>;

/// Takes outcomes in and says when they are in the database. Cheap to clone; its task ends with the
/// last clone, after everything taken in is recorded.
#[derive(Clone)]
pub struct Recorder {
    queue: mpsc::Sender<(Recording, Recorded)>,
}

impl Recorder {
    /// Starts the writer's task on the current tokio runtime.
    pub fn start(store: Store, sealer: Arc<Sealer>) -> Self {
        let (queue, mut arrivals) = mpsc::channel(BATCH);
        tokio::spawn(async move {
            let mut batch = Vec::with_capacity(BATCH);
            while arrivals.recv_many(&mut batch, BATCH).await > 0 {
                record_all(&store, &sealer, std::mem::take(&mut batch)).await;
            }
        });
        Self { queue }
    }

    /// Records an outcome; returns the decision as it stands in the database.
    pub async fn record(&self, recording: Recording) -> Result<Decision, StoreError> {
        let gone = || StoreError::BrokeOff("the writer of outcomes has ended".to_owned());
        let (recorded, done) = oneshot::channel();
        self.queue.send((recording, recorded)).await.map_err(|_| gone())?;
        done.await.map_err(|_| gone())?
    }
}

/// All in one transaction; if that fails, each in its own, so that one that cannot be recorded
/// harms no other.
async fn record_all(store: &Store, sealer: &Arc<Sealer>, batch: Vec<(Recording, Recorded)>) {
    let (recordings, waiters): (Vec<_>, Vec<_>) = batch.into_iter().map(|(r, w)| (Arc::new(r), w)).unzip();
    match attempt(store, sealer, recordings.clone()).await {
        Ok(decisions) => {
            for (waiter, decision) in waiters.into_iter().zip(decisions) {
                // Nobody may be waiting any more: the outcome is recorded all the same.
                drop(waiter.send(Ok(decision)));
            }
        }
        Err(fault) => {
            log::warn!("{} outcomes could not be recorded together: {fault}", recordings.len());
            for (recording, waiter) in recordings.into_iter().zip(waiters) {
                drop(waiter.send(record_alone(store, sealer, recording).await));
            }
        }
    }
}

async fn attempt(
    store: &Store,
    sealer: &Arc<Sealer>,
    recordings: Vec<Arc<Recording>>,
) -> Result<Vec<Decision>, StoreError> {
    let sealer = Arc::clone(sealer);
    store.write(move |db| recordings.iter().map(|one| record(db, &sealer, one)).collect()).await
}

/// Tries until the database takes it. What the schema itself refuses would be refused for ever: the
/// call is then recorded as a glitch, without the answer; if even that is refused, its claim ends
/// by itself.
async fn record_alone(
    store: &Store,
    sealer: &Arc<Sealer>,
    recording: Arc<Recording>,
) -> Result<Decision, StoreError> {
    let (mut recording, mut is_stripped) = (recording, false);
    let mut pause = FIRST_PAUSE;
    loop {
        match attempt(store, sealer, vec![Arc::clone(&recording)]).await {
            Ok(mut decisions) => {
                return decisions
                    .pop()
                    .ok_or_else(|| StoreError::BrokeOff("nothing was recorded".to_owned()));
            }
            Err(fault) if fault.is_transient() => {
                log::warn!("an outcome waits for the database: {fault}");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Err(fault) => {
                log::error!("an outcome of {} cannot be recorded: {fault}", recording.asked.number);
                if is_stripped {
                    return Err(fault);
                }
                (recording, is_stripped) = (Arc::new(recording.without_its_answer()), true);
            }
        }
    }
}
