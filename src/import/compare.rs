//! What a file of MUKTASoft's says and what is here: the differences alone, a line each. Nothing is changed.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Display;
use std::io::{self, Read, Write};

use super::instruction::in_process;
use super::spelling::{read_day, read_pi_status};
use super::{INSTRUCTIONS_AT_ONCE, ImportError, OnFaulty, StagedInput, stage};
use crate::domain::record::{BeneficiaryRecord, InstructionRecord, folded};
use crate::domain::text::{is_same_account, printable, stands_for_none};
use crate::domain::{PaymentStatus, PiStatus};
use crate::sealing::Sealer;
use crate::store::exporting::{self, Known};
use crate::store::{Store, StoreError, Unreadable, pulls};

/// Numbers read in one short transaction.
const NUMBERS_AT_ONCE: i64 = 5000;

/// Stands where one side tells nothing.
const NOTHING: &str = "nothing";

/// Why a comparison ended before it was complete.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// The file has faults, or cannot be read; as an import tells it.
    #[error(transparent)]
    Input(#[from] ImportError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The output cannot be written.
    #[error("the differences cannot be written: {0}")]
    Unwritable(#[source] io::Error),
}

/// What a comparison found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    /// Differences, each of which was written.
    pub differences: u64,
    /// Values that were not compared, since no key at hand opens them.
    pub unreadable: Vec<Unreadable>,
}

/// Writes where the document that `input` brings and the database differ. No store is a database without a
/// schema: it holds nothing. Blocks, but holds no transaction while it writes.
pub fn compare(
    store: Option<&Store>,
    sealer: &Sealer,
    input: impl Read,
    out: impl Write,
) -> Result<Compared, CompareError> {
    let StagedInput { mut records, .. } = stage(input, OnFaulty::Refuse)?;
    records.rewind().map_err(ImportError::Staging)?;
    let mut differences = Differences { out, found: Compared::default() };
    let mut tenants = BTreeSet::new();
    let mut some = Vec::with_capacity(INSTRUCTIONS_AT_ONCE);
    for record in &mut records {
        let (_, record) = record.map_err(ImportError::Staging)?;
        tenants.insert(record.tenant_id.clone());
        some.push(record);
        if some.len() == INSTRUCTIONS_AT_ONCE {
            differences.of_some(store, sealer, &std::mem::take(&mut some))?;
        }
    }
    differences.of_some(store, sealer, &some)?;
    if let Some(store) = store {
        // A file without any is of every ULB.
        if tenants.is_empty() {
            tenants.extend(store.read_blocking(pulls::known_tenants)?);
        }
        let told = records.numbers();
        for tenant in &tenants {
            differences.of_untold(store, tenant, &told)?;
        }
    }
    differences.out.flush().map_err(CompareError::Unwritable)?;
    Ok(differences.found)
}

/// Writes differences and counts them.
struct Differences<Out> {
    out: Out,
    found: Compared,
}

impl<Out: Write> Differences<Out> {
    fn of_some(
        &mut self,
        store: Option<&Store>,
        sealer: &Sealer,
        told: &[InstructionRecord],
    ) -> Result<(), CompareError> {
        let numbers: Vec<String> = told.iter().map(|record| folded(&record.number)).collect();
        let mut here = match store {
            Some(store) => store.read_blocking(|db| exporting::of_numbers(db, sealer, &numbers))?,
            None => HashMap::new(),
        };
        for record in told {
            match here.remove(&folded(&record.number)) {
                None => self.tell(&record.number, "unknown here")?,
                Some(known) => self.of_instruction(&known, record)?,
            }
        }
        Ok(())
    }

    /// Instructions of a tenant of the file's that it does not hold; `told` is sorted.
    fn of_untold(&mut self, store: &Store, tenant: &str, told: &[&str]) -> Result<(), CompareError> {
        let mut after = Default::default();
        loop {
            let page = store.read_blocking(|db| exporting::numbers_of(db, tenant, after, NUMBERS_AT_ONCE))?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = *last;
            for (_, number) in &page {
                if told.binary_search(&folded(number).as_str()).is_err() {
                    self.tell(number, "not in the file")?;
                }
            }
        }
    }

    fn of_instruction(&mut self, known: &Known, told: &InstructionRecord) -> Result<(), CompareError> {
        let here = &known.version.record;
        let of = &here.number;
        self.texts(of, "tenant", Some(&told.tenant_id), Some(&here.tenant_id))?;
        let parent = |record: &InstructionRecord| record.parent_number.as_deref().map(folded);
        if told.parent_number.is_some() && parent(told) != parent(here) {
            let parents = [told, here].map(|record| record.parent_number.as_deref());
            self.texts(of, "parent PI", parents[0], parents[1])?;
        }
        let told_status = status(told, here);
        if told_status != here.status {
            let word = told.told_status.as_deref().unwrap_or(told_status.as_str());
            self.differ(of, "status", word, here.status)?;
        }
        if told.is_active != here.is_active {
            let words = |active| if active { "active" } else { "inactive" };
            self.differ(of, "state", words(told.is_active), words(here.is_active))?;
        }
        if told.net != here.net {
            self.differ(of, "net amount", told.net.plain(), here.net.plain())?;
        }
        let mut told_people: HashMap<String, &BeneficiaryRecord> = HashMap::new();
        let here_people: HashMap<String, usize> =
            (0..).zip(&here.beneficiaries).map(|(place, one)| (one.payment_key(), place)).collect();
        for one in &told.beneficiaries {
            told_people.insert(one.payment_key(), one);
            match here_people.get(&one.payment_key()) {
                None => self.tell(&format!("{of} {}", one.payment_id), "unknown here")?,
                Some(place) => self.of_beneficiary(known, *place, told_status, one)?,
            }
        }
        for one in &here.beneficiaries {
            if !told_people.contains_key(&one.payment_key()) {
                self.tell(&format!("{of} {}", one.payment_id), "not in the file")?;
            }
        }
        self.found.unreadable.extend(known.unreadable.iter().cloned());
        Ok(())
    }

    fn of_beneficiary(
        &mut self,
        known: &Known,
        place: usize,
        pi_status: PiStatus,
        told: &BeneficiaryRecord,
    ) -> Result<(), CompareError> {
        let here = &known.version.record.beneficiaries[place];
        let row = &known.beneficiary_rows[place];
        let of = &format!("{} {}", known.version.record.number, here.payment_id);
        let payment = payment_status(pi_status, told.payment.status);
        if payment != here.payment.status {
            self.differ(of, "payment status", payment, here.payment.status)?;
        }
        if told.amount != here.amount {
            self.differ(of, "amount", told.amount.plain(), here.amount.plain())?;
        }
        let (theirs, ours) = (&told.payment, &here.payment);
        self.texts(of, "UTR", some(&theirs.utr), some(&ours.utr))?;
        self.texts(of, "UTR date", day(&theirs.utr_date).as_deref(), day(&ours.utr_date).as_deref())?;
        self.texts(of, "voucher", some(&theirs.voucher_number), some(&ours.voucher_number))?;
        let voucher_days = [day(&theirs.voucher_date), day(&ours.voucher_date)];
        self.texts(of, "voucher date", voucher_days[0].as_deref(), voucher_days[1].as_deref())?;
        // What the adapter's own answer does not tell of a person is no difference.
        if told.beneficiary_id.is_some() {
            self.texts(of, "beneficiary ID", some(&told.beneficiary_id), some(&here.beneficiary_id))?;
        }
        if told.name.is_some() && told.name != here.name {
            self.tell(of, "name differs")?;
        }
        if told.ifsc.is_some() {
            self.texts(of, "IFSC", some(&told.ifsc), some(&here.ifsc))?;
        }
        let account = told.account.as_deref().filter(|told| !is_masked(told) && row.closed_account.is_none());
        if account
            .is_some_and(|told| !here.account.as_deref().is_some_and(|here| is_same_account(told, here)))
        {
            self.tell(of, "account number differs")?;
        }
        let mobile = told.mobile.as_deref().filter(|told| !is_masked(told) && row.closed_mobile.is_none());
        if mobile.is_some_and(|told| here.mobile.as_deref() != Some(told)) {
            self.tell(of, "mobile number differs")?;
        }
        Ok(())
    }

    /// Two texts, either of which may be none.
    fn texts(
        &mut self,
        of: &str,
        what: &str,
        told: Option<&str>,
        here: Option<&str>,
    ) -> Result<(), CompareError> {
        if told == here {
            return Ok(());
        }
        self.differ(of, what, told.unwrap_or(NOTHING), here.unwrap_or(NOTHING))
    }

    fn differ(
        &mut self,
        of: &str,
        what: &str,
        told: impl Display,
        here: impl Display,
    ) -> Result<(), CompareError> {
        self.tell(of, &format!("{what}: MUKTASoft {told}, here {here}"))
    }

    fn tell(&mut self, of: &str, difference: &str) -> Result<(), CompareError> {
        self.found.differences += 1;
        let line = format!("{of}: {difference}");
        writeln!(self.out, "{}", printable(&line)).map_err(CompareError::Unwritable)
    }
}

/// What MUKTASoft's word means of an instruction that is known here: one whose parent the file leaves out is
/// still a revised one.
fn status(told: &InstructionRecord, here: &InstructionRecord) -> PiStatus {
    let is_revised = told.parent_number.is_some() || here.parent_number.is_some();
    let read = told.told_status.as_deref().and_then(|word| read_pi_status(word, is_revised));
    read.unwrap_or(told.status)
}

/// What MUKTASoft's word means of a payment of an instruction of that status.
fn payment_status(pi: PiStatus, told: PaymentStatus) -> PaymentStatus {
    if pi == PiStatus::InProcess { in_process(told).unwrap_or(told) } else { told }
}

/// A text, unless it stands for none.
fn some(text: &Option<String>) -> Option<&str> {
    text.as_deref().filter(|text| !stands_for_none(text))
}

/// A day as it can be compared.
fn day(text: &Option<String>) -> Option<String> {
    some(text).map(read_day)
}

/// MUKTASoft's services mask what a caller may not see: that is no number.
fn is_masked(number: &str) -> bool {
    number.contains('*')
}
