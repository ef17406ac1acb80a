//! Tells MUKTASoft what changed (docs/INTEGRATION.md): one payment instruction at a time, in the order of the
//! change numbers, by one process at a time.
//!
//! What is told is what an export since the stored point would write. The point moves once MUKTASoft has taken
//! an instruction, or has refused it for good; else it is told again after a pause, as it stands then, and
//! nothing overtakes it.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::{digest, hmac};
use chrono::TimeDelta;
use reqwest::header::CONTENT_TYPE;
use reqwest::{StatusCode, Url};
use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::domain::retry;
use crate::domain::text::{masked, one_line, shortened, without_long_numbers};
use crate::import::with_change_number;
use crate::outgoing;
use crate::sealing::{Sealer, hex, random_hex, random_number};
use crate::store::exporting::Known;
use crate::store::status_push::{self, LEASE, Next, Taken, Teller, Told};
use crate::store::{Store, StoreError};

/// How often is looked whether something changed: the way from a commit to its post is no longer than that and
/// the post.
const POLL: Duration = Duration::from_millis(500);

/// How long is waited for a database that failed.
const AFTER_A_FAULT: Duration = Duration::from_secs(2);

/// One post. Well within the lease under which it is made.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The first pause after a post that was not answered, and the longest.
const RETRY_FIRST: Duration = Duration::from_secs(2);
const RETRY_LONGEST: Duration = Duration::from_secs(300);

/// The largest answer that is read.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Of an answer so many characters are kept.
const KEPT_CHARS: usize = 200;

/// A run of at least so many digits in an answer may be an account or mobile number.
const TELLING_DIGITS: usize = 8;

/// Digits of the body's SHA-256 that make two changes' keys differ.
const KEY_DIGITS: usize = 32;

/// Where MUKTASoft is told, and what signs it.
#[derive(Clone)]
pub struct StatusReceiver {
    /// Where instructions are posted to.
    pub url: Url,
    /// The key of the signature.
    pub secret: String,
}

/// Never shows the URL, which may hold a password, nor the secret.
impl fmt::Debug for StatusReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StatusReceiver")
    }
}

/// Why the client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum StatusPushSetupError {
    /// The HTTP client.
    #[error("the HTTP client that tells MUKTASoft could not be made: {0}")]
    Http(#[from] reqwest::Error),
    /// No token could be drawn.
    #[error(transparent)]
    Token(#[from] crate::sealing::SealError),
}

/// Tells MUKTASoft. Clones are one process.
#[derive(Clone)]
pub struct StatusPush(Arc<Inner>);

struct Inner {
    store: Store,
    sealer: Arc<Sealer>,
    clock: Clock,
    http: reqwest::Client,
    url: Url,
    key: hmac::Key,
    /// What the key is made of: kept out of what is shown, should the receiver repeat it.
    secret: String,
    /// By which this process is known in the database.
    token: String,
}

/// Telling under way.
#[derive(Debug)]
pub struct Telling {
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<()>,
}

impl Telling {
    /// Begins no more posts, and waits until what one under way came to is recorded.
    pub async fn finish(self) {
        drop(self.stop);
        if tokio::time::timeout(TIMEOUT + Duration::from_secs(5), self.task).await.is_err() {
            log::warn!("stopped while MUKTASoft was being told: it is told again, under the same key");
        }
    }
}

impl StatusPush {
    /// Nothing is told yet.
    pub fn new(
        store: Store,
        sealer: Arc<Sealer>,
        receiver: StatusReceiver,
        clock: Clock,
    ) -> Result<Self, StatusPushSetupError> {
        let http = outgoing::client(&receiver.url, TIMEOUT, TIMEOUT / 2).build()?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, receiver.secret.as_bytes());
        let token = random_hex(16)?;
        Ok(Self(Arc::new(Inner {
            store,
            sealer,
            clock,
            http,
            url: receiver.url,
            key,
            secret: receiver.secret,
            token,
        })))
    }

    /// Starts to tell, on the current tokio runtime. The first post heeds no pause: what kept MUKTASoft away may
    /// have been mended while this process was started.
    pub fn start(&self) -> Telling {
        let (stop, mut stopped) = oneshot::channel::<()>();
        let of = Arc::clone(&self.0);
        let task = tokio::spawn(async move {
            let mut is_first = true;
            while !is_told_to_stop(&mut stopped) {
                let pause = match of.tell(is_first, &mut stopped).await {
                    Ok(_) => POLL,
                    Err(fault) => {
                        log::warn!("MUKTASoft cannot be told what changed: {fault}");
                        AFTER_A_FAULT
                    }
                };
                is_first = false;
                // One that was heard to be gone may not be waited for.
                if is_told_to_stop(&mut stopped) {
                    break;
                }
                tokio::select! {
                    _ = &mut stopped => break,
                    () = tokio::time::sleep(pause) => {}
                }
            }
        });
        Telling { stop, task }
    }

    /// Tells what is due now, until nothing is, or MUKTASoft does not take it; how many it was told.
    pub async fn run_once(&self) -> Result<usize, StoreError> {
        let (_stop, mut stopped) = oneshot::channel();
        self.0.tell(false, &mut stopped).await
    }
}

/// Whether the sender is gone, which is how it tells.
fn is_told_to_stop(stopped: &mut oneshot::Receiver<()>) -> bool {
    stopped.try_recv() != Err(oneshot::error::TryRecvError::Empty)
}

impl Inner {
    /// One turn: takes the lease, tells one instruction after the other, and gives it back.
    async fn tell(
        &self,
        heeds_no_pause: bool,
        stopped: &mut oneshot::Receiver<()>,
    ) -> Result<usize, StoreError> {
        let longest = if heeds_no_pause { Duration::ZERO } else { RETRY_LONGEST };
        let teller = Teller {
            token: self.token.clone(),
            now: self.clock.now().naive_utc(),
            longest_pause: TimeDelta::from_std(longest).unwrap_or(TimeDelta::MAX),
        };
        let looking = teller.clone();
        if !self.store.read(move |db| status_push::is_due(db, &looking)).await? {
            return Ok(0);
        }
        let mut renewed = Instant::now();
        match self.store.write(move |db| status_push::take(db, &teller)).await? {
            Taken::Ours => {}
            Taken::PointWasAhead { point, latest } => log::error!(
                "MUKTASoft was told up to change {point}, but this database has come to {latest} only: it was \
                 restored. What changes from now on is told; `mukta-ftps compare` says what differs"
            ),
            Taken::NotNow => return Ok(0),
        }
        let mut count = 0;
        while !is_told_to_stop(stopped) {
            let (sealer, token) = (Arc::clone(&self.sealer), self.token.clone());
            let next = self.store.read(move |db| status_push::next(db, &sealer, &token)).await?;
            // A process that was held up for so long may not hold the lease any more.
            let Some(next) = next.filter(|_| may_begin(renewed.elapsed())) else { break };
            let told = self.post(&next).await;
            renewed = Instant::now();
            if !self.record(&next, told).await? {
                return Ok(count);
            }
            count += 1;
        }
        let token = self.token.clone();
        self.store.write(move |db| status_push::release(db, &token)).await?;
        Ok(count)
    }

    /// Posts an instruction; what MUKTASoft made of it.
    async fn post(&self, next: &Next) -> Told {
        if next.attempts == 0 {
            for unreadable in &next.known.unreadable {
                log::warn!("MUKTASoft is told without it: {unreadable}");
            }
        }
        let later = |http_status, cause| self.later(next.attempts, http_status, cause);
        let number = next.place.number();
        let body = match with_change_number(&next.known, number) {
            Ok(body) => body,
            // Amounts and texts of ours can always be written.
            Err(fault) => return later(None, Some(fault.to_string())),
        };
        let sent = self
            .http
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("Idempotency-Key", idempotency_key(number, &body))
            .header("X-Signature", signature(&self.key, &body))
            .body(body)
            .send()
            .await;
        let response = match sent {
            Ok(response) => response,
            Err(fault) => return later(None, Some(outgoing::innermost_cause(fault))),
        };
        let status = response.status();
        // Read to its end, so that the connection serves the next post; what it says of a success is nothing new.
        let answer = outgoing::body(response, MAX_ANSWER_BYTES).await.ok().flatten();
        match meaning(status) {
            Meaning::Taken => Told::Taken,
            Meaning::Refused => Told::Refused {
                http_status: status.as_u16(),
                answer: answer
                    .map(|told| storable(&told.replace(&self.secret, "…"), &next.known))
                    .filter(|told| !told.is_empty()),
            },
            Meaning::Later => later(Some(status.as_u16()), None),
        }
    }

    fn later(&self, attempts: u32, http_status: Option<u16>, cause: Option<String>) -> Told {
        // Without randomness, which does not happen, the shortest.
        let random = random_number().unwrap_or(0);
        let pause = retry::pause(RETRY_FIRST, RETRY_LONGEST, attempts.saturating_add(1), random);
        let pause = TimeDelta::milliseconds(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX));
        Told::Later { http_status, cause, next_attempt_at: self.clock.now().naive_utc() + pause }
    }

    /// Records it; whether the next one may be told.
    async fn record(&self, next: &Next, told: Told) -> Result<bool, StoreError> {
        let (token, place, now) = (self.token.clone(), next.place, self.clock.now().naive_utc());
        let number = &next.known.version.record.number;
        let goes_on = !matches!(told, Told::Later { .. });
        match &told {
            Told::Taken if next.attempts > 0 => log::info!("MUKTASoft takes what changed again"),
            Told::Taken => {}
            Told::Refused { http_status, .. } => {
                log::warn!(
                    "MUKTASoft refused {number}, change {}: HTTP status {http_status}",
                    place.number()
                );
            }
            Told::Later { http_status, cause, .. } if next.attempts == 0 => {
                let status = http_status.map(|status| format!("HTTP status {status}"));
                let why = status.or_else(|| cause.clone()).unwrap_or_default();
                log::warn!("MUKTASoft is told of {number} again later, and of what changed after it: {why}");
            }
            Told::Later { .. } => {}
        }
        let recorded = self.store.write(move |db| status_push::record(db, &token, place, &told, now)).await?;
        if !recorded {
            log::warn!(
                "another process tells MUKTASoft by now: it may be told of {number} twice, by one key"
            );
        }
        Ok(recorded && goes_on)
    }
}

/// Whether a post ends before the lease does that was renewed so long ago.
fn may_begin(since: Duration) -> bool {
    since + TIMEOUT + Duration::from_secs(5) < LEASE.to_std().unwrap_or_default()
}

/// The same for the same change of the same instruction, and no other: the body tells the instruction.
fn idempotency_key(change_number: i64, body: &[u8]) -> String {
    let hash = hex(digest::digest(&digest::SHA256, body).as_ref());
    format!("{change_number}-{}", &hash[..KEY_DIGITS])
}

fn signature(key: &hmac::Key, body: &[u8]) -> String {
    format!("sha256={}", hex(hmac::sign(key, body).as_ref()))
}

/// What an answer means for the point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// It moves.
    Taken,
    /// It moves, and that is shown.
    Refused,
    /// It stays.
    Later,
}

fn meaning(status: StatusCode) -> Meaning {
    match status.as_u16() {
        // A conflict: known by its key already.
        200..=299 | 409 => Meaning::Taken,
        // Too slow, too early, too many.
        408 | 425 | 429 => Meaning::Later,
        400..=499 => Meaning::Refused,
        _ => Meaning::Later,
    }
}

/// The first words of an answer, in which no account or mobile number can be read.
fn storable(answer: &str, known: &Known) -> String {
    let mut answer = answer.to_owned();
    for one in &known.version.record.beneficiaries {
        for number in [&one.account, &one.mobile].into_iter().flatten() {
            answer = answer.replace(number.as_str(), &masked(number));
        }
    }
    shortened(&one_line(&without_long_numbers(&answer, TELLING_DIGITS)), KEPT_CHARS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_mean_what_the_document_says() {
        for (statuses, means) in [
            (&[200, 201, 202, 204, 299, 409][..], Meaning::Taken),
            (&[400, 401, 403, 404, 410, 413, 422, 499], Meaning::Refused),
            (&[301, 302, 307, 408, 425, 429, 500, 502, 503, 504, 599], Meaning::Later),
        ] {
            for status in statuses {
                assert_eq!(meaning(StatusCode::from_u16(*status).unwrap()), means, "{status}");
            }
        }
    }

    /// As docs/INTEGRATION.md has it checked: `hmac.new(b"muktasoft-secret", body, "sha256").hexdigest()`.
    #[test]
    fn the_signature_is_the_one_that_python_makes() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"muktasoft-secret");
        assert_eq!(
            signature(&key, br#"{"jitBillNo":"PI-1013/2023-24/000256"}"#),
            "sha256=ec9d45d8c524c86c4dfd882edc999bb72d6c271c9f8690526baaa19a3a1473d2"
        );
    }

    #[test]
    fn a_post_ends_before_the_lease_under_which_it_began() {
        let lease = LEASE.to_std().unwrap();
        assert!(may_begin(Duration::ZERO));
        let latest = (0..lease.as_millis() as u64).map(Duration::from_millis).take_while(|at| may_begin(*at));
        assert!(latest.last().unwrap() + TIMEOUT < lease);
    }

    #[test]
    fn a_key_tells_change_and_instruction() {
        let key = idempotency_key(7, b"{}");
        assert_eq!(key, "7-44136fa355b3678a1146ad16f7e8649e");
        assert_ne!(idempotency_key(8, b"{}"), key);
        assert_ne!(idempotency_key(7, b"{ }"), key);
    }
}
