//! One attempt to ask JIT: what is stored of it, and what it came to.

use crate::domain::{Glitch, Reply};
use crate::outgoing;

/// One attempt to ask about a bill: what is stored of it, and what it came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    /// The request's JSON, as it was (or would have been) sent, decrypted.
    pub request: String,
    /// The reply's decrypted JSON; its raw text where it could not be opened; `None` where there
    /// was none, or it was an answer to signing in. Without NUL characters and secrets.
    pub response: Option<String>,
    /// HTTP status of the last reply.
    pub http_status: Option<u16>,
    /// How far JIT was reached.
    pub contact: Contact,
    /// What came back, for [`decide`](crate::domain::decide()).
    pub reply: Reply,
}

/// How far an attempt got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contact {
    /// A whole reply to the call came back.
    Replied,
    /// Something came back, but no whole reply to a call.
    Reached,
    /// No connection could be made.
    Unreachable,
    /// Nothing came back in time.
    TimedOut,
    /// Nothing was tried: it failed with another's attempt to sign in, which it had waited for, or the
    /// program is stopping.
    NotTried,
}

/// An exchange that brought no session or no answer.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) reply: Reply,
    pub(super) response: Option<String>,
    pub(super) http_status: Option<u16>,
    pub(super) contact: Contact,
}

impl Failure {
    pub(super) fn unusable(glitch: Glitch, http_status: Option<u16>) -> Self {
        Self { reply: Reply::Unusable(glitch), response: None, http_status, contact: Contact::Reached }
    }

    pub(super) fn nothing(cause: impl Into<String>, http_status: Option<u16>) -> Self {
        Self {
            reply: Reply::Nothing { cause: cause.into() },
            response: None,
            http_status,
            contact: Contact::Reached,
        }
    }

    pub(super) fn transport(error: reqwest::Error, http_status: Option<u16>) -> Self {
        if let Some(fault) = outgoing::certificate_fault(&error) {
            log::warn!("JIT is not asked: {fault}");
            return Self::unusable(Glitch::CertificateNotTrusted, http_status);
        }
        let contact = match () {
            () if error.is_connect() => Contact::Unreachable,
            () if error.is_timeout() => Contact::TimedOut,
            () => Contact::Reached,
        };
        Self { contact, ..Self::nothing(outgoing::causes(error), http_status) }
    }

    /// The same failure for whoever has tried nothing.
    pub(super) fn not_tried(&self) -> Self {
        Self { contact: Contact::NotTried, ..self.clone() }
    }
}
