//! Delivery of the outbox, beside the sync and not behind it.
//!
//! One task a process claims what is due, and a task a message sends it: slot and turn are taken
//! before the claim, so that a process that dies leaves at most `SMS_CONCURRENCY` messages whose fate
//! is unknown. Several processes share one outbox by their claims.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};

use super::gateway::{Answer, Verdict};
use super::pace::Pace;
use super::{Line, Notifications};
use crate::domain::DeliveryFault;
use crate::store::StoreError;
use crate::store::outbox::sending::{self, Attempted, Claimed, Fate};
use crate::store::recorder::Recorder;

/// How often the outbox is looked at when nothing is heard: for what others entered, what is due
/// again, and claims that ran out.
const POLL: Duration = Duration::from_secs(1);

/// A claim holds for two time-outs, one to begin in and one to send in, and this: less than the
/// 3 × `SMS_TIMEOUT_SECONDS` + 30 s of CONTRACT.md by more than a look at the outbox takes.
const CLAIM_GRACE: Duration = Duration::from_secs(20);

/// What is cut off at the end has so long, at the most, to be recorded.
const TO_RECORD: Duration = Duration::from_secs(5);

/// Delivery under way.
#[derive(Debug)]
pub struct Delivery {
    stop: oneshot::Sender<()>,
    /// Whether the messages in flight are cut off.
    cut: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
    patience: Duration,
}

impl Notifications {
    /// Starts to deliver, on the current tokio runtime. Without a gateway, and in a pause, it only sees to claims
    /// that ran out.
    pub fn start(&self) -> Delivery {
        let (stop, stopped) = oneshot::channel();
        if !self.has_gateway() {
            log::warn!("SMS_GATEWAY_URL is not set: SMS wait in the outbox");
        }
        let cut = watch::Sender::new(false);
        let task = tokio::spawn(Dispatcher::new(self, cut.subscribe()).run(stopped));
        Delivery { stop, cut, task, patience: self.timeout() + Duration::from_secs(5) }
    }

    /// Delivers what is due now, and returns when all of it is recorded.
    pub async fn run_once(&self) -> Result<(), StoreError> {
        let never = watch::Sender::new(false);
        let mut dispatcher = Dispatcher::new(self, never.subscribe());
        loop {
            let turn = dispatcher.turn().await;
            if dispatcher.dispatch(turn).await? == 0 {
                break;
            }
        }
        dispatcher.finished().await;
        Ok(())
    }

    /// How long one message may take; none without a gateway.
    fn timeout(&self) -> Duration {
        self.line.as_ref().map_or(Duration::ZERO, |line| line.settings.config.timeout)
    }
}

impl Delivery {
    /// Begins no more messages, and returns when those in flight are recorded, after `within` at the latest. What
    /// the gateway does not answer in time is cut off before, and recorded as unknown.
    pub async fn finish(mut self, within: Duration) {
        drop(self.stop);
        let to_record = TO_RECORD.min(within / 2);
        let patience = self.patience.min(within - to_record);
        if tokio::time::timeout(patience, &mut self.task).await.is_ok() {
            return;
        }
        log::warn!(
            "the SMS gateway does not answer in time: the messages under way are cut off, and unknown"
        );
        self.cut.send_replace(true);
        if tokio::time::timeout(to_record, self.task).await.is_err() {
            log::warn!("stopped with SMS in flight: they become unknown when their claims run out");
        }
    }
}

struct Dispatcher {
    of: Notifications,
    /// `None` without a gateway, and in a pause.
    sender: Option<Sender>,
    cut: watch::Receiver<bool>,
}

/// The way to the gateway.
struct Sender {
    line: Arc<Line>,
    slots: Arc<Semaphore>,
    pace: Pace,
    recorder: Recorder<Attempted>,
}

impl Dispatcher {
    fn new(of: &Notifications, cut: watch::Receiver<bool>) -> Self {
        let sender = of.line.as_ref().filter(|_| !of.is_paused).map(|line| Sender {
            slots: Arc::new(Semaphore::new(line.settings.concurrency as usize)),
            pace: Pace::per_second(line.settings.per_second, Instant::now()),
            recorder: Recorder::start(of.store.clone()),
            line: Arc::clone(line),
        });
        Self { of: of.clone(), sender, cut }
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
                    () = self.of.news.notified() => {}
                    () = tokio::time::sleep(POLL) => {}
                }
            }
        }
        self.finished().await;
    }

    /// Waits until a message may go, and returns the slots of all that may; `None` where nothing is sent.
    async fn turn(&mut self) -> Option<OwnedSemaphorePermit> {
        let sender = self.sender.as_mut()?;
        let mut turn = Arc::clone(&sender.slots).acquire_owned().await.ok()?;
        let more = u32::try_from(sender.slots.available_permits()).unwrap_or(0);
        if let Ok(free) = Arc::clone(&sender.slots).try_acquire_many_owned(more) {
            turn.merge(free);
        }
        tokio::time::sleep_until(sender.pace.next().into()).await;
        let ready = sender.pace.ready(Instant::now()).min(turn.num_permits());
        turn.split(ready)
    }

    /// Claims as many messages as there are slots and has them sent; how many were found due.
    async fn dispatch(&mut self, turn: Option<OwnedSemaphorePermit>) -> Result<usize, StoreError> {
        let begun = Instant::now();
        let limit = turn.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let claim = self.claim(limit).await?;
        let found = claim.messages.len() + claim.refused;
        let (Some(sender), Some(mut turn)) = (self.sender.as_mut(), turn) else { return Ok(found) };
        sender.pace.spent(claim.messages.len());
        for message in claim.messages {
            // As many slots as were asked for messages.
            let slot = turn.split(1);
            let (of, line, recorder) = (self.of.clone(), Arc::clone(&sender.line), sender.recorder.clone());
            let cut = self.cut.clone();
            tokio::spawn(async move {
                match recorder.record(of.send(&line, message, begun, cut).await).await {
                    Ok(true) => {}
                    Ok(false) => {
                        log::warn!("an SMS had been sent again by a person before the answer was recorded");
                    }
                    Err(fault) => log::error!("an SMS becomes unknown: {fault}"),
                }
                drop(slot);
            });
        }
        Ok(found)
    }

    async fn claim(&self, limit: usize) -> Result<sending::Claim, StoreError> {
        let now = self.of.clock.now().naive_utc();
        let until = now + self.of.timeout() * 2 + CLAIM_GRACE;
        let sealer = Arc::clone(&self.of.sealer);
        self.of
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
        if let Some(sender) = &self.sender {
            // The semaphore is never closed.
            drop(sender.slots.acquire_many(sender.line.settings.concurrency).await);
        }
    }
}

impl Notifications {
    /// Sends one message, unless it is cut off; what came of it, to be recorded.
    async fn send(
        &self,
        line: &Line,
        message: Claimed,
        begun: Instant,
        mut cut: watch::Receiver<bool>,
    ) -> Attempted {
        let answer = if begun.elapsed() < line.settings.config.timeout {
            let stopwatch = Instant::now();
            let answer = tokio::select! {
                answer = line.gateway.send(&message.sms) => answer,
                Ok(_) = cut.wait_for(|cut| *cut) => Answer::without_reply(Verdict::Unknown, DeliveryFault::Died),
            };
            self.calls.note([answer.verdict.word()], stopwatch.elapsed());
            answer
        } else {
            // This process was held up for so long that the claim may run out while the message is on
            // its way, and a person have it sent again.
            Answer::without_reply(Verdict::TryLater, DeliveryFault::HeldUp)
        };
        self.note_contact(&answer);
        let at = self.clock.now().naive_utc();
        let fate = match answer.verdict {
            Verdict::Accepted => Fate::Sent,
            Verdict::TryLater => Fate::Waiting { next_attempt_at: at + line.pause_after(message.attempt) },
            Verdict::Refused => Fate::Failed,
            Verdict::Unknown => Fate::Unknown,
        };
        Attempted {
            lease: message.lease,
            attempt: message.attempt,
            fate,
            cause: answer.cause.map(|fault| fault.to_string()),
            answer: answer.said,
            at,
        }
    }
}
