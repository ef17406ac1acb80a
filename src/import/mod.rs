//! MUKTASoft's JSON (DOMAIN.md §8) into the database and out of it.
//!
//! An import is all or nothing and in two steps. First the input is read as a stream, one
//! instruction at a time, validated, and staged in a temporary file; the database is not touched,
//! so that a slow or broken input holds nobody up. Only when it is complete and without a fault is
//! it written, in one transaction.

mod export;
mod fault;
mod fields;
mod instruction;
mod merge;
mod reading;
mod spelling;
mod staging;

use std::collections::HashSet;
use std::io::{self, Read};
use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};

pub use export::{ExportError, Exported, export};
pub use fault::{Fault, Faults};
use instruction::InstructionReader;
use reading::{ReadError, read_instructions};
use staging::{Staged, Staging};

use crate::domain::record::InstructionRecord;
use crate::sealing::Sealer;
use crate::store::importing;
use crate::store::refolding;
use crate::store::{Db, Store, StoreError};

/// Instructions compared and written at once, unless they have more beneficiaries than the next.
const INSTRUCTIONS_AT_ONCE: usize = 200;
/// Beneficiaries compared and written at once.
const BENEFICIARIES_AT_ONCE: usize = 4000;
/// An import that meets a database which is busy or away is written so often at most.
const ATTEMPTS: u32 = 5;
/// The pause before the second time; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// What an import did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ImportSummary {
    /// Instructions that were not here before.
    pub created: u64,
    /// Instructions that were, and changed.
    pub updated: u64,
    /// Instructions that were, and were so already.
    pub unchanged: u64,
}

/// The closing line of the command.
impl std::fmt::Display for ImportSummary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { created, updated, unchanged } = self;
        let all = created + updated + unchanged;
        write!(f, "imported {all}: {created} created, {updated} updated, {unchanged} unchanged")
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

/// Imports the document that `input` brings, all of it or nothing. Blocks.
pub fn import(
    store: &Store,
    sealer: &Sealer,
    input: impl Read,
    now: DateTime<Utc>,
) -> Result<ImportSummary, ImportError> {
    let mut staged = stage(input)?;
    let mut pause = FIRST_PAUSE;
    for _ in 1..ATTEMPTS {
        match write_all(store, sealer, &mut staged, now) {
            Err(ImportError::Store(fault)) if fault.is_transient() => {
                log::warn!("the import begins again in {} ms: {fault}", pause.as_millis());
                std::thread::sleep(pause);
                pause *= 2;
            }
            done => return done,
        }
    }
    write_all(store, sealer, &mut staged, now)
}

/// Writes all that was staged in one transaction.
fn write_all(
    store: &Store,
    sealer: &Sealer,
    staged: &mut Staged,
    now: DateTime<Utc>,
) -> Result<ImportSummary, ImportError> {
    staged.rewind().map_err(ImportError::Staging)?;
    let mut failed = None;
    let written = store.write_blocking(|db| {
        write(db, sealer, staged, now.naive_utc()).map_err(|fault| match fault {
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

/// Reads all of the input into a temporary file. No database is touched.
fn stage(input: impl Read) -> Result<Staged, ImportError> {
    let mut staging = Staging::new().map_err(ImportError::Staging)?;
    let mut reader = InstructionReader::default();
    let read = read_instructions(input, |index, element| match reader.read(index, element) {
        // After a fault nothing will be written: the rest is only looked through for more.
        Some(record) if reader.faults().is_empty() => staging.add(&record),
        _ => Ok(()),
    });
    match read {
        Ok(()) => {}
        Err(ReadError::Malformed(fault)) => reader.faults().add(fault.path, fault.problem),
        Err(ReadError::Unreadable(fault)) => return Err(ImportError::Unreadable(fault)),
        Err(ReadError::Refused(fault)) => return Err(ImportError::Staging(fault)),
    }
    let (faults, numbers) = reader.finished();
    if faults.is_empty() {
        staging.staged(numbers).map_err(ImportError::Staging)
    } else {
        Err(ImportError::Faults(faults))
    }
}

/// Writes what was staged; a fault found against the database is told like the others.
fn write(
    db: &mut Db,
    sealer: &Sealer,
    staged: &mut Staged,
    now: NaiveDateTime,
) -> Result<ImportSummary, ImportError> {
    importing::one_at_a_time(db)?;
    importing::lock(db, &mut staged.numbers())?;
    let mut writer = Writer {
        sealer,
        now,
        tenants: HashSet::new(),
        next: 0,
        faults: Faults::default(),
        summary: ImportSummary::default(),
    };
    let mut some = Vec::new();
    let mut people = 0;
    for record in staged {
        let record = record.map_err(ImportError::Staging)?;
        people += record.beneficiaries.len();
        some.push(record);
        if some.len() >= INSTRUCTIONS_AT_ONCE || people >= BENEFICIARIES_AT_ONCE {
            writer.write(db, std::mem::take(&mut some))?;
            people = 0;
        }
    }
    writer.write(db, some)?;
    refolding::texts_written(db)?;
    if writer.faults.is_empty() { Ok(writer.summary) } else { Err(ImportError::Faults(writer.faults)) }
}

/// Writes the instructions of one import, some at a time.
struct Writer<'a> {
    sealer: &'a Sealer,
    now: NaiveDateTime,
    /// Tenants known to be in the database.
    tenants: HashSet<String>,
    /// The index of the next instruction in the file.
    next: usize,
    faults: Faults,
    summary: ImportSummary,
}

impl Writer<'_> {
    fn write(&mut self, db: &mut Db, some: Vec<InstructionRecord>) -> Result<(), StoreError> {
        let numbers: Vec<&str> = some.iter().map(|record| record.number.as_str()).collect();
        let mut known = importing::known(db, self.sealer, &numbers)?;
        let mut new = Vec::new();
        for record in some {
            let index = self.next;
            self.next += 1;
            let Some(known) = known.remove(&record.number) else {
                self.ensure_tenant(db, &record.tenant_id)?;
                new.push(merge::first(record));
                continue;
            };
            let tenant = &known.version.record.tenant_id;
            if *tenant != record.tenant_id {
                let path = format_args!("paymentInstructions[{index}].tenantId").to_string();
                let problem = format!(
                    "is {}, but this payment instruction is of {tenant}, which never changes",
                    record.tenant_id
                );
                self.faults.add(path, problem);
                continue;
            }
            let merged = merge::merge(&known, record, self.now);
            if merged.left_out > 0 {
                log::warn!(
                    "{}: FTPS has completed it without {} of the beneficiaries that MUKTASoft now lists; they are left out",
                    merged.version.record.number,
                    merged.left_out
                );
            }
            if merged.version == known.version {
                self.summary.unchanged += 1;
            } else {
                importing::update(db, self.sealer, &known, &merged.version, self.now)?;
                self.summary.updated += 1;
            }
        }
        importing::insert(db, self.sealer, &new, self.now)?;
        self.summary.created += new.len() as u64;
        Ok(())
    }

    fn ensure_tenant(&mut self, db: &mut Db, tenant: &str) -> Result<(), StoreError> {
        if !self.tenants.contains(tenant) {
            importing::ensure_tenant(db, tenant)?;
            self.tenants.insert(tenant.to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
