//! Reading instructions back as the records that an import brought, for the export and for the
//! next import.

use std::collections::HashMap;

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::changes::Place;
use super::connection::{lower, on_either};
use super::instructions::{InstructionId, PaymentAdvice, PaymentInstruction, is_claim};
use super::schema::{beneficiaries, payment_advices, payment_instructions as pi};
use super::{Db, StoreError, Unreadable};
use crate::domain::record::{
    AdviceRecord, BeneficiaryRecord, InstructionRecord, Lifecycle, PaymentFacts, Version, folded,
};
use crate::domain::{CompletedBy, Paise, PaymentStatus};
use crate::sealing::{BeneficiaryKey, SealedField, Sealer};

/// An instruction as it stands here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Our row.
    pub id: InstructionId,
    /// What an import may write of it.
    pub version: Version,
    /// Until when somebody is asking JIT about it (UTC).
    pub lease_until: Option<NaiveDateTime>,
    /// What FTPS told of the instruction itself.
    pub ftps: FtpsReferences,
    /// The rows of `version.record.beneficiaries`, in the same order.
    pub beneficiary_rows: Vec<BeneficiaryPlace>,
    /// Sealed values that no key at hand opens: `version` knows nothing of them.
    pub unreadable: Vec<Unreadable>,
}

/// The references that FTPS brought with a payment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FtpsReferences {
    /// Online bill reference of the revised PI.
    pub bill_reference: Option<String>,
    /// Token number.
    pub token_number: Option<String>,
    /// Token date, as received.
    pub token_date: Option<String>,
}

/// Where a beneficiary is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BeneficiaryPlace {
    /// Our row.
    pub id: i64,
    /// Its place in the instruction.
    pub position: i32,
    /// An account number that no key at hand opens.
    pub closed_account: Option<Closed>,
    /// A mobile number that no key at hand opens.
    pub closed_mobile: Option<Closed>,
}

/// A number as it is stored, where no key at hand opens it: kept until a file tells it anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    pub(super) sealed: Vec<u8>,
    pub(super) last4: Option<String>,
    pub(super) hash: Option<String>,
}

impl Known {
    /// Whether FTPS, and not MUKTASoft, completed it.
    pub fn was_completed_by_ftps(&self) -> bool {
        self.version.lifecycle.completed_by == Some(CompletedBy::Ftps)
    }

    /// Whether somebody is asking JIT about it at `now`.
    pub fn is_claimed(&self, now: NaiveDateTime) -> bool {
        is_claim(self.lease_until, now)
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = beneficiaries)]
struct StoredBeneficiary {
    id: i64,
    instruction_id: InstructionId,
    position: i32,
    payment_id: String,
    payment_key: String,
    beneficiary_id: Option<String>,
    beneficiary_type: Option<String>,
    name: Option<String>,
    account_sealed: Option<Vec<u8>>,
    account_last4: Option<String>,
    account_hash: Option<String>,
    ifsc: Option<String>,
    mobile_sealed: Option<Vec<u8>>,
    mobile_last4: Option<String>,
    mobile_hash: Option<String>,
    amount_paise: Paise,
    payment_status: PaymentStatus,
    failure_reason: Option<String>,
    utr: Option<String>,
    utr_date: Option<String>,
    end_to_end_id: Option<String>,
    voucher_number: Option<String>,
    voucher_date: Option<String>,
    disputed: bool,
    returned_at: Option<NaiveDateTime>,
    told_amount_paise: Option<Paise>,
    paid_beneficiary_id: Option<String>,
}

/// From where on an export goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// After the change of that number ([`changes`](super::changes)): nothing is missed.
    Change(i64),
    /// What changed at that instant (UTC) or later.
    Instant(NaiveDateTime),
}

/// The next instructions after row `after`, if it is given, at most `limit`, by row; those changed since, if
/// that is given.
pub fn page(
    db: &mut Db,
    sealer: &Sealer,
    after: Option<InstructionId>,
    since: Option<Since>,
    limit: i64,
) -> Result<Vec<Known>, StoreError> {
    let mut query = pi::table
        .filter(pi::id.gt(after.unwrap_or_default()))
        .order(pi::id)
        .limit(limit)
        .select(PaymentInstruction::as_select())
        .into_boxed();
    query = match since {
        None => query,
        Some(Since::Change(number)) => query.filter(pi::change_number.gt(number)),
        Some(Since::Instant(instant)) => query.filter(pi::changed_at.ge(instant)),
    };
    let rows = query.load(db)?;
    with_parts(db, sealer, rows)
}

/// The instruction at a place in the order of changes, as it stands now.
pub(super) fn at(db: &mut Db, sealer: &Sealer, place: Place) -> Result<Known, StoreError> {
    let row = pi::table.find(place.instruction_id()).select(PaymentInstruction::as_select()).load(db)?;
    let known = with_parts(db, sealer, row)?.pop();
    known.ok_or_else(|| diesel::result::Error::NotFound.into())
}

/// The instructions of these numbers (folded) that are here, by folded number. Nothing is locked.
pub fn of_numbers(
    db: &mut Db,
    sealer: &Sealer,
    numbers: &[String],
) -> Result<HashMap<String, Known>, StoreError> {
    let rows: Vec<PaymentInstruction> = on_either!(db, db => pi::table
        .filter(lower(pi::number).eq_any(numbers))
        .select(PaymentInstruction::as_select())
        .load(db)?);
    let known = with_parts(db, sealer, rows)?;
    Ok(known.into_iter().map(|known| (folded(&known.version.record.number), known)).collect())
}

/// The numbers of a tenant's instructions after row `after`, with their rows, at most `limit`, by row.
pub fn numbers_of(
    db: &mut Db,
    tenant: &str,
    after: InstructionId,
    limit: i64,
) -> Result<Vec<(InstructionId, String)>, StoreError> {
    Ok(pi::table
        .filter(pi::tenant_id.eq(tenant))
        .filter(pi::id.gt(after))
        .order(pi::id)
        .limit(limit)
        .select((pi::id, pi::number))
        .load(db)?)
}

/// The instructions with their advice and their beneficiaries, in the order given.
pub(super) fn with_parts(
    db: &mut Db,
    sealer: &Sealer,
    rows: Vec<PaymentInstruction>,
) -> Result<Vec<Known>, StoreError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<InstructionId> = rows.iter().map(|row| row.id).collect();
    let mut advices = advices_of(db, &ids)?;
    let mut beneficiaries = beneficiaries_of(db, &ids)?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let advices = advices.remove(&row.id).unwrap_or_default();
            let beneficiaries = beneficiaries.remove(&row.id).unwrap_or_default();
            known(sealer, row, advices, beneficiaries)
        })
        .collect())
}

fn advices_of(
    db: &mut Db,
    ids: &[InstructionId],
) -> Result<HashMap<InstructionId, Vec<AdviceRecord>>, StoreError> {
    let rows: Vec<PaymentAdvice> = on_either!(db, db => payment_advices::table
        .filter(payment_advices::instruction_id.eq_any(ids))
        .order((payment_advices::instruction_id, payment_advices::position))
        .select(PaymentAdvice::as_select())
        .load(db)?);
    let mut by_instruction: HashMap<InstructionId, Vec<AdviceRecord>> = HashMap::new();
    for row in rows {
        by_instruction.entry(row.instruction_id).or_default().push(AdviceRecord {
            bill_reference: row.bill_reference,
            financial_year: row.financial_year,
            advice_id: row.advice_id,
            advice_date: row.advice_date,
            token_number: row.token_number,
            token_date: row.token_date,
        });
    }
    Ok(by_instruction)
}

fn beneficiaries_of(
    db: &mut Db,
    ids: &[InstructionId],
) -> Result<HashMap<InstructionId, Vec<StoredBeneficiary>>, StoreError> {
    let rows: Vec<StoredBeneficiary> = on_either!(db, db => beneficiaries::table
        .filter(beneficiaries::instruction_id.eq_any(ids))
        .order((beneficiaries::instruction_id, beneficiaries::position, beneficiaries::id))
        .select(StoredBeneficiary::as_select())
        .load(db)?);
    let mut by_instruction: HashMap<InstructionId, Vec<StoredBeneficiary>> = HashMap::new();
    for row in rows {
        by_instruction.entry(row.instruction_id).or_default().push(row);
    }
    Ok(by_instruction)
}

fn known(
    sealer: &Sealer,
    row: PaymentInstruction,
    advices: Vec<AdviceRecord>,
    rows: Vec<StoredBeneficiary>,
) -> Known {
    let mut unreadable = Vec::new();
    let (beneficiaries, beneficiary_rows) =
        rows.into_iter().map(|one| one.opened(sealer, &row.number, &mut unreadable)).unzip();
    Known {
        id: row.id,
        lease_until: row.lease_until,
        ftps: FtpsReferences {
            bill_reference: row.ftps_bill_reference.clone(),
            token_number: row.ftps_token_number.clone(),
            token_date: row.ftps_token_date.clone(),
        },
        beneficiary_rows,
        unreadable,
        version: Version {
            lifecycle: Lifecycle {
                in_process_since: row.in_process_since,
                completed_at: row.completed_at,
                completed_by: row.completed_by,
            },
            record: InstructionRecord {
                bill_numbers: row.bills(),
                tenant_id: row.tenant_id,
                number: row.number,
                external_id: row.external_id,
                parent_number: row.parent_number,
                mukta_reference_id: row.mukta_reference_id,
                status: row.status,
                told_status: row.told_status,
                error_response: row.error_response,
                is_active: row.is_active,
                gross: row.gross_paise,
                net: row.net_paise,
                head_of_account: row.head_of_account,
                master_allotment_id: row.master_allotment_id,
                created_at: row.created_at,
                modified_at: row.modified_at,
                advices,
                beneficiaries,
            },
        },
    }
}

impl StoredBeneficiary {
    /// What an import may write of it, and where it is stored; what does not open is noted.
    fn opened(
        self,
        sealer: &Sealer,
        number: &str,
        unreadable: &mut Vec<Unreadable>,
    ) -> (BeneficiaryRecord, BeneficiaryPlace) {
        let key = BeneficiaryKey { number, payment_key: &self.payment_key };
        let mut open = |name, field, closed: Option<Closed>| match closed {
            None => (None, None),
            Some(closed) => match sealer.open_text(field, &closed.sealed) {
                Ok(text) => (Some(text), None),
                Err(cause) => {
                    unreadable.push(Unreadable::new(number, &self.payment_id, name, cause));
                    (None, Some(closed))
                }
            },
        };
        let closed = |sealed: Option<Vec<u8>>, last4, hash| Some(Closed { sealed: sealed?, last4, hash });
        let account = closed(self.account_sealed, self.account_last4, self.account_hash);
        let mobile = closed(self.mobile_sealed, self.mobile_last4, self.mobile_hash);
        let (account, closed_account) = open("account number", SealedField::Account(key), account);
        let (mobile, closed_mobile) = open("mobile number", SealedField::Mobile(key), mobile);
        let record = BeneficiaryRecord {
            payment_id: self.payment_id,
            beneficiary_id: self.beneficiary_id,
            beneficiary_type: self.beneficiary_type,
            name: self.name,
            account,
            ifsc: self.ifsc,
            mobile,
            amount: self.amount_paise,
            payment: PaymentFacts {
                status: self.payment_status,
                failure_reason: self.failure_reason,
                utr: self.utr,
                utr_date: self.utr_date,
                end_to_end_id: self.end_to_end_id,
                voucher_number: self.voucher_number,
                voucher_date: self.voucher_date,
            },
            disputed: self.disputed,
            returned_at: self.returned_at,
            told_amount: self.told_amount_paise,
            paid_beneficiary_id: self.paid_beneficiary_id,
        };
        (record, BeneficiaryPlace { id: self.id, position: self.position, closed_account, closed_mobile })
    }
}
