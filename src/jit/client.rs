//! Asking FTPS about one bill: session, call, and what its reply comes to (DOMAIN.md §2 and §5).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, Utc};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{StatusCode, Url};
use serde_json::Value;

use super::config::{JitConfig, JitSetupError};
use super::envelope::{self, SymmetricKey};
use super::exchange::{Contact, Exchange, Failure};
use super::messages::{self, DateFormat};
use super::session::{Held, NoSession, Session, Sessions, SignInPaused, SignInRefusal};
use crate::clock::Clock;
use crate::domain::{Answer, BillToAsk, Glitch, Reply};
use crate::outgoing;

/// The largest reply that is read.
const MAX_REPLY_BYTES: usize = 8 * 1024 * 1024;

/// One attempt may sign in, call, sign in anew and call again; it must end long before that adds up.
const DEADLINE_IN_TIMEOUTS: u32 = 3;

/// How JIT says that a session is gone (DOMAIN.md §5.3).
const LOST_SESSION: &str = "No valid session encryption key";

/// Secrets shorter than this are not looked for in replies: they would be found by chance.
const MIN_SCRUBBED: usize = 8;

/// Asks JIT. Clones share one session and one pool of connections.
#[derive(Debug, Clone)]
pub struct JitClient(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    http: reqwest::Client,
    /// Makes a connection of its own each time.
    probe: reqwest::Client,
    config: JitConfig,
    authenticate_url: Url,
    call_url: Url,
    credentials: HeaderMap,
    dates: DateFormat,
    sessions: Sessions,
    /// Set when the program is stopping.
    begins_nothing: AtomicBool,
}

/// What one HTTP exchange brought: a whole reply, though perhaps one too large to read.
struct RawReply {
    status: StatusCode,
    /// `None` if it is larger than [`MAX_REPLY_BYTES`].
    body: Option<String>,
}

/// What a call within a session brought.
enum Called {
    Done { status: StatusCode, response: String, reply: Reply },
    LostSession { status: StatusCode, response: String },
}

impl JitClient {
    /// Checks the settings; nothing is sent yet.
    pub fn new(config: JitConfig, clock: Clock) -> Result<Self, JitSetupError> {
        let base = &config.base_url;
        let plain = matches!(base.scheme(), "http" | "https")
            && base.username().is_empty()
            && base.password().is_none()
            && base.query().is_none()
            && base.fragment().is_none();
        if !plain {
            return Err(JitSetupError::BaseUrl);
        }
        if config.timeout.is_zero() {
            return Err(JitSetupError::Timeout);
        }
        let dates =
            DateFormat::new(config.date_offset, &config.date_format).ok_or(JitSetupError::DateFormat)?;
        let mut credentials = HeaderMap::new();
        credentials.insert(
            HeaderName::from_static("clientid"),
            secret_header(&config.client_id).ok_or(JitSetupError::ClientId)?,
        );
        credentials.insert(
            HeaderName::from_static("clientsecret"),
            secret_header(&config.client_secret).ok_or(JitSetupError::ClientSecret)?,
        );
        let client = || {
            outgoing::client(base, config.timeout, config.timeout)
                .tls_certs_merge(config.extra_roots.iter().cloned())
        };
        Ok(Self(Arc::new(Inner {
            http: client().build().map_err(JitSetupError::Http)?,
            probe: client().pool_max_idle_per_host(0).build().map_err(JitSetupError::Http)?,
            authenticate_url: below(base, "authenticate")?,
            call_url: below(base, "get-jit-service-data")?,
            credentials,
            dates,
            sessions: Sessions::new(config.session_lifetime, clock),
            begins_nothing: AtomicBool::new(false),
            config,
        })))
    }

    /// The request for this bill, as it is before it is encrypted.
    pub fn request_json(&self, bill: &BillToAsk) -> String {
        messages::request_json(bill, &self.0.config.department, &self.0.dates)
    }

    /// Lets no exchange begin any more: for the program's end. One under way goes on.
    pub fn begin_nothing_more(&self) {
        self.0.begins_nothing.store(true, Ordering::Release);
    }

    /// Whether a connection can be made at all; nothing is asked, and nobody signs in.
    pub async fn connects(&self) -> bool {
        match self.0.probe.head(self.0.config.base_url.clone()).send().await {
            Ok(_) => true,
            // What was connected to may not know the method, or take its time; and a certificate that is not
            // trusted is for the next call to tell.
            Err(error) => !error.is_connect() || outgoing::is_untrusted_certificate(&error),
        }
    }

    /// Signs in for once, whatever was refused before, and forgets the session. Why JIT did not let us, in words.
    pub async fn try_to_sign_in(&self) -> Result<(), String> {
        self.0.sign_in().await.map(drop).map_err(|failure| match failure.reply {
            Reply::Unusable(glitch) => glitch.to_string(),
            Reply::Nothing { cause } => cause,
            Reply::Answered(_) => Glitch::SignInNotUnderstood.to_string(),
        })
    }

    /// When signing in is tried again, while it pauses after a refusal: until then nobody is asked.
    pub fn sign_in_paused_until(&self) -> Option<DateTime<Utc>> {
        self.0.sessions.paused_until()
    }

    /// Sign-ins that were refused since the last that was not.
    pub fn sign_in_refusal(&self) -> Option<SignInRefusal> {
        self.0.sessions.latest_refusal()
    }

    /// Asks FTPS about a bill, signing in where needed. Whatever goes wrong is in the exchange; there is
    /// none while signing in pauses.
    pub async fn ask(&self, bill: &BillToAsk) -> Result<Exchange, SignInPaused> {
        let request = self.request_json(bill);
        let deadline = self.0.config.timeout.saturating_mul(DEADLINE_IN_TIMEOUTS);
        let outcome = tokio::time::timeout(deadline, self.0.attempt(&request)).await.unwrap_or_else(|_| {
            let cause = format!("no answer within {} seconds, signing in included", deadline.as_secs_f32());
            Err(Failure { contact: Contact::TimedOut, ..Failure::nothing(cause, None) }.into())
        });
        let exchange = match outcome {
            Ok((status, response, reply)) => Exchange {
                request,
                response: Some(response),
                http_status: Some(status.as_u16()),
                contact: Contact::Replied,
                reply,
            },
            Err(NoSession::Failed(Failure { reply, response, http_status, contact })) => {
                Exchange { request, response, http_status, contact, reply }
            }
            Err(NoSession::Paused(paused)) => return Err(paused),
        };
        log::debug!("asked JIT: HTTP status {:?}, {:?}", exchange.http_status, exchange.contact);
        Ok(exchange)
    }
}

impl Inner {
    /// Calls within the session; when it turns out to be gone, once more within a new one.
    async fn attempt(&self, request: &str) -> Result<(StatusCode, String, Reply), NoSession> {
        let held = self.sessions.get(None, async || self.sign_in().await).await?;
        match self.call(&held, request).await? {
            Called::Done { status, response, reply } => return Ok((status, response, reply)),
            Called::LostSession { .. } => log::debug!("JIT ended our session early; signing in again"),
        }
        let held = self.sessions.get(Some(&held), async || self.sign_in().await).await?;
        match self.call(&held, request).await? {
            Called::Done { status, response, reply } => Ok((status, response, reply)),
            Called::LostSession { status, response } => {
                Ok((status, response, Reply::Unusable(Glitch::SessionEndedTwice)))
            }
        }
    }

    async fn sign_in(&self) -> Result<Session, Failure> {
        let app_key = SymmetricKey::random().map_err(|_| Failure::unusable(Glitch::NotEncrypted, None))?;
        let body = envelope::authenticate_body(&self.config.public_key, &app_key)
            .map_err(|_| Failure::unusable(Glitch::NotEncrypted, None))?;
        let reply = self.post(&self.authenticate_url, self.credentials.clone(), body).await?;
        let status = Some(reply.status.as_u16());
        if !reply.status.is_success() {
            return Err(Failure::unusable(Glitch::SignInRefused(named(reply.status)), status));
        }
        let Some(text) = reply.body else {
            return Err(Failure::unusable(Glitch::SignInTooLarge, status));
        };
        if envelope::bare_text(&text).is_empty() {
            return Err(Failure::nothing("JIT's answer to our sign-in is empty", status));
        }
        session_of(&app_key, &text).ok_or_else(|| Failure::unusable(Glitch::SignInNotUnderstood, status))
    }

    async fn call(&self, held: &Held, request: &str) -> Result<Called, Failure> {
        let session = &held.session;
        let rek = SymmetricKey::random().map_err(|_| Failure::unusable(Glitch::NotEncrypted, None))?;
        let body = envelope::call_body(&session.sek, &rek, request)
            .map_err(|_| Failure::unusable(Glitch::NotEncrypted, None))?;
        let headers = HeaderMap::from_iter([(HeaderName::from_static("authtoken"), session.token.clone())]);
        let RawReply { status, body } = self.post(&self.call_url, headers, body).await?;
        // In whatever words: the next call signs in anew, and this one is not repeated (DOMAIN.md §5.3).
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            self.sessions.forget(held);
        }
        let Some(body) = body else {
            return Err(Failure::unusable(Glitch::ReplyTooLarge, Some(status.as_u16())));
        };
        if !status.is_success() {
            let response = self.storable(session, &body);
            if (status.is_client_error() || status.is_server_error()) && body.contains(LOST_SESSION) {
                return Ok(Called::LostSession { status, response });
            }
            // An error that JIT says, sealed with our own key, comes first whatever the status
            // (DOMAIN.md §2, in its order).
            if let (response, Reply::Answered(Answer { error: Some(error), .. })) =
                self.opened(session, &rek, &body)
            {
                let reply = Reply::Answered(Answer { error: Some(error), ..Answer::default() });
                return Ok(Called::Done { status, response, reply });
            }
            let reply = Reply::Unusable(Glitch::HttpStatus(named(status)));
            return Ok(Called::Done { status, response, reply });
        }
        if envelope::bare_text(&body).is_empty() {
            let nothing = Failure::nothing("JIT's reply is empty", Some(status.as_u16()));
            return Err(Failure { contact: Contact::Replied, ..nothing });
        }
        let (response, reply) = self.opened(session, &rek, &body);
        if response.contains(LOST_SESSION) {
            self.sessions.forget(held);
        }
        Ok(Called::Done { status, response, reply })
    }

    /// What to store of a reply, and what it says.
    fn opened(&self, session: &Session, rek: &SymmetricKey, body: &str) -> (String, Reply) {
        match envelope::open_reply(rek, body) {
            // What is not UTF-8 is not repaired: it could end up in a UTR number.
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(json) => {
                    let json = self.without_secrets(session, json);
                    let reply = match messages::parse_answer(json.as_bytes()) {
                        Ok(answer) => Reply::Answered(answer),
                        Err(glitch) => Reply::Unusable(glitch),
                    };
                    (without_nul(json), reply)
                }
                Err(not_utf8) => {
                    let response = self.storable(session, &String::from_utf8_lossy(not_utf8.as_bytes()));
                    (response, Reply::Unusable(Glitch::NotJson))
                }
            },
            Err(fault) => {
                let glitch = match fault {
                    envelope::EnvelopeError::NotBase64 => Glitch::NotBase64,
                    _ => Glitch::NotDecrypted,
                };
                (self.storable(session, body), Reply::Unusable(glitch))
            }
        }
    }

    fn storable(&self, session: &Session, text: &str) -> String {
        without_nul(self.without_secrets(session, text.to_owned()))
    }

    /// An error page may repeat the request's headers; they are not to be stored or shown.
    fn without_secrets(&self, session: &Session, mut text: String) -> String {
        for secret in [session.token.to_str().unwrap_or_default(), &self.config.client_secret] {
            if secret.len() >= MIN_SCRUBBED && text.contains(secret) {
                text = text.replace(secret, "[removed]");
            }
        }
        text
    }

    async fn post(&self, url: &Url, headers: HeaderMap, body: String) -> Result<RawReply, Failure> {
        if self.begins_nothing.load(Ordering::Acquire) {
            return Err(Failure::nothing("not sent: the program is stopping", None).not_tried());
        }
        let response = self
            .http
            .post(url.clone())
            .headers(headers)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(body)
            .send()
            .await
            .map_err(|error| Failure::transport(error, None))?;
        let status = response.status();
        let body = outgoing::body(response, MAX_REPLY_BYTES)
            .await
            .map_err(|error| Failure::transport(error, Some(status.as_u16())))?;
        Ok(RawReply { status, body })
    }
}

/// The session in an answer to `authenticate`; `None` if there is none in it.
fn session_of(app_key: &SymmetricKey, text: &str) -> Option<Session> {
    let answer: Value = serde_json::from_str(text).ok()?;
    let token = secret_header(answer.get("authToken")?.as_str()?.trim())?;
    let sek = envelope::open_sek(app_key, answer.get("sek")?.as_str()?).ok()?;
    Some(Session { token, sek })
}

/// A header value that does not show in debug output; `None` if empty or not fit for a header.
fn secret_header(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok().filter(|value| !value.is_empty())?;
    // Beyond visible ASCII, servers do not agree on what a header says.
    value.to_str().ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn below(base: &Url, name: &str) -> Result<Url, JitSetupError> {
    let mut url = base.clone();
    url.path_segments_mut().map_err(|()| JitSetupError::BaseUrl)?.pop_if_empty().push(name);
    Ok(url)
}

/// `500 (Internal Server Error)`.
fn named(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("{} ({reason})", status.as_u16()),
        None => status.as_u16().to_string(),
    }
}

fn without_nul(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
