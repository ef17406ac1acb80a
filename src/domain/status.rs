//! The domain's fixed words: where things stand, what came of a call, what set it off.

use super::words::words;

words! {
    /// Status of a payment instruction (DOMAIN.md §1).
    PiStatus {
        /// Not yet sent to the treasury.
        Pending = "Pending",
        /// Declined by the treasury.
        Declined = "Declined",
        /// Sent, not yet taken up.
        Initiated = "Initiated",
        /// Rejected by an officer.
        Rejected = "Rejected",
        /// Approved by the treasury.
        Approved = "Approved",
        /// At the treasury, being paid: the only status that FTPS is asked about.
        InProcess = "In Process",
        /// Paid, or otherwise settled.
        Completed = "Completed",
    }
}

words! {
    /// Payment status of one beneficiary (DOMAIN.md §1).
    PaymentStatus {
        /// Nothing sent yet.
        Pending = "Payment Pending",
        /// Sent with its instruction.
        Initiated = "Payment Initiated",
        /// At the bank rail.
        InProcess = "Payment In Process",
        /// The money reached the bank.
        Successful = "Payment Successful",
        /// The bank sent it back.
        Failed = "Payment Failed",
    }
}

words! {
    /// What one call of FTPS came to (DOMAIN.md §2).
    Outcome {
        /// Nothing arrived.
        NoResponse = "no-response",
        /// JIT answered with an error.
        Error = "error",
        /// Something arrived that cannot be used, or the call could not be made.
        Glitch = "glitch",
        /// JIT says that every beneficiary has been paid.
        Success = "success",
    }
}

impl Outcome {
    /// Whether JIT answered, so that the instruction is not retried by itself (DOMAIN.md §2).
    pub const fn is_answer(self) -> bool {
        matches!(self, Self::Error | Self::Success)
    }
}

words! {
    /// What the call log says that a call came to: the outcomes, and two that leave the instruction as it
    /// was or never reached JIT.
    CallOutcome {
        /// Nothing arrived.
        NoResponse = "no-response",
        /// JIT answered with an error.
        Error = "error",
        /// Something arrived that cannot be used.
        Glitch = "glitch",
        /// JIT says that every beneficiary has been paid.
        Success = "success",
        /// The process died or stopped while JIT was asked: what JIT said is not known.
        Unknown = "unknown",
        /// No call was made, since something that it takes is not known here.
        NotSent = "not-sent",
    }
}

impl From<Outcome> for CallOutcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::NoResponse => Self::NoResponse,
            Outcome::Error => Self::Error,
            Outcome::Glitch => Self::Glitch,
            Outcome::Success => Self::Success,
        }
    }
}

/// The outcome of an instruction's latest call; stored as `none` before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, diesel::deserialize::FromSqlRow)]
pub struct LatestOutcome(pub Option<Outcome>);

impl LatestOutcome {
    /// The word that is stored, and that pages carry.
    pub const fn as_str(self) -> &'static str {
        match self.0 {
            Some(outcome) => outcome.as_str(),
            None => "none",
        }
    }
}

impl<DB: diesel::backend::Backend> diesel::deserialize::FromSql<diesel::sql_types::Text, DB> for LatestOutcome
where
    String: diesel::deserialize::FromSql<diesel::sql_types::Text, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> diesel::deserialize::Result<Self> {
        let word = <String as diesel::deserialize::FromSql<diesel::sql_types::Text, DB>>::from_sql(bytes)?;
        Ok(if word == Self(None).as_str() { Self(None) } else { Self(Some(word.parse()?)) })
    }
}

words! {
    /// What became of an instruction in a sync run.
    ItemOutcome {
        /// Nothing arrived.
        NoResponse = "no-response",
        /// JIT answered with an error.
        Error = "error",
        /// A technical glitch.
        Glitch = "glitch",
        /// Paid.
        Success = "success",
        /// It no longer waited when its turn came.
        Skipped = "skipped",
    }
}

impl From<Outcome> for ItemOutcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::NoResponse => Self::NoResponse,
            Outcome::Error => Self::Error,
            Outcome::Glitch => Self::Glitch,
            Outcome::Success => Self::Success,
        }
    }
}

words! {
    /// Who completed a payment instruction.
    CompletedBy {
        /// FTPS reported it paid.
        Ftps = "ftps",
        /// MUKTASoft told so in an import.
        Muktasoft = "muktasoft",
    }
}

words! {
    /// What about an instruction deserves a look.
    Flag {
        /// Money went to another account than the registered one.
        PaidElsewhere = "paid-elsewhere",
        /// RBI's message does not say that it is paid.
        RbiNotPaid = "rbi-not-paid",
        /// A payment that FTPS reported came back.
        Returned = "returned",
        /// Payments failed, or came back.
        FailedPayments = "failed-payments",
        /// MUKTASoft completed it, and some payments are neither made nor failed.
        CompletedElsewhere = "completed-elsewhere",
        /// The net amount is not the sum of its payments.
        SumDiffers = "sum-differs",
        /// MUKTASoft tells another amount or person than was paid.
        ChangedAfterPayment = "changed-after-payment",
        /// Payments that failed or came back can no longer be corrected in MUKTASoft.
        PastDeadline = "past-deadline",
    }
}

words! {
    /// What set a call off.
    Trigger {
        /// An employee pressed Refresh.
        Refresh = "refresh",
        /// The nightly run.
        Nightly = "nightly",
        /// A retry after no response or a glitch.
        Retry = "retry",
        /// `mukta-ftps sync`.
        Command = "command",
        /// An administrator started a run on the page.
        Hand = "hand",
    }
}

words! {
    /// Where the SMS to a beneficiary stands (DOMAIN.md §6).
    MessageState {
        /// Not accepted yet; it will be tried.
        Waiting = "waiting",
        /// Somebody is sending it at this moment.
        Sending = "sending",
        /// The gateway accepted it.
        Sent = "sent",
        /// Refused for good.
        Failed = "failed",
        /// It went out, but whether it was accepted could not be learnt: only a person sends it again.
        Unknown = "unknown",
        /// Its words would not be true, or may not be: a person reads why, and sends or settles it.
        Held = "held",
        /// A person dealt with it in another way: it is never sent.
        Settled = "settled",
    }
}

impl MessageState {
    /// As pages tell it: what is being sent still waits (CONTRACT.md).
    pub const fn shown(self) -> Self {
        match self {
            Self::Sending => Self::Waiting,
            other => other,
        }
    }

    /// Whether a person has to send or settle it, since nobody else does anything with it.
    pub const fn needs_a_person(self) -> bool {
        matches!(self, Self::Failed | Self::Unknown | Self::Held)
    }
}

words! {
    /// Why a message stands where it stands: what a person is told to do is the same for each. Made by the
    /// database out of state and sentence (migrations, 000019 and 000030), so that it contradicts neither.
    MessageReason {
        /// There is no mobile number.
        NoNumber = "no-number",
        /// There is one, but none of India's mobile numbers.
        BadNumber = "bad-number",
        /// The number is the placeholder of departments.
        Placeholder = "placeholder",
        /// The gateway refused it.
        Refused = "refused",
        /// An import has put another person on the payment since.
        OtherPerson = "other-person",
        /// The text would name no transaction, or no amount.
        NoText = "no-text",
        /// The number is sealed with a key that is gone.
        Unreadable = "unreadable",
        /// Failed for what no other word says.
        Failed = "failed",
        /// Held: the money went to another account.
        OtherAccount = "other-account",
        /// Held: RBI's message does not begin with Paid.
        NotSaidPaid = "not-said-paid",
        /// Held: MUKTASoft has said Payment Failed since.
        Returned = "returned",
        /// Held: the data was restored from a backup, and it may have been sent already.
        Restored = "restored",
        /// Held for what no other word says.
        Held = "held",
        /// No whole answer came back.
        Unknown = "unknown",
        /// The gateway could not be reached, or did not take it yet.
        NotTaken = "not-taken",
        /// It waits for its turn.
        InLine = "in-line",
    }
}

impl MessageReason {
    /// The state that messages of this reason are in, as pages tell it.
    pub const fn state(self) -> MessageState {
        match self {
            Self::NoNumber
            | Self::BadNumber
            | Self::Placeholder
            | Self::Refused
            | Self::OtherPerson
            | Self::NoText
            | Self::Unreadable
            | Self::Failed => MessageState::Failed,
            Self::OtherAccount | Self::NotSaidPaid | Self::Returned | Self::Restored | Self::Held => {
                MessageState::Held
            }
            Self::Unknown => MessageState::Unknown,
            Self::NotTaken | Self::InLine => MessageState::Waiting,
        }
    }
}

words! {
    /// What happened to a message of the outbox.
    MessageEventKind {
        /// The gateway accepted it.
        Sent = "sent",
        /// It could not be handed over yet.
        Waiting = "waiting",
        /// It was refused.
        Failed = "failed",
        /// Whether it was accepted could not be learnt.
        Unknown = "unknown",
        /// A person had it sent, or sent again.
        Resend = "resend",
        /// It is kept back until a person has read why.
        Held = "held",
        /// A person settled it.
        Settle = "settle",
        /// It waits again, since MUKTASoft has told a usable number.
        Renewed = "renewed",
    }
}

words! {
    /// What set a sync run off.
    RunTrigger {
        /// The schedule.
        Nightly = "nightly",
        /// A scheduled instant that passed while nothing was running.
        MadeUp = "made-up",
        /// `mukta-ftps sync`.
        Command = "command",
        /// An administrator, on the page.
        Hand = "hand",
    }
}

impl RunTrigger {
    /// What the run's calls are put down to.
    pub const fn of_calls(self) -> Trigger {
        match self {
            Self::Nightly | Self::MadeUp => Trigger::Nightly,
            Self::Command => Trigger::Command,
            Self::Hand => Trigger::Hand,
        }
    }
}

words! {
    /// What set a pull from MUKTASoft off.
    PullTrigger {
        /// `serve`, every so often.
        Timer = "timer",
        /// The night, beside its sync.
        Night = "night",
        /// `mukta-ftps pull`.
        Command = "command",
        /// `mukta-ftps sync`, before it begins.
        Sync = "sync",
    }
}

words! {
    /// Why a pull did not bring all.
    PullFailure {
        /// MUKTASoft refused the token.
        TokenRefused = "token-refused",
        /// MUKTASoft did not answer, or only that it cannot.
        NotAnswered = "not-answered",
        /// MUKTASoft refused the question.
        Refused = "refused",
        /// The answer cannot be read.
        NotRead = "not-read",
        /// It took longer than a pull may.
        TimeOver = "time-over",
        /// No ULB is known that could be asked about.
        NoTenants = "no-tenants",
        /// The database here failed.
        Database = "database",
        /// The program was ended meanwhile.
        CutOff = "cut-off",
    }
}

impl PullFailure {
    /// Whether nobody else need be asked about, whatever it was met with.
    pub const fn ends_a_pull(self) -> bool {
        !matches!(self, Self::NotAnswered | Self::Refused | Self::NotRead)
    }
}

words! {
    /// What is to be said of a pull, beside a failure.
    PullNoteKind {
        /// The PIs of a ULB changed each time while they were read.
        ChangedWhileRead = "changed-while-read",
        /// A service of people could not be asked.
        ServiceAway = "service-away",
        /// A PI that was asked for by its number was not given.
        NotGiven = "not-given",
        /// Another PI, or one of another ULB, was given, and dropped.
        OtherGiven = "other-given",
        /// A PI could not be asked for by its number.
        NotFetched = "not-fetched",
    }
}

words! {
    /// How far a sync run is.
    RunState {
        /// Some of its payment instructions are still to be asked about.
        Running = "running",
        /// All of them are done.
        Finished = "finished",
        /// It was stopped, or left behind and followed by another.
        Interrupted = "interrupted",
    }
}
