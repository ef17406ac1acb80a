//! Payment instructions and their payment advice.

use std::collections::HashSet;

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::connection::{lower, lower_or_null, on_either};
use super::instants::literal;
use super::schema::{payment_advices, payment_instructions};
use super::scope::Scope;
use super::{Db, StoreError};
use crate::domain::correction;
use crate::domain::date::ist_date;
use crate::domain::decide::says_paid;
use crate::domain::record::folded;
use crate::domain::text::filled;
use crate::domain::{Ancestry, CompletedBy, LatestOutcome, Outcome, Paise, PiStatus, Revisable};

/// A payment instruction's row. Whoever holds one may read what belongs to it: only a scoped find
/// ([`find`], a search), a claim, or what leads there from one of those makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, AsExpression, FromSqlRow)]
#[diesel(sql_type = diesel::sql_types::BigInt)]
pub struct InstructionId(i64);

impl InstructionId {
    /// The row `id`, by whoever has seen to it that it may be read.
    pub(in crate::store) const fn of_row(id: i64) -> Self {
        Self(id)
    }

    /// The row.
    pub(in crate::store) const fn row(self) -> i64 {
        self.0
    }

    /// For tests of what is made of rows.
    #[cfg(test)]
    pub(crate) const fn of_test(id: i64) -> Self {
        Self(id)
    }
}

impl std::fmt::Display for InstructionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl<DB: diesel::backend::Backend> diesel::serialize::ToSql<diesel::sql_types::BigInt, DB> for InstructionId
where
    i64: diesel::serialize::ToSql<diesel::sql_types::BigInt, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, DB>) -> diesel::serialize::Result {
        self.0.to_sql(out)
    }
}

impl<DB: diesel::backend::Backend> diesel::deserialize::FromSql<diesel::sql_types::BigInt, DB>
    for InstructionId
where
    i64: diesel::deserialize::FromSql<diesel::sql_types::BigInt, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> diesel::deserialize::Result<Self> {
        i64::from_sql(bytes).map(Self)
    }
}

/// A payment instruction as stored.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = payment_instructions)]
pub struct PaymentInstruction {
    /// Our row.
    pub id: InstructionId,
    /// The PI number, unique in all.
    pub number: String,
    /// The ULB it belongs to.
    pub tenant_id: String,
    /// MUKTASoft's id of it.
    pub external_id: Option<String>,
    /// Of a revised PI, the number of the one it replaces.
    pub parent_number: Option<String>,
    /// MUKTASoft's own reference.
    pub mukta_reference_id: Option<String>,
    /// Where it stands.
    pub status: PiStatus,
    /// An inactive one is shown as such and never asked about.
    pub is_active: bool,
    /// Gross amount, if told.
    pub gross_paise: Option<Paise>,
    /// Net amount.
    pub net_paise: Paise,
    /// Bill numbers, a JSON list of texts.
    pub bill_numbers: String,
    /// Head of account.
    pub head_of_account: Option<String>,
    /// Master allotment ID.
    pub master_allotment_id: Option<String>,
    /// When it was created at MUKTASoft, and so pushed to JIT (UTC).
    pub created_at: NaiveDateTime,
    /// When it went In Process (UTC).
    pub in_process_since: Option<NaiveDateTime>,
    /// When it was completed here (UTC).
    pub completed_at: Option<NaiveDateTime>,
    /// Who completed it.
    pub completed_by: Option<CompletedBy>,
    /// When anything about it last changed here (UTC).
    pub changed_at: NaiveDateTime,
    /// The outcome of the latest call.
    pub ftps_outcome: LatestOutcome,
    /// The message of the latest call.
    pub ftps_message: Option<String>,
    /// When the latest call was answered (UTC).
    pub ftps_called_at: Option<NaiveDateTime>,
    /// The voucher FTPS told of.
    pub ftps_voucher_number: Option<String>,
    /// Its date, as received.
    pub ftps_voucher_date: Option<String>,
    /// Online bill reference FTPS told of.
    pub ftps_bill_reference: Option<String>,
    /// Token FTPS told of.
    pub ftps_token_number: Option<String>,
    /// Its date, as received.
    pub ftps_token_date: Option<String>,
    /// RBI's message FTPS told of.
    pub ftps_payment_status: Option<String>,
    /// Who is asking JIT about it.
    pub lease_token: Option<String>,
    /// Until when that claim holds (UTC).
    pub lease_until: Option<NaiveDateTime>,
    /// When it is asked about again by itself, after no response or a glitch (UTC).
    pub next_attempt_at: Option<NaiveDateTime>,
    /// Attempts since JIT's last answer or the last Refresh.
    pub unanswered_attempts: i32,
    /// JIT cannot be asked for want of something here, and that was told.
    pub cannot_ask: bool,
    /// How soon somebody should look at it, 0 first; `None` unless it waits: FTPS may be asked about an
    /// active revised PI In Process. The database works it out (migrations, 000005), and nobody else.
    pub action_rank: Option<i32>,
    /// When MUKTASoft last changed what is here (UTC).
    pub modified_at: Option<NaiveDateTime>,
    /// MUKTASoft's own word for the status.
    pub told_status: Option<String>,
    /// The treasury's reason, if it was declined or rejected.
    pub error_response: Option<String>,
    /// Payments that wait for a person (`domain::unsettled`).
    pub unsettled_payments: i32,
    /// When the original was created (UTC), where payments failed or came back and no later instruction holds
    /// them: from then on MUKTASoft counts (`domain::correction`). `None` too if the original is not known here.
    pub correction_due_from: Option<NaiveDateTime>,
    /// Since when somebody wants JIT asked about it (UTC).
    pub wanted_at: Option<NaiveDateTime>,
}

/// In Process for longer than this is worth a mark.
pub(super) const LONG_IN_PROCESS: TimeDelta = TimeDelta::days(7);

impl PaymentInstruction {
    /// A revised PI has a parent.
    pub fn is_revised(&self) -> bool {
        self.parent_number.is_some()
    }

    /// Whether FTPS may be asked.
    pub fn is_waiting(&self) -> bool {
        self.action_rank.is_some()
    }

    /// Whether somebody wants JIT asked about it, and it can be.
    pub fn is_wanted(&self) -> bool {
        self.is_waiting() && self.wanted_at.is_some()
    }

    /// Whether somebody is asking JIT about it now.
    pub fn is_claimed(&self, now: DateTime<Utc>) -> bool {
        is_claim(self.lease_until, now.naive_utc())
    }

    /// Whether it has been In Process for longer than it should.
    pub fn is_stuck(&self, now: DateTime<Utc>) -> bool {
        is_stuck(self.status, self.in_process_since, now)
    }

    /// Whether FTPS, and not MUKTASoft, completed it.
    pub fn was_completed_by_ftps(&self) -> bool {
        self.completed_by == Some(CompletedBy::Ftps)
    }

    /// The outcome of the latest call, if there was one.
    pub fn latest_outcome(&self) -> Option<Outcome> {
        self.ftps_outcome.0
    }

    /// Whether RBI's message is told and does not say that the bill was paid.
    pub fn is_doubtful(&self) -> bool {
        let told = filled(self.ftps_payment_status.as_deref());
        self.was_completed_by_ftps() && told.is_some_and(|told| !says_paid(told))
    }

    /// The last day on which its payments that failed can be corrected in MUKTASoft, or could be.
    pub fn last_day_to_correct(&self, now: DateTime<Utc>) -> Option<NaiveDate> {
        let original = ist_date(self.correction_due_from?.and_utc());
        Some(correction::last_day(original, ist_date(now)))
    }

    /// Whether that day is over.
    pub fn is_past_deadline(&self, now: DateTime<Utc>) -> bool {
        self.last_day_to_correct(now).is_some_and(|last| last < ist_date(now))
    }

    /// The bill numbers as a list.
    pub fn bills(&self) -> Vec<String> {
        bills_of(&self.bill_numbers)
    }
}

/// Bill numbers as they are stored.
pub(in crate::store) fn bills_of(stored: &str) -> Vec<String> {
    serde_json::from_str(stored).unwrap_or_default()
}

impl Revisable for PaymentInstruction {
    fn number(&self) -> &str {
        &self.number
    }

    fn parent_number(&self) -> Option<&str> {
        self.parent_number.as_deref()
    }

    fn created(&self) -> DateTime<Utc> {
        self.created_at.and_utc()
    }
}

/// `JIT_TIMEOUT_SECONDS` may say no more.
pub const LONGEST_TIMEOUT_SECONDS: u32 = 600;
/// An attempt takes so many time-outs at most.
pub const TIMEOUTS_OF_AN_ATTEMPT: u32 = 3;
/// How long after an attempt's deadline the claim of a process that died holds, in seconds (CONTRACT.md).
pub const CLAIM_GRACE_SECONDS: u32 = 30;

/// No claim holds for longer. What ends later was made by a clock that was ahead.
pub(super) const LONGEST_CLAIM: TimeDelta =
    TimeDelta::seconds((TIMEOUTS_OF_AN_ATTEMPT * LONGEST_TIMEOUT_SECONDS + CLAIM_GRACE_SECONDS) as i64);

/// Whether a claim until `until` holds at `now`.
pub(super) fn is_claim(until: Option<NaiveDateTime>, now: NaiveDateTime) -> bool {
    until.is_some_and(|until| now < until && until <= now + LONGEST_CLAIM)
}

/// Whether it has been In Process for longer than it should.
pub(super) fn is_stuck(status: PiStatus, since: Option<NaiveDateTime>, now: DateTime<Utc>) -> bool {
    status == PiStatus::InProcess && since.is_some_and(|since| now.naive_utc() - since > LONG_IN_PROCESS)
}

/// A payment advice as stored.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = payment_advices)]
pub struct PaymentAdvice {
    /// Our row.
    pub id: i64,
    /// The instruction it belongs to.
    pub instruction_id: InstructionId,
    /// Its place among the instruction's advices.
    pub position: i32,
    /// Online bill reference number, `paBillRefNumber`.
    pub bill_reference: Option<String>,
    /// Financial year.
    pub financial_year: Option<String>,
    /// Advice ID.
    pub advice_id: Option<String>,
    /// Advice date, as received.
    pub advice_date: Option<String>,
    /// Token number.
    pub token_number: Option<String>,
    /// Token date, as received.
    pub token_date: Option<String>,
}

/// The instruction of that number, if it is in the viewer's scope.
pub fn find(db: &mut Db, scope: &Scope, number: &str) -> Result<Option<PaymentInstruction>, StoreError> {
    Ok(payment_instructions::table
        .filter(lower(payment_instructions::number).eq(folded(number)))
        .filter(payment_instructions::tenant_id.eq_any(scope.tenants()))
        .select(PaymentInstruction::as_select())
        .get_result(db)
        .optional()?)
}

/// Whether an instruction of that number is here, whosever it is.
pub(super) fn is_known(db: &mut Db, number: &str) -> Result<bool, StoreError> {
    let known: i64 = payment_instructions::table
        .filter(lower(payment_instructions::number).eq(folded(number)))
        .count()
        .get_result(db)?;
    Ok(known > 0)
}

/// The first of these numbers that an instruction has here, whosever it is: as it is stored.
pub fn first_known(db: &mut Db, numbers: &[String]) -> Result<Option<String>, StoreError> {
    let folded: Vec<String> = numbers.iter().map(|number| folded(number)).collect();
    Ok(on_either!(db, db => payment_instructions::table
        .filter(lower(payment_instructions::number).eq_any(folded))
        .order(payment_instructions::number)
        .select(payment_instructions::number)
        .first(db)
        .optional()?))
}

/// The instruction of that row.
pub fn get(db: &mut Db, id: InstructionId) -> Result<PaymentInstruction, StoreError> {
    Ok(payment_instructions::table.find(id).select(PaymentInstruction::as_select()).get_result(db)?)
}

/// The instruction of that row, locked until the transaction ends: nobody writes it or its parts
/// meanwhile. SQLite has one writer anyhow.
pub(super) fn lock(db: &mut Db, id: InstructionId) -> Result<PaymentInstruction, StoreError> {
    let row = payment_instructions::table.find(id);
    Ok(match db {
        Db::Sqlite(db) => row.select(PaymentInstruction::as_select()).get_result(db)?,
        Db::Postgres(db) => row.select(PaymentInstruction::as_select()).for_no_key_update().get_result(db)?,
    })
}

/// Locks those of these instructions that nobody else has locked, in the one order of all locks: by
/// number. Nobody is waited for.
pub(super) fn lock_free(db: &mut Db, ids: &[InstructionId]) -> Result<HashSet<InstructionId>, StoreError> {
    Ok(match db {
        Db::Sqlite(_) => ids.iter().copied().collect(),
        Db::Postgres(db) => payment_instructions::table
            .filter(payment_instructions::id.eq_any(ids))
            .order(payment_instructions::number)
            .select(payment_instructions::id)
            .for_no_key_update()
            .skip_locked()
            .load(db)?
            .into_iter()
            .collect(),
    })
}

/// Payment advice of an instruction, in its order.
pub fn advices(db: &mut Db, instruction_id: InstructionId) -> Result<Vec<PaymentAdvice>, StoreError> {
    Ok(payment_advices::table
        .filter(payment_advices::instruction_id.eq(instruction_id))
        .order(payment_advices::position)
        .select(PaymentAdvice::as_select())
        .load(db)?)
}

/// The instructions that replace this one, oldest first.
pub fn revisions(db: &mut Db, of: &PaymentInstruction) -> Result<Vec<PaymentInstruction>, StoreError> {
    Ok(payment_instructions::table
        .filter(lower_or_null(payment_instructions::parent_number).eq(folded(&of.number)))
        .filter(payment_instructions::tenant_id.eq(&of.tenant_id))
        .order((payment_instructions::created_at, payment_instructions::id))
        .select(PaymentInstruction::as_select())
        .load(db)?)
}

/// The parent of a revised PI, if it is known here and of the same tenant.
pub fn parent(db: &mut Db, of: &PaymentInstruction) -> Result<Option<PaymentInstruction>, StoreError> {
    let Some(parent) = &of.parent_number else { return Ok(None) };
    Ok(payment_instructions::table
        .filter(lower(payment_instructions::number).eq(folded(parent)))
        .filter(payment_instructions::tenant_id.eq(&of.tenant_id))
        .select(PaymentInstruction::as_select())
        .get_result(db)
        .optional()?)
}

/// Where the parents of an instruction lead, as far as they are known here and of the same tenant.
pub fn ancestry(db: &mut Db, of: &PaymentInstruction) -> Result<Ancestry<PaymentInstruction>, StoreError> {
    Ancestry::of(of, |at| parent(db, at))
}

/// How many PIs in scope that wait have been In Process for longer than they should.
pub fn count_stuck(db: &mut Db, scope: &Scope, now: NaiveDateTime) -> Result<i64, StoreError> {
    let sql = format!(
        "SELECT count(*) AS one FROM payment_instructions p WHERE p.action_rank IS NOT NULL \
         AND p.in_process_since < {} AND {}",
        literal(now - LONG_IN_PROCESS),
        scope.condition_beside("$1")
    );
    Ok(diesel::sql_query(sql).bind::<Text, _>(scope.tenant()).get_result::<Counted>(db)?.one)
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    one: i64,
}

/// Whether there is any instruction at all.
pub fn any(db: &mut Db) -> Result<bool, StoreError> {
    let first: Option<InstructionId> = payment_instructions::table
        .select(payment_instructions::id)
        .order(payment_instructions::id)
        .first(db)
        .optional()?;
    Ok(first.is_some())
}

/// Whether any payment instruction lies in that scope.
pub fn any_in(db: &mut Db, scope: &Scope) -> Result<bool, StoreError> {
    let first: Option<InstructionId> = payment_instructions::table
        .filter(payment_instructions::tenant_id.eq_any(scope.tenants()))
        .select(payment_instructions::id)
        .first(db)
        .optional()?;
    Ok(first.is_some())
}

/// Row and number of every revised instruction, for the simulator.
pub fn all_revised(db: &mut Db) -> Result<Vec<(InstructionId, String)>, StoreError> {
    Ok(payment_instructions::table
        .filter(payment_instructions::parent_number.is_not_null())
        .order(payment_instructions::id)
        .select((payment_instructions::id, payment_instructions::number))
        .load(db)?)
}
