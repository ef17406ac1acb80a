//! The heart of the product: what follows from a reply of FTPS (DOMAIN.md §2).

use std::collections::{HashMap, HashSet};

use super::glitch::Glitch;
use super::money::Paise;
use super::reply::{Answer, AnswerData, Entry, EntryBeneficiary, Reply};
use super::status::Outcome;
use super::text::{
    breaks_a_number, is_invisible, is_same_account, last_digits, last_four, one_line, shortened,
    stands_for_none,
};

/// What every message on the page begins with.
pub const MESSAGE_PREFIX: &str = "On call of FTPS API: ";
/// What it says where nothing arrived.
pub const NO_RESPONSE: &str = "No response is received.";
/// What it says where everybody has been paid.
pub const UPDATED: &str = "Response is received and updated successfully";

/// Of a text of theirs inside a sentence of ours so many characters are told.
const TOLD_CHARS: usize = 64;

/// Of a reason that they give for a failure so many are told, and of so many beneficiaries.
const REASON_CHARS: usize = 200;
const REASONS_TOLD: usize = 5;

/// What a payment status holds that tells of a failure, where it does not begin with [`PAID`].
const WORDS_OF_FAILURE: [&str; 4] = ["fail", "return", "reject", "not paid"];

/// How a payment status begins that tells of a payment, in any case.
const PAID: &str = "paid";

/// The longest UTR number taken for one, in characters.
const UTR_MAX_CHARS: usize = 64;

/// The payment instruction that was asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedInstruction {
    /// The PI number.
    pub number: String,
    /// Every beneficiary of it.
    pub beneficiaries: Vec<AskedBeneficiary>,
}

/// A beneficiary of an [`AskedInstruction`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedBeneficiary {
    /// Our row.
    pub id: i64,
    /// Its payment ID (`BN-…`), unique within the PI without regard to case.
    pub payment_id: String,
    /// The registered account number, if known.
    pub account: Option<String>,
    /// The registered IFSC, if known.
    pub ifsc: Option<String>,
    /// MUKTASoft's id of the person, if told.
    pub person_id: Option<String>,
    /// What is to be paid.
    pub amount: Paise,
}

/// What a reply comes to. Only [`Decision::Success`] changes a status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing arrived.
    NoResponse {
        /// The technical cause, kept in the call log.
        cause: String,
    },
    /// JIT said an error.
    Error {
        /// JIT's own words.
        message: String,
    },
    /// A technical glitch.
    Glitch(Glitch),
    /// Every beneficiary has been paid.
    Success(Payment),
}

/// What FTPS told of a paid instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// The voucher made at JIT.
    pub voucher_number: Option<String>,
    /// Its date, as received.
    pub voucher_date: Option<String>,
    /// Online bill reference of the revised PI.
    pub bill_reference: Option<String>,
    /// The token made at JIT.
    pub token_number: Option<String>,
    /// Its date, as received.
    pub token_date: Option<String>,
    /// The message from RBI.
    pub payment_status: Option<String>,
    /// One for every beneficiary of the instruction, in its order.
    pub beneficiaries: Vec<PaidBeneficiary>,
}

/// A beneficiary that was paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaidBeneficiary {
    /// Our row.
    pub id: i64,
    /// The bank's transaction number.
    pub utr: String,
    /// Its date, as received.
    pub utr_date: Option<String>,
    /// The end-to-end id.
    pub end_to_end_id: Option<String>,
    /// The account that was paid, if it differs from the registered one.
    pub other_account: Option<String>,
    /// The IFSC that was paid, if it differs from the registered one.
    pub other_ifsc: Option<String>,
}

impl Decision {
    /// The class of DOMAIN.md §2.
    pub const fn outcome(&self) -> Outcome {
        match self {
            Self::NoResponse { .. } => Outcome::NoResponse,
            Self::Error { .. } => Outcome::Error,
            Self::Glitch(_) => Outcome::Glitch,
            Self::Success(_) => Outcome::Success,
        }
    }

    /// The message for the page's band, to the letter of DOMAIN.md §2.
    pub fn message(&self) -> String {
        match self {
            Self::NoResponse { .. } => format!("{MESSAGE_PREFIX}{NO_RESPONSE}"),
            Self::Error { message } => format!("{MESSAGE_PREFIX}{message}"),
            Self::Glitch(glitch) => format!("{MESSAGE_PREFIX}{glitch}"),
            Self::Success(_) => format!("{MESSAGE_PREFIX}{UPDATED}"),
        }
    }

    /// Whether JIT is asked again by itself (DOMAIN.md §2): until it answers, but not where it cannot be
    /// asked before somebody has brought what is missing here.
    pub fn is_tried_again(&self) -> bool {
        match self {
            Self::NoResponse { .. } => true,
            Self::Glitch(glitch) => {
                !matches!(glitch, Glitch::OriginalNotKnown | Glitch::ReferenceNotKnown(_))
            }
            Self::Error { .. } | Self::Success(_) => false,
        }
    }

    /// The technical cause of no response or of a glitch, for administrators in the call log.
    pub fn cause(&self) -> Option<&str> {
        match self {
            Self::NoResponse { cause } => Some(cause),
            Self::Glitch(glitch) => glitch.technical(),
            _ => None,
        }
    }
}

/// Judges a reply (DOMAIN.md §2, in its order): no response, error, glitch, or all paid.
pub fn decide(asked: &AskedInstruction, reply: &Reply) -> Decision {
    match reply {
        Reply::Unusable(glitch) => Decision::Glitch(glitch.clone()),
        Reply::Nothing { cause } => Decision::NoResponse { cause: cause.clone() },
        Reply::Answered(Answer { error: Some(message), .. }) => {
            Decision::Error { message: without_accounts(asked, message) }
        }
        Reply::Answered(Answer { data: AnswerData::Empty, .. }) => {
            Decision::NoResponse { cause: "JIT's reply holds no data and no error".to_owned() }
        }
        Reply::Answered(answer) => match payment(asked, answer) {
            Ok(payment) => Decision::Success(payment),
            Err(glitch) => Decision::Glitch(glitch),
        },
    }
}

/// All beneficiaries paid, or why the reply cannot be used.
fn payment(asked: &AskedInstruction, answer: &Answer) -> Result<Payment, Glitch> {
    if let Some(service) = &answer.service_id
        && !service.eq_ignore_ascii_case("FTPS")
    {
        return Err(Glitch::OtherService(told(service)));
    }
    let entries = match &answer.data {
        AnswerData::Entries(entries) => entries,
        AnswerData::Malformed(fault) => return Err(Glitch::NotInForm(fault.clone())),
        AnswerData::Empty => return Err(Glitch::NoData),
    };
    let entry = our_entry(asked, entries)?;
    let reported = entry.beneficiaries.as_ref().map_err(|fault| Glitch::NotInForm(fault.clone()))?;
    if let Some(failed) = failed(asked, entry, reported) {
        return Err(failed);
    }
    Ok(Payment {
        voucher_number: entry.voucher_number.clone(),
        voucher_date: entry.voucher_date.clone(),
        bill_reference: entry.bill_reference.clone(),
        token_number: entry.token_number.clone(),
        token_date: entry.token_date.clone(),
        payment_status: entry.payment_status.as_deref().map(|told| without_accounts(asked, told)),
        beneficiaries: paid_beneficiaries(asked, reported)?,
    })
}

/// The one entry that names our payment instruction.
fn our_entry<'a>(asked: &AskedInstruction, entries: &'a [Entry]) -> Result<&'a Entry, Glitch> {
    let mut ours = entries.iter().filter(|entry| entry.number == asked.number);
    match (ours.next(), ours.next()) {
        (Some(entry), None) => Ok(entry),
        (Some(_), Some(_)) => Err(Glitch::NamedTwice),
        (None, _) => Err(match entries {
            [other] => Glitch::OtherInstruction(told(&other.number)),
            _ => Glitch::NotNamed,
        }),
    }
}

/// Whether RBI's message on a paid bill says so: it begins with `Paid`, in any case.
pub fn says_paid(payment_status: &str) -> bool {
    payment_status.trim().get(..PAID.len()).is_some_and(|start| start.eq_ignore_ascii_case(PAID))
}

/// What tells that payments failed, whatever else the entry brings: first of single beneficiaries of ours,
/// then of the payment instruction as a whole.
fn failed(asked: &AskedInstruction, entry: &Entry, reported: &[EntryBeneficiary]) -> Option<Glitch> {
    let ours: HashSet<String> = asked.beneficiaries.iter().map(|one| one.payment_id.to_lowercase()).collect();
    let failures: Vec<String> = reported
        .iter()
        .filter(|one| ours.contains(&one.payment_id.to_lowercase()))
        .filter_map(|one| {
            Some(format!("{} (“{}”)", told(&one.payment_id), reason(asked, one.failure.as_deref()?)))
        })
        .collect();
    if !failures.is_empty() {
        let more = if failures.len() > REASONS_TOLD { ", …" } else { "" };
        let first = failures.iter().take(REASONS_TOLD).map(String::as_str).collect::<Vec<_>>().join(", ");
        return Some(Glitch::BeneficiaryFailed(first + more));
    }
    let status = entry.payment_status.as_deref().filter(|status| tells_of_failure(status));
    status.or(entry.failure.as_deref()).map(|told| Glitch::PaymentFailed(reason(asked, told)))
}

fn tells_of_failure(payment_status: &str) -> bool {
    let status = one_line(payment_status).to_lowercase();
    !says_paid(&status) && WORDS_OF_FAILURE.iter().any(|word| status.contains(word))
}

/// A reason of theirs inside a sentence of ours.
fn reason(asked: &AskedInstruction, told: &str) -> String {
    shortened(&one_line(&without_accounts(asked, told)), REASON_CHARS)
}

/// Every beneficiary of ours with its UTR, exactly once, and nobody else.
fn paid_beneficiaries(
    asked: &AskedInstruction,
    reported: &[EntryBeneficiary],
) -> Result<Vec<PaidBeneficiary>, Glitch> {
    if asked.beneficiaries.is_empty() {
        return Err(Glitch::NoBeneficiaries);
    }
    let mut by_id: HashMap<String, &EntryBeneficiary> = HashMap::with_capacity(reported.len());
    for one in reported {
        if by_id.insert(one.payment_id.to_lowercase(), one).is_some() {
            return Err(Glitch::BeneficiaryTwice(told(&one.payment_id)));
        }
    }
    let paid = asked
        .beneficiaries
        .iter()
        .map(|ours| match by_id.remove(&ours.payment_id.to_lowercase()) {
            Some(theirs) => paid_beneficiary(ours, theirs),
            None => Err(Glitch::BeneficiaryLeftOut(told(&ours.payment_id))),
        })
        .collect::<Result<Vec<_>, Glitch>>()?;
    // The first stranger in the order of the reply, so that the message does not depend on chance.
    match reported.iter().find(|one| by_id.contains_key(&one.payment_id.to_lowercase())) {
        Some(stranger) => Err(Glitch::Stranger(told(&stranger.payment_id))),
        None => Ok(paid),
    }
}

fn paid_beneficiary(ours: &AskedBeneficiary, theirs: &EntryBeneficiary) -> Result<PaidBeneficiary, Glitch> {
    let utr = &theirs.utr;
    let whose = || told(&ours.payment_id);
    if stands_for_none(utr) {
        return Err(Glitch::NoUtr(whose()));
    }
    if utr.chars().count() > UTR_MAX_CHARS || utr.chars().any(breaks_a_number) {
        return Err(Glitch::BadUtr(whose()));
    }
    Ok(PaidBeneficiary {
        id: ours.id,
        utr: utr.clone(),
        utr_date: theirs.utr_date.clone(),
        end_to_end_id: theirs.end_to_end_id.clone(),
        other_account: differing(ours.account.as_deref(), theirs.account.as_deref(), is_same_account),
        other_ifsc: differing(ours.ifsc.as_deref(), theirs.ifsc.as_deref(), str::eq_ignore_ascii_case),
    })
}

/// What was paid, where it is not the same as what is registered. Not told on either side: no difference.
fn differing(
    registered: Option<&str>,
    paid: Option<&str>,
    is_same: impl Fn(&str, &str) -> bool,
) -> Option<String> {
    let (ours, theirs) = (registered?.trim(), paid?.trim());
    let differs = !stands_for_none(ours) && !stands_for_none(theirs) && !is_same(ours, theirs);
    differs.then(|| theirs.to_owned())
}

/// JIT's own words, to the letter but for account numbers of this very instruction, of which only the
/// last four digits are shown and stored in the open.
fn without_accounts(asked: &AskedInstruction, told: &str) -> String {
    asked.beneficiaries.iter().filter_map(|one| one.account.as_deref()).fold(
        told.to_owned(),
        |text, account| match last_four(account) {
            Some(last4) if text.contains(account) => text.replace(account, &last_digits(&last4)),
            _ => text,
        },
    )
}

/// A text of theirs inside a sentence of ours.
fn told(text: &str) -> String {
    let mut told = String::with_capacity(text.len());
    for c in text.chars() {
        // What cannot be seen is named: it may be all that is wrong.
        if is_invisible(c) { told.push_str(&format!("<U+{:04X}>", u32::from(c))) } else { told.push(c) }
    }
    shortened(&told, TOLD_CHARS)
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
