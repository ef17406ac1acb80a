//! The one session with JIT that all calls share (DOMAIN.md §5.3).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::header::HeaderValue;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::envelope::SymmetricKey;
use super::exchange::Failure;

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

/// Keeps the session. Callers wait for one another, so that it is made once for all of them.
#[derive(Debug)]
pub(super) struct Sessions {
    lifetime: Duration,
    /// How often signing in has been tried to its end.
    tried: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    current: Option<(Held, Instant)>,
    /// What the latest try came to, if it failed.
    failure: Option<Failure>,
}

impl Sessions {
    pub(super) fn new(lifetime: Duration) -> Self {
        Self { lifetime, tried: AtomicU64::new(0), state: Mutex::default() }
    }

    /// The session, made by `sign_in` if there is none, if it is about to end, or if it is the
    /// `dead` one that JIT no longer knows.
    pub(super) async fn get<F>(&self, dead: Option<&Held>, sign_in: F) -> Result<Held, Failure>
    where
        F: AsyncFnOnce() -> Result<Session, Failure>,
    {
        let tried_before = self.tried.load(Ordering::Acquire);
        let mut state = self.state.lock().await;
        let now = Instant::now();
        if let Some((held, renew_at)) = &state.current
            && now < *renew_at
            && dead.is_none_or(|dead| dead.generation != held.generation)
        {
            return Ok(held.clone());
        }
        // Whoever waited while another's try failed shares that failure instead of trying as well.
        let tried = self.tried.load(Ordering::Acquire);
        if tried != tried_before
            && let Some(failure) = &state.failure
        {
            return Err(failure.shared());
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
                log::debug!("signed in to JIT (session {generation})");
                Ok(held)
            }
            Err(failure) => {
                state.failure = Some(failure.clone());
                Err(failure)
            }
        }
    }
}
