//! How far a run is, by outcome. Of a run that has ended it is written down once; only one under way is counted.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::running;
use crate::domain::{ItemOutcome, Paise};
use crate::store::fixed::fixed;
use crate::store::instructions::InstructionId;
use crate::store::schema::sync_run_items as items;
use crate::store::scope::Scope;
use crate::store::{Db, StoreError};

/// How far a run is, by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Payment instructions that belong to it.
    pub expected: i64,
    /// Paid.
    pub successful: i64,
    /// Answered with an error.
    pub errors: i64,
    /// Technical glitches.
    pub glitches: i64,
    /// Without a response.
    pub no_response: i64,
    /// Those that no longer waited when their turn came.
    pub skipped: i64,
    /// What those that were paid come to.
    pub paid: Paise,
}

impl Counts {
    /// Those that were asked about.
    pub fn asked(&self) -> i64 {
        self.successful + self.errors + self.glitches + self.no_response
    }

    /// Those that are done.
    pub fn done(&self) -> i64 {
        self.asked() + self.skipped
    }

    /// Those still to be asked about.
    pub fn left(&self) -> i64 {
        self.expected - self.done()
    }

    /// Whether a run that ended so deserves a look: it left some unasked, or more than a tenth of those that it asked
    /// about brought no answer that could be used.
    pub fn went_badly(&self) -> bool {
        self.left() > 0 || (self.glitches + self.no_response) * 10 > self.asked()
    }

    fn add(&mut self, outcome: Option<ItemOutcome>, count: i64) {
        self.expected += count;
        match outcome {
            None => {}
            Some(ItemOutcome::Success) => self.successful += count,
            Some(ItemOutcome::Error) => self.errors += count,
            Some(ItemOutcome::Glitch) => self.glitches += count,
            Some(ItemOutcome::NoResponse) => self.no_response += count,
            Some(ItemOutcome::Skipped) => self.skipped += count,
        }
    }
}

#[derive(QueryableByName)]
struct Kept {
    #[diesel(sql_type = BigInt)]
    run_id: i64,
    #[diesel(sql_type = BigInt)]
    expected: i64,
    #[diesel(sql_type = BigInt)]
    successful: i64,
    #[diesel(sql_type = BigInt)]
    errors: i64,
    #[diesel(sql_type = BigInt)]
    glitches: i64,
    #[diesel(sql_type = BigInt)]
    no_response: i64,
    #[diesel(sql_type = BigInt)]
    skipped: i64,
    #[diesel(sql_type = BigInt)]
    paid_paise: Paise,
}

impl From<Kept> for Counts {
    fn from(kept: Kept) -> Self {
        let Kept {
            run_id: _,
            expected,
            successful,
            errors,
            glitches,
            no_response,
            skipped,
            paid_paise: paid,
        } = kept;
        Self { expected, successful, errors, glitches, no_response, skipped, paid }
    }
}

/// The counts of every run from `first` to `last`, of what is in scope.
pub fn of_runs(
    db: &mut Db,
    scope: &Scope,
    first: i64,
    last: i64,
) -> Result<HashMap<i64, Counts>, StoreError> {
    let sum = |column: &str| format!("CAST(sum(p.{column}) AS BIGINT) AS {column}");
    let columns = ["expected", "successful", "errors", "glitches", "no_response", "skipped", "paid_paise"];
    let sql = format!(
        "SELECT p.run_id AS run_id, {} FROM sync_run_counts p WHERE p.run_id >= $1 AND p.run_id <= $2 AND {} \
         GROUP BY p.run_id",
        columns.map(sum).join(", "),
        scope.condition("$3")
    );
    let kept: Vec<Kept> = diesel::sql_query(sql)
        .bind::<BigInt, _>(first)
        .bind::<BigInt, _>(last)
        .bind::<Text, _>(scope.tenant())
        .load(db)?;
    let mut counts: HashMap<i64, Counts> = kept.into_iter().map(|kept| (kept.run_id, kept.into())).collect();
    if let Some(run) = running(db)?.filter(|run| (first..=last).contains(&run.id)) {
        counts.insert(run.id, so_far(db, scope, run.id)?);
    }
    Ok(counts)
}

/// The counts of one run, of what is in scope.
pub fn of_run(db: &mut Db, scope: &Scope, run_id: i64) -> Result<Counts, StoreError> {
    Ok(of_runs(db, scope, run_id, run_id)?.remove(&run_id).unwrap_or_default())
}

/// What a run that has ended came to, all tenants together.
pub fn kept_total(db: &mut Db, run_id: i64) -> Result<Counts, StoreError> {
    let sum = |column: &str| format!("CAST(COALESCE(sum(p.{column}), 0) AS BIGINT) AS {column}");
    let columns = ["expected", "successful", "errors", "glitches", "no_response", "skipped", "paid_paise"];
    let sql = format!(
        "SELECT CAST({run_id} AS BIGINT) AS run_id, {} FROM sync_run_counts p WHERE p.run_id = $1",
        columns.map(sum).join(", ")
    );
    Ok(diesel::sql_query(sql).bind::<BigInt, _>(run_id).get_result::<Kept>(db)?.into())
}

#[derive(QueryableByName)]
struct Asked {
    #[diesel(sql_type = BigInt)]
    run_id: i64,
    #[diesel(sql_type = BigInt)]
    asked: i64,
}

/// How many each run from `first` to `last` that has ended asked about, all tenants together.
pub(super) fn asked_by(db: &mut Db, first: i64, last: i64) -> Result<HashMap<i64, i64>, StoreError> {
    let rows: Vec<Asked> = diesel::sql_query(
        "SELECT run_id, CAST(sum(successful + errors + glitches + no_response) AS BIGINT) AS asked \
         FROM sync_run_counts WHERE run_id >= $1 AND run_id <= $2 GROUP BY run_id",
    )
    .bind::<BigInt, _>(first)
    .bind::<BigInt, _>(last)
    .load(db)?;
    Ok(rows.into_iter().map(|row| (row.run_id, row.asked)).collect())
}

#[derive(QueryableByName)]
struct Paid {
    #[diesel(sql_type = BigInt)]
    paise: Paise,
}

/// The counts of the run under way.
fn so_far(db: &mut Db, scope: &Scope, run_id: i64) -> Result<Counts, StoreError> {
    let rows: Vec<(Option<ItemOutcome>, i64)> = items::table
        .filter(items::run_id.eq(run_id))
        .filter(items::tenant_id.eq_any(scope.tenants()))
        .group_by(items::outcome)
        .select((items::outcome, diesel::dsl::count_star()))
        .load(db)?;
    let mut counts = Counts::default();
    for (outcome, count) in rows {
        counts.add(outcome, count);
    }
    let paid: Paid = diesel::sql_query(format!(
        "SELECT CAST(COALESCE(sum(p.net_paise), 0) AS BIGINT) AS paise FROM sync_run_items i \
         JOIN payment_instructions p ON p.id = i.instruction_id \
         WHERE i.run_id = $1 AND i.outcome = 'success' AND {}",
        scope.condition_on("i", "$2")
    ))
    .bind::<BigInt, _>(run_id)
    .bind::<Text, _>(scope.tenant())
    .get_result(db)?;
    Ok(Counts { paid: paid.paise, ..counts })
}

/// The counts of one run, all tenants together, as its items are: for the program itself.
pub fn total(db: &mut Db, run_id: i64) -> Result<Counts, StoreError> {
    let rows: Vec<(Option<ItemOutcome>, i64)> = items::table
        .filter(items::run_id.eq(run_id))
        .group_by(items::outcome)
        .select((items::outcome, diesel::dsl::count_star()))
        .load(db)?;
    let mut counts = Counts::default();
    for (outcome, count) in rows {
        counts.add(outcome, count);
    }
    Ok(counts)
}

/// Writes down what a run that ends came to. On PostgreSQL its open items are locked first: what is about to
/// settle one is waited for, and what comes later [adds](add_late) to what is written here.
pub(super) fn keep(db: &mut Db, run_id: i64) -> Result<(), StoreError> {
    if let Db::Postgres(_) = db {
        diesel::sql_query(
            "SELECT i.instruction_id FROM sync_run_items i WHERE i.run_id = $1 AND i.outcome IS NULL \
             ORDER BY i.instruction_id FOR UPDATE",
        )
        .bind::<BigInt, _>(run_id)
        .execute(db)?;
    }
    let of = |outcome: &str| format!("sum(CASE WHEN i.outcome = '{outcome}' THEN 1 ELSE 0 END)");
    diesel::sql_query(format!(
        "INSERT INTO sync_run_counts (run_id, tenant_id, expected, successful, errors, glitches, no_response, \
         skipped, paid_paise) SELECT i.run_id, i.tenant_id, count(*), {}, \
         CAST(sum(CASE WHEN i.outcome = 'success' THEN p.net_paise ELSE 0 END) AS BIGINT) \
         FROM sync_run_items i JOIN payment_instructions p ON p.id = i.instruction_id \
         WHERE i.run_id = $1 GROUP BY i.run_id, i.tenant_id",
        ["success", "error", "glitch", "no-response", "skipped"].map(of).join(", ")
    ))
    .bind::<BigInt, _>(run_id)
    .execute(db)?;
    Ok(())
}

/// Adds an outcome that came after its run's end to what was written down then; of a run under way nothing is
/// written yet.
pub(super) fn add_late(
    db: &mut Db,
    run_id: i64,
    instruction_id: InstructionId,
    outcome: ItemOutcome,
) -> Result<(), StoreError> {
    let one_if = |is: ItemOutcome| i64::from(outcome == is);
    fixed!(
        db,
        "UPDATE sync_run_counts SET successful = successful + ?, errors = errors + ?, glitches = glitches + ?, \
         no_response = no_response + ?, skipped = skipped + ?, paid_paise = paid_paise + \
         ? * (SELECT p.net_paise FROM payment_instructions p WHERE p.id = ?) \
         WHERE run_id = ? AND tenant_id = (SELECT p.tenant_id FROM payment_instructions p WHERE p.id = ?)",
        one_if(ItemOutcome::Success),
        one_if(ItemOutcome::Error),
        one_if(ItemOutcome::Glitch),
        one_if(ItemOutcome::NoResponse),
        one_if(ItemOutcome::Skipped),
        one_if(ItemOutcome::Success),
        instruction_id,
        run_id,
        instruction_id,
    )?;
    Ok(())
}
