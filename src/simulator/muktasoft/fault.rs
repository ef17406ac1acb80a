//! The services of the simulated MUKTASoft, and the ways in which they fail.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::Semaphore;

use crate::simulator::http::Action;

/// A service of MUKTASoft's.
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

/// What goes wrong with one request.
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
