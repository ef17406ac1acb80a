//! Every sentence of ours about what went wrong with a call or a message, once: it is stored in English,
//! and told in the reader's language beside (`language::recorded`).

use std::borrow::Cow;

/// Declares an enum of sentences in plain English, for people of an office: what only an operator understands is
/// told in the log. A sentence has at most one gap, such as `%{id}`, which the value of its variant fills.
macro_rules! sentences {
    ($(#[$meta:meta])* $name:ident {
        $($(#[$doc:meta])* $variant:ident $(($gap:ident))? = $english:literal),+ $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum $name {
            $(
                $(#[$doc])*
                $variant $((#[doc = concat!("What fills `%{", stringify!($gap), "}`.")] String))?
            ),+
        }

        impl $name {
            /// The sentences in the order of the variants, their gaps open.
            pub const SENTENCES: &'static [&'static str] = &[$($english),+];
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self {
                    $(Self::$variant $(($gap))? => {
                        let text = $english;
                        $(let text = text.replace(concat!("%{", stringify!($gap), "}"), $gap);)?
                        f.write_str(&text)
                    }),+
                }
            }
        }
    };
}

sentences! {
    /// Why JIT could not be asked, or its answer not be used (DOMAIN.md §2, class 3). Shown after
    /// `On call of FTPS API: `.
    Glitch {
        /// The parents of the revised PI do not lead to an original.
        OriginalNotKnown = "The original payment instruction is not known here, so JIT cannot be asked.",
        /// No advice of the original has one.
        ReferenceNotKnown(number) = "The online bill reference of the original payment instruction %{number} is not known here, so JIT cannot be asked.",
        /// Its process died, or was told to stop and could not wait.
        CutShort = "The program stopped while JIT was being asked, so what JIT answered is not known.",
        /// A panic on the way to JIT.
        CallBrokeOff = "The call broke off because of a fault in this program.",
        /// The database refuses what JIT said.
        AnswerNotRecorded = "JIT's answer could not be recorded because of a fault in this program.",
        /// An import came between.
        BeneficiariesChanged = "The beneficiaries of this payment instruction changed while JIT was being asked.",
        /// A panic on the way to the decision.
        ReplyNotJudged = "JIT's reply could not be read because of a fault in this program.",
        /// A sealed value that no key at hand opens.
        AccountUnreadable(id) = "The registered account number of beneficiary %{id} cannot be read with the data keys at hand, so JIT cannot be asked.",
        /// Its chain leads to no root that is trusted here, or it is for another name or time.
        CertificateNotTrusted = "JIT's certificate is not trusted here, so JIT was not asked.",
        /// The cryptographic library refused.
        NotEncrypted = "The request to JIT could not be encrypted.",
        /// Not even a new session was good for one call.
        SessionEndedTwice = "JIT ended our session at once, twice in a row.",
        /// `authenticate` answered with an HTTP status that is no success.
        SignInRefused(status) = "JIT did not let us sign in: it answered with HTTP status %{status}.",
        /// The answer to `authenticate` is beyond the limit.
        SignInTooLarge = "JIT's answer to our sign-in is too large to be read.",
        /// The answer to `authenticate` brings no session.
        SignInNotUnderstood = "JIT's answer to our sign-in could not be understood.",
        /// The reply is beyond the limit.
        ReplyTooLarge = "JIT's reply is larger than 8 MiB and was not read.",
        /// An HTTP status that is no success, and no error that JIT says in it.
        HttpStatus(status) = "JIT answered with HTTP status %{status}.",
        /// Decrypted, but no JSON.
        NotJson = "JIT's reply is something else than data.",
        /// Not even base64.
        NotBase64 = "JIT's reply is not written as agreed, so it cannot be read.",
        /// Sealed otherwise than with our key.
        NotDecrypted = "JIT's reply could not be decrypted.",
        /// Its `serviceId` is another.
        OtherService(service) = "JIT's reply is for another service (%{service}).",
        /// JSON of another shape than DOMAIN.md §4; where, is told in the call log.
        NotInForm(fault) = "JIT's reply is not in the agreed form.",
        /// Neither data nor an error.
        NoData = "JIT's reply holds no data.",
        /// Two entries are about our PI.
        NamedTwice = "JIT's reply names this payment instruction more than once.",
        /// Its one entry is about another PI.
        OtherInstruction(number) = "JIT's reply is about another payment instruction (%{number}).",
        /// None of its entries is about our PI.
        NotNamed = "JIT's reply does not name this payment instruction.",
        /// There is nobody here who could have been paid.
        NoBeneficiaries = "This payment instruction has no beneficiaries here, so JIT's reply cannot be applied.",
        /// One payment ID twice.
        BeneficiaryTwice(id) = "JIT's reply names beneficiary %{id} more than once.",
        /// One of ours is not in it.
        BeneficiaryLeftOut(id) = "JIT's reply leaves out beneficiary %{id}.",
        /// One in it is not ours.
        Stranger(id) = "JIT's reply names beneficiary %{id}, who is not part of this payment instruction.",
        /// Its payment status tells of one, whatever else it brings.
        PaymentFailed(status) = "JIT's reply tells of a failed payment of this payment instruction: “%{status}”.",
        /// A beneficiary of ours has a reason of failure or a challan, whatever else it brings. Each is
        /// named with it.
        BeneficiaryFailed(whom) = "JIT's reply tells of a failed payment of beneficiary %{whom}.",
        /// No transaction number for one of ours.
        NoUtr(id) = "JIT's reply has no UTR number for beneficiary %{id}.",
        /// What cannot be a transaction number.
        BadUtr(id) = "JIT's reply has a UTR number that cannot be one for beneficiary %{id}.",
    }
}

sentences! {
    /// Why a message cannot be sent as it is.
    Refusal {
        /// None was ever told, or it is blank.
        NoNumber = "There is no mobile number.",
        /// Too long, too short, or not digits.
        NotTenDigits = "The mobile number does not have 10 digits.",
        /// A landline, or a number of another country.
        NotMobile = "The mobile number is none of India's: those begin with 6, 7, 8 or 9.",
        /// A number that stands for none.
        Placeholder = "The mobile number is the placeholder 9999999999.",
        /// An import has put another `beneficiaryId` on the payment.
        OtherPerson = "This payment belongs to another beneficiary ID now than to that which this message was written for.",
        /// Sealed with a key that is gone, or damaged.
        Unreadable = "The mobile number cannot be read with the data keys at hand.",
        /// The text would name no transaction, or one that cannot be.
        NoUtr = "There is no usable UTR number.",
        /// The text would tell of a payment of nothing.
        NoAmount = "The amount is not above zero.",
    }
}

sentences! {
    /// Why a message waits for a person who sends or settles it (DOMAIN.md §6).
    HoldReason {
        /// As FTPS told.
        OtherAccount = "The money went to another account than the registered one, so what this message says would not be true.",
        /// As FTPS told.
        NotSaidPaid = "RBI's message about this payment does not begin with “Paid”.",
        /// As an import told.
        Returned = "MUKTASoft has said since that this payment failed.",
        /// What was done after the backup is lost, the sending of messages too.
        Restored = "The data here was restored from a backup, so whether this message was sent already is not known.",
    }
}

sentences! {
    /// Why an attempt to send a message did not end with its acceptance (DOMAIN.md §6).
    DeliveryFault {
        /// Its claim would run out on the way.
        HeldUp = "The program was held up before it could send the message.",
        /// Its sender died, or lost the database for so long that it looks so.
        Died = "The program stopped while it was sending this message, so whether the gateway accepted it is not known.",
        /// No connection.
        NotReached = "The gateway could not be reached.",
        /// Sent, and no answer in time.
        TimedOut = "The gateway did not answer in time, so whether it accepted the message is not known.",
        /// Sent, and the answer broke off.
        BrokeOff = "The gateway gave no whole answer, so whether it accepted the message is not known.",
        /// An HTTP status that asks to come again.
        NotTaken(status) = "The gateway did not take the message (HTTP status %{status}).",
        /// A proxy's answer.
        AnsweredBefore(status) = "Something before the gateway answered with HTTP status %{status}, so whether the gateway accepted the message is not known.",
        /// Neither success nor refusal can be read in it.
        AnswerNotRead = "The gateway's answer cannot be read, so whether it accepted the message is not known.",
        /// It says so.
        Refused = "The gateway refused the message.",
        /// An HTTP status that says so.
        RefusedWithStatus(status) = "The gateway refused the message (HTTP status %{status}).",
    }
}

impl Glitch {
    /// What an administrator reads in the call log beside the sentence.
    pub fn technical(&self) -> Option<&str> {
        match self {
            Self::NotInForm(fault) => Some(fault),
            Self::NotJson => Some("it is not JSON"),
            Self::NotBase64 => Some("it is not base64"),
            _ => None,
        }
    }
}

/// Sentences that were recorded with a technical cause at their end, as they begin.
const WITH_A_CAUSE_ONCE: [&str; 4] = [
    "JIT's reply is not in the agreed form",
    "The gateway could not be reached",
    "The gateway did not answer in time, so whether it accepted the message is not known",
    "The gateway gave no whole answer, so whether it accepted the message is not known",
];

/// A sentence of ours as people of an office read it, whenever it was recorded.
pub fn plain(recorded: &str) -> Cow<'_, str> {
    let has_cause = |rest: &str| rest.starts_with(" (") || rest.starts_with(": ");
    WITH_A_CAUSE_ONCE
        .into_iter()
        .find(|told| recorded.strip_prefix(told).is_some_and(has_cause))
        .map_or(Cow::Borrowed(recorded), |told| Cow::Owned(format!("{told}.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_filled_with_what_is_told() {
        assert_eq!(Glitch::NotJson.to_string(), "JIT's reply is something else than data.");
        let told = Glitch::NoUtr("BN-1013/000001".to_owned()).to_string();
        assert_eq!(told, "JIT's reply has no UTR number for beneficiary BN-1013/000001.");
    }

    #[test]
    fn what_was_recorded_with_a_technical_cause_is_told_without_it() {
        let recorded = "The gateway could not be reached (Connection reset by peer (os error 104)).";
        assert_eq!(plain(recorded), DeliveryFault::NotReached.to_string());
        let recorded = "JIT's reply is not in the agreed form: its data is not a list.";
        assert_eq!(plain(recorded), Glitch::NotInForm(String::new()).to_string());
        assert_eq!(plain("The gateway could not be reached."), "The gateway could not be reached.");
        assert_eq!(plain("Bill is pending: wait (1)."), "Bill is pending: wait (1).");
    }
}
