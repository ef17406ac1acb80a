//! The one session with JIT that all calls share (DOMAIN.md §5.3), and the pause after a sign-in that was
//! refused.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::HeaderValue;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::envelope::SymmetricKey;
use super::exchange::Failure;
use crate::clock::Clock;
use crate::domain::{Glitch, Reply};

/// After the first refused sign-in nobody tries for so long; each further one doubles the pause.
const FIRST_PAUSE: TimeDelta = TimeDelta::minutes(1);
/// The longest pause.
const LONGEST_PAUSE: TimeDelta = TimeDelta::hours(1);

/// What `authenticate` brought.
#[derive(Debug)]
pub(super) struct Session {
    /// Marked sensitive, so that it does not show.
    pub(super) token: HeaderValue,
    /// Seals the requests of this session.
    pub(super) sek: SymmetricKey,
}

/// A session and which one in a row it is.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) session: Arc<Session>,
    generation: u64,
}

/// Why there is no session.
#[derive(Debug)]
pub(super) enum NoSession {
    /// Signing in was tried, and came to this.
    Failed(Failure),
    /// Nobody tries at the moment.
    Paused(SignInPaused),
}

impl From<Failure> for NoSession {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// JIT was not asked, since a sign-in was refused a while ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignInPaused {
    /// When signing in is tried again.
    pub until: DateTime<Utc>,
}

/// Sign-ins that were refused, or whose answer could not be used, and none that was not since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInRefusal {
    /// When the first of them was.
    pub since: DateTime<Utc>,
    /// What the latest came to.
    pub glitch: Glitch,
    /// When the latest was.
    pub latest: DateTime<Utc>,
    /// Nobody tries for so long after it.
    pub pause: TimeDelta,
}

impl SignInRefusal {
    /// When signing in is tried again, if that is later than `now`.
    pub fn paused_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let until = self.latest + self.pause;
        // What was refused later than now was refused before the clock was set back: no reason to wait.
        (self.latest <= now && now < until).then_some(until)
    }
}

/// Keeps the session. Callers wait for one another, so that it is made once for all of them.
#[derive(Debug)]
pub(super) struct Sessions {
    lifetime: Duration,
    clock: Clock,
    /// How often signing in has been tried to its end.
    tried: AtomicU64,
    /// The latest session that is known to be of no use any more.
    dropped: AtomicU64,
    state: Mutex<State>,
    refusal: std::sync::Mutex<Option<SignInRefusal>>,
}

#[derive(Debug, Default)]
struct State {
    current: Option<(Held, Instant)>,
    /// What the latest try came to, if it failed.
    failure: Option<Failure>,
}

impl Sessions {
    pub(super) fn new(lifetime: Duration, clock: Clock) -> Self {
        Self {
            lifetime,
            clock,
            tried: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            state: Mutex::default(),
            refusal: std::sync::Mutex::default(),
        }
    }

    /// The session, made by `sign_in` if there is none, if it is about to end, or if it is the
    /// `dead` one that JIT no longer knows.
    pub(super) async fn get<F>(&self, dead: Option<&Held>, sign_in: F) -> Result<Held, NoSession>
    where
        F: AsyncFnOnce() -> Result<Session, Failure>,
    {
        if let Some(dead) = dead {
            self.forget(dead);
        }
        let tried_before = self.tried.load(Ordering::Acquire);
        let mut state = self.state.lock().await;
        let now = Instant::now();
        if let Some((held, renew_at)) = &state.current
            && now < *renew_at
            && held.generation > self.dropped.load(Ordering::Acquire)
        {
            return Ok(held.clone());
        }
        if let Some(until) = self.paused_until() {
            return Err(NoSession::Paused(SignInPaused { until }));
        }
        // Whoever waited while another's try failed shares that failure instead of trying as well.
        let tried = self.tried.load(Ordering::Acquire);
        if tried != tried_before
            && let Some(failure) = &state.failure
        {
            return Err(NoSession::Failed(failure.not_tried()));
        }
        state.current = None;
        let made = sign_in().await;
        let generation = tried.wrapping_add(1);
        self.tried.store(generation, Ordering::Release);
        match made {
            Ok(session) => {
                let held = Held { session: Arc::new(session), generation };
                // A call begun late in a session should end within it.
                let renew_at = now + self.lifetime.mul_f32(0.9);
                state.current = Some((held.clone(), renew_at));
                state.failure = None;
                self.note_accepted();
                log::debug!("signed in to JIT (session {generation})");
                Ok(held)
            }
            Err(failure) => {
                state.failure = Some(failure.clone());
                if let Reply::Unusable(glitch) = &failure.reply {
                    self.note_refused(glitch);
                }
                Err(NoSession::Failed(failure))
            }
        }
    }

    /// The next call signs in anew, if this is still the session then.
    pub(super) fn forget(&self, dead: &Held) {
        self.dropped.fetch_max(dead.generation, Ordering::AcqRel);
    }

    /// When signing in is tried again, while it pauses.
    pub(super) fn paused_until(&self) -> Option<DateTime<Utc>> {
        self.refusal().as_ref()?.paused_until(self.clock.now())
    }

    /// Why there is no session, if signing in was refused.
    pub(super) fn latest_refusal(&self) -> Option<SignInRefusal> {
        self.refusal().clone()
    }

    /// A panic of another thread leaves a refusal that is still a whole one.
    fn refusal(&self) -> MutexGuard<'_, Option<SignInRefusal>> {
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Said loudly once, however often it happens again.
    fn note_refused(&self, glitch: &Glitch) {
        let (now, mut refusal) = (self.clock.now(), self.refusal());
        let next = match refusal.take() {
            Some(before) => SignInRefusal {
                glitch: glitch.clone(),
                latest: now,
                pause: (before.pause * 2).min(LONGEST_PAUSE),
                ..before
            },
            None => SignInRefusal { since: now, glitch: glitch.clone(), latest: now, pause: FIRST_PAUSE },
        };
        let until = now + next.pause;
        if next.since == now {
            log::error!(
                "signing in to JIT failed: {glitch} Check JIT_CLIENT_ID, JIT_CLIENT_SECRET, \
                 JIT_PUBLIC_KEY_FILE and JIT_CA_FILE, or ask the treasury. JIT is asked about nothing until \
                 {until}; tries go on by themselves, at most an hour apart"
            );
        } else {
            log::info!("signing in to JIT failed again: {glitch} The next try is at {until}");
        }
        *refusal = Some(next);
    }

    fn note_accepted(&self) {
        if self.refusal().take().is_some() {
            log::info!("JIT lets us sign in again: calls go on");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn sessions_at(now: &Arc<std::sync::Mutex<DateTime<Utc>>>) -> Sessions {
        let now = Arc::clone(now);
        Sessions::new(Duration::from_secs(1500), Clock::of(move || *now.lock().unwrap()))
    }

    async fn tried(sessions: &Sessions, result: Result<Session, Failure>) -> Result<Held, NoSession> {
        sessions.get(None, async || result).await
    }

    fn refused() -> Result<Session, Failure> {
        Err(Failure::unusable(Glitch::SignInRefused("401 (Unauthorized)".to_owned()), Some(401)))
    }

    fn accepted() -> Result<Session, Failure> {
        Ok(Session { token: HeaderValue::from_static("t"), sek: SymmetricKey::from_bytes(&[1; 32]).unwrap() })
    }

    #[tokio::test]
    async fn pauses_grow_from_a_minute_to_an_hour_and_end_with_the_first_session() {
        let now = Arc::new(std::sync::Mutex::new(NOW));
        let sessions = sessions_at(&now);
        for minutes in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert!(matches!(tried(&sessions, refused()).await, Err(NoSession::Failed(_))));
            let until = *now.lock().unwrap() + TimeDelta::minutes(minutes);
            assert_eq!(sessions.paused_until(), Some(until));
            *now.lock().unwrap() = until - TimeDelta::milliseconds(1);
            match tried(&sessions, accepted()).await {
                Err(NoSession::Paused(paused)) => assert_eq!(paused.until, until),
                other => panic!("{other:?}"),
            }
            *now.lock().unwrap() = until;
            assert_eq!(sessions.paused_until(), None);
        }
        assert_eq!(sessions.latest_refusal().unwrap().since, NOW, "one episode");
        tried(&sessions, accepted()).await.unwrap();
        assert_eq!(sessions.latest_refusal(), None);
        assert!(tried(&sessions, refused()).await.is_ok(), "the session is there");
    }

    #[tokio::test]
    async fn no_answer_to_a_sign_in_is_no_refusal() {
        let sessions = sessions_at(&Arc::new(std::sync::Mutex::new(NOW)));
        let nothing = Err(Failure::nothing("reset", None));
        assert!(matches!(tried(&sessions, nothing).await, Err(NoSession::Failed(_))));
        assert_eq!(sessions.paused_until(), None);
    }

    #[tokio::test]
    async fn a_clock_that_is_set_back_makes_nobody_wait() {
        let now = Arc::new(std::sync::Mutex::new(NOW + TimeDelta::days(2)));
        let sessions = sessions_at(&now);
        assert!(tried(&sessions, refused()).await.is_err());
        *now.lock().unwrap() = NOW;
        assert_eq!(sessions.paused_until(), None);
    }

    #[tokio::test]
    async fn a_forgotten_session_is_replaced_once() {
        let sessions = sessions_at(&Arc::new(std::sync::Mutex::new(NOW)));
        let first = tried(&sessions, accepted()).await.unwrap();
        sessions.forget(&first);
        let second = tried(&sessions, accepted()).await.unwrap();
        assert_ne!(first.generation, second.generation);
        sessions.forget(&first);
        let same = tried(&sessions, accepted()).await.unwrap();
        assert_eq!(second.generation, same.generation, "what is gone already takes nothing with it");
    }
}
