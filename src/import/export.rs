//! The instructions as they stand now, in the format they were imported in (DOMAIN.md §8).

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Number, Value};

use super::merge::advices_with_ftps;
use super::spelling::{day_in_millis, importable, read_date, read_pi_status, write_pi_status};
use crate::domain::record::{AdviceRecord, BeneficiaryRecord};
use crate::domain::{Paise, PaymentStatus};
use crate::sealing::Sealer;
use crate::store::exporting::{self, Known, Since};
use crate::store::{Store, StoreError, Unreadable, changes};

/// Instructions read in one short transaction.
pub(super) const PAGE: i64 = 200;

/// Why an export ended before it was complete.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The point to go on from is beyond what this database has seen.
    #[error(
        "this database has not come to the point {0} yet: it is of another one, or was restored since; \
         export without --since"
    )]
    PointAhead(i64),
    /// The output cannot be written.
    #[error("the export cannot be written: {0}")]
    Unwritable(#[from] io::Error),
}

/// What an export wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exported {
    /// How many instructions.
    pub count: usize,
    /// The point to go on from.
    pub next_since: i64,
    /// Values that are left out, since no key at hand opens them.
    pub unreadable: Vec<Unreadable>,
}

/// Writes the instructions, all or those changed since, as one document. The document ends with the point to
/// go on from: what is committed after the export began has a higher number, wherever in it the export was at
/// that moment. Blocks, but holds no transaction while it writes.
pub fn export(
    store: &Store,
    sealer: &Sealer,
    since: Option<Since>,
    mut out: impl Write,
) -> Result<Exported, ExportError> {
    let next_since = point_at_begin(store, since)?;
    let mut exported = Exported { next_since, ..Exported::default() };
    out.write_all(br#"{"ResponseInfo":{"status":"successful"},"paymentInstructions":["#)?;
    let mut after = None;
    loop {
        let page = store.read_blocking(|db| exporting::page(db, sealer, after, since, PAGE))?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        for known in page {
            out.write_all(if exported.count == 0 { b"\n" } else { b",\n" })?;
            serde_json::to_writer(&mut out, &instruction(&known)?).map_err(io::Error::from)?;
            exported.count += 1;
            exported.unreadable.extend(known.unreadable);
        }
    }
    writeln!(out, "\n],\"nextSince\":\"{next_since}\"}}")?;
    out.flush()?;
    Ok(exported)
}

/// Whether an export can begin there.
pub fn can_begin_at(store: &Store, since: Option<Since>) -> Result<(), ExportError> {
    point_at_begin(store, since).map(drop)
}

/// The point to go on from after an export that begins now; a point to begin at that this database has not come
/// to is refused.
pub(super) fn point_at_begin(store: &Store, since: Option<Since>) -> Result<i64, ExportError> {
    let latest = store.read_blocking(changes::latest)?;
    match since {
        Some(Since::Change(number)) if number > latest => Err(ExportError::PointAhead(number)),
        _ => Ok(latest),
    }
}

/// An instruction exactly as the export writes it, with the number of its change: what MUKTASoft is told
/// (docs/INTEGRATION.md).
pub fn with_change_number(known: &Known, change_number: i64) -> io::Result<Vec<u8>> {
    let numbered = Instruction { change_number: Some(change_number), ..instruction(known)? };
    Ok(serde_json::to_vec(&numbered)?)
}

/// An element of `paymentInstructions`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Instruction<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    tenant_id: &'a str,
    jit_bill_no: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_pi_number: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mukta_reference_id: Option<&'a str>,
    pi_status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pi_error_resp: Option<&'a str>,
    is_active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    gross_amount: Option<Number>,
    net_amount: Number,
    additional_details: AdditionalDetails<'a>,
    audit_details: AuditDetails,
    pa_details: Vec<Advice>,
    beneficiary_details: Vec<Beneficiary<'a>>,
    /// Ours, and only where MUKTASoft is told: see [`with_change_number`].
    #[serde(skip_serializing_if = "Option::is_none")]
    change_number: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AdditionalDetails<'a> {
    bill_number: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    hoa_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mst_allotment_id: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AuditDetails {
    created_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_modified_time: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Advice {
    #[serde(skip_serializing_if = "Option::is_none")]
    pa_bill_ref_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pa_fin_year: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pa_advice_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pa_advice_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pa_token_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pa_token_date: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Beneficiary<'a> {
    beneficiary_number: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    beneficiary_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    beneficiary_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    benef_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    benf_acct_no: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    benf_bank_ifsc_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    benf_mobile_no: Option<&'a str>,
    amount: Number,
    payment_status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_status_message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    utr_no: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    utr_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_to_end_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    voucher_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    voucher_date: Option<Value>,
    /// Ours: see [`BeneficiaryRecord::disputed`].
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    disputed: bool,
    /// Ours: see [`BeneficiaryRecord::told_amount`].
    #[serde(skip_serializing_if = "Option::is_none")]
    told_amount: Option<Number>,
    /// Ours: see [`BeneficiaryRecord::paid_beneficiary_id`].
    #[serde(skip_serializing_if = "Option::is_none")]
    paid_beneficiary_id: Option<&'a str>,
}

fn instruction(known: &Known) -> io::Result<Instruction<'_>> {
    let record = &known.version.record;
    Ok(Instruction {
        id: record.external_id.as_deref(),
        tenant_id: &record.tenant_id,
        jit_bill_no: &record.number,
        parent_pi_number: record.parent_number.as_deref(),
        mukta_reference_id: record.mukta_reference_id.as_deref(),
        pi_status: pi_status(known),
        pi_error_resp: record.error_response.as_deref(),
        is_active: record.is_active,
        gross_amount: record.gross.map(rupees).transpose()?,
        net_amount: rupees(record.net)?,
        additional_details: AdditionalDetails {
            bill_number: &record.bill_numbers,
            hoa_code: record.head_of_account.as_deref(),
            mst_allotment_id: record.master_allotment_id.as_deref(),
        },
        audit_details: AuditDetails {
            created_time: record.created_at.and_utc().timestamp_millis(),
            last_modified_time: record.modified_at.map(|at| at.and_utc().timestamp_millis()),
        },
        pa_details: advices_with_ftps(known).into_iter().map(advice).collect(),
        beneficiary_details: record.beneficiaries.iter().map(beneficiary).collect::<Result<_, _>>()?,
        change_number: None,
    })
}

/// MUKTASoft's own word, while neither FTPS nor anybody here has brought the instruction on from it.
fn pi_status(known: &Known) -> &str {
    let record = &known.version.record;
    let is_revised = record.parent_number.is_some();
    let own_word = record.told_status.as_deref().filter(|word| {
        !known.was_completed_by_ftps() && read_pi_status(word, is_revised) == Some(record.status)
    });
    own_word.unwrap_or_else(|| {
        let any_failed = record.beneficiaries.iter().any(|one| one.payment.status == PaymentStatus::Failed);
        write_pi_status(record.status, is_revised, any_failed)
    })
}

fn advice(record: AdviceRecord) -> Advice {
    Advice {
        pa_bill_ref_number: record.bill_reference,
        pa_fin_year: record.financial_year,
        pa_advice_id: record.advice_id,
        pa_advice_date: record.advice_date,
        pa_token_number: record.token_number,
        pa_token_date: record.token_date,
    }
}

fn beneficiary(record: &BeneficiaryRecord) -> io::Result<Beneficiary<'_>> {
    let payment = &record.payment;
    let importable = |text: &Option<String>| text.as_deref().and_then(importable);
    Ok(Beneficiary {
        beneficiary_number: &record.payment_id,
        beneficiary_id: record.beneficiary_id.as_deref(),
        beneficiary_type: record.beneficiary_type.as_deref(),
        benef_name: record.name.as_deref(),
        benf_acct_no: record.account.as_deref(),
        benf_bank_ifsc_code: record.ifsc.as_deref(),
        benf_mobile_no: record.mobile.as_deref(),
        amount: rupees(record.amount)?,
        payment_status: payment.status.as_str(),
        payment_status_message: payment.failure_reason.as_deref(),
        utr_no: payment.utr.as_deref(),
        utr_date: importable(&payment.utr_date).as_deref().map(read_date),
        end_to_end_id: importable(&payment.end_to_end_id),
        voucher_number: importable(&payment.voucher_number),
        voucher_date: importable(&payment.voucher_date).map(voucher_date),
        disputed: record.disputed,
        told_amount: record.told_amount.map(rupees).transpose()?,
        paid_beneficiary_id: record.paid_beneficiary_id.as_deref(),
    })
}

/// Epoch milliseconds where it can be read as a day, else as received.
fn voucher_date(text: String) -> Value {
    day_in_millis(&text).map_or(Value::String(text), Value::from)
}

/// Rupees with exactly two decimals, as a JSON number.
fn rupees(amount: Paise) -> io::Result<Number> {
    Ok(amount.plain().parse::<Number>()?)
}
