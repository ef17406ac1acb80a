//! A form that was sent after its session's end: it was not done, and the page that comes after the sign-in
//! says so, once. Until then the browser carries it, so that nobody who is not signed in has anything kept here;
//! from then on it is kept in the session.

use actix_session::Session;
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, TimeDelta, Utc};

use super::error::WebError;
use super::path::{self, Sub};
use super::rules::Sessions;
use super::sealed_cookie::SealedCookie;
use super::session;
use crate::access::Right;
use crate::domain::words::words;
use crate::language::{Phrase, phrase};

/// Where in a session's state it stands.
const UNDONE: &str = "undone";

/// What carries it to the sign-in.
const CARRIED: SealedCookie = SealedCookie {
    plain: "mukta-ftps-undone",
    bound: "__Host-mukta-ftps-undone",
    life: Some(TimeDelta::hours(1)),
};

words! {
    /// What was not done.
    Undone {
        /// Refresh.
        Refresh = "refresh",
        /// *Ask JIT now* about marked payment instructions.
        Ask = "ask",
        /// A note on a payment instruction.
        Note = "note",
        /// Fetching from MUKTASoft.
        Fetch = "fetch",
        /// Opening a call's payload in full.
        Payload = "payload",
        /// Sending messages again.
        Resend = "resend",
        /// Settling messages.
        Settle = "settle",
        /// A sync now.
        Sync = "sync",
        /// Changing the password.
        Password = "password",
        /// Changing the second factor.
        SecondFactor = "second-factor",
        /// Ending a session.
        Session = "session",
        /// Anything about an employee.
        Employee = "employee",
        /// Signing out.
        SignOut = "sign-out",
        /// Another language.
        Language = "language",
        /// Any other form.
        Other = "other",
    }
}

impl Undone {
    /// What a form of that address asks for.
    pub fn of(path: &str) -> Self {
        let last = path.rsplit('/').next().unwrap_or_default();
        match path {
            "/sync-runs" => Self::Sync,
            "/sign-out" => Self::SignOut,
            "/language" => Self::Language,
            "/account/password" => Self::Password,
            "/account/second-factor" => Self::SecondFactor,
            "/account/sessions" => Self::Session,
            "/employees" => Self::Employee,
            "/payment-instructions/ask" => Self::Ask,
            "/payment-instructions/fetch" => Self::Fetch,
            _ if path.starts_with("/payment-instructions/") => match last {
                "refresh" => Self::Refresh,
                "notes" => Self::Note,
                "calls" => Self::Payload,
                _ => Self::Other,
            },
            _ if path.starts_with("/employees/") => Self::Employee,
            _ if path.starts_with("/messages/") => match last {
                "resend" => Self::Resend,
                "settle" => Self::Settle,
                _ => Self::Other,
            },
            _ => Self::Other,
        }
    }

    /// What it takes to have it done, whatever the form holds.
    pub const fn right(self) -> Option<Right> {
        match self {
            Self::Refresh | Self::Ask => Some(Right::Refresh),
            Self::Note => Some(Right::Note),
            Self::Fetch => Some(Right::Fetch),
            Self::Payload => Some(Right::OpenPayload),
            Self::Resend | Self::Settle => Some(Right::Resend),
            Self::Sync => Some(Right::StartSync),
            Self::Employee => Some(Right::KeepEmployees),
            Self::Password
            | Self::SecondFactor
            | Self::Session
            | Self::SignOut
            | Self::Language
            | Self::Other => None,
        }
    }

    /// The page that a form of that address stands on, where the browser does not tell.
    pub fn page_of(self, path: &str) -> String {
        match self {
            Self::Employee if path == "/employees" => path.to_owned(),
            Self::Refresh | Self::Note | Self::Employee => {
                path.rsplit_once('/').map_or(path, |(page, _)| page).to_owned()
            }
            Self::Payload => path::parse(path)
                .map_or_else(|| "/".to_owned(), |(number, _)| path::link(&number, Sub::Calls)),
            Self::Ask | Self::Fetch => "/payment-instructions".to_owned(),
            Self::Resend | Self::Settle => "/messages".to_owned(),
            Self::Sync => "/sync-runs".to_owned(),
            Self::Password => "/account/password".to_owned(),
            Self::SecondFactor => "/account/second-factor".to_owned(),
            Self::Session => "/account".to_owned(),
            Self::SignOut | Self::Language | Self::Other => "/".to_owned(),
        }
    }

    /// What the page says.
    pub const fn words(self) -> Phrase {
        match self {
            Self::Refresh => phrase("Refresh was not done: press it again."),
            Self::Ask => phrase("Asking JIT was not done: mark the payment instructions again."),
            Self::Note => phrase("The note was not done: write it again."),
            Self::Fetch => phrase("Fetching from MUKTASoft was not done: ask for it again."),
            Self::Payload => phrase("Opening in full was not done: press it again."),
            Self::Resend => phrase("Sending again was not done: press it again."),
            Self::Settle => phrase("Settling was not done: press it again."),
            Self::Sync => phrase("Running the sync was not done: press it again."),
            Self::Password => phrase("Changing the password was not done: fill in the form again."),
            Self::SecondFactor => phrase("Changing the second factor was not done: fill in the form again."),
            Self::Session => phrase("Ending the session was not done: press it again."),
            Self::Employee => phrase("The change of a user was not done: make it again."),
            Self::SignOut => phrase("Signing out was not done: press it again when you want to leave."),
            Self::Language => phrase("The change of language was not done: choose it again."),
            Self::Other => phrase("What you sent was not done: send it again."),
        }
    }

    /// Sends it along for whoever signs in next in this browser.
    pub fn send(
        self,
        rules: &Sessions,
        now: DateTime<Utc>,
        answer: &mut HttpResponse,
    ) -> Result<(), WebError> {
        CARRIED.send(rules, now, answer, &self.as_str())
    }

    /// What this browser brings to the sign-in.
    pub fn brought(rules: &Sessions, now: DateTime<Utc>, request: &HttpRequest) -> Option<Self> {
        CARRIED.brought::<String>(rules, now, request)?.parse().ok()
    }

    /// The browser need not carry it any longer.
    pub fn forget(rules: &Sessions, answer: &mut HttpResponse) -> Result<(), WebError> {
        CARRIED.forget(rules, answer)
    }

    /// Notes it in the session of whoever has signed in.
    pub fn note(self, session: &Session) -> Result<(), WebError> {
        session::keep(session, UNDONE, self.as_str())
    }

    /// What is to be told in this session, if anything is.
    pub fn of_session(session: &Session) -> Result<Option<Self>, WebError> {
        Ok(session::kept::<String>(session, UNDONE)?.and_then(|word| word.parse().ok()))
    }

    /// It has been told.
    pub fn told(session: &Session) {
        session.remove(UNDONE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_known_by_its_address_and_its_page_can_be_asked_for() {
        for (path, undone, page) in [
            ("/payment-instructions/PI-1/2/refresh", Undone::Refresh, "/payment-instructions/PI-1/2"),
            ("/payment-instructions/PI-1/2/notes", Undone::Note, "/payment-instructions/PI-1/2"),
            ("/payment-instructions/PI-1/2/calls", Undone::Payload, "/payment-instructions/PI-1/2/calls"),
            ("/payment-instructions/ask", Undone::Ask, "/payment-instructions"),
            ("/payment-instructions/fetch", Undone::Fetch, "/payment-instructions"),
            ("/messages/7/resend", Undone::Resend, "/messages"),
            ("/messages/settle", Undone::Settle, "/messages"),
            ("/sync-runs", Undone::Sync, "/sync-runs"),
            ("/sign-out", Undone::SignOut, "/"),
            ("/account/password", Undone::Password, "/account/password"),
            ("/account/second-factor", Undone::SecondFactor, "/account/second-factor"),
            ("/account/sessions", Undone::Session, "/account"),
            ("/employees", Undone::Employee, "/employees"),
            ("/employees/7/role", Undone::Employee, "/employees/7"),
            ("/elsewhere/7", Undone::Other, "/"),
        ] {
            assert_eq!((Undone::of(path), undone.page_of(path).as_str()), (undone, page), "{path}");
        }
    }
}
