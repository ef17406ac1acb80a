//! The state's SMS gateway: one form POST a message, and what its answer means (DOMAIN.md §6).

use std::fmt;
use std::time::Duration;

use reqwest::{StatusCode, Url};
use serde_json::Value;

use super::sms::Sms;
use crate::sealing::last_four;

/// The largest answer that is read.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Of an answer so many characters are kept.
const KEPT_CHARS: usize = 300;

/// A run of at least so many digits may be a mobile number.
const TELLING_DIGITS: usize = 8;

/// No connection takes longer to make than this.
const MAX_CONNECT: Duration = Duration::from_secs(10);

/// A message that meets a connection which the gateway is just closing would become unknown: idle
/// ones are not kept for long.
const MAX_IDLE: Duration = Duration::from_secs(5);

/// How to reach the gateway, and as whom.
#[derive(Clone)]
pub struct GatewayConfig {
    /// Where messages are posted to.
    pub url: Url,
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

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What it means.
    pub verdict: Verdict,
    /// Why it is not accepted, in words for the page.
    pub cause: Option<String>,
    /// What the gateway said: one line of it, shortened, long numbers masked.
    pub said: Option<String>,
}

impl Answer {
    fn without_reply(verdict: Verdict, cause: String) -> Self {
        Self { verdict, cause: Some(cause), said: None }
    }
}

/// Hands messages over. Nothing is sent twice by it: no redirects, no repeats.
#[derive(Debug)]
pub struct Gateway {
    http: reqwest::Client,
    config: GatewayConfig,
}

impl Gateway {
    /// Nothing is sent yet.
    pub fn new(config: GatewayConfig) -> Result<Self, GatewaySetupError> {
        let mut http = reqwest::Client::builder()
            .user_agent(concat!("mukta-ftps/", env!("CARGO_PKG_VERSION")))
            // Well within the whole, so that "could not connect" is told from "no answer".
            .connect_timeout((config.timeout / 2).min(MAX_CONNECT))
            .timeout(config.timeout)
            .pool_idle_timeout(MAX_IDLE)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false);
        if is_loopback(&config.url) {
            // A proxy of the environment could not reach this machine's own simulator.
            http = http.no_proxy();
        } else if config.url.scheme() == "http" {
            log::warn!("SMS_GATEWAY_URL is not https: mobile numbers travel in clear");
        }
        Ok(Self { http: http.build()?, config })
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
                let cause = format!("The gateway could not be reached ({}).", cause_of(fault));
                return Answer::without_reply(Verdict::TryLater, cause);
            }
            Err(fault) => return no_whole_answer(fault),
        };
        let status = response.status();
        match whole_body(response).await {
            Ok(body) => judged(status, body.as_deref(), &sms.to),
            Err(fault) => no_whole_answer(fault),
        }
    }
}

fn no_whole_answer(fault: reqwest::Error) -> Answer {
    let cause = if fault.is_timeout() {
        format!(
            "The gateway did not answer in time, so whether it accepted the message is not known ({}).",
            cause_of(fault)
        )
    } else {
        format!(
            "The gateway gave no whole answer, so whether it accepted the message is not known ({}).",
            cause_of(fault)
        )
    };
    Answer::without_reply(Verdict::Unknown, cause)
}

/// The body; `None` if it is too large to be read.
async fn whole_body(mut response: reqwest::Response) -> Result<Option<String>, reqwest::Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if bytes.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// The table of DOMAIN.md §6, for an answer that arrived.
fn judged(status: StatusCode, body: Option<&str>, to: &str) -> Answer {
    let said = body.map(|body| storable(body, to)).filter(|said| !said.is_empty());
    let code = status.as_u16();
    let (verdict, cause) = match code {
        200..=299 => match body.and_then(success_of) {
            Some(true) => return Answer { verdict: Verdict::Accepted, cause: None, said },
            Some(false) => (Verdict::Refused, "The gateway refused the message.".to_owned()),
            None => (
                Verdict::Unknown,
                "The gateway's answer cannot be read, so whether it accepted the message is not known."
                    .to_owned(),
            ),
        },
        429 | 500 | 503 => {
            (Verdict::TryLater, format!("The gateway did not take the message (HTTP status {code})."))
        }
        500..=599 => (
            Verdict::Unknown,
            format!(
                "Something before the gateway answered with HTTP status {code}, so whether the gateway accepted \
                 the message is not known."
            ),
        ),
        _ => (Verdict::Refused, format!("The gateway refused the message (HTTP status {code}).")),
    };
    Answer { verdict, cause: Some(cause), said }
}

/// What an answer says of success; `None` if it says nothing that can be read.
fn success_of(body: &str) -> Option<bool> {
    match serde_json::from_str::<Value>(body).ok()?.get("success")? {
        Value::Bool(success) => Some(*success),
        Value::String(word) => Some(word.trim().eq_ignore_ascii_case("true")),
        _ => None,
    }
}

/// One line of a text of theirs, in which no mobile number can be read.
fn storable(text: &str, to: &str) -> String {
    let mask = |number: &str| format!("•••• {}", last_four(number).unwrap_or_default());
    let text = text.replace(to, &mask(to));
    let mut kept = String::new();
    let mut rest = text.as_str();
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let digits_on = &rest[start..];
        let end = digits_on.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits_on.len());
        let (digits, after) = digits_on.split_at(end);
        kept.push_str(&rest[..start]);
        kept.push_str(&if digits.len() >= TELLING_DIGITS { mask(digits) } else { digits.to_owned() });
        rest = after;
    }
    kept.push_str(rest);
    let one_line = kept.replace(|c: char| c.is_control(), " ");
    let one_line = one_line.split_whitespace().collect::<Vec<_>>().join(" ");
    match one_line.char_indices().nth(KEPT_CHARS) {
        Some((end, _)) => format!("{}…", &one_line[..end]),
        None => one_line,
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The innermost cause, which tells most; the URL is known from the settings.
fn cause_of(fault: reqwest::Error) -> String {
    let fault = fault.without_url();
    let mut cause: &dyn std::error::Error = &fault;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
#[path = "gateway_tests.rs"]
mod tests;
