//! Sessions: actix-session in the browser's cookie, our database behind it.
//!
//! The cookie holds a signed random id; the database holds its SHA-256. What the session is about
//! (who signed in, the token of its forms) stays on the server, so that it can be ended there.

use std::cell::RefCell;
use std::collections::HashMap;

use actix_session::SessionExt;
use actix_session::config::{BrowserSession, CookieContentSecurity};
use actix_session::storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError};
use actix_session::{Session, SessionMiddleware};
use actix_web::body::MessageBody;
use actix_web::cookie::SameSite;
use actix_web::cookie::time::Duration as CookieDuration;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest};
use aws_lc_rs::digest;
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use super::error::WebError;
use super::path::POLLED_MARK;
use super::rules::Sessions;
use crate::clock::Clock;
use crate::sealing::{hex, random_hex};
use crate::store::employees::{self, Employee};
use crate::store::{Store, StoreError, sessions};

/// Where in a session's state the employee's row stands.
const EMPLOYEE: &str = "employee";
/// Where it stands whose password was right and whose code is awaited: nobody has signed in there yet.
const HALF: &str = "half";
/// Where the token of its forms stands.
pub const FORM_TOKEN: &str = "form_token";
/// Where it stands that the person has just signed in, until that is told.
pub const ARRIVED: &str = "arrived";
/// For how long a code is awaited.
const HALF_FOR: Duration = Duration::minutes(10);
/// How often at most the use of a session is noted; more often where sessions end sooner.
const TOUCH_EVERY: Duration = Duration::minutes(1);

/// Keeps sessions in our database.
#[derive(Clone)]
pub struct DatabaseSessions {
    store: Store,
    clock: Clock,
    idle: Duration,
    longest: Duration,
}

impl DatabaseSessions {
    /// Over `store`, with the deadlines of `settings`.
    pub fn new(store: Store, clock: Clock, settings: &Sessions) -> Self {
        Self { store, clock, idle: settings.idle, longest: settings.longest }
    }

    async fn live(&self, key_hash: String) -> Result<Option<sessions::Session>, StoreError> {
        let now = self.clock.now().naive_utc();
        let (hash, idle, longest) = (key_hash.clone(), self.idle, self.longest);
        // Who uses it is read with it: a page asks the database once before it asks for what it shows.
        let found = self.store.read(move |db| {
            let found = sessions::find(db, &hash)?
                .filter(|session| now < session.last_seen_at + idle && now < session.created_at + longest);
            let Some(session) = found else { return Ok(None) };
            let employee = match session.employee_id {
                Some(id) => employees::active(db, id)?,
                None => None,
            };
            Ok(Some((session, employee)))
        });
        let Some((session, employee)) = found.await? else { return Ok(None) };
        let _no_request = ASKING.try_with(|asking| *asking.employee.borrow_mut() = employee);
        if !is_polled() && now >= session.last_seen_at + TOUCH_EVERY.min(self.idle / 10) {
            let touched = self.store.write(move |db| sessions::touch(db, &key_hash, now)).await;
            if let Err(fault) = touched {
                // The page is not refused for it: the session's idle time is reckoned from a little
                // earlier, and the next page notes it.
                log::warn!("the use of a session could not be noted: {fault}");
            }
        }
        Ok(Some(session))
    }
}

/// What is known of the request at work around its session.
#[derive(Default)]
struct Asking {
    /// Whether it was made by a page that follows something by itself.
    is_polled: bool,
    /// Whose session it is, as they stand in the database now.
    employee: RefCell<Option<Employee>>,
}

tokio::task_local! {
    static ASKING: Asking;
}

fn is_polled() -> bool {
    ASKING.try_with(|asking| asking.is_polled).unwrap_or(false)
}

/// The employee of that row, if the session of the request at work is theirs and they are not shut out.
pub fn employee_asking(id: i64) -> Option<Employee> {
    ASKING.try_with(|asking| asking.employee.borrow().clone()).ok()?.filter(|employee| employee.id == id)
}

/// The mark of a request that a script makes by itself.
const POLLED_HEADER: &str = "x-polled";

/// A page that follows something by itself asks for it again and again: that is no use of the session, which ends all
/// the same. Such requests bear a mark: a script's in a header, a page's without scripts in its address.
pub async fn polled_is_unused<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let has_mark = request.query_string().split('&').any(|part| part == POLLED_MARK);
    let is_polled = request.method().is_safe() && (has_mark || request.headers().contains_key(POLLED_HEADER));
    let asking = Asking { is_polled, ..Asking::default() };
    ASKING.scope(asking, next.call(request)).await
}

fn key_hash(key: &str) -> String {
    hex(digest::digest(&digest::SHA256, key.as_bytes()).as_ref())
}

/// Whose session it is, so that it ends with what ends theirs; of half a sign-in, too.
fn employee_in(state: &HashMap<String, String>) -> Option<i64> {
    let half = || Some(serde_json::from_str::<Half>(state.get(HALF)?).ok()?.employee);
    state.get(EMPLOYEE).and_then(|json| serde_json::from_str(json).ok()).or_else(half)
}

/// Half a sign-in: the password was right, and the code of the second factor is awaited.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Half {
    /// The employee's row.
    pub employee: i64,
    /// Their name.
    pub name: String,
    /// The failure as which the attempt counts until it is whole.
    pub failure: i64,
    /// When the password was given.
    pub at: DateTime<Utc>,
}

impl SessionStore for DatabaseSessions {
    async fn load(&self, session_key: &SessionKey) -> Result<Option<HashMap<String, String>>, LoadError> {
        let live = self
            .live(key_hash(session_key.as_ref()))
            .await
            .map_err(|fault| LoadError::Other(fault.into()))?;
        live.map(|session| serde_json::from_str(&session.state))
            .transpose()
            .map_err(|fault| LoadError::Deserialization(fault.into()))
    }

    async fn save(
        &self,
        state: HashMap<String, String>,
        _ttl: &CookieDuration,
    ) -> Result<SessionKey, SaveError> {
        let key = random_hex(32).map_err(|fault| SaveError::Other(fault.into()))?;
        let text = serde_json::to_string(&state).map_err(|fault| SaveError::Serialization(fault.into()))?;
        let (hash, now) = (key_hash(&key), self.clock.now().naive_utc());
        let (employee, idle_before) = (employee_in(&state), now - self.idle);
        self.store
            .write(move |db| sessions::insert(db, &hash, employee, &text, now, idle_before))
            .await
            .map_err(|fault| SaveError::Other(fault.into()))?;
        key.try_into().map_err(|_| SaveError::Other(StoreError::BrokeOff("session id".to_owned()).into()))
    }

    async fn update(
        &self,
        session_key: SessionKey,
        state: HashMap<String, String>,
        ttl: &CookieDuration,
    ) -> Result<SessionKey, UpdateError> {
        let text = serde_json::to_string(&state).map_err(|fault| UpdateError::Serialization(fault.into()))?;
        let (hash, employee) = (key_hash(session_key.as_ref()), employee_in(&state));
        let updated = self
            .store
            .write(move |db| sessions::update(db, &hash, employee, &text))
            .await
            .map_err(|fault| UpdateError::Other(fault.into()))?;
        if updated {
            return Ok(session_key);
        }
        // It ended meanwhile (signed out elsewhere, disabled): what it was about must not come back.
        self.save(HashMap::new(), ttl).await.map_err(|fault| UpdateError::Other(fault.into()))
    }

    async fn update_ttl(&self, _: &SessionKey, _: &CookieDuration) -> Result<(), anyhow::Error> {
        // The deadlines are kept in the database, by `live`.
        Ok(())
    }

    async fn delete(&self, session_key: &SessionKey) -> Result<(), anyhow::Error> {
        let hash = key_hash(session_key.as_ref());
        Ok(self.store.write(move |db| sessions::delete(db, &hash)).await?)
    }
}

/// The middleware: HttpOnly, SameSite=Lax, ended with the browser; under https Secure and bound to
/// this host by the name's prefix.
pub fn middleware(sessions: DatabaseSessions, settings: &Sessions) -> SessionMiddleware<DatabaseSessions> {
    SessionMiddleware::builder(sessions, settings.cookie_key.clone())
        .cookie_name(cookie_name(settings.secure).to_owned())
        .cookie_secure(settings.secure)
        .cookie_http_only(true)
        .cookie_same_site(SameSite::Lax)
        .cookie_path("/".to_owned())
        .cookie_content_security(CookieContentSecurity::Signed)
        .session_lifecycle(BrowserSession::default())
        .build()
}

/// The session cookie's name.
pub fn cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-mukta-ftps" } else { "mukta-ftps" }
}

fn failed(fault: impl std::fmt::Display) -> WebError {
    WebError::Session(fault.to_string())
}

/// Keeps something in the session's state.
pub fn keep(session: &Session, name: &str, value: impl serde::Serialize) -> Result<(), WebError> {
    session.insert(name, value).map_err(failed)
}

/// What is kept in the session's state under that name.
pub fn kept<T: serde::de::DeserializeOwned>(session: &Session, name: &str) -> Result<Option<T>, WebError> {
    session.get(name).map_err(failed)
}

/// The employee's row, if somebody signed in.
pub fn employee(session: &Session) -> Result<Option<i64>, WebError> {
    session.get(EMPLOYEE).map_err(failed)
}

/// Begins half a session: a new id, in which nobody has signed in.
pub fn half_sign_in(session: &Session, half: &Half) -> Result<(), WebError> {
    session.renew();
    session.clear();
    keep(session, HALF, half)
}

/// Half a sign-in that may still become a whole one.
pub fn half(session: &Session, now: DateTime<Utc>) -> Result<Option<Half>, WebError> {
    Ok(kept::<Half>(session, HALF)?.filter(|half| half.at <= now && now < half.at + HALF_FOR))
}

/// Another attempt begins.
pub fn forget_half(session: &Session) {
    session.remove(HALF);
}

/// Begins a session of an employee: a new id and a new token.
pub fn sign_in(session: &Session, employee_id: i64) -> Result<(), WebError> {
    session.renew();
    session.clear();
    session.insert(EMPLOYEE, employee_id).map_err(failed)?;
    session.insert(ARRIVED, true).map_err(failed)?;
    form_token(session).map(drop)
}

/// The token that every form of this session carries; made at its first use.
pub fn form_token(session: &Session) -> Result<String, WebError> {
    if let Some(token) = session.get(FORM_TOKEN).map_err(failed)? {
        return Ok(token);
    }
    let token = random_hex(32).map_err(failed)?;
    session.insert(FORM_TOKEN, &token).map_err(failed)?;
    Ok(token)
}

/// Whether a form carries this session's token; compared in constant time.
pub fn token_fits(session: &Session, given: &str) -> Result<bool, WebError> {
    let kept: Option<String> = session.get(FORM_TOKEN).map_err(failed)?;
    Ok(kept.is_some_and(|kept| {
        aws_lc_rs::constant_time::verify_slices_are_equal(kept.as_bytes(), given.as_bytes()).is_ok()
    }))
}

/// Whether the browser sent a session's cookie, so that one that is not there any more has ended.
pub fn had_one(request: &HttpRequest, secure: bool) -> bool {
    request.cookie(cookie_name(secure)).is_some()
}

/// The session of a request.
pub fn of(request: &HttpRequest) -> Session {
    request.get_session()
}
