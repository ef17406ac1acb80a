//! The services of the simulated MUKTASoft, and the ways in which they fail.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::Semaphore;

use crate::simulator::http::Action;

/// How long [`Fault::Slow`] takes where nobody says how long.
const SLOW: Duration = Duration::from_secs(3);

/// A service of MUKTASoft's. Written as a word in kebab case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// The search of payment instructions, of both kinds.
    PiSearch,
    /// The bank accounts of beneficiaries.
    BankAccounts,
    /// Names and mobile numbers of wage seekers.
    Individuals,
    /// Names and mobile numbers of organisations.
    Organisations,
    /// The receiver of statuses.
    Status,
}

impl Service {
    /// Every service with its word, for help texts and tests.
    pub const ALL: &'static [Row<Self>] = &[
        (Self::PiSearch, "pi-search", "payment instructions, at both endpoints"),
        (Self::BankAccounts, "bank-accounts", "accounts of beneficiaries"),
        (Self::Individuals, "individuals", "names and mobile numbers of wage seekers"),
        (Self::Organisations, "organisations", "names and mobile numbers of organisations"),
        (Self::Status, "status", "the receiver of what comes back"),
    ];
}

/// A word that is no service's.
#[derive(Debug, thiserror::Error)]
#[error("“{0}” is not a service of MUKTASoft's; there are: {words}", words = words(Service::ALL))]
pub struct UnknownService(String);

impl FromStr for Service {
    type Err = UnknownService;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        row(Self::ALL, word).map(|(service, ..)| *service).ok_or_else(|| UnknownService(word.to_owned()))
    }
}

/// What goes wrong with one request. Written as a word in kebab case; `errors:TEXT` brings its own text.
#[derive(Debug, Clone)]
pub enum Fault {
    /// This HTTP status, without anything that says why.
    Http(u16),
    /// HTTP status 400 with this message in `Errors`.
    Errors(String),
    /// HTTP status 401 with `Errors`, whatever the token.
    Unauthorized,
    /// The usual answer, after so long.
    Slow(Duration),
    /// The usual answer, as it is once the gate is open.
    Gate(Gate),
    /// The connection is aborted before the request is looked at.
    Reset,
    /// What is asked for is done, but the connection is aborted instead of an answer.
    AnswerLost,
    /// HTTP status 200 with a page instead of JSON.
    Html,
    /// The answer ends in its midst.
    Truncated,
    /// No answer ever.
    Hang,
    /// People's numbers are masked, such as `******4321`.
    Masked,
    /// The first instruction of all moves to the end before the answer is made, as rows of a database
    /// move that are written: pages shift while they are read.
    Shifted,
}

impl Fault {
    /// The faults that have a word, with what they do, for help texts and tests.
    pub const ALL: &'static [Row<fn() -> Self>] = &[
        (|| Self::Slow(Duration::ZERO), "usual", "nothing goes wrong"),
        (|| Self::Slow(SLOW), "slow", "the usual answer, after three seconds"),
        (|| Self::Masked, "masked", "numbers of people are masked: ******4321"),
        (|| Self::Shifted, "shifted", "the first instruction moves to the end: pages shift"),
        (|| Self::Errors("Invalid search criteria".to_owned()), "errors", "HTTP status 400 with Errors"),
        (|| Self::Unauthorized, "unauthorized", "HTTP status 401, whatever the token"),
        (|| Self::Http(422), "http-422", "HTTP status 422"),
        (|| Self::Http(500), "http-500", "HTTP status 500"),
        (|| Self::Http(503), "http-503", "HTTP status 503"),
        (|| Self::Html, "html", "HTTP status 200 with a page instead of JSON"),
        (|| Self::Truncated, "truncated", "the answer ends in its midst"),
        (|| Self::Reset, "reset", "the connection is reset, the request not looked at"),
        (|| Self::AnswerLost, "answer-lost", "done, but the connection is reset instead of an answer"),
        (|| Self::Hang, "time-out", "no answer ever"),
    ];

    /// What the server does instead of looking at the request; `None` if it does look.
    pub(super) fn instead(&self) -> Option<Action> {
        Some(match self {
            Self::Http(status) => Action::json(*status, r#"{"message":"It cannot be done now."}"#),
            Self::Errors(message) => errors(400, "INVALID_REQUEST", message),
            Self::Unauthorized => errors(401, "INVALID_TOKEN", "The token is not known or has run out."),
            Self::Reset => Action::Reset,
            Self::Html => Action::Respond {
                status: 200,
                headers: vec![("Content-Type".to_owned(), "text/html".to_owned())],
                body: b"<html><body><h1>Works in progress</h1></body></html>".to_vec(),
            },
            Self::Hang => Action::Hang,
            Self::Slow(_)
            | Self::Gate(_)
            | Self::AnswerLost
            | Self::Truncated
            | Self::Masked
            | Self::Shifted => {
                return None;
            }
        })
    }
}

/// A word that is no fault's.
#[derive(Debug, thiserror::Error)]
#[error("“{0}” is not what MUKTASoft can meet; there are: {words}", words = words(Fault::ALL))]
pub struct UnknownFault(String);

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        if let Some(text) = word.strip_prefix("errors:") {
            return Ok(Self::Errors(text.to_owned()));
        }
        row(Self::ALL, word).map(|(fault, ..)| fault()).ok_or_else(|| UnknownFault(word.to_owned()))
    }
}

/// What a word stands for, the word, and its meaning.
type Row<T> = (T, &'static str, &'static str);

fn row<T>(all: &'static [Row<T>], word: &str) -> Option<&'static Row<T>> {
    all.iter().find(|(_, known, _)| *known == word)
}

fn words<T>(all: &[Row<T>]) -> String {
    all.iter().map(|(_, word, _)| *word).collect::<Vec<_>>().join(", ")
}

/// How MUKTASoft tells that it could not answer.
pub(super) fn errors(status: u16, code: &str, message: &str) -> Action {
    let body = json!({ "ResponseInfo": null, "Errors": [{ "code": code, "message": message }] });
    Action::json(status, body.to_string())
}

/// A gate that answers wait at until a test opens it. It begins shut.
#[derive(Debug, Clone)]
pub struct Gate(Arc<Semaphore>);

impl Gate {
    /// A gate that is shut.
    pub fn shut() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    /// Lets everything through, from now on.
    pub fn open(&self) {
        self.0.close();
    }

    /// Waits until it is open.
    pub(super) async fn passed(&self) {
        // It never has a permit: this ends, with an error, when the semaphore is closed.
        let _closed = self.0.acquire().await;
    }
}
