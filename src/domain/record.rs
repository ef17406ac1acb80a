//! Payment instructions as MUKTASoft tells them: what an import reads, what the export writes, and what
//! the two are compared by. Account and mobile numbers are open in a record: it is never stored as it is.

use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};

use super::money::Paise;
use super::status::{CompletedBy, PaymentStatus, PiStatus};

/// An instruction as MUKTASoft tells it (DOMAIN.md §8). Texts are trimmed, never blank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstructionRecord {
    /// `tenantId`.
    pub tenant_id: String,
    /// `jitBillNo`: the PI number.
    pub number: String,
    /// `id`.
    pub external_id: Option<String>,
    /// `parentPiNumber`: what makes it a revised PI.
    pub parent_number: Option<String>,
    /// `muktaReferenceId`.
    pub mukta_reference_id: Option<String>,
    /// `piStatus`.
    #[serde(with = "as_word")]
    pub status: PiStatus,
    /// `piStatus` as MUKTASoft spelt it; `None` of what was imported before that was kept.
    pub told_status: Option<String>,
    /// `piErrorResp`: the treasury's reason, numbers of people masked.
    pub error_response: Option<String>,
    /// `isActive`.
    pub is_active: bool,
    /// `grossAmount`.
    #[serde(with = "as_optional_paise")]
    pub gross: Option<Paise>,
    /// `netAmount`.
    #[serde(with = "as_paise")]
    pub net: Paise,
    /// `additionalDetails.billNumber`.
    pub bill_numbers: Vec<String>,
    /// `additionalDetails.hoaCode`.
    pub head_of_account: Option<String>,
    /// `additionalDetails.mstAllotmentId`.
    pub master_allotment_id: Option<String>,
    /// `auditDetails.createdTime` (UTC, to the millisecond).
    pub created_at: NaiveDateTime,
    /// `auditDetails.lastModifiedTime` (UTC, to the millisecond).
    pub modified_at: Option<NaiveDateTime>,
    /// `paDetails`, without entries that tell nothing.
    pub advices: Vec<AdviceRecord>,
    /// `beneficiaryDetails`.
    pub beneficiaries: Vec<BeneficiaryRecord>,
}

/// A payment advice as MUKTASoft tells it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AdviceRecord {
    /// `paBillRefNumber`.
    pub bill_reference: Option<String>,
    /// `paFinYear`.
    pub financial_year: Option<String>,
    /// `paAdviceId`.
    pub advice_id: Option<String>,
    /// `paAdviceDate`.
    pub advice_date: Option<String>,
    /// `paTokenNumber`.
    pub token_number: Option<String>,
    /// `paTokenDate`.
    pub token_date: Option<String>,
}

/// A beneficiary as MUKTASoft tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeneficiaryRecord {
    /// `beneficiaryNumber`: the payment ID.
    pub payment_id: String,
    /// `beneficiaryId`.
    pub beneficiary_id: Option<String>,
    /// `beneficiaryType`.
    pub beneficiary_type: Option<String>,
    /// `benefName`.
    pub name: Option<String>,
    /// `benfAcctNo`.
    pub account: Option<String>,
    /// `benfBankIfscCode`.
    pub ifsc: Option<String>,
    /// `benfMobileNo`.
    pub mobile: Option<String>,
    /// `amount`.
    #[serde(with = "as_paise")]
    pub amount: Paise,
    /// Where the payment stands.
    pub payment: PaymentFacts,
    /// Whether MUKTASoft reported Payment Failed of what FTPS reported paid, without saying when. An
    /// extension of the format by our own export, so that importing it does not take the flag away.
    pub disputed: bool,
    /// When it became known here that a payment which FTPS reported came back (UTC). Not in the format.
    pub returned_at: Option<NaiveDateTime>,
    /// Of a payment that was made, the amount that MUKTASoft tells where it is another. An extension.
    #[serde(with = "as_optional_paise")]
    pub told_amount: Option<Paise>,
    /// Who was paid, where MUKTASoft names somebody else since. An extension.
    pub paid_beneficiary_id: Option<String>,
}

impl BeneficiaryRecord {
    /// The payment ID as beneficiaries are matched by: without regard to case.
    pub fn payment_key(&self) -> String {
        self.payment_id.to_lowercase()
    }

    /// Whether MUKTASoft tells another amount or person than the payment was made with.
    pub fn changed_after_payment(&self) -> bool {
        self.told_amount.is_some() || self.paid_beneficiary_id.is_some()
    }
}

impl InstructionRecord {
    /// The sum of its beneficiaries' amounts as MUKTASoft tells them, if its net amount is another.
    pub fn other_sum(&self) -> Option<Paise> {
        let amounts = self.beneficiaries.iter().map(|one| one.told_amount.unwrap_or(one.amount).0);
        let sum = amounts.fold(0_i64, i64::saturating_add);
        (sum != self.net.0).then_some(Paise(sum))
    }
}

/// A PI number as numbers are compared: two that differ in case only are one PI.
pub fn folded(number: &str) -> String {
    number.to_ascii_lowercase()
}

/// Whether a text has the form of a PI number, such as `PI-1013/2023-24/000256`.
pub fn is_like_a_number(text: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    let begins = text.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("PI-"));
    begins && text.len() <= 128 && text.split('/').count() > 1 && text.split('/').all(is_part)
}

/// Where a payment stands: what FTPS brings, of a PI that FTPS completes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentFacts {
    /// `paymentStatus`.
    #[serde(with = "as_word")]
    pub status: PaymentStatus,
    /// `paymentStatusMessage`.
    pub failure_reason: Option<String>,
    /// `utrNo`.
    pub utr: Option<String>,
    /// `utrDate`.
    pub utr_date: Option<String>,
    /// `endToEndId`.
    pub end_to_end_id: Option<String>,
    /// `voucherNumber`.
    pub voucher_number: Option<String>,
    /// `voucherDate`.
    pub voucher_date: Option<String>,
}

/// When an instruction went In Process and was completed here; MUKTASoft's format does not tell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lifecycle {
    /// When it went In Process (UTC).
    pub in_process_since: Option<NaiveDateTime>,
    /// When it was completed here (UTC).
    pub completed_at: Option<NaiveDateTime>,
    /// Who completed it here.
    pub completed_by: Option<CompletedBy>,
}

/// All that an import may write of an instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// What MUKTASoft tells.
    pub record: InstructionRecord,
    /// What became of it here.
    pub lifecycle: Lifecycle,
}

/// The domain's words in a staged record.
mod as_word {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<T: std::fmt::Display, S: Serializer>(word: &T, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(word)
    }

    pub(super) fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
    where
        T: std::str::FromStr<Err: std::fmt::Display>,
        D: Deserializer<'de>,
    {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// Money in a staged record.
mod as_paise {
    use super::Paise;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(amount: &Paise, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(amount.0)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Paise, D::Error> {
        i64::deserialize(from).map(Paise)
    }
}

/// Money that may be absent, in a staged record.
mod as_optional_paise {
    use super::Paise;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(amount: &Option<Paise>, to: S) -> Result<S::Ok, S::Error> {
        amount.map(|amount| amount.0).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Paise>, D::Error> {
        Ok(Option::<i64>::deserialize(from)?.map(Paise))
    }
}

#[cfg(test)]
mod tests {
    use super::is_like_a_number;

    #[test]
    fn numbers_are_told_from_names() {
        for number in ["PI-1013/2023-24/000256", "pi-1013/2023-24/000256", "PI-7/1"] {
            assert!(is_like_a_number(number), "{number}");
        }
        for other in
            ["", "PI-1", "PI-", "Sabita Nayak", "WB/2023-24/000512", "PI-1013/ 2023", "PI-1//2", "ପି/1"]
        {
            assert!(!is_like_a_number(other), "{other}");
        }
    }
}
