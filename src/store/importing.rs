//! Writing what an import brings: records ([`domain::record`](crate::domain::record)) into rows. Account
//! and mobile numbers are sealed here, on the way.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDateTime;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::changes::UNNUMBERED;
use super::connection::{lower, on_either};
use super::exporting::{self, BeneficiaryPlace, Known};
use super::instructions::{InstructionId, PaymentInstruction};
use super::schema::{beneficiaries, payment_advices, payment_instructions as pi, search_texts};
use super::scope::state_of;
use super::{Db, StoreError, keys, outbox, search};
use crate::domain::CompletedBy;
use crate::domain::record::{AdviceRecord, BeneficiaryRecord, InstructionRecord, Version, folded};
use crate::domain::text::last_four;
use crate::sealing::{BeneficiaryKey, SealedField, Sealer};

/// Rows in one INSERT on PostgreSQL, whose statements take 65,535 values.
const ROWS_AT_ONCE: usize = 1000;
/// Numbers in one statement that locks.
const LOCKED_AT_ONCE: usize = 10_000;
/// Numbers in one statement that looks them up.
const LOOKED_UP_AT_ONCE: usize = 1000;

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = pi, treat_none_as_default_value = false, treat_none_as_null = true)]
struct NewInstruction<'a> {
    number: &'a str,
    tenant_id: &'a str,
    external_id: Option<&'a str>,
    parent_number: Option<&'a str>,
    mukta_reference_id: Option<&'a str>,
    status: &'static str,
    is_active: bool,
    gross_paise: Option<i64>,
    net_paise: i64,
    bill_numbers: String,
    head_of_account: Option<&'a str>,
    master_allotment_id: Option<&'a str>,
    created_at: NaiveDateTime,
    in_process_since: Option<NaiveDateTime>,
    completed_at: Option<NaiveDateTime>,
    completed_by: Option<&'static str>,
    changed_at: NaiveDateTime,
    modified_at: Option<NaiveDateTime>,
    told_status: Option<&'a str>,
    error_response: Option<&'a str>,
    change_number: i64,
}

#[derive(Insertable)]
#[diesel(table_name = payment_advices, treat_none_as_default_value = false)]
struct NewAdvice<'a> {
    instruction_id: InstructionId,
    position: i32,
    bill_reference: Option<&'a str>,
    financial_year: Option<&'a str>,
    advice_id: Option<&'a str>,
    advice_date: Option<&'a str>,
    token_number: Option<&'a str>,
    token_date: Option<&'a str>,
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = beneficiaries, treat_none_as_default_value = false, treat_none_as_null = true)]
struct NewBeneficiary<'a> {
    instruction_id: InstructionId,
    position: i32,
    payment_id: &'a str,
    payment_key: String,
    beneficiary_id: Option<&'a str>,
    beneficiary_type: Option<&'a str>,
    name: Option<&'a str>,
    account_sealed: Option<Vec<u8>>,
    account_last4: Option<String>,
    account_hash: Option<String>,
    ifsc: Option<&'a str>,
    mobile_sealed: Option<Vec<u8>>,
    mobile_last4: Option<String>,
    mobile_hash: Option<String>,
    amount_paise: i64,
    payment_status: &'static str,
    failure_reason: Option<&'a str>,
    utr: Option<&'a str>,
    utr_date: Option<&'a str>,
    end_to_end_id: Option<&'a str>,
    voucher_number: Option<&'a str>,
    voucher_date: Option<&'a str>,
    disputed: bool,
    returned_at: Option<NaiveDateTime>,
    told_amount_paise: Option<i64>,
    paid_beneficiary_id: Option<&'a str>,
}

impl NewBeneficiary<'_> {
    /// What no key at hand opens is not written over by a file that does not tell it.
    fn keep_closed(&mut self, place: &BeneficiaryPlace) {
        if let (None, Some(closed)) = (&self.account_sealed, &place.closed_account) {
            self.account_sealed = Some(closed.sealed.clone());
            (self.account_last4, self.account_hash) = (closed.last4.clone(), closed.hash.clone());
        }
        if let (None, Some(closed)) = (&self.mobile_sealed, &place.closed_mobile) {
            self.mobile_sealed = Some(closed.sealed.clone());
            (self.mobile_last4, self.mobile_hash) = (closed.last4.clone(), closed.hash.clone());
        }
    }
}

impl Version {
    fn row(&self, now: NaiveDateTime) -> NewInstruction<'_> {
        let Self { record, lifecycle } = self;
        NewInstruction {
            number: &record.number,
            tenant_id: &record.tenant_id,
            external_id: record.external_id.as_deref(),
            parent_number: record.parent_number.as_deref(),
            mukta_reference_id: record.mukta_reference_id.as_deref(),
            status: record.status.as_str(),
            is_active: record.is_active,
            gross_paise: record.gross.map(|gross| gross.0),
            net_paise: record.net.0,
            bill_numbers: serde_json::Value::from(record.bill_numbers.as_slice()).to_string(),
            head_of_account: record.head_of_account.as_deref(),
            master_allotment_id: record.master_allotment_id.as_deref(),
            created_at: record.created_at,
            in_process_since: lifecycle.in_process_since,
            completed_at: lifecycle.completed_at,
            completed_by: lifecycle.completed_by.map(CompletedBy::as_str),
            changed_at: now,
            modified_at: record.modified_at,
            told_status: record.told_status.as_deref(),
            error_response: record.error_response.as_deref(),
            change_number: UNNUMBERED,
        }
    }
}

impl AdviceRecord {
    fn row(&self, instruction_id: InstructionId, position: i32) -> NewAdvice<'_> {
        NewAdvice {
            instruction_id,
            position,
            bill_reference: self.bill_reference.as_deref(),
            financial_year: self.financial_year.as_deref(),
            advice_id: self.advice_id.as_deref(),
            advice_date: self.advice_date.as_deref(),
            token_number: self.token_number.as_deref(),
            token_date: self.token_date.as_deref(),
        }
    }
}

impl BeneficiaryRecord {
    fn row(
        &self,
        sealer: &Sealer,
        number: &str,
        instruction_id: InstructionId,
        position: i32,
    ) -> Result<NewBeneficiary<'_>, StoreError> {
        let payment_key = self.payment_key();
        let seal = |field: SealedField<'_>, plain: &Option<String>| {
            plain.as_deref().map(|plain| sealer.seal(field, plain.as_bytes())).transpose()
        };
        let hash = |plain: &Option<String>| plain.as_deref().map(|plain| sealer.hash(plain));
        let account_sealed =
            seal(SealedField::Account(BeneficiaryKey { number, payment_key: &payment_key }), &self.account)?;
        let mobile_sealed =
            seal(SealedField::Mobile(BeneficiaryKey { number, payment_key: &payment_key }), &self.mobile)?;
        Ok(NewBeneficiary {
            instruction_id,
            position,
            payment_id: &self.payment_id,
            payment_key,
            beneficiary_id: self.beneficiary_id.as_deref(),
            beneficiary_type: self.beneficiary_type.as_deref(),
            name: self.name.as_deref(),
            account_sealed,
            account_last4: self.account.as_deref().and_then(last_four),
            account_hash: hash(&self.account),
            ifsc: self.ifsc.as_deref(),
            mobile_sealed,
            mobile_last4: self.mobile.as_deref().and_then(last_four),
            mobile_hash: hash(&self.mobile),
            amount_paise: self.amount.0,
            payment_status: self.payment.status.as_str(),
            failure_reason: self.payment.failure_reason.as_deref(),
            utr: self.payment.utr.as_deref(),
            utr_date: self.payment.utr_date.as_deref(),
            end_to_end_id: self.payment.end_to_end_id.as_deref(),
            voucher_number: self.payment.voucher_number.as_deref(),
            voucher_date: self.payment.voucher_date.as_deref(),
            disputed: self.disputed,
            returned_at: self.returned_at,
            told_amount_paise: self.told_amount.map(|told| told.0),
            paid_beneficiary_id: self.paid_beneficiary_id.as_deref(),
        })
    }
}

/// Lets one import write at a time: two that hold each other's instructions would wait for ever.
/// SQLite has one writer anyhow.
pub fn one_at_a_time(db: &mut Db) -> Result<(), StoreError> {
    if let Db::Postgres(db) = db {
        db.batch_execute("SELECT pg_advisory_xact_lock(5121965)")?;
    }
    Ok(())
}

/// Locks the instructions of these numbers (folded) that are here until the transaction ends, in the one order of
/// all locks: by number. Two transactions that each hold what the other waits for cannot be.
pub fn lock(db: &mut Db, numbers: &[&str]) -> Result<(), StoreError> {
    if let Db::Postgres(db) = db {
        for some in numbers.chunks(LOCKED_AT_ONCE) {
            pi::table
                .filter(lower(pi::number).eq_any(some))
                .order(pi::number)
                .select(pi::id)
                .for_no_key_update()
                .load::<InstructionId>(db)?;
        }
    }
    Ok(())
}

/// The instructions of these numbers (folded) that are here, by folded number. On PostgreSQL they are locked until
/// the transaction ends, so that no claim or outcome comes between reading and writing.
pub fn known(db: &mut Db, sealer: &Sealer, numbers: &[String]) -> Result<HashMap<String, Known>, StoreError> {
    keys::hold(db, sealer)?;
    // In one order, so that two transactions do not each wait for the other.
    let rows: Vec<PaymentInstruction> = match db {
        Db::Sqlite(db) => pi::table
            .filter(lower(pi::number).eq_any(numbers))
            .order(pi::number)
            .select(PaymentInstruction::as_select())
            .load(db)?,
        Db::Postgres(db) => pi::table
            .filter(lower(pi::number).eq_any(numbers))
            .order(pi::number)
            .select(PaymentInstruction::as_select())
            .for_no_key_update()
            .load(db)?,
    };
    let known = exporting::with_parts(db, sealer, rows)?;
    Ok(known.into_iter().map(|known| (folded(&known.version.record.number), known)).collect())
}

/// The same for a look: nothing is locked, nothing may be written by it.
pub fn look_up(
    db: &mut Db,
    sealer: &Sealer,
    numbers: &[String],
) -> Result<HashMap<String, Known>, StoreError> {
    let mut found = HashMap::new();
    for some in numbers.chunks(LOOKED_UP_AT_ONCE) {
        let rows: Vec<PaymentInstruction> = on_either!(db, db => pi::table
            .filter(lower(pi::number).eq_any(some))
            .select(PaymentInstruction::as_select())
            .load(db)?);
        let known = exporting::with_parts(db, sealer, rows)?;
        found.extend(known.into_iter().map(|known| (folded(&known.version.record.number), known)));
    }
    Ok(found)
}

/// Which of these numbers (folded) are here.
pub fn here(db: &mut Db, numbers: &[String]) -> Result<HashSet<String>, StoreError> {
    let mut found = HashSet::new();
    for some in numbers.chunks(LOOKED_UP_AT_ONCE) {
        let here: Vec<String> = on_either!(db, db => pi::table
            .filter(lower(pi::number).eq_any(some))
            .select(pi::number)
            .load(db)?);
        found.extend(here.iter().map(|number| folded(number)));
    }
    Ok(found)
}

/// Enters a tenant that is not here yet.
pub fn ensure_tenant(db: &mut Db, tenant: &str) -> Result<(), StoreError> {
    use diesel::sql_types::Text;
    diesel::sql_query("INSERT INTO tenants (id, state) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING")
        .bind::<Text, _>(tenant)
        .bind::<Text, _>(state_of(tenant))
        .execute(db)?;
    Ok(())
}

/// Inserts rows: on SQLite one by one, by one prepared statement; on PostgreSQL, where round trips
/// count, many at once.
macro_rules! insert_all {
    ($db:expr, $table:expr, $rows:expr) => {
        match $db {
            Db::Sqlite(db) => {
                for row in &$rows {
                    diesel::insert_into($table).values(row).execute(db)?;
                }
            }
            Db::Postgres(db) => {
                for some in $rows.chunks(ROWS_AT_ONCE) {
                    diesel::insert_into($table).values(some).execute(db)?;
                }
            }
        }
    };
}

/// Writes instructions that are not here yet, in their order.
pub fn insert(db: &mut Db, sealer: &Sealer, new: &[Version], now: NaiveDateTime) -> Result<(), StoreError> {
    if new.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = new.iter().map(|version| version.row(now)).collect();
    insert_all!(db, pi::table, rows);
    let ids = ids_of(db, new)?;
    let mut advices = Vec::new();
    let mut beneficiaries = Vec::new();
    let mut texts = Vec::new();
    for Version { record, .. } in new {
        // Inserted above, in this transaction.
        let id = *ids.get(&record.number).ok_or(diesel::result::Error::NotFound)?;
        advices.extend(record.advices.iter().zip(0..).map(|(advice, at)| advice.row(id, at)));
        for (one, at) in record.beneficiaries.iter().zip(0..) {
            beneficiaries.push(one.row(sealer, &record.number, id, at)?);
        }
        texts.push((search_texts::instruction_id.eq(id), search_texts::text.eq(search::searchable(record))));
    }
    insert_all!(db, payment_advices::table, advices);
    insert_all!(db, beneficiaries::table, beneficiaries);
    insert_all!(db, search_texts::table, texts);
    Ok(())
}

fn ids_of(db: &mut Db, new: &[Version]) -> Result<HashMap<String, InstructionId>, StoreError> {
    let numbers: Vec<&str> = new.iter().map(|version| version.record.number.as_str()).collect();
    let rows: Vec<(String, InstructionId)> = on_either!(db, db => pi::table
        .filter(pi::number.eq_any(&numbers))
        .select((pi::number, pi::id))
        .load(db)?);
    Ok(rows.into_iter().collect())
}

/// Brings an instruction to another version, writing only the rows that differ.
pub fn update(
    db: &mut Db,
    sealer: &Sealer,
    known: &Known,
    to: &Version,
    now: NaiveDateTime,
) -> Result<(), StoreError> {
    on_either!(db, db => diesel::update(pi::table.find(known.id)).set(to.row(now)).execute(db)?);
    if known.version.record.advices != to.record.advices {
        diesel::delete(payment_advices::table.filter(payment_advices::instruction_id.eq(known.id)))
            .execute(db)?;
        let rows: Vec<_> =
            to.record.advices.iter().zip(0..).map(|(advice, at)| advice.row(known.id, at)).collect();
        insert_all!(db, payment_advices::table, rows);
    }
    let text = search::searchable(&to.record);
    diesel::update(search_texts::table.find(known.id))
        .filter(search_texts::text.ne(&text))
        .set(search_texts::text.eq(&text))
        .execute(db)?;
    update_beneficiaries(db, sealer, known, &to.record, now)
}

fn update_beneficiaries(
    db: &mut Db,
    sealer: &Sealer,
    known: &Known,
    to: &InstructionRecord,
    now: NaiveDateTime,
) -> Result<(), StoreError> {
    let mut here: HashMap<String, _> = known
        .version
        .record
        .beneficiaries
        .iter()
        .zip(&known.beneficiary_rows)
        .map(|(record, row)| (record.payment_key(), (record, row)))
        .collect();
    let mut new = Vec::new();
    let mut numbers_changed = Vec::new();
    let mut returned = Vec::new();
    for (record, position) in to.beneficiaries.iter().zip(0..) {
        match here.remove(&record.payment_key()) {
            Some((before, row)) if before == record && row.position == position => {}
            Some((before, row)) => {
                if before.mobile != record.mobile {
                    numbers_changed.push(row.id);
                }
                let is_news = |then: bool, now: bool| now && !then;
                if is_news(before.returned_at.is_some(), record.returned_at.is_some())
                    || is_news(before.disputed, record.disputed)
                {
                    returned.push(row.id);
                }
                let mut changed = record.row(sealer, &to.number, known.id, position)?;
                if record.beneficiary_id.is_none() || before.beneficiary_id == record.beneficiary_id {
                    changed.keep_closed(row);
                }
                on_either!(db, db => diesel::update(beneficiaries::table.find(row.id))
                    .set(&changed)
                    .execute(db)?);
            }
            None => new.push(record.row(sealer, &to.number, known.id, position)?),
        }
    }
    for (_, row) in here.into_values() {
        diesel::delete(beneficiaries::table.find(row.id)).execute(db)?;
    }
    insert_all!(db, beneficiaries::table, new);
    outbox::hold_returned(db, &returned, now)?;
    outbox::renew(db, sealer, &numbers_changed, now)
}
