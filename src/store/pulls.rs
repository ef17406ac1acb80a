//! Pulls from MUKTASoft: who pulls, what each brought, and the records that were left out.

use std::collections::{HashMap, HashSet};

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp};

use super::connection::{lower_or_null, on_either};
use super::schema::{people_owed, pull_counts, pull_faults, pull_lease, pull_notes, pulls};
use super::scope::Scope;
use super::{Db, StoreError};
use crate::domain::record::folded;
use crate::domain::{PullFailure, PullNoteKind, PullTrigger};

/// No claim on pulling holds for longer: one that ends later was made by a clock that was ahead.
pub const LONGEST_LEASE: TimeDelta = TimeDelta::minutes(5);
/// Pulls are made every few minutes: none is kept for longer than the runs' chart reaches back.
const KEPT: TimeDelta = TimeDelta::days(31);
/// Values in one list of a statement.
const VALUES_AT_ONCE: usize = 1000;

/// Claims pulling for `token` until an instant, unless another holds it.
pub fn take_lease(
    db: &mut Db,
    token: &str,
    now: NaiveDateTime,
    until: NaiveDateTime,
) -> Result<bool, StoreError> {
    let taken = diesel::sql_query(
        "INSERT INTO pull_lease (one, token, until) VALUES (1, $1, $2) ON CONFLICT (one) DO UPDATE \
         SET token = excluded.token, until = excluded.until \
         WHERE pull_lease.until <= $3 OR pull_lease.until > $4",
    )
    .bind::<Text, _>(token)
    .bind::<Timestamp, _>(until)
    .bind::<Timestamp, _>(now)
    .bind::<Timestamp, _>(now + LONGEST_LEASE)
    .execute(db)?;
    Ok(taken > 0)
}

/// Holds the claim for longer; `false` if it is another's.
pub fn keep_lease(db: &mut Db, token: &str, until: NaiveDateTime) -> Result<bool, StoreError> {
    let kept = diesel::update(pull_lease::table.filter(pull_lease::token.eq(token)))
        .set(pull_lease::until.eq(until))
        .execute(db)?;
    Ok(kept > 0)
}

/// Gives the claim back.
pub fn give_lease_back(db: &mut Db, token: &str) -> Result<(), StoreError> {
    diesel::delete(pull_lease::table.filter(pull_lease::token.eq(token))).execute(db)?;
    Ok(())
}

/// A pull as stored.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = pulls)]
pub struct Pull {
    /// Our row.
    pub id: i64,
    /// What set it off.
    pub trigger_word: PullTrigger,
    /// When it began (UTC).
    pub began_at: NaiveDateTime,
    /// When it ended (UTC).
    pub ended_at: Option<NaiveDateTime>,
    /// Why it did not bring all, if it did not.
    pub failure: Option<PullFailure>,
    /// What was heard then, in English.
    pub failure_detail: Option<String>,
}

/// Begins a pull, by whoever holds the claim: those before it that have no end were cut off, and those of
/// long ago are forgotten.
pub fn begin(db: &mut Db, trigger: PullTrigger, now: NaiveDateTime) -> Result<i64, StoreError> {
    let forgotten = || pulls::table.filter(pulls::began_at.lt(now - KEPT)).select(pulls::id);
    diesel::delete(pull_counts::table.filter(pull_counts::pull_id.eq_any(forgotten()))).execute(db)?;
    diesel::delete(pull_notes::table.filter(pull_notes::pull_id.eq_any(forgotten()))).execute(db)?;
    diesel::delete(pulls::table.filter(pulls::began_at.lt(now - KEPT))).execute(db)?;
    diesel::update(pulls::table.filter(pulls::ended_at.is_null()))
        .set((pulls::ended_at.eq(now), pulls::failure.eq(PullFailure::CutOff.as_str())))
        .execute(db)?;
    Ok(diesel::insert_into(pulls::table)
        .values((pulls::trigger_word.eq(trigger.as_str()), pulls::began_at.eq(now)))
        .returning(pulls::id)
        .get_result(db)?)
}

/// Ends a pull, and says why it did not bring all.
pub fn end(
    db: &mut Db,
    id: i64,
    failure: Option<&(PullFailure, Option<String>)>,
    now: NaiveDateTime,
) -> Result<(), StoreError> {
    let word = failure.map(|(failure, _)| failure.as_str());
    let detail = failure.and_then(|(_, detail)| detail.as_deref());
    diesel::update(pulls::table.find(id))
        .set((pulls::ended_at.eq(now), pulls::failure.eq(word), pulls::failure_detail.eq(detail)))
        .execute(db)?;
    Ok(())
}

/// What a pull brought of a ULB, or of all that somebody sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Not here before.
    pub created: i64,
    /// Here, and changed.
    pub updated: i64,
    /// Here, and so already.
    pub unchanged: i64,
    /// Left out.
    pub left_out: i64,
}

/// Something to be said of a pull.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = pull_notes)]
pub struct Note {
    /// The ULB that it is about; none: all.
    pub tenant_id: Option<String>,
    /// What.
    pub kind: PullNoteKind,
    /// About what: a PI number, a service.
    pub subject: Option<String>,
    /// What was heard, in English.
    pub detail: Option<String>,
}

/// Writes what a pull brought of a ULB, whether not all of it was, and what is to be said of that.
pub fn store_tenant(
    db: &mut Db,
    id: i64,
    tenant: &str,
    counts: &Counts,
    failed: bool,
    notes: &[Note],
) -> Result<(), StoreError> {
    diesel::insert_into(pull_counts::table)
        .values((
            pull_counts::pull_id.eq(id),
            pull_counts::tenant_id.eq(tenant),
            pull_counts::created.eq(counts.created),
            pull_counts::updated.eq(counts.updated),
            pull_counts::unchanged.eq(counts.unchanged),
            pull_counts::left_out.eq(counts.left_out),
            pull_counts::failed.eq(failed),
        ))
        .execute(db)?;
    for note in notes {
        diesel::insert_into(pull_notes::table)
            .values((
                pull_notes::pull_id.eq(id),
                pull_notes::tenant_id.eq(note.tenant_id.as_deref()),
                pull_notes::kind.eq(note.kind.as_str()),
                pull_notes::subject.eq(note.subject.as_deref()),
                pull_notes::detail.eq(note.detail.as_deref()),
            ))
            .execute(db)?;
    }
    Ok(())
}

/// A fault of a record that is left out.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = pull_faults)]
pub struct PullFault {
    /// Its ULB.
    pub tenant_id: String,
    /// Its PI number, where that can be read.
    pub number: Option<String>,
    /// Where in its page the fault is.
    pub path: String,
    /// What it is.
    pub problem: String,
    /// Since when it is left out (UTC).
    pub since: NaiveDateTime,
    /// When it was seen last (UTC).
    pub seen_at: NaiveDateTime,
}

/// A fault as a pull found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFault {
    /// The PI number, where it can be read.
    pub number: Option<String>,
    /// Where in its page the fault is.
    pub path: String,
    /// What it is.
    pub problem: String,
}

/// Brings the faults of a ULB up to date: `found` are those that a pull met, `whole` the folded numbers of the
/// PIs that it brought whole, and `is_all` says that it surely met every record there is.
pub fn store_faults(
    db: &mut Db,
    tenant: &str,
    found: &[NewFault],
    whole: &HashSet<String>,
    is_all: bool,
    now: NaiveDateTime,
) -> Result<(), StoreError> {
    let of_tenant = pull_faults::table.filter(pull_faults::tenant_id.eq(tenant));
    let before: Vec<PullFault> = of_tenant.select(PullFault::as_select()).load(db)?;
    let key = |number: &Option<String>, problem: &str| match number {
        Some(number) => folded(number),
        // One without a number is taken for the same if the same is wrong with it.
        None => format!("\0{problem}"),
    };
    let found_keys: HashSet<String> = found.iter().map(|one| key(&one.number, &one.problem)).collect();
    let mut since: HashMap<String, NaiveDateTime> = HashMap::new();
    let mut kept = Vec::new();
    for fault in before {
        let key = key(&fault.number, &fault.problem);
        let first = since.entry(key.clone()).or_insert(fault.since);
        *first = fault.since.min(*first);
        let is_over = fault.number.is_none() || whole.contains(&key);
        if !is_all && !is_over && !found_keys.contains(&key) {
            kept.push(fault);
        }
    }
    diesel::delete(of_tenant).execute(db)?;
    let found = found.iter().map(|one| {
        let since = since.get(&key(&one.number, &one.problem)).copied();
        one.of(tenant, since.filter(|at| *at <= now).unwrap_or(now), now)
    });
    for fault in kept.into_iter().chain(found) {
        insert_fault(db, &fault)?;
    }
    Ok(())
}

impl NewFault {
    fn of(&self, tenant: &str, since: NaiveDateTime, now: NaiveDateTime) -> PullFault {
        PullFault {
            tenant_id: tenant.to_owned(),
            number: self.number.clone(),
            path: self.path.clone(),
            problem: self.problem.clone(),
            since,
            seen_at: now,
        }
    }
}

fn insert_fault(db: &mut Db, fault: &PullFault) -> Result<(), StoreError> {
    diesel::insert_into(pull_faults::table)
        .values((
            pull_faults::tenant_id.eq(&fault.tenant_id),
            pull_faults::number.eq(fault.number.as_deref()),
            pull_faults::path.eq(&fault.path),
            pull_faults::problem.eq(&fault.problem),
            pull_faults::since.eq(fault.since),
            pull_faults::seen_at.eq(fault.seen_at),
        ))
        .execute(db)?;
    Ok(())
}

/// Keeps the faults of one PI that was met alone, in place of those that were kept of it.
pub fn store_faults_of(
    db: &mut Db,
    tenant: &str,
    number: &str,
    found: &[NewFault],
    now: NaiveDateTime,
) -> Result<(), StoreError> {
    let since: Option<NaiveDateTime> = pull_faults::table
        .filter(pull_faults::tenant_id.eq(tenant))
        .filter(lower_or_null(pull_faults::number).eq(folded(number)))
        .select(diesel::dsl::min(pull_faults::since))
        .get_result(db)?;
    end_faults_of(db, tenant, number)?;
    for one in found {
        let since = since.filter(|at| *at <= now).unwrap_or(now);
        insert_fault(db, &one.of(tenant, since, now))?;
    }
    Ok(())
}

/// That a PI was brought whole ends its faults.
pub fn end_faults_of(db: &mut Db, tenant: &str, number: &str) -> Result<(), StoreError> {
    diesel::sql_query("DELETE FROM pull_faults WHERE tenant_id = $1 AND lower(number) = $2")
        .bind::<Text, _>(tenant)
        .bind::<Text, _>(folded(number))
        .execute(db)?;
    Ok(())
}

/// Those of these folded numbers whose people are owed.
pub fn owed(db: &mut Db, numbers: &[String]) -> Result<HashSet<String>, StoreError> {
    let mut found = HashSet::new();
    for some in numbers.chunks(VALUES_AT_ONCE) {
        let rows: Vec<String> = on_either!(db, db => people_owed::table
            .filter(people_owed::number.eq_any(some))
            .select(people_owed::number)
            .load(db)?);
        found.extend(rows);
    }
    Ok(found)
}

/// The originals of a ULB whose people are owed.
pub fn owed_originals(db: &mut Db, tenant: &str) -> Result<Vec<String>, StoreError> {
    #[derive(QueryableByName)]
    struct Owed {
        #[diesel(sql_type = Text)]
        number: String,
    }
    let owed: Vec<Owed> = diesel::sql_query(
        "SELECT p.number FROM people_owed o JOIN payment_instructions p ON lower(p.number) = o.number \
         WHERE p.tenant_id = $1 AND p.parent_number IS NULL ORDER BY p.number",
    )
    .bind::<Text, _>(tenant)
    .load(db)?;
    Ok(owed.into_iter().map(|owed| owed.number).collect())
}

/// Notes that the people of these folded numbers are owed.
pub fn owe(db: &mut Db, numbers: &[String]) -> Result<(), StoreError> {
    for number in numbers {
        diesel::sql_query("INSERT INTO people_owed (number) VALUES ($1) ON CONFLICT (number) DO NOTHING")
            .bind::<Text, _>(number)
            .execute(db)?;
    }
    Ok(())
}

/// Notes that the people of these folded numbers were asked for.
pub fn owe_no_more(db: &mut Db, numbers: &[String]) -> Result<(), StoreError> {
    for some in numbers.chunks(VALUES_AT_ONCE) {
        on_either!(db, db => diesel::delete(people_owed::table.filter(people_owed::number.eq_any(some)))
            .execute(db)?);
    }
    Ok(())
}

/// The ULBs known here: every town that has PIs or employees, and whatever else has PIs.
pub fn known_tenants(db: &mut Db) -> Result<Vec<String>, StoreError> {
    #[derive(QueryableByName)]
    struct Known {
        #[diesel(sql_type = Text)]
        id: String,
    }
    let known: Vec<Known> = diesel::sql_query(
        "SELECT id FROM tenants t WHERE id <> state \
         OR EXISTS (SELECT 1 FROM payment_instructions p WHERE p.tenant_id = t.id) ORDER BY id",
    )
    .load(db)?;
    Ok(known.into_iter().map(|known| known.id).collect())
}

/// The latest pull that began by an instant.
pub fn latest(db: &mut Db, by: NaiveDateTime) -> Result<Option<Pull>, StoreError> {
    let latest: Vec<Pull> = pulls::table
        .filter(pulls::began_at.le(by))
        .order((pulls::began_at.desc(), pulls::id.desc()))
        .limit(1)
        .select(Pull::as_select())
        .load(db)?;
    Ok(latest.into_iter().next())
}

/// The latest pulls, newest first.
pub fn newest(db: &mut Db, limit: i64) -> Result<Vec<Pull>, StoreError> {
    Ok(pulls::table.order(pulls::id.desc()).limit(limit).select(Pull::as_select()).load(db)?)
}

/// What a pull brought of what is in scope.
pub fn counts(db: &mut Db, scope: &Scope, pull_id: i64) -> Result<Counts, StoreError> {
    #[derive(QueryableByName)]
    struct Sums {
        #[diesel(sql_type = Nullable<BigInt>)]
        created: Option<i64>,
        #[diesel(sql_type = Nullable<BigInt>)]
        updated: Option<i64>,
        #[diesel(sql_type = Nullable<BigInt>)]
        unchanged: Option<i64>,
        #[diesel(sql_type = Nullable<BigInt>)]
        left_out: Option<i64>,
    }
    let sums: Sums = diesel::sql_query(
        "SELECT CAST(sum(created) AS BIGINT) AS created, CAST(sum(updated) AS BIGINT) AS updated, \
         CAST(sum(unchanged) AS BIGINT) AS unchanged, CAST(sum(left_out) AS BIGINT) AS left_out \
         FROM pull_counts WHERE pull_id = $1 AND tenant_id IN (SELECT id FROM tenants WHERE id = $2 OR state = $3)",
    )
    .bind::<BigInt, _>(pull_id)
    .bind::<Text, _>(scope.tenant())
    .bind::<Text, _>(if scope.is_state() { scope.tenant() } else { "" })
    .get_result(db)?;
    let or_none = Option::unwrap_or_default;
    Ok(Counts {
        created: or_none(sums.created),
        updated: or_none(sums.updated),
        unchanged: or_none(sums.unchanged),
        left_out: or_none(sums.left_out),
    })
}

/// Whether a pull brought all of what is in scope, whatever became of the rest.
pub fn brought_all(db: &mut Db, scope: &Scope, pull_id: i64) -> Result<bool, StoreError> {
    let of_it: Vec<bool> = pull_counts::table
        .filter(pull_counts::pull_id.eq(pull_id))
        .filter(pull_counts::tenant_id.eq_any(scope.tenants()))
        .select(pull_counts::failed)
        .load(db)?;
    Ok(!of_it.is_empty() && of_it.iter().all(|failed| !failed))
}

/// What is to be said of a pull to who sees `scope`, at most `limit`.
pub fn notes(db: &mut Db, scope: &Scope, pull_id: i64, limit: i64) -> Result<Vec<Note>, StoreError> {
    Ok(pull_notes::table
        .filter(pull_notes::pull_id.eq(pull_id))
        .filter(pull_notes::tenant_id.is_null().or(pull_notes::tenant_id.eq_any(scope.tenants().nullable())))
        .order(pull_notes::id)
        .limit(limit)
        .select(Note::as_select())
        .load(db)?)
}

/// The records in scope that are left out since `by` or longer, at most `limit` faults of them, oldest first.
pub fn faults(
    db: &mut Db,
    scope: &Scope,
    by: NaiveDateTime,
    limit: i64,
) -> Result<Vec<PullFault>, StoreError> {
    Ok(pull_faults::table
        .filter(pull_faults::tenant_id.eq_any(scope.tenants()))
        .filter(pull_faults::since.le(by))
        .order((pull_faults::since, pull_faults::id))
        .limit(limit)
        .select(PullFault::as_select())
        .load(db)?)
}
