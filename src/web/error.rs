//! What a page cannot do: one enum, whose page is written by [`error_page`](super::error_page).

use actix_web::http::StatusCode;

use crate::access::password::PasswordFault;
use crate::language::{Phrase, phrase};
use crate::store::StoreError;

/// Why a page could not be shown, or a form not be obeyed.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// There is no such page, or not for this viewer.
    #[error("there is no such page")]
    NotFound,
    /// It is there, but of another ULB than the viewer's: what it is. They are told that there is no such page.
    #[error("of another ULB: {0}")]
    OfAnotherUlb(String),
    /// The page knows no such method; holds those it knows.
    #[error("the page answers {0} only")]
    MethodNotAllowed(&'static str),
    /// The viewer may not do that: what it takes, in plain words.
    #[error("not allowed: {}", .0.english())]
    Forbidden(Phrase),
    /// The request makes no sense: why, in plain words.
    #[error("bad request: {}", .0.english())]
    BadRequest(Phrase),
    /// Nobody is signed in: where to come back to afterwards, and whether there was a session.
    #[error("nobody is signed in")]
    SignInFirst {
        /// A path on this site.
        back: String,
        /// Whether the browser still has the cookie of a session that ended.
        had_session: bool,
    },
    /// The person has to choose a password of their own first.
    #[error("the password is to be changed first")]
    PasswordFirst,
    /// The person has to set up a second factor first.
    #[error("the second factor is to be set up first")]
    SecondFactorFirst,
    /// A form that no page of this session sent.
    #[error("a form without the session's token, or from another site")]
    ForeignForm,
    /// A request for another host.
    #[error("a request for another host")]
    Misdirected,
    /// The form is too long.
    #[error("a form that is too long")]
    TooLong,
    /// The browser took too long to send its form.
    #[error("a form that was sent too slowly")]
    TooSlow,
    /// The session could not be read or written.
    #[error("a session could not be kept: {0}")]
    Session(String),
    /// The program is stopping: what was asked for was not begun, or was cut off.
    #[error("the program is stopping")]
    Stopping,
    /// The program is stopping, and this came too late: nothing of it was begun.
    #[error("the program is stopping, and begins nothing more")]
    Closed,
    /// There was not enough memory: nothing was looked at.
    #[error("there is not enough memory to look at a password")]
    NoMemory,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A template failed.
    #[error("a page could not be written: {0}")]
    Render(#[from] askama::Error),
    /// A task of the page's broke off.
    #[error("a task broke off: {0}")]
    BrokeOff(#[from] tokio::task::JoinError),
}

impl From<PasswordFault> for WebError {
    fn from(fault: PasswordFault) -> Self {
        match fault {
            PasswordFault::Memory => Self::NoMemory,
            fault => Self::Session(fault.to_string()),
        }
    }
}

impl WebError {
    /// The address holds something that cannot be read.
    pub fn unreadable_address() -> Self {
        Self::BadRequest(phrase("The address of the page holds something that cannot be read."))
    }

    /// What a form's reading failed of.
    pub fn unreadable_form(fault: &actix_web::Error) -> Self {
        match fault.as_response_error().status_code() {
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLong,
            _ => Self::BadRequest(phrase("The form could not be read. Nothing was done.")),
        }
    }
}
