//! Beneficiaries of payment instructions.

use std::collections::HashMap;

use chrono::NaiveDateTime;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::connection::on_either;
use super::instructions::InstructionId;
use super::schema::beneficiaries;
use super::{Db, StoreError, Unreadable};
use crate::domain::{AskedBeneficiary, Paise, PaymentStatus};
use crate::sealing::{BeneficiaryKey, SealedField, Sealer};

/// A beneficiary as the pages show it: nothing sealed is read.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = beneficiaries)]
pub struct Beneficiary {
    /// Our row.
    pub id: i64,
    /// The payment ID (`BN-…`).
    pub payment_id: String,
    /// MUKTASoft's id of the person or organisation.
    pub beneficiary_id: Option<String>,
    /// `IND`, `ORG` or `DEPT`.
    pub beneficiary_type: Option<String>,
    /// Name, if known.
    pub name: Option<String>,
    /// Last four digits of the registered account.
    pub account_last4: Option<String>,
    /// Whether an account is registered at all.
    pub account_hash: Option<String>,
    /// IFSC of its branch.
    pub ifsc: Option<String>,
    /// Last four digits of the mobile number.
    pub mobile_last4: Option<String>,
    /// Amount.
    pub amount_paise: Paise,
    /// Where the payment stands.
    pub payment_status: PaymentStatus,
    /// Why it failed, as MUKTASoft told.
    pub failure_reason: Option<String>,
    /// The bank's transaction number.
    pub utr: Option<String>,
    /// Its date, as received.
    pub utr_date: Option<String>,
    /// End-to-end id.
    pub end_to_end_id: Option<String>,
    /// Voucher number.
    pub voucher_number: Option<String>,
    /// Voucher date, as received.
    pub voucher_date: Option<String>,
    /// Whether another account than the registered one was paid.
    pub other_account_sealed: Option<Vec<u8>>,
    /// Its last four digits.
    pub other_account_last4: Option<String>,
    /// The IFSC that was paid, where it differs.
    pub other_ifsc: Option<String>,
    /// MUKTASoft reported Payment Failed of what FTPS reported paid.
    pub disputed: bool,
    /// When it became known here that the payment came back (UTC).
    pub returned_at: Option<NaiveDateTime>,
    /// The amount that MUKTASoft tells since it was paid, where it is another.
    pub told_amount_paise: Option<Paise>,
    /// Who was paid, where MUKTASoft names somebody else since.
    pub paid_beneficiary_id: Option<String>,
}

/// How the payments of an instruction stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// How many there are.
    pub all: i64,
    /// Those with Payment Successful.
    pub paid: i64,
    /// Those with Payment Failed, returned ones among them.
    pub failed: i64,
    /// Those that FTPS reported and that came back.
    pub returned: i64,
    /// Those paid to another account than the registered one.
    pub elsewhere: i64,
    /// Those of which MUKTASoft tells another amount or person since.
    pub changed: i64,
    /// Those that FTPS reported paid and MUKTASoft calls failed, though not so that it counts.
    pub disputed: i64,
    /// What MUKTASoft says that they come to.
    pub sum: Paise,
}

impl Tally {
    /// Those that are neither made nor failed.
    pub fn open(&self) -> i64 {
        self.all - self.paid - self.failed
    }
}

impl Beneficiary {
    /// Whether it was paid to an account or IFSC other than the registered one.
    pub fn account_differs(&self) -> bool {
        self.other_account_sealed.is_some() || self.other_ifsc.is_some()
    }
}

/// Beneficiaries of an instruction in its order, all or those of one payment status: at most `limit`
/// of them, the first `skipped` left out.
pub fn page(
    db: &mut Db,
    instruction_id: InstructionId,
    status: Option<PaymentStatus>,
    skipped: i64,
    limit: i64,
) -> Result<Vec<Beneficiary>, StoreError> {
    let mut query = beneficiaries::table
        .filter(beneficiaries::instruction_id.eq(instruction_id))
        .order((beneficiaries::position, beneficiaries::id))
        .select(Beneficiary::as_select())
        .into_boxed();
    if let Some(status) = status {
        query = query.filter(beneficiaries::payment_status.eq(status.as_str()));
    }
    Ok(query.offset(skipped).limit(limit).load(db)?)
}

/// How many beneficiaries of an instruction have each payment status, and what those come to; those that
/// none has are left out.
pub fn counts(
    db: &mut Db,
    instruction_id: InstructionId,
) -> Result<Vec<(PaymentStatus, i64, Paise)>, StoreError> {
    let rows: Vec<(PaymentStatus, i64, i64)> = beneficiaries::table
        .filter(beneficiaries::instruction_id.eq(instruction_id))
        .group_by(beneficiaries::payment_status)
        .select((
            beneficiaries::payment_status,
            diesel::dsl::count_star(),
            sql::<BigInt>("CAST(sum(amount_paise) AS BIGINT)"),
        ))
        .load(db)?;
    Ok(rows.into_iter().map(|(status, count, paise)| (status, count, Paise(paise))).collect())
}

/// A beneficiary that was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Met {
    /// Our row.
    pub id: i64,
    /// Its place among those of that payment status, in the instruction's order, from 0 on.
    pub place: i64,
    /// The payment ID.
    pub payment_id: String,
    /// Name, if known.
    pub name: Option<String>,
}

/// Those beneficiaries of an instruction, all or those of one payment status, in which every word of `text` stands:
/// in name, payment ID, beneficiary ID, UTR, or the last four digits of account and mobile, in any case and order.
pub fn look_for(
    db: &mut Db,
    instruction_id: InstructionId,
    status: Option<PaymentStatus>,
    text: &str,
) -> Result<Vec<Met>, StoreError> {
    type Text = Option<String>;
    type Row = (i64, String, Text, Text, Text, Text, Text);
    let mut query = beneficiaries::table
        .filter(beneficiaries::instruction_id.eq(instruction_id))
        .order((beneficiaries::position, beneficiaries::id))
        .select((
            beneficiaries::id,
            beneficiaries::payment_id,
            beneficiaries::name,
            beneficiaries::beneficiary_id,
            beneficiaries::utr,
            beneficiaries::account_last4,
            beneficiaries::mobile_last4,
        ))
        .into_boxed();
    if let Some(status) = status {
        query = query.filter(beneficiaries::payment_status.eq(status.as_str()));
    }
    let rows: Vec<Row> = query.load(db)?;
    let text = text.to_lowercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    let met = (0..).zip(rows).filter_map(|(place, row)| {
        let (id, payment_id, name, person, utr, account, mobile) = row;
        let told = [&name, &person, &utr, &account, &mobile].map(Option::as_deref);
        let told: Vec<&str> = told.into_iter().flatten().chain([payment_id.as_str()]).collect();
        let told = told.join("\n").to_lowercase();
        words.iter().all(|word| told.contains(word)).then_some(Met { id, place, payment_id, name })
    });
    Ok(met.collect())
}

/// How the payments of each of these instructions stand.
pub fn tallies(db: &mut Db, ids: &[InstructionId]) -> Result<HashMap<InstructionId, Tally>, StoreError> {
    type Row = (InstructionId, i64, i64, i64, i64, i64, i64, i64, i64);
    let rows: Vec<Row> = on_either!(db, db => beneficiaries::table
        .filter(beneficiaries::instruction_id.eq_any(ids))
        .group_by(beneficiaries::instruction_id)
        .select((
            beneficiaries::instruction_id,
            sql::<BigInt>("count(*)"),
            sql::<BigInt>("count(CASE payment_status WHEN 'Payment Successful' THEN 1 END)"),
            sql::<BigInt>("count(CASE payment_status WHEN 'Payment Failed' THEN 1 END)"),
            sql::<BigInt>("count(returned_at)"),
            sql::<BigInt>("count(other_account_sealed)"),
            sql::<BigInt>(
                "count(CASE WHEN told_amount_paise IS NOT NULL OR paid_beneficiary_id IS NOT NULL THEN 1 END)",
            ),
            sql::<BigInt>("count(CASE WHEN disputed THEN 1 END)"),
            sql::<BigInt>("CAST(sum(COALESCE(told_amount_paise, amount_paise)) AS BIGINT)"),
        ))
        .load(db)?);
    let tally = |(id, all, paid, failed, returned, elsewhere, changed, disputed, sum): Row| {
        (id, Tally { all, paid, failed, returned, elsewhere, changed, disputed, sum: Paise(sum) })
    };
    Ok(rows.into_iter().map(tally).collect())
}

/// Everybody of an instruction that is asked about.
#[derive(Debug)]
pub struct AskedPeople {
    /// As [`decide`](crate::domain::decide) needs them; an account that no key opens is not known.
    pub known: Vec<AskedBeneficiary>,
    /// The accounts that no key at hand opens.
    pub unreadable: Vec<Unreadable>,
}

/// The beneficiaries with their accounts opened.
pub fn asked(
    db: &mut Db,
    sealer: &Sealer,
    instruction_id: InstructionId,
    number: &str,
) -> Result<AskedPeople, StoreError> {
    type Row = (i64, String, String, Option<Vec<u8>>, Option<String>, Option<String>, Paise);
    let rows: Vec<Row> = beneficiaries::table
        .filter(beneficiaries::instruction_id.eq(instruction_id))
        .order((beneficiaries::position, beneficiaries::id))
        .select((
            beneficiaries::id,
            beneficiaries::payment_id,
            beneficiaries::payment_key,
            beneficiaries::account_sealed,
            beneficiaries::ifsc,
            beneficiaries::beneficiary_id,
            beneficiaries::amount_paise,
        ))
        .load(db)?;
    let mut people = AskedPeople { known: Vec::with_capacity(rows.len()), unreadable: Vec::new() };
    for (id, payment_id, payment_key, sealed, ifsc, person_id, amount) in rows {
        let field = SealedField::Account(BeneficiaryKey { number, payment_key: &payment_key });
        let account = sealed.map(|sealed| sealer.open_text(field, &sealed)).transpose();
        let account = account.unwrap_or_else(|cause| {
            people.unreadable.push(Unreadable::new(number, &payment_id, "account number", cause));
            None
        });
        people.known.push(AskedBeneficiary { id, payment_id, account, ifsc, person_id, amount });
    }
    Ok(people)
}
