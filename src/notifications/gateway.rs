//! The state's SMS gateway: one form POST a message, and what its answer means (DOMAIN.md §6).

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::{Certificate, StatusCode, Url};
use serde_json::{Map, Value};

use crate::domain::DeliveryFault;
use crate::domain::sms::Sms;
use crate::domain::text::{masked, one_line, shortened, without_long_numbers};
use crate::outgoing;

/// The largest answer that is read.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Of an answer so many characters are kept.
const KEPT_CHARS: usize = 300;

/// A run of at least so many digits may be a mobile number.
const TELLING_DIGITS: usize = 8;

/// A message that meets a connection which the gateway is just closing would become unknown: idle
/// ones are not kept for long.
const MAX_IDLE: Duration = Duration::from_secs(5);

/// How to reach the gateway, and as whom.
#[derive(Clone)]
pub struct GatewayConfig {
    /// Where messages are posted to.
    pub url: Url,
    /// Certificates trusted beside the system's.
    pub extra_roots: Vec<Certificate>,
    /// How long one message may take.
    pub timeout: Duration,
    /// `action`.
    pub action: String,
    /// `source`, the sender id.
    pub source: String,
    /// `department_id`.
    pub department_id: String,
    /// `template_id`, the number of the registered DLT template.
    pub template_id: String,
}

/// Never shows the URL, which may hold a password.
impl fmt::Debug for GatewayConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewayConfig").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

/// Why the gateway's client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client for the SMS gateway could not be made: {0}")]
pub struct GatewaySetupError(#[from] reqwest::Error);

/// What an attempt means for the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The gateway has it.
    Accepted,
    /// The gateway surely has it not, and may take it later.
    TryLater,
    /// The gateway will not take it.
    Refused,
    /// The gateway may have it or not.
    Unknown,
}

impl Verdict {
    /// For figures.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::TryLater => "try-later",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What it means.
    pub verdict: Verdict,
    /// Why it is not accepted.
    pub cause: Option<DeliveryFault>,
    /// What the gateway said: one line of it, shortened, long numbers masked.
    pub said: Option<String>,
}

impl Answer {
    pub(super) fn without_reply(verdict: Verdict, cause: DeliveryFault) -> Self {
        Self { verdict, cause: Some(cause), said: None }
    }
}

/// Hands messages over. Nothing is sent twice by it: no redirects, no repeats.
#[derive(Debug)]
pub struct Gateway {
    http: reqwest::Client,
    config: GatewayConfig,
    /// Whether the log was told that it is away: once, and not for each message.
    told_away: AtomicBool,
}

impl Gateway {
    /// Nothing is sent yet.
    pub fn new(config: GatewayConfig) -> Result<Self, GatewaySetupError> {
        // Connecting ends well within the whole, so that "could not connect" is told from "no answer".
        let http = outgoing::client(&config.url, config.timeout, config.timeout / 2)
            .pool_idle_timeout(MAX_IDLE)
            .tls_certs_merge(config.extra_roots.iter().cloned())
            .build()?;
        Ok(Self { http, config, told_away: AtomicBool::new(false) })
    }

    /// Posts one message. Whatever goes wrong is in the answer.
    pub async fn send(&self, sms: &Sms) -> Answer {
        let config = &self.config;
        let sent = self
            .http
            .post(config.url.clone())
            .form(&[
                ("action", config.action.as_str()),
                ("source", &config.source),
                ("department_id", &config.department_id),
                ("template_id", &config.template_id),
                ("sms_content", &sms.text),
                ("phonenumber", &sms.to),
            ])
            .send()
            .await;
        let response = match sent {
            Ok(response) => response,
            Err(fault) if fault.is_connect() => {
                self.tell_away("could not be reached", fault);
                return Answer::without_reply(Verdict::TryLater, DeliveryFault::NotReached);
            }
            Err(fault) => return self.no_whole_answer(fault),
        };
        let status = response.status();
        match outgoing::body(response, MAX_ANSWER_BYTES).await {
            Ok(body) => {
                if self.told_away.swap(false, Ordering::AcqRel) {
                    log::info!("the SMS gateway answers again");
                }
                judged(status, body.as_deref(), &sms.to)
            }
            Err(fault) => self.no_whole_answer(fault),
        }
    }

    fn no_whole_answer(&self, fault: reqwest::Error) -> Answer {
        let cause = if fault.is_timeout() { DeliveryFault::TimedOut } else { DeliveryFault::BrokeOff };
        self.tell_away("gave no whole answer", fault);
        Answer::without_reply(Verdict::Unknown, cause)
    }

    fn tell_away(&self, what: &str, fault: reqwest::Error) {
        let was_told = self.told_away.swap(true, Ordering::AcqRel);
        let level = if was_told { log::Level::Debug } else { log::Level::Warn };
        log::log!(level, "the SMS gateway {what}: {}", outgoing::innermost_cause(fault));
    }
}

/// The table of DOMAIN.md §6, for an answer that arrived.
fn judged(status: StatusCode, body: Option<&str>, to: &str) -> Answer {
    let object = body.and_then(object_in);
    let said = object.or(body).map(|told| storable(told, to)).filter(|said| !said.is_empty());
    let code = status.as_u16();
    let (verdict, cause) = match code {
        200..=299 => match object.and_then(success_of) {
            Some(true) => return Answer { verdict: Verdict::Accepted, cause: None, said },
            Some(false) => (Verdict::Refused, DeliveryFault::Refused),
            None => (Verdict::Unknown, DeliveryFault::AnswerNotRead),
        },
        429 | 500 | 503 => (Verdict::TryLater, DeliveryFault::NotTaken(code.to_string())),
        500..=599 => (Verdict::Unknown, DeliveryFault::AnsweredBefore(code.to_string())),
        _ => (Verdict::Refused, DeliveryFault::RefusedWithStatus(code.to_string())),
    };
    Answer { verdict, cause: Some(cause), said }
}

/// The JSON object that an answer ends with. The gateway is a PHP program: a byte order mark, blank lines
/// or a warning in HTML may stand before it.
fn object_in(body: &str) -> Option<&str> {
    let body = body.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let is_object = |text: &&str| serde_json::from_str::<Map<String, Value>>(text).is_ok();
    if body.starts_with(['{', '[']) {
        // Never a part of another object.
        return Some(body).filter(is_object);
    }
    body.match_indices('{').map(|(at, _)| &body[at..]).find(is_object)
}

/// Whether the gateway's object says that the message is accepted: only a success whose status is 1.
/// `None` if it says nothing of success.
fn success_of(object: &str) -> Option<bool> {
    let object: Map<String, Value> = serde_json::from_str(object).ok()?;
    let success = match object.get("success")? {
        Value::Bool(success) => *success,
        Value::String(word) => word.trim().eq_ignore_ascii_case("true"),
        _ => return None,
    };
    let status = match object.get("status") {
        Some(Value::Number(number)) => number.as_f64() == Some(1.0),
        Some(Value::String(word)) => word.trim() == "1",
        _ => false,
    };
    Some(success && status)
}

/// What a stored answer of the gateway says to a person: the `message` of its object, if it has one.
pub fn message_in(said: &str) -> Option<String> {
    let object: Map<String, Value> = serde_json::from_str(said).ok()?;
    let message = object.get("message")?.as_str()?.trim();
    (!message.is_empty()).then(|| message.to_owned())
}

/// One line of a text of theirs, in which no mobile number can be read.
fn storable(text: &str, to: &str) -> String {
    let text = text.replace(to, &masked(to));
    shortened(&one_line(&without_long_numbers(&text, TELLING_DIGITS)), KEPT_CHARS)
}

#[cfg(test)]
#[path = "gateway_tests.rs"]
mod tests;
