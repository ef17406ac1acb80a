//! What came back: the receiver of statuses, and its page.

use askama::Template;
use aws_lc_rs::hmac;
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::register::{number_of, text};
use crate::domain::date::ist_minute;
use crate::domain::text::masked;
use crate::sealing::unhex;
use crate::simulator::http::{Action, HttpRequest};

/// The page shows so many of the latest.
const SHOWN: usize = 200;

/// A status that was posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The body's JSON; a text where it is none.
    pub body: Value,
    /// The body as it came.
    pub raw: Vec<u8>,
    /// `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// Whether `X-Signature` is that of the body.
    pub signature_fits: bool,
    /// When it came in.
    pub at: DateTime<Utc>,
    /// What became of it.
    pub outcome: StatusOutcome,
}

impl Received {
    /// The body's `changeNumber`.
    pub fn change_number(&self) -> Option<i64> {
        self.body.get("changeNumber")?.as_i64()
    }

    /// The number of the payment instruction that it tells of.
    pub fn number(&self) -> Option<&str> {
        number_of(&self.body)
    }
}

/// What became of a status that was posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusOutcome {
    /// Stored and applied: HTTP status 201.
    Taken,
    /// Its key was known already: HTTP status 409.
    KnownAlready,
    /// Not taken, with this HTTP status.
    Refused(u16),
}

impl StatusOutcome {
    /// The HTTP status that tells of it.
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Taken => 201,
            Self::KnownAlready => 409,
            Self::Refused(status) => status,
        }
    }
}

/// A request as a status that came in, not yet judged by whether its key is known.
pub(super) fn read(request: &HttpRequest, body: Value, secret: &str) -> Received {
    let idempotency_key =
        request.header("Idempotency-Key").map(str::trim).filter(|key| !key.is_empty()).map(str::to_owned);
    let signature_fits = request.header("X-Signature").is_some_and(|told| fits(told, secret, &request.body));
    let mut received = Received {
        body,
        raw: request.body.clone(),
        idempotency_key,
        signature_fits,
        at: Utc::now(),
        outcome: StatusOutcome::Taken,
    };
    if !signature_fits {
        received.outcome = StatusOutcome::Refused(401);
    } else if received.idempotency_key.is_none()
        || received.number().is_none()
        || received.change_number().is_none()
    {
        received.outcome = StatusOutcome::Refused(400);
    }
    received
}

/// Whether `sha256=<hex>` is the body's HMAC.
fn fits(told: &str, secret: &str, body: &[u8]) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    told.trim()
        .strip_prefix("sha256=")
        .and_then(unhex)
        .is_some_and(|signature| hmac::verify(&key, body, &signature).is_ok())
}

#[derive(Template)]
#[template(path = "simulator/muktasoft.html")]
struct ReceivedPage<'a> {
    /// Newest first.
    received: Vec<&'a Received>,
    /// How many came in ever.
    count: usize,
}

impl ReceivedPage<'_> {
    fn at(one: &Received) -> String {
        ist_minute(one.at)
    }

    fn number(one: &Received) -> &str {
        one.number().unwrap_or("no number")
    }

    fn status(one: &Received) -> &str {
        text(&one.body, "piStatus").unwrap_or("no status")
    }

    fn change(one: &Received) -> String {
        one.change_number().map_or_else(|| "none".to_owned(), |number| number.to_string())
    }

    fn outcome(one: &Received) -> String {
        match one.outcome {
            StatusOutcome::Taken => "taken".to_owned(),
            StatusOutcome::KnownAlready => "known already".to_owned(),
            StatusOutcome::Refused(status) => format!("refused with {status}"),
        }
    }

    fn people(one: &Received) -> &[Value] {
        one.body.get("beneficiaryDetails").and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    fn told<'b>(beneficiary: &'b Value, field: &str) -> &'b str {
        text(beneficiary, field).unwrap_or("")
    }

    fn account(beneficiary: &Value) -> String {
        masked(Self::told(beneficiary, "benfAcctNo"))
    }
}

/// The page of what came back.
pub(super) fn page(received: &[Received]) -> Action {
    let page = ReceivedPage { received: received.iter().rev().take(SHOWN).collect(), count: received.len() };
    match page.render() {
        Ok(html) => Action::Respond {
            status: 200,
            headers: vec![("Content-Type".to_owned(), "text/html; charset=utf-8".to_owned())],
            body: html.into_bytes(),
        },
        Err(fault) => Action::respond(500, fault.to_string()),
    }
}
