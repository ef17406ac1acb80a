//! Tells the operator's receiver (`ALERT_WEBHOOK_URL`) what is amiss: once when an episode begins and once when it is
//! over, whichever process sees it. What was not taken is told again, after pauses that grow to five minutes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta};
use reqwest::Url;
use reqwest::header::CONTENT_TYPE;
use serde_json::json;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::domain::alerts::{AlertKind, Turn};
use crate::domain::retry;
use crate::notifications::Notifications;
use crate::outgoing;
use crate::sealing::{SealError, Sealer, random_hex, random_number};
use crate::store::alerts::{self, LONGEST_PAUSE, Report, Telling, View};
use crate::store::trail::check;
use crate::store::{Store, StoreError};
use crate::sync::FtpsSync;

/// How often is judged, and how often is looked for what is to be told.
const JUDGED: Duration = Duration::from_secs(60);
const LOOKED: Duration = Duration::from_secs(5);
/// How often the trail is checked: all of it is read.
const TRAIL_CHECKED: TimeDelta = TimeDelta::days(1);
/// One post. Well within the claim under which it is made.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The first pause after a post that was not taken.
const RETRY_FIRST: Duration = Duration::from_secs(5);

/// Who is told, and where the pages are.
#[derive(Clone)]
pub struct Receiver {
    /// Where it is posted to.
    pub url: Url,
    /// The origin of the pages, such as `https://mukta.example.gov.in`.
    pub origin: String,
}

/// Never shows the URL, which may hold a secret.
impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// Why alerts could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum AlertsSetupError {
    /// The HTTP client.
    #[error("the HTTP client for ALERT_WEBHOOK_URL could not be made: {0}")]
    Http(#[from] reqwest::Error),
    /// No token could be drawn.
    #[error(transparent)]
    Token(#[from] SealError),
}

/// Judges and tells. Clones are one process.
#[derive(Clone)]
pub struct Alerts(Arc<Inner>);

struct Inner {
    store: Store,
    sealer: Arc<Sealer>,
    sync: FtpsSync,
    notifications: Notifications,
    clock: Clock,
    http: reqwest::Client,
    receiver: Receiver,
    /// By which this process is known in the database.
    token: String,
}

/// Alerts under way.
#[derive(Debug)]
pub struct Watching {
    stop: watch::Sender<bool>,
    tasks: [tokio::task::JoinHandle<()>; 2],
}

impl Watching {
    /// Begins nothing more, and waits until what is being told is recorded.
    pub async fn finish(self) {
        self.stop.send_replace(true);
        let [telling, checking] = self.tasks;
        // A check of the trail writes nothing: it is cut off.
        checking.abort();
        if tokio::time::timeout(TIMEOUT + Duration::from_secs(5), telling).await.is_err() {
            log::warn!("stopped while an alert was being told: it is told again");
        }
    }
}

impl Alerts {
    /// Nothing is judged yet.
    pub fn new(
        store: Store,
        sealer: Arc<Sealer>,
        sync: FtpsSync,
        notifications: Notifications,
        receiver: Receiver,
        clock: Clock,
    ) -> Result<Self, AlertsSetupError> {
        let http = outgoing::client(&receiver.url, TIMEOUT, TIMEOUT / 2).build()?;
        let token = random_hex(16)?;
        Ok(Self(Arc::new(Inner { store, sealer, sync, notifications, clock, http, receiver, token })))
    }

    /// Starts to judge, each minute, and to tell, on the current tokio runtime. The first judgement is a minute away: a
    /// night that was missed is made up first.
    pub fn start(&self) -> Watching {
        let stop = watch::Sender::new(false);
        let telling = tokio::spawn({
            let (of, mut stopped) = (Arc::clone(&self.0), stop.subscribe());
            async move {
                let mut judged = tokio::time::Instant::now();
                loop {
                    tokio::select! {
                        _ = stopped.wait_for(|stop| *stop) => return,
                        () = tokio::time::sleep(LOOKED) => {}
                    }
                    if judged.elapsed() >= JUDGED {
                        judged = tokio::time::Instant::now();
                        logged("judging what is amiss", of.judge(None).await);
                    }
                    logged("telling what is amiss", of.tell().await);
                }
            }
        });
        let checking = tokio::spawn({
            let of = Arc::clone(&self.0);
            async move {
                loop {
                    tokio::time::sleep(JUDGED).await;
                    logged("checking the audit trail", of.check_trail().await);
                }
            }
        });
        Watching { stop, tasks: [telling, checking] }
    }

    /// All of it, once.
    pub async fn run_once(&self) -> Result<(), StoreError> {
        self.0.check_trail().await?;
        self.0.judge(None).await?;
        self.0.tell().await
    }
}

/// What failed is tried again at the next beat.
fn logged(what: &str, done: Result<(), StoreError>) {
    if let Err(fault) = done {
        log::warn!("{what} failed, and is tried again: {fault}");
    }
}

impl Inner {
    async fn judge(&self, trail_holds: Option<bool>) -> Result<(), StoreError> {
        let refused = self.sync.sign_in_refusal().map(|refusal| refusal.since);
        let report = |kind, since| Report { kind, since };
        let view = View {
            program: self.token.clone(),
            reports: vec![
                report(AlertKind::SignInRefused, refused),
                report(AlertKind::JitAway, self.sync.jit_away_since()),
                report(AlertKind::GatewayAway, self.notifications.gateway_away_since()),
            ],
            nights: self.sync.nights().clone(),
            is_paused: self.sync.is_paused(),
            trail_holds,
            now: self.clock.now(),
        };
        for (kind, turn) in self.store.write(move |db| alerts::judge(db, &view)).await? {
            match turn {
                Turn::Begins(since) => log::warn!("alert {kind}: {}", kind.text(since, false)),
                Turn::Ends => log::info!("alert {kind} is over"),
            }
        }
        Ok(())
    }

    /// Once a day, by one process: the trail is read through, on a thread that may block.
    async fn check_trail(&self) -> Result<(), StoreError> {
        let now = self.clock.now().naive_utc();
        if !self.store.write(move |db| alerts::claim_trail_check(db, TRAIL_CHECKED, now)).await? {
            return Ok(());
        }
        let (store, sealer) = (self.store.clone(), Arc::clone(&self.sealer));
        let checked = tokio::task::spawn_blocking(move || check::faults(&store, &sealer)).await;
        let checked = match checked.map_err(|broken| StoreError::BrokeOff(broken.to_string())) {
            Ok(Ok(checked)) => checked,
            Ok(Err(fault)) | Err(fault) => {
                self.store.write(alerts::forget_trail_check).await?;
                return Err(fault);
            }
        };
        for fault in &checked.faults {
            log::error!("{fault}");
        }
        self.judge(Some(checked.faults.is_empty())).await
    }

    /// Tells what is due, one after the other.
    async fn tell(&self) -> Result<(), StoreError> {
        if !self.store.read(alerts::is_any_due).await? {
            return Ok(());
        }
        loop {
            let (token, now) = (self.token.clone(), self.clock.now().naive_utc());
            let claimed = self.store.write(move |db| alerts::claim(db, &token, now)).await?;
            let Some(telling) = claimed else { return Ok(()) };
            let (kind, attempts) = (telling.kind, telling.attempts);
            let again_at = match self.post(&telling).await {
                Ok(()) => {
                    if attempts > 0 {
                        log::info!("the receiver of alerts takes them again");
                    }
                    None
                }
                Err(why) => {
                    if attempts == 0 {
                        log::warn!("the alert {kind} could not be told, and is told again later: {why}");
                    }
                    Some(self.clock.now().naive_utc() + pause_after(attempts))
                }
            };
            let now = self.clock.now().naive_utc();
            if !self.store.write(move |db| alerts::record(db, &telling, again_at, now)).await? {
                log::warn!("the alert {kind} may be told twice: another process tells it by now");
            }
        }
    }

    /// Posts it; why it was not taken.
    async fn post(&self, telling: &Telling) -> Result<(), String> {
        let since = telling.since.and_utc();
        let body = json!({
            "kind": telling.kind.as_str(),
            "since": instant(since),
            "text": telling.kind.text(since, telling.is_over),
            "link": format!("{}{}", self.receiver.origin, telling.kind.page()),
        });
        let sent = self
            .http
            .post(self.receiver.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("Idempotency-Key", telling.key())
            .body(body.to_string())
            .send()
            .await;
        match sent {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(format!("HTTP status {}", answer.status().as_u16())),
            Err(fault) => Err(outgoing::innermost_cause(fault)),
        }
    }
}

fn instant(at: DateTime<chrono::Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn pause_after(attempts: u32) -> TimeDelta {
    // Without randomness, which does not happen, the shortest.
    let random = random_number().unwrap_or(0);
    let longest = LONGEST_PAUSE.to_std().unwrap_or(RETRY_FIRST);
    let pause = retry::pause(RETRY_FIRST, longest, attempts.saturating_add(1), random);
    TimeDelta::milliseconds(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX))
}
