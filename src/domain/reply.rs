//! What comes back when JIT is asked, read off the wire but not yet judged.

use super::glitch::Glitch;

/// What one attempt brought.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// Nothing arrived (DOMAIN.md §2, class 1); the technical cause, for the log.
    Nothing {
        /// What the network said.
        cause: String,
    },
    /// Something arrived that could not be opened (class 3).
    Unusable(Glitch),
    /// A reply that was opened and is a JSON object.
    Answered(Answer),
}

/// JIT's reply as DOMAIN.md §4 shapes it. Which part counts is for
/// [`decide`](crate::domain::decide::decide) to say.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// `serviceId`, trimmed; `None` if missing or blank.
    pub service_id: Option<String>,
    /// The error it says, by DOMAIN.md §2 class 2: `errorMsg`, else the `errorMsgs` joined.
    pub error: Option<String>,
    /// `data`.
    pub data: AnswerData,
}

/// The `data` of a reply.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum AnswerData {
    /// Empty, null or absent.
    #[default]
    Empty,
    /// The entries, one a payment instruction.
    Entries(Vec<Entry>),
    /// Not of the shape of DOMAIN.md §4: what is wrong, in plain English.
    Malformed(String),
}

/// One payment instruction in a reply. Texts are trimmed; `None` where missing or blank.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// `jitCorBillNo`: the revised PI's number.
    pub number: String,
    /// `voucherNo`, or `voucherNumber`.
    pub voucher_number: Option<String>,
    /// `voucherDate`, as received.
    pub voucher_date: Option<String>,
    /// `billRefNo`: online bill reference of this revised PI.
    pub bill_reference: Option<String>,
    /// `paymentStatus`: the message from RBI.
    pub payment_status: Option<String>,
    /// `failedReason`, else `challanNumber`, of the payment instruction as a whole.
    pub failure: Option<String>,
    /// `tokenNumber`.
    pub token_number: Option<String>,
    /// `tokenDate`, as received.
    pub token_date: Option<String>,
    /// `benfDtls`, or what is wrong with it: only our own entry's counts.
    pub beneficiaries: Result<Vec<EntryBeneficiary>, String>,
}

/// One beneficiary in an [`Entry`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EntryBeneficiary {
    /// `benfId`: the payment ID.
    pub payment_id: String,
    /// `utrNo`, trimmed; not yet checked.
    pub utr: String,
    /// `utrDate`, as received.
    pub utr_date: Option<String>,
    /// `failedReason`, else `challanNumber`: what tells that the payment failed, unless it is a word that
    /// stands for none.
    pub failure: Option<String>,
    /// `benfAcctNo`: the account that was paid.
    pub account: Option<String>,
    /// `benfBankIfscCode`: its bank branch.
    pub ifsc: Option<String>,
    /// `endToEndId`.
    pub end_to_end_id: Option<String>,
}
