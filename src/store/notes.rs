//! Notes that people write on an instruction. Append-only.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::instructions::InstructionId;
use super::schema::notes;
use super::{Db, StoreError};

/// A page shows so many of the newest.
const SHOWN: i64 = 100;

/// A note as stored.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
pub struct Note {
    /// Our row.
    pub id: i64,
    /// When it was written (UTC).
    pub written_at: NaiveDateTime,
    /// The employee's name.
    pub person: String,
    /// What it says.
    pub text: String,
}

/// Appends a note.
pub fn add(
    db: &mut Db,
    instruction_id: InstructionId,
    person: &str,
    text: &str,
    at: NaiveDateTime,
) -> Result<(), StoreError> {
    diesel::insert_into(notes::table)
        .values((
            notes::instruction_id.eq(instruction_id),
            notes::written_at.eq(at),
            notes::person.eq(person),
            notes::text.eq(text),
        ))
        .execute(db)?;
    Ok(())
}

/// The newest notes on an instruction, newest first.
pub fn of_instruction(db: &mut Db, instruction_id: InstructionId) -> Result<Vec<Note>, StoreError> {
    Ok(notes::table
        .filter(notes::instruction_id.eq(instruction_id))
        .order(notes::id.desc())
        .limit(SHOWN)
        .select(Note::as_select())
        .load(db)?)
}
