//! Payment instructions that somebody wants JIT asked about now (CONTRACT.md, `POST /payment-instructions/ask`).
//! The wish stands in the row until JIT has been asked, and so survives a restart.

use std::collections::HashSet;

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp};

use super::audit::{self, Action, NewEvent};
use super::claims::{self, CLOCKS_DIFFER, ClaimTerms, Claimed, passing_by};
use super::connection::{lower, on_either};
use super::instructions::{InstructionId, LONGEST_CLAIM, PaymentInstruction};
use super::schema::payment_instructions as pi;
use super::scope::Scope;
use super::{Db, StoreError};
use crate::domain::PiStatus;
use crate::domain::record::folded;
use crate::sealing::Sealer;

/// Who wants what asked about.
#[derive(Debug, Clone)]
pub struct Wish {
    /// PI numbers.
    pub numbers: Vec<String>,
    /// The employee.
    pub by: String,
    /// Whom they work for.
    pub tenant: String,
    /// From where: an IP address.
    pub address: String,
    /// When (UTC).
    pub at: NaiveDateTime,
}

/// What became of a wish: how many of each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wanted {
    /// JIT will be asked about them.
    pub will: usize,
    /// FTPS is not asked about them: they are not revised, or not In Process.
    pub not_waiting: usize,
    /// FTPS is not asked about inactive ones.
    pub inactive: usize,
    /// A call on them is under way, or somebody wanted it before.
    pub busy: usize,
    /// They are not in this person's scope.
    pub unknown: usize,
}

impl Wanted {
    /// Whether not one of them is in this person's scope.
    pub const fn none_is_known(&self) -> bool {
        self.will + self.not_waiting + self.inactive + self.busy == 0
    }
}

/// Notes that somebody wants JIT asked, in the rows and in the audit trail. Rows are locked in the one order
/// of all locks.
pub fn want(db: &mut Db, sealer: &Sealer, scope: &Scope, wish: &Wish) -> Result<Wanted, StoreError> {
    let numbers: HashSet<String> = wish.numbers.iter().map(|number| folded(number)).collect();
    let mut wanted = Wanted::default();
    let rows = locked(db, scope, numbers.iter().cloned().collect())?;
    wanted.unknown = numbers.len() - rows.len();
    for row in rows {
        if row.status != PiStatus::InProcess || !row.is_revised() {
            wanted.not_waiting += 1;
        } else if !row.is_active {
            wanted.inactive += 1;
        } else if row.is_wanted() || row.is_claimed(wish.at.and_utc()) {
            wanted.busy += 1;
        } else {
            note(db, sealer, &row, wish)?;
            wanted.will += 1;
        }
    }
    Ok(wanted)
}

fn locked(db: &mut Db, scope: &Scope, numbers: Vec<String>) -> Result<Vec<PaymentInstruction>, StoreError> {
    let tenants = scope.tenants();
    Ok(match db {
        Db::Sqlite(db) => pi::table
            .filter(lower(pi::number).eq_any(numbers))
            .filter(pi::tenant_id.eq_any(tenants))
            .order(pi::number)
            .select(PaymentInstruction::as_select())
            .load(db)?,
        Db::Postgres(db) => pi::table
            .filter(lower(pi::number).eq_any(numbers))
            .filter(pi::tenant_id.eq_any(tenants))
            .order(pi::number)
            .select(PaymentInstruction::as_select())
            .for_no_key_update()
            .load(db)?,
    })
}

/// A person's wish begins the steps between attempts anew, as Refresh does.
fn note(db: &mut Db, sealer: &Sealer, row: &PaymentInstruction, wish: &Wish) -> Result<(), StoreError> {
    on_either!(db, db => diesel::update(pi::table.find(row.id))
        .set((
            pi::wanted_at.eq(wish.at),
            pi::wanted_by.eq(&wish.by),
            pi::unanswered_attempts.eq(0),
        ))
        .execute(db)?);
    audit::append(
        db,
        Some(sealer),
        &NewEvent {
            at: wish.at,
            actor: wish.by.clone(),
            tenant: Some(wish.tenant.clone()),
            address: Some(wish.address.clone()),
            action: Action::Refresh,
            subject: Some(row.number.clone()),
        },
    )
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Nullable<Text>)]
    wanted_by: Option<String>,
}

// SQLite counts `$1`, `$2` … in the order in which they first appear.
const WANTED: &str = "SELECT p.id, p.wanted_by FROM payment_instructions p \
    WHERE p.wanted_at IS NOT NULL AND p.action_rank IS NOT NULL \
    AND (p.lease_until IS NULL OR p.lease_until <= $1 OR p.lease_until > $2 OR p.lease_started_at > $3) \
    ORDER BY p.wanted_at, p.id LIMIT 1";

fn first(db: &mut Db, now: NaiveDateTime, locking: &str) -> Result<Option<Row>, StoreError> {
    let rows: Vec<Row> = diesel::sql_query(format!("{WANTED} {locking}"))
        .bind::<Timestamp, _>(now)
        .bind::<Timestamp, _>(now + LONGEST_CLAIM)
        .bind::<Timestamp, _>(now + CLOCKS_DIFFER)
        .load(db)?;
    Ok(rows.into_iter().next())
}

/// Whether anybody wants JIT asked about anything.
pub fn any(db: &mut Db, now: NaiveDateTime) -> Result<bool, StoreError> {
    Ok(first(db, now, "")?.is_some())
}

/// What is asked about next.
#[derive(Debug)]
pub struct Next {
    /// Nothing if JIT cannot be asked about it, which is then told of it.
    pub claimed: Option<Claimed>,
    /// Who wants it.
    pub by: Option<String>,
}

/// Claims the one that has been wanted for longest, in the name of who wants it; `None` if there is none.
pub fn claim_next(db: &mut Db, sealer: &Sealer, terms: &ClaimTerms) -> Result<Option<Next>, StoreError> {
    let locking = passing_by(db);
    let Some(Row { id, wanted_by }) = first(db, terms.now, locking)? else { return Ok(None) };
    let terms = ClaimTerms { by: wanted_by.clone(), ..terms.clone() };
    let claimed = claims::claim(db, sealer, InstructionId::of_row(id), &terms)?;
    Ok(Some(Next { claimed: claimed.ok(), by: wanted_by }))
}
