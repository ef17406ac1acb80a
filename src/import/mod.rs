//! MUKTASoft's JSON (DOMAIN.md §8) into the database and out of it.
//!
//! An import is all or nothing and in two steps. First the input is read as a stream, one
//! instruction at a time, validated, and staged in a temporary file; the database is not touched,
//! so that a slow or broken input holds nobody up. Only when it is complete and without a fault is
//! it written, in one transaction.

mod compare;
mod export;
mod fault;
mod fields;
mod instruction;
mod merge;
pub mod pulled;
mod reading;
mod register;
mod spelling;
mod staging;
mod text;

use std::collections::HashSet;
use std::io::{self, Read};
use std::time::Duration;

use chrono::{NaiveDateTime, TimeDelta};

pub use compare::{CompareError, Compared, compare};
pub use export::{ExportError, Exported, can_begin_at, export, with_change_number};
pub use fault::{Fault, Faults};
use instruction::{InstructionReader, ReadElement};
use merge::Merged;
use reading::{ReadError, read_instructions};
pub use register::export_csv;
use staging::{Staged, Staging};

use crate::clock::Clock;
use crate::domain::record::{InstructionRecord, Version, folded};
use crate::sealing::Sealer;
use crate::store::audit::{self, NewEvent};
use crate::store::exporting::Known;
pub use crate::store::exporting::Since;
use crate::store::refolding;
use crate::store::{Db, Store, StoreError, bills, changes, importing, unsettled};

/// Instructions compared and written at once, unless they have more beneficiaries than the next.
const INSTRUCTIONS_AT_ONCE: usize = 200;
/// Beneficiaries compared and written at once.
const BENEFICIARIES_AT_ONCE: usize = 4000;
/// A record of MUKTASoft that is further ahead of our clock is of no time that could be believed.
const AHEAD: TimeDelta = TimeDelta::hours(1);
/// An import that meets a database which is busy or away is written so often at most.
const ATTEMPTS: u32 = 5;
/// The pause before the second time; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// What becomes of a file in which some instructions have faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFaulty {
    /// Nothing of it is imported.
    Refuse,
    /// Those are left out, the rest is imported.
    LeaveOut,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImportSummary {
    /// Instructions that were not here before.
    pub created: u64,
    /// Instructions that were, and changed.
    pub updated: u64,
    /// Instructions that were, and were so already.
    pub unchanged: u64,
    /// Instructions that were left out: they never reached JIT, or have faults.
    pub left_out: u64,
    /// The faults of those left out for them.
    pub faults: Faults,
    /// What was imported but deserves a look, each with its PI number.
    pub notes: Vec<String>,
}

/// The closing line of the command.
impl std::fmt::Display for ImportSummary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { created, updated, unchanged, left_out, .. } = self;
        let all = created + updated + unchanged;
        write!(f, "imported {all}: {created} created, {updated} updated, {unchanged} unchanged")?;
        if *left_out > 0 {
            write!(f, ", {left_out} left out")?;
        }
        Ok(())
    }
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The input has faults; shown one a line.
    #[error("{0}")]
    Faults(Faults),
    /// The input broke off or cannot be read.
    #[error("the input cannot be read, nothing was imported: {0}")]
    Unreadable(#[source] io::Error),
    /// The temporary file failed.
    #[error("the temporary file of the import failed, nothing was imported: {0}; TMPDIR names its directory")]
    Staging(#[source] io::Error),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Imports the document that `input` brings, all of it or, where that is asked for, all that has no fault.
/// Blocks.
pub fn import(
    store: &Store,
    sealer: &Sealer,
    input: impl Read,
    on_faulty: OnFaulty,
    clock: &Clock,
) -> Result<ImportSummary, ImportError> {
    import_noted(store, sealer, input, on_faulty, clock, None)
}

/// The same for somebody whom the audit trail names: the event, with what came of it after its subject, is written in
/// the import's transaction. Blocks.
pub fn import_noted(
    store: &Store,
    sealer: &Sealer,
    input: impl Read,
    on_faulty: OnFaulty,
    clock: &Clock,
    event: Option<&NewEvent>,
) -> Result<ImportSummary, ImportError> {
    let mut staged = stage(input, on_faulty)?;
    let mut pause = FIRST_PAUSE;
    for _ in 1..ATTEMPTS {
        match write_all(store, sealer, &mut staged, on_faulty, clock, event) {
            Err(ImportError::Store(fault)) if fault.is_transient() => {
                log::warn!("the import begins again in {} ms: {fault}", pause.as_millis());
                std::thread::sleep(pause);
                pause *= 2;
            }
            done => return done,
        }
    }
    write_all(store, sealer, &mut staged, on_faulty, clock, event)
}

/// Writes all that was staged in one transaction.
fn write_all(
    store: &Store,
    sealer: &Sealer,
    staged: &mut StagedInput,
    on_faulty: OnFaulty,
    clock: &Clock,
    event: Option<&NewEvent>,
) -> Result<ImportSummary, ImportError> {
    staged.records.rewind().map_err(ImportError::Staging)?;
    let mut failed = None;
    let written = store.write_blocking(|db| {
        let StagedInput { records, left_out, faults } = &mut *staged;
        let numbers = records.numbers().into_iter().map(str::to_owned).collect::<Vec<_>>();
        let known_so_far =
            ImportSummary { left_out: *left_out, faults: faults.clone(), ..ImportSummary::default() };
        let records = records.map(|record| record.map_err(ImportError::Staging));
        let writing = Writing { sealer, on_faulty, clock, event };
        writing.write(db, &numbers, records, known_so_far).map_err(|fault| match fault {
            ImportError::Store(fault) => fault,
            other => {
                failed = Some(other);
                // Only to have everything rolled back: `failed` is what is told.
                StoreError::Query(diesel::result::Error::RollbackTransaction)
            }
        })
    });
    match failed {
        Some(fault) => Err(fault),
        None => Ok(written?),
    }
}

/// An input that was read to its end.
struct StagedInput {
    records: Staged,
    /// What was left out of it.
    left_out: u64,
    faults: Faults,
}

/// Reads all of the input into a temporary file. No database is touched.
fn stage(input: impl Read, on_faulty: OnFaulty) -> Result<StagedInput, ImportError> {
    let mut staging = Staging::new().map_err(ImportError::Staging)?;
    let mut reader = InstructionReader::default();
    let mut left_out = 0;
    let read = read_instructions(input, |index, element| match reader.read(index, &element) {
        // After a fault for which nothing will be written the rest is only looked through for more.
        ReadElement::Record(record) if on_faulty == OnFaulty::LeaveOut || reader.faults().is_empty() => {
            staging.add(index, &record).map(drop)
        }
        ReadElement::Record(_) => Ok(()),
        ReadElement::WithoutNumber | ReadElement::Faulty => {
            left_out += 1;
            Ok(())
        }
    });
    let is_whole = match read {
        Ok(_) => true,
        Err(ReadError::Malformed(fault)) => {
            reader.faults().add(fault.path, fault.problem);
            false
        }
        Err(ReadError::Unreadable(fault)) => return Err(ImportError::Unreadable(fault)),
        Err(ReadError::Refused(fault)) => return Err(ImportError::Staging(fault)),
    };
    let (faults, numbers) = reader.finished();
    if is_whole && (faults.is_empty() || on_faulty == OnFaulty::LeaveOut) {
        let records = staging.staged(numbers).map_err(ImportError::Staging)?;
        Ok(StagedInput { records, left_out, faults })
    } else {
        Err(ImportError::Faults(faults))
    }
}

/// How records are written.
struct Writing<'a> {
    sealer: &'a Sealer,
    on_faulty: OnFaulty,
    clock: &'a Clock,
    /// What the audit trail is told of it.
    event: Option<&'a NewEvent>,
}

impl Writing<'_> {
    /// Writes records, whose folded numbers are `numbers` in the one order of all locks; a fault found against
    /// the database is told like those that are known so far.
    fn write(
        &self,
        db: &mut Db,
        numbers: &[impl AsRef<str>],
        records: impl Iterator<Item = Result<(usize, InstructionRecord), ImportError>>,
        known_so_far: ImportSummary,
    ) -> Result<ImportSummary, ImportError> {
        importing::one_at_a_time(db)?;
        importing::lock(db, &numbers.iter().map(AsRef::as_ref).collect::<Vec<_>>())?;
        let mut writer = Writer {
            sealer: self.sealer,
            // Once all is locked: what is judged from here on stays so.
            now: self.clock.now().naive_utc(),
            tenants: HashSet::new(),
            summary: known_so_far,
        };
        let mut some = Vec::new();
        let mut people = 0;
        for record in records {
            let record = record?;
            people += record.1.beneficiaries.len();
            some.push(record);
            if some.len() >= INSTRUCTIONS_AT_ONCE || people >= BENEFICIARIES_AT_ONCE {
                writer.write(db, std::mem::take(&mut some))?;
                people = 0;
            }
        }
        writer.write(db, some)?;
        refolding::texts_written(db)?;
        if self.on_faulty == OnFaulty::Refuse && !writer.summary.faults.is_empty() {
            return Err(ImportError::Faults(writer.summary.faults));
        }
        bills::look_again(db, self.sealer, writer.now)?;
        unsettled::count_again(db)?;
        if let Some(event) = self.event {
            let from = event.subject.as_deref().unwrap_or_default();
            let subject = Some(format!("{from}: {}", writer.summary));
            audit::append(db, Some(self.sealer), &NewEvent { subject, ..event.clone() })?;
        }
        // Who holds the number's lock waits for nothing any more.
        changes::number_as_of(db, self.clock.now().naive_utc())?;
        Ok(writer.summary)
    }
}

/// Writes the instructions of one import, some at a time.
struct Writer<'a> {
    sealer: &'a Sealer,
    now: NaiveDateTime,
    /// Tenants known to be in the database.
    tenants: HashSet<String>,
    summary: ImportSummary,
}

impl Writer<'_> {
    fn write(&mut self, db: &mut Db, some: Vec<(usize, InstructionRecord)>) -> Result<(), StoreError> {
        let numbers: Vec<String> = some.iter().map(|(_, record)| folded(&record.number)).collect();
        let mut known = importing::known(db, self.sealer, &numbers)?;
        let mut new = Vec::new();
        for (index, mut record) in some {
            if record.modified_at.is_some_and(|at| at > self.now + AHEAD) {
                record.modified_at = None;
                self.note(
                    &record.number,
                    "its lastModifiedTime is in the future: it is read as if it told none",
                );
            }
            if let Some(sum) = record.other_sum() {
                let (net, sum) = (record.net.plain(), sum.plain());
                let note = format!("its net amount is {net}, its beneficiaries' together {sum}");
                self.note(&record.number, &note);
            }
            let Some(known) = known.remove(&folded(&record.number)) else {
                self.ensure_tenant(db, &record.tenant_id)?;
                new.push(merge::first(record));
                continue;
            };
            match self.merged(index, &known, record) {
                None => self.summary.left_out += 1,
                Some(to) if to == known.version => self.summary.unchanged += 1,
                Some(to) => {
                    importing::update(db, self.sealer, &known, &to, self.now)?;
                    self.summary.updated += 1;
                }
            }
        }
        importing::insert(db, self.sealer, &new, self.now)?;
        self.summary.created += new.len() as u64;
        Ok(())
    }

    /// What a known instruction is from now on; `None` if the record has a fault.
    fn merged(&mut self, index: usize, known: &Known, record: InstructionRecord) -> Option<Version> {
        match merged(index, known, record, self.now) {
            Ok(Merged { version, notes }) => {
                notes.iter().for_each(|note| self.note(&version.record.number, note));
                Some(version)
            }
            Err(fault) => {
                self.summary.faults.extend(&[fault]);
                None
            }
        }
    }

    fn note(&mut self, number: &str, note: &str) {
        self.summary.notes.push(format!("{number}: {note}"));
    }

    fn ensure_tenant(&mut self, db: &mut Db, tenant: &str) -> Result<(), StoreError> {
        if !self.tenants.contains(tenant) {
            importing::ensure_tenant(db, tenant)?;
            self.tenants.insert(tenant.to_owned());
        }
        Ok(())
    }
}

/// What a known instruction becomes by element `index`, or what is at fault with that.
fn merged(
    index: usize,
    known: &Known,
    record: InstructionRecord,
    now: NaiveDateTime,
) -> Result<Merged, Fault> {
    let number = Some(record.number.clone());
    if known.version.record.tenant_id != record.tenant_id {
        let told = &record.tenant_id;
        let problem =
            format!("is {told}, but this payment instruction is of another ULB here, which never changes");
        return Err(Fault { number, path: format!("paymentInstructions[{index}].tenantId"), problem });
    }
    merge::merge(known, record, now).map_err(|problem| Fault {
        number,
        path: format!("paymentInstructions[{index}]"),
        problem,
    })
}

#[cfg(test)]
mod tests;
