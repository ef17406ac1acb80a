//! The ways in which the simulated JIT answers.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// The error text of [`Scenario::Error`] when none is given.
const ERROR: &str = "JIT correction bill is pending for approval";

/// How a call is answered. Written as a word in kebab case; `error:TEXT` brings its own text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scenario {
    /// All beneficiaries paid.
    Paid,
    /// `errorMsg` with this text.
    Error(Cow<'static, str>),
    /// `errorMsgs` with two messages.
    ErrorList,
    /// 200 with nothing in it.
    EmptyBody,
    /// `data` is an empty list.
    EmptyData,
    /// Never answers.
    TimeOut,
    /// Aborts the connection.
    Reset,
    /// Ends within the body.
    Truncated,
    /// HTTP status 500.
    Http500,
    /// HTTP status 404.
    Http404,
    /// HTTP status 302.
    Redirect,
    /// More than 8 MiB.
    TooLarge,
    /// No base64.
    Garbage,
    /// Base64 of noise.
    NotEncryptedRight,
    /// Encrypted, but no JSON.
    NotJson,
    /// JSON of another shape.
    WrongShape,
    /// Another `serviceId`.
    WrongService,
    /// An entry for another PI only.
    WrongPi,
    /// The PI in two entries.
    TwiceInReply,
    /// The PI among other entries.
    SeveralEntries,
    /// The last beneficiary left out.
    MissingBeneficiary,
    /// A stranger among the beneficiaries.
    ExtraBeneficiary,
    /// The first beneficiary twice.
    DuplicateBeneficiary,
    /// An empty `utrNo`.
    BlankUtr,
    /// A `utrNo` with a blank inside.
    BadUtr,
    /// Paid to another account than asked.
    OtherAccount,
    /// A `paymentStatus` that does not begin with `Paid`.
    OddPaymentStatus,
    /// A `paymentStatus` that tells of a failure, with everybody's UTR numbers.
    PaidAndFailed,
    /// The first beneficiary has a `failedReason` beside its UTR number.
    FailedReason,
    /// A `utrNo` that stands for none.
    PlaceholderUtr,
    /// A `utrNo` with an invisible character inside.
    InvisibleInUtr,
    /// HTTP status 401, not in the agreed words.
    Http401,
    /// HTTP status 403, not in the agreed words.
    Http403,
    /// Says with HTTP status 200 that the session is gone.
    LostSessionOk,
    /// Forgets the session, and refuses the next sign-in.
    SignInRefused,
    /// Forgets the session, once.
    LostSession,
    /// Says of every session that it is gone.
    AlwaysLostSession,
    /// Paid, after a while.
    Slow,
}

impl Scenario {
    /// Every scenario with its word and what it does, for help texts and tests.
    pub const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (Self::Paid, "paid", "every beneficiary has been paid"),
        (Self::Error(Cow::Borrowed(ERROR)), "error", "an error as errorMsg; error:TEXT says TEXT"),
        (Self::ErrorList, "error-list", "errors as a list, errorMsgs"),
        (Self::EmptyBody, "empty-body", "HTTP status 200 with an empty body"),
        (Self::EmptyData, "empty-data", "a reply with neither data nor error"),
        (Self::TimeOut, "time-out", "no answer ever"),
        (Self::Reset, "reset", "the connection is reset"),
        (Self::Truncated, "truncated", "the connection ends within the reply"),
        (Self::Http500, "http-500", "HTTP status 500 with a page in HTML"),
        (Self::Http404, "http-404", "HTTP status 404"),
        (Self::Redirect, "redirect", "a redirect to elsewhere"),
        (Self::TooLarge, "too-large", "a reply of more than 8 MiB"),
        (Self::Garbage, "garbage", "a reply that is not base64"),
        (Self::NotEncryptedRight, "not-encrypted-right", "a reply that does not decrypt"),
        (Self::NotJson, "not-json", "a reply that decrypts to something else than JSON"),
        (Self::WrongShape, "wrong-shape", "JSON that is not of the agreed shape"),
        (Self::WrongService, "wrong-service", "a reply of another service"),
        (Self::WrongPi, "wrong-pi", "a reply about another payment instruction"),
        (Self::TwiceInReply, "twice-in-reply", "the payment instruction in two entries"),
        (Self::SeveralEntries, "several-entries", "paid; the entry stands among those of others"),
        (Self::MissingBeneficiary, "missing-beneficiary", "the last beneficiary is left out"),
        (Self::ExtraBeneficiary, "extra-beneficiary", "a stranger among the beneficiaries"),
        (Self::DuplicateBeneficiary, "duplicate-beneficiary", "the first beneficiary is named twice"),
        (Self::BlankUtr, "blank-utr", "the first beneficiary has an empty UTR number"),
        (Self::BadUtr, "bad-utr", "the first UTR number has a blank inside"),
        (Self::OtherAccount, "other-account", "paid; the first to another account than registered"),
        (Self::OddPaymentStatus, "odd-payment-status", "paid; the payment status does not say so"),
        (Self::PaidAndFailed, "paid-and-failed", "UTR numbers, and a payment status that tells of a failure"),
        (
            Self::FailedReason,
            "failed-reason",
            "the first beneficiary has a UTR number and a reason of failure",
        ),
        (Self::PlaceholderUtr, "placeholder-utr", "the first UTR number is NA"),
        (Self::InvisibleInUtr, "invisible-in-utr", "the first UTR number has an invisible character inside"),
        (Self::Http401, "http-401", "HTTP status 401, not in the words agreed for a lost session"),
        (Self::Http403, "http-403", "HTTP status 403, not in the words agreed for a lost session"),
        (Self::LostSessionOk, "lost-session-ok", "the session is gone, said with HTTP status 200"),
        (Self::SignInRefused, "sign-in-refused", "the session is gone, and the next sign-in is refused"),
        (Self::LostSession, "lost-session", "the session is gone, once"),
        (Self::AlwaysLostSession, "always-lost-session", "every session is gone"),
        (Self::Slow, "slow", "paid, after a while"),
    ];

    /// What it does, in a line.
    pub fn description(&self) -> &'static str {
        self.row().map_or("", |(_, _, description)| description)
    }

    fn row(&self) -> Option<&'static (Self, &'static str, &'static str)> {
        let same = |other: &Self| std::mem::discriminant(other) == std::mem::discriminant(self);
        Self::ALL.iter().find(|(scenario, _, _)| same(scenario))
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(text) if text != ERROR => write!(f, "error:{text}"),
            _ => f.pad(self.row().map_or("", |(_, word, _)| word)),
        }
    }
}

/// A word that is no scenario's.
#[derive(Debug, thiserror::Error)]
#[error("“{0}” is not a scenario; there are: {words}", words = words())]
pub struct UnknownScenario(String);

fn words() -> String {
    Scenario::ALL.iter().map(|(_, word, _)| *word).collect::<Vec<_>>().join(", ")
}

impl FromStr for Scenario {
    type Err = UnknownScenario;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        if let Some(text) = word.strip_prefix("error:") {
            return Ok(Self::Error(text.to_owned().into()));
        }
        Self::ALL
            .iter()
            .find(|(_, known, _)| *known == word)
            .map(|(scenario, _, _)| scenario.clone())
            .ok_or_else(|| UnknownScenario(word.to_owned()))
    }
}

/// How signing in goes. Written as a word in kebab case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SignIn {
    /// With the right id and secret, well.
    #[default]
    Accept,
    /// HTTP status 401.
    Refuse,
    /// A reply without a usable session.
    Garbage,
    /// 200 with nothing in it.
    Empty,
    /// Aborts the connection.
    Reset,
    /// Never answers.
    TimeOut,
}

impl SignIn {
    const ALL: &'static [(Self, &'static str)] = &[
        (Self::Accept, "accept"),
        (Self::Refuse, "refuse"),
        (Self::Garbage, "garbage"),
        (Self::Empty, "empty"),
        (Self::Reset, "reset"),
        (Self::TimeOut, "time-out"),
    ];
}

/// A word that says no way of signing in.
#[derive(Debug, thiserror::Error)]
#[error("“{0}” is no way of signing in; there are: accept, refuse, garbage, empty, reset, time-out")]
pub struct UnknownSignIn(String);

impl FromStr for SignIn {
    type Err = UnknownSignIn;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.iter().find(|(_, known)| *known == word);
        known.map(|(how, _)| *how).ok_or_else(|| UnknownSignIn(word.to_owned()))
    }
}
