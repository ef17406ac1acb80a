//! A number for each change of an instruction, growing with the order of commits (DOMAIN.md §8).
//!
//! Whoever changes what an export tells writes [`UNNUMBERED`]. The last statement of every writing
//! transaction draws one number for all of those that it left so: from a counter that is one row. Its lock
//! is held from the draw to the commit, so that the next number is drawn only once this one can be seen,
//! whichever process draws it; and who holds it waits for nothing any more. Other transactions never see
//! an unnumbered row.
//!
//! The same statement keeps what the list is ordered and filtered by ([`kept!`](kept)): whatever changes that
//! is a change.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::fixed::fixed;
use super::instructions::InstructionId;
use super::schema::change_counter;
use super::search::kept;
use super::{Db, StoreError};

/// The number of a change until its transaction ends.
pub(super) const UNNUMBERED: i64 = 0;

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// The latest number: whatever was committed up to now has no higher one, whatever is committed later has.
pub fn latest(db: &mut Db) -> Result<i64, StoreError> {
    Ok(change_counter::table.select(change_counter::latest).first(db)?)
}

/// A place in the order of changes: the number of a change, and an instruction that it changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Place {
    #[diesel(sql_type = BigInt)]
    number: i64,
    #[diesel(sql_type = BigInt)]
    instruction: i64,
}

impl Place {
    pub(super) const fn of_row(number: i64, instruction: i64) -> Self {
        Self { number, instruction }
    }

    /// The number of the change.
    pub const fn number(self) -> i64 {
        self.number
    }

    /// The instruction's row.
    pub(super) const fn row(self) -> i64 {
        self.instruction
    }

    /// The instruction that was changed.
    pub(super) const fn instruction_id(self) -> InstructionId {
        InstructionId::of_row(self.instruction)
    }
}

/// The next place after another, if anything has changed after it.
pub(super) fn next(db: &mut Db, after: Place) -> Result<Option<Place>, StoreError> {
    Ok(diesel::sql_query(
        "SELECT change_number AS number, id AS instruction FROM payment_instructions \
         WHERE (change_number, id) > ($1, $2) ORDER BY change_number, id LIMIT 1",
    )
    .bind::<BigInt, _>(after.number)
    .bind::<BigInt, _>(after.instruction)
    .get_result(db)
    .optional()?)
}

/// So few are numbered one by one on SQLite: a statement that changes many pages has its journal in a file.
const FEW: usize = 64;

/// Gives this transaction's changes their number, as the last thing that it does.
pub(super) fn number(db: &mut Db) -> Result<(), StoreError> {
    macro_rules! numbered {
        ($which:literal) => {
            concat!("UPDATE payment_instructions SET change_number = ?, ", kept!(), " WHERE ", $which)
        };
    }
    let Some((number, changed)) = drawn(db)? else { return Ok(()) };
    match db {
        Db::Sqlite(_) if changed.len() <= FEW => {
            for Number { number: id } in changed {
                fixed!(db, numbered!("id = ?"), number, id)?;
            }
        }
        _ => {
            fixed!(db, numbered!("change_number = 0"), number)?;
        }
    }
    Ok(())
}

/// The same after long work, whose changes are then of `at`.
pub(crate) fn number_as_of(db: &mut Db, at: NaiveDateTime) -> Result<(), StoreError> {
    if let Some((number, _)) = drawn(db)? {
        fixed!(
            db,
            concat!(
                "UPDATE payment_instructions SET change_number = ?, changed_at = ?, ",
                kept!(),
                " WHERE change_number = 0"
            ),
            number,
            at,
        )?;
    }
    Ok(())
}

/// A new number, if anything changed, and the first that did. The 0 stands in the SQL: both planners then read the
/// index of unnumbered rows, which is empty but for this transaction's.
fn drawn(db: &mut Db) -> Result<Option<(i64, Vec<Number>)>, StoreError> {
    let unnumbered =
        format!("SELECT id AS number FROM payment_instructions WHERE change_number = 0 LIMIT {}", FEW + 1);
    let changed: Vec<Number> = diesel::sql_query(unnumbered).load(db)?;
    if changed.is_empty() {
        return Ok(None);
    }
    let drawn: Number =
        diesel::sql_query("UPDATE change_counter SET latest = latest + 1 RETURNING latest AS number")
            .get_result(db)?;
    Ok(Some((drawn.number, changed)))
}
