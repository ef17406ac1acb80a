//! The ways in which the simulated SMS gateway answers.

use std::fmt;
use std::str::FromStr;

use crate::simulator::http::Action;

/// How a message is answered. Written as a word in kebab case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SmsScenario {
    /// `success` is `true`.
    #[default]
    Accepted,
    /// `success` is `"true"`.
    AcceptedText,
    /// Accepted, behind a byte order mark and a warning of PHP.
    AfterWarning,
    /// Accepted, after a while.
    Slow,
    /// 200 with `success` false.
    Refused,
    /// 200 with `success` true and a status that says otherwise.
    NoBalance,
    /// HTTP status 400.
    Http400,
    /// HTTP status 302.
    Redirect,
    /// HTTP status 429.
    Http429,
    /// HTTP status 500.
    Http500,
    /// HTTP status 503.
    Http503,
    /// HTTP status 502.
    Http502,
    /// HTTP status 504.
    Http504,
    /// 200 with something else than JSON.
    Unreadable,
    /// 200 with JSON that says nothing of success.
    Unclear,
    /// 200 with nothing in it.
    Empty,
    /// 200 with more than anybody reads.
    TooLarge,
    /// Takes the message and aborts the connection.
    Reset,
    /// Aborts the connection without having looked.
    ResetUnread,
    /// Takes the message and closes the connection without an answer.
    Closed,
    /// Takes the message and ends within its answer.
    Truncated,
    /// Takes the message and never answers.
    TimeOut,
}

impl SmsScenario {
    /// Every scenario with its word and what it does, for help texts and tests.
    pub const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (Self::Accepted, "accepted", "the message is accepted"),
        (Self::AcceptedText, "accepted-text", "accepted, with \"true\" as a text"),
        (Self::AfterWarning, "after-warning", "accepted, with a warning of PHP before the answer"),
        (Self::Slow, "slow", "accepted, after a while"),
        (Self::Refused, "refused", "HTTP status 200 that says false"),
        (Self::NoBalance, "no-balance", "HTTP status 200 that says success and status 0: refused"),
        (Self::Http400, "http-400", "HTTP status 400"),
        (Self::Redirect, "redirect", "a redirect to elsewhere"),
        (Self::Http429, "http-429", "HTTP status 429, too many requests"),
        (Self::Http500, "http-500", "HTTP status 500"),
        (Self::Http503, "http-503", "HTTP status 503"),
        (Self::Http502, "http-502", "HTTP status 502 of a proxy, after the message was accepted"),
        (Self::Http504, "http-504", "HTTP status 504 of a proxy, after the message was accepted"),
        (Self::Unreadable, "unreadable", "accepted, with an answer that is not JSON"),
        (Self::Unclear, "unclear", "accepted, with an answer that does not say so"),
        (Self::Empty, "empty", "accepted, with an empty answer"),
        (Self::TooLarge, "too-large", "accepted, with an answer too large to be read"),
        (Self::Reset, "reset", "accepted, then the connection is reset"),
        (Self::ResetUnread, "reset-unread", "the connection is reset, the message not looked at"),
        (Self::Closed, "closed", "accepted, then the connection is closed without an answer"),
        (Self::Truncated, "truncated", "accepted, then the connection ends within the answer"),
        (Self::TimeOut, "time-out", "accepted, but no answer ever"),
    ];

    fn row(self) -> Option<&'static (Self, &'static str, &'static str)> {
        Self::ALL.iter().find(|(scenario, _, _)| *scenario == self)
    }

    /// Whether the message reaches its telephone.
    pub const fn delivers(self) -> bool {
        !matches!(
            self,
            Self::Refused
                | Self::NoBalance
                | Self::Http400
                | Self::Redirect
                | Self::Http429
                | Self::Http500
                | Self::Http503
                | Self::ResetUnread
        )
    }

    /// What the server does.
    pub(super) fn action(self) -> Action {
        const ACCEPTED: &str = r#"{"success":true,"status":1,"message":"Message submitted successfully"}"#;
        let refusal = |status, message: &str| {
            Action::json(status, format!(r#"{{"success":false,"status":0,"message":"{message}"}}"#))
        };
        let page = |status| Action::respond(status, "<html><body><h1>Gateway error</h1></body></html>");
        match self {
            Self::Accepted | Self::Slow => Action::json(200, ACCEPTED),
            Self::AcceptedText => Action::json(200, r#"{"success":"true","status":1,"message":"ok"}"#),
            Self::AfterWarning => {
                Action::json(200, format!("\u{feff}<br />\n<b>Warning</b>: unset\n{ACCEPTED}"))
            }
            Self::Refused => refusal(200, "Template mismatch"),
            Self::NoBalance => {
                Action::json(200, r#"{"success":"true","status":0,"message":"Insufficient balance"}"#)
            }
            Self::Http400 => refusal(400, "Bad request"),
            Self::Redirect => Action::Respond {
                status: 302,
                headers: vec![("Location".to_owned(), PATH_ELSEWHERE.to_owned())],
                body: Vec::new(),
            },
            Self::Http429 => refusal(429, "Too many requests"),
            Self::Http500 => refusal(500, "Internal error"),
            Self::Http503 => page(503),
            Self::Http502 => page(502),
            Self::Http504 => page(504),
            Self::Unreadable => Action::respond(200, "Message submitted"),
            Self::Unclear => Action::json(200, r#"{"status":1,"message":"ok"}"#),
            Self::Empty => Action::json(200, ""),
            Self::TooLarge => {
                Action::json(200, format!(r#"{{"success":true,"pad":"{}"}}"#, "x".repeat(100_000)))
            }
            Self::Reset | Self::ResetUnread => Action::Reset,
            Self::Closed => Action::CloseWithoutReply,
            Self::Truncated => Action::Truncate { body: ACCEPTED.as_bytes()[..20].to_vec(), missing: 50 },
            Self::TimeOut => Action::Hang,
        }
    }
}

/// Where a redirect leads: to the gateway itself, so that whoever follows it is noticed.
const PATH_ELSEWHERE: &str = "/sms";

impl fmt::Display for SmsScenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.row().map_or("", |(_, word, _)| word))
    }
}

/// A word that is no scenario's.
#[derive(Debug, thiserror::Error)]
#[error("“{0}” is not a scenario; there are: {words}", words = words())]
pub struct UnknownSmsScenario(String);

fn words() -> String {
    SmsScenario::ALL.iter().map(|(_, word, _)| *word).collect::<Vec<_>>().join(", ")
}

impl FromStr for SmsScenario {
    type Err = UnknownSmsScenario;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .find(|(_, known, _)| *known == word)
            .map(|(scenario, _, _)| *scenario)
            .ok_or_else(|| UnknownSmsScenario(word.to_owned()))
    }
}
