//! Folding the search texts anew, where another version of the program folded them, or SQL did.
//!
//! `search_folding` notes which version of the folding the texts have, and how far: page by page in
//! short transactions, so that it may be interrupted at any point and is taken up at the next start.
//! Nothing but one page is held in memory. Programs that fold alike share the work. Of programs that
//! do not, the one that was started last has its way, and the other, when it writes texts of its own,
//! notes that they are to be folded again at the next start ([`texts_written`]).

use std::collections::HashMap;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::upsert::excluded;

use super::connection::on_either;
use super::instructions::{InstructionId, PaymentInstruction};
use super::schema::{beneficiaries, payment_instructions as pi, search_folding, search_texts};
use super::search::{FOLDING, search_text};
use super::{Db, Store, StoreError};

/// Instructions in one transaction.
const PAGE: i64 = 500;

/// The log tells how far it is after so many: some seconds' work.
const TOLD_EVERY: u64 = 100_000;

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Refolded {
    /// Instructions whose text was made anew.
    pub looked_at: u64,
    /// Those of them whose text came out another.
    pub changed: u64,
}

/// How far the texts are folded, and by which version.
#[derive(Queryable, Selectable)]
#[diesel(table_name = search_folding)]
struct Note {
    version: i32,
    folded_to: Option<InstructionId>,
}

/// Makes every search text anew that is not noted as folded by this version. Blocks.
pub fn refold(store: &Store) -> Result<Refolded, StoreError> {
    let mut done = Refolded::default();
    let note = store.read_blocking(note)?;
    if note.version == FOLDING && note.folded_to.is_none() {
        return Ok(done);
    }
    store.write_blocking(|db| {
        diesel::update(search_folding::table.filter(search_folding::version.ne(FOLDING)))
            .set((
                search_folding::version.eq(FOLDING),
                search_folding::folded_to.eq(Some(InstructionId::default())),
            ))
            .execute(db)?;
        Ok(())
    })?;
    while store.write_blocking(|db| next_page(db, &mut done))? {
        if done.looked_at.is_multiple_of(TOLD_EVERY) {
            log::info!("folding the search texts anew: {} so far", done.looked_at);
        }
    }
    if done.looked_at > 0 {
        log::info!("folded {} search texts anew, {} came out otherwise", done.looked_at, done.changed);
    }
    Ok(done)
}

/// To be called last in a transaction that wrote search texts: if a program that folds otherwise has
/// noted its version meanwhile, the next start folds them all again. Such a program waits here for
/// this transaction, and so sees its rows.
pub fn texts_written(db: &mut Db) -> Result<(), StoreError> {
    diesel::sql_query(
        "UPDATE search_folding SET folded_to = CASE WHEN version = $1 THEN folded_to ELSE 0 END",
    )
    .bind::<diesel::sql_types::Integer, _>(FOLDING)
    .execute(db)?;
    Ok(())
}

fn note(db: &mut Db) -> Result<Note, StoreError> {
    Ok(search_folding::table.select(Note::as_select()).get_result(db)?)
}

/// Folds one page; whether there may be more. One process at a time: the others wait for their turn.
fn next_page(db: &mut Db, done: &mut Refolded) -> Result<bool, StoreError> {
    if let Db::Postgres(db) = db {
        db.batch_execute("SELECT pg_advisory_xact_lock(5121966)")?;
    }
    let Note { version, folded_to } = note(db)?;
    if version != FOLDING {
        log::warn!("another version of the program was started, and folds the search texts its way");
        return Ok(false);
    }
    let Some(after) = folded_to else { return Ok(false) };
    let ids: Vec<InstructionId> =
        pi::table.filter(pi::id.gt(after)).order(pi::id).limit(PAGE).select(pi::id).load(db)?;
    let texts = texts_of(db, &ids)?;
    done.looked_at += texts.len() as u64;
    done.changed += write(db, &texts)?;
    // Last, as in every transaction that writes texts. Nothing is noted if it was reset meanwhile.
    let noted = diesel::update(
        search_folding::table
            .filter(search_folding::version.eq(FOLDING))
            .filter(search_folding::folded_to.eq(after)),
    )
    .set(search_folding::folded_to.eq(ids.last()))
    .execute(db)?;
    Ok(noted == 0 || !ids.is_empty())
}

/// The texts of these instructions as they should be. On PostgreSQL their rows are locked first, in
/// the one order for all, so that no import changes a name meanwhile.
fn texts_of(db: &mut Db, ids: &[InstructionId]) -> Result<Vec<(InstructionId, String)>, StoreError> {
    if let Db::Postgres(db) = db {
        let chosen = pi::table.filter(pi::id.eq_any(ids)).order(pi::number);
        chosen.select(pi::id).for_no_key_update().execute(db)?;
    }
    let instructions: Vec<PaymentInstruction> = on_either!(db, db => pi::table
        .filter(pi::id.eq_any(ids))
        .select(PaymentInstruction::as_select())
        .load(db)?);
    let people: Vec<(InstructionId, Option<String>)> = on_either!(db, db => beneficiaries::table
        .filter(beneficiaries::instruction_id.eq_any(ids))
        .order((beneficiaries::instruction_id, beneficiaries::position, beneficiaries::id))
        .select((beneficiaries::instruction_id, beneficiaries::name))
        .load(db)?);
    let mut names: HashMap<InstructionId, Vec<String>> = HashMap::new();
    for (id, name) in people {
        names.entry(id).or_default().extend(name);
    }
    let text = |one: PaymentInstruction| {
        let names = names.remove(&one.id).unwrap_or_default();
        (one.id, search_text(&one.number, &one.bills(), names.iter().map(String::as_str)))
    };
    Ok(instructions.into_iter().map(text).collect())
}

/// Writes those texts that are not so yet; how many.
fn write(db: &mut Db, texts: &[(InstructionId, String)]) -> Result<u64, StoreError> {
    let ids: Vec<InstructionId> = texts.iter().map(|(id, _)| *id).collect();
    let stored: Vec<(InstructionId, String)> = on_either!(db, db => search_texts::table
        .filter(search_texts::instruction_id.eq_any(&ids))
        .select((search_texts::instruction_id, search_texts::text))
        .load(db)?);
    let stored: HashMap<InstructionId, String> = stored.into_iter().collect();
    let rows: Vec<_> = texts
        .iter()
        .filter(|(id, text)| stored.get(id) != Some(text))
        .map(|(id, text)| (search_texts::instruction_id.eq(id), search_texts::text.eq(text)))
        .collect();
    if rows.is_empty() {
        return Ok(0);
    }
    match db {
        // One prepared statement; its batches go row by row too.
        Db::Sqlite(db) => {
            for row in &rows {
                diesel::insert_into(search_texts::table)
                    .values(*row)
                    .on_conflict(search_texts::instruction_id)
                    .do_update()
                    .set(search_texts::text.eq(excluded(search_texts::text)))
                    .execute(db)?;
            }
        }
        Db::Postgres(db) => {
            diesel::insert_into(search_texts::table)
                .values(&rows)
                .on_conflict(search_texts::instruction_id)
                .do_update()
                .set(search_texts::text.eq(excluded(search_texts::text)))
                .execute(db)?;
        }
    }
    Ok(rows.len() as u64)
}
