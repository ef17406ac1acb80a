//! Delivery of the outbox, beside the sync and not behind it.
//!
//! One task a process claims what is due, and a task a message sends it: slot and turn are taken
//! before the claim, so that a process that dies leaves at most `SMS_CONCURRENCY` messages whose fate
//! is unknown. Several processes share one outbox by their claims.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::SmsSender;
use super::gateway::{Answer, Verdict};
use super::pace::Pace;
use super::recorder::Recorder;
use crate::app::App;
use crate::store::StoreError;
use crate::store::outbox::sending::{self, Attempted, Claimed, Fate};

/// How often the outbox is looked at when nothing is heard: for what others entered, what is due
/// again, and claims that ran out.
const POLL: Duration = Duration::from_secs(1);

/// A claim holds for two time-outs, one to begin in and one to send in, and this: less than the
/// 3 × `SMS_TIMEOUT_SECONDS` + 30 s of CONTRACT.md by more than a look at the outbox takes.
const CLAIM_GRACE: Duration = Duration::from_secs(20);

/// Delivery under way.
#[derive(Debug)]
pub struct Delivery {
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<()>,
    patience: Duration,
}

/// Starts to deliver, on the current tokio runtime. Without a gateway it only sees to claims that
/// ran out.
pub fn start(app: &App) -> Delivery {
    let (stop, stopped) = oneshot::channel();
    if app.sms.is_none() {
        log::warn!("SMS_GATEWAY_URL is not set: SMS wait in the outbox");
    }
    let timeout = app.sms.as_ref().map_or(Duration::ZERO, |sender| sender.settings.config.timeout);
    let task = tokio::spawn(Dispatcher::new(app).run(stopped));
    Delivery { stop, task, patience: timeout + Duration::from_secs(5) }
}

impl Delivery {
    /// Begins no more messages, and waits until those in flight are recorded.
    pub async fn finish(self) {
        drop(self.stop);
        if tokio::time::timeout(self.patience, self.task).await.is_err() {
            log::warn!("stopped with SMS in flight: they become unknown when their claims run out");
        }
    }
}

/// Delivers what is due now, and returns when all of it is recorded.
pub async fn run_once(app: &App) -> Result<(), StoreError> {
    let mut dispatcher = Dispatcher::new(app);
    loop {
        let turn = dispatcher.turn().await;
        if dispatcher.dispatch(turn).await? == 0 {
            break;
        }
    }
    dispatcher.finished().await;
    Ok(())
}

struct Dispatcher {
    app: App,
    line: Option<Line>,
}

/// The way to the gateway.
struct Line {
    sender: Arc<SmsSender>,
    slots: Arc<Semaphore>,
    pace: Pace,
    recorder: Recorder,
}

impl Dispatcher {
    fn new(app: &App) -> Self {
        let line = app.sms.as_ref().map(|sender| Line {
            slots: Arc::new(Semaphore::new(sender.settings.concurrency as usize)),
            pace: Pace::per_second(sender.settings.per_second, Instant::now()),
            recorder: Recorder::start(app.store.clone()),
            sender: Arc::clone(sender),
        });
        Self { app: app.clone(), line }
    }

    async fn run(mut self, mut stopped: oneshot::Receiver<()>) {
        loop {
            // Only waiting is ever broken off: what is claimed is sent.
            let turn = tokio::select! {
                _ = &mut stopped => break,
                turn = self.turn() => turn,
            };
            let found = self.dispatch(turn).await.unwrap_or_else(|fault| {
                log::warn!("SMS wait for the database: {fault}");
                0
            });
            if found == 0 {
                tokio::select! {
                    _ = &mut stopped => break,
                    () = self.app.outbox_news.notified() => {}
                    () = tokio::time::sleep(POLL) => {}
                }
            }
        }
        self.finished().await;
    }

    /// Waits until a message may go, and returns the slots of all that may; `None` without a gateway.
    async fn turn(&mut self) -> Option<OwnedSemaphorePermit> {
        let line = self.line.as_mut()?;
        let mut turn = Arc::clone(&line.slots).acquire_owned().await.ok()?;
        let more = u32::try_from(line.slots.available_permits()).unwrap_or(0);
        if let Ok(free) = Arc::clone(&line.slots).try_acquire_many_owned(more) {
            turn.merge(free);
        }
        tokio::time::sleep_until(line.pace.next().into()).await;
        let ready = line.pace.ready(Instant::now()).min(turn.num_permits());
        turn.split(ready)
    }

    /// Claims as many messages as there are slots and has them sent; how many were found due.
    async fn dispatch(&mut self, turn: Option<OwnedSemaphorePermit>) -> Result<usize, StoreError> {
        let begun = Instant::now();
        let limit = turn.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let claim = self.claim(limit).await?;
        let found = claim.messages.len() + claim.refused;
        let (Some(line), Some(mut turn)) = (self.line.as_mut(), turn) else { return Ok(found) };
        line.pace.spent(claim.messages.len());
        for message in claim.messages {
            // As many slots as were asked for messages.
            let slot = turn.split(1);
            let (app, sender, recorder) = (self.app.clone(), Arc::clone(&line.sender), line.recorder.clone());
            tokio::spawn(async move {
                recorder.record(send(&app, &sender, message, begun).await).await;
                drop(slot);
            });
        }
        Ok(found)
    }

    async fn claim(&self, limit: usize) -> Result<sending::Claim, StoreError> {
        let now = self.app.clock.now().naive_utc();
        let timeout = self.line.as_ref().map_or(Duration::ZERO, |line| line.sender.settings.config.timeout);
        let until = now + timeout * 2 + CLAIM_GRACE;
        let sealer = Arc::clone(&self.app.sealer);
        self.app
            .store
            .write(move |db| {
                let expired = sending::expire(db, now)?;
                if expired > 0 {
                    log::warn!("{expired} SMS are unknown now: the program that was sending them died");
                }
                if limit == 0 {
                    Ok(sending::Claim::default())
                } else {
                    sending::claim(db, &sealer, now, until, limit)
                }
            })
            .await
    }

    /// Waits until nothing is in flight.
    async fn finished(&self) {
        if let Some(line) = &self.line {
            // The semaphore is never closed.
            drop(line.slots.acquire_many(line.sender.settings.concurrency).await);
        }
    }
}

/// Sends one message; what came of it, to be recorded.
async fn send(app: &App, sender: &SmsSender, message: Claimed, begun: Instant) -> Attempted {
    let answer = if begun.elapsed() < sender.settings.config.timeout {
        sender.gateway.send(&message.sms).await
    } else {
        // This process was held up for so long that the claim may run out while the message is on
        // its way, and a person have it sent again.
        Answer {
            verdict: Verdict::TryLater,
            cause: Some("The program was held up before it could send the message.".to_owned()),
            said: None,
        }
    };
    let at = app.clock.now().naive_utc();
    let fate = match answer.verdict {
        Verdict::Accepted => Fate::Sent,
        Verdict::TryLater => Fate::Waiting { next_attempt_at: at + sender.pause_after(message.attempt) },
        Verdict::Refused => Fate::Failed,
        Verdict::Unknown => Fate::Unknown,
    };
    Attempted {
        lease: message.lease,
        attempt: message.attempt,
        fate,
        cause: answer.cause,
        answer: answer.said,
        at,
    }
}
