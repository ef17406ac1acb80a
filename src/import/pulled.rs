//! What a pull brings: pages of the search, read and merged as a file is. A fault leaves out its record alone.

use std::collections::hash_map::DefaultHasher;
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::io;

use chrono::{NaiveDateTime, TimeDelta};
use serde_json::Value;

use super::fault::Fault;
use super::fields::stands_for_none;
use super::instruction::{InstructionReader, ReadElement};
use super::reading::{ReadError, errors_in, read_instructions};
use super::spelling::TEXT_MAX_CHARS;
use super::staging::{Place, Shelved, Staging};
use super::{ImportError, ImportSummary, OnFaulty, Writing, merged};
use crate::clock::Clock;
use crate::domain::PiStatus;
use crate::domain::record::{BeneficiaryRecord, InstructionRecord, folded};
use crate::domain::text::is_invisible;
use crate::sealing::Sealer;
use crate::store::exporting::Known;
use crate::store::{Db, StoreError, importing};

/// The people of a PI are asked for so long after FTPS completed it: a mobile number that comes within that
/// time has the SMS sent (DOMAIN.md §6).
const NUMBER_HELPS: TimeDelta = TimeDelta::days(7);

/// A record, and which element of its page it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The element of `paymentInstructions`.
    pub index: usize,
    /// What it tells.
    pub record: InstructionRecord,
}

/// A record that is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultyRecord {
    /// By what it is known again.
    pub identity: u64,
    /// Its PI number, where that can be read.
    pub number: Option<String>,
    /// Its tenant, where that can be read.
    pub tenant: Option<String>,
    /// What is wrong; each names the PI, where its number can be read.
    pub faults: Vec<Fault>,
}

/// A page of the search.
#[derive(Debug, Default)]
pub struct Page {
    /// By what each element is known again, in their order.
    pub identities: Vec<u64>,
    /// Those that can be used.
    pub records: Vec<Told>,
    /// Those with faults.
    pub faulty: Vec<FaultyRecord>,
    /// Those that never reached JIT, by what they are known again.
    pub without_number: Vec<u64>,
    /// How many there are in all, where the server says it.
    pub total: Option<u64>,
}

/// Reads an answer of the search; what is wrong with it as a whole.
pub fn read_page(answer: &[u8]) -> Result<Page, String> {
    let mut page = Page::default();
    let mut reader = InstructionReader::default();
    let told = read_instructions(answer, |index, element| {
        // Null elements before it are all one.
        page.identities.resize(index, identity(&Value::Null));
        let identity = identity(&element.value);
        page.identities.push(identity);
        match reader.read(index, &element) {
            ReadElement::Record(record) => page.records.push(Told { index, record: *record }),
            ReadElement::WithoutNumber => page.without_number.push(identity),
            ReadElement::Faulty => {
                let number = text_of(&element.value, "jitBillNo");
                let faults = reader.take_faults().into_listed().into_iter();
                let faults = faults.map(|fault| Fault { number: number.clone(), ..fault }).collect();
                let tenant = text_of(&element.value, "tenantId");
                page.faulty.push(FaultyRecord { identity, number, tenant, faults });
            }
        }
        Ok(())
    });
    match told {
        Ok(told) => {
            page.identities.resize(told.elements, identity(&Value::Null));
            page.total = told.total;
            Ok(page)
        }
        Err(ReadError::Malformed(fault)) => Err(fault.to_string()),
        Err(ReadError::Unreadable(cause) | ReadError::Refused(cause)) => Err(cause.to_string()),
    }
}

/// What MUKTASoft tells in `Errors` of an answer, if it does.
pub fn told_errors(answer: &[u8]) -> Option<String> {
    errors_in(answer)
}

/// What an element is known by: its PI number, else its `id`, else all that it says.
fn identity(element: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    match (text_of(element, "jitBillNo"), text_of(element, "id")) {
        (Some(number), _) => (0, folded(&number)).hash(&mut hasher),
        (None, Some(id)) => (1, id).hash(&mut hasher),
        (None, None) => (2, element.to_string()).hash(&mut hasher),
    }
    hasher.finish()
}

/// A text of an element that may be shown, or known again by.
fn text_of(element: &Value, key: &str) -> Option<String> {
    let text = element.get(key)?.as_str()?.trim();
    let is_plain = !text.chars().any(|c| c.is_control() || is_invisible(c));
    (is_plain && !stands_for_none(text) && text.chars().count() <= TEXT_MAX_CHARS).then(|| text.to_owned())
}

/// The records of a ULB, in a sealed temporary file. Of two readings of one PI the later counts.
pub struct Pile {
    staging: Staging,
    places: HashMap<String, (NaiveDateTime, Place)>,
}

impl Pile {
    /// An empty one.
    pub fn new() -> io::Result<Self> {
        Ok(Self { staging: Staging::new()?, places: HashMap::new() })
    }

    /// Takes a record in.
    pub fn add(&mut self, told: &Told) -> io::Result<()> {
        let place = self.staging.add(told.index, &told.record)?;
        self.places.insert(folded(&told.record.number), (told.record.created_at, place));
        Ok(())
    }

    /// Gives up what was read of a PI, since a later reading has faults.
    pub fn forget(&mut self, number: &str) {
        self.places.remove(&folded(number));
    }

    /// Ends taking in.
    pub fn finished(self) -> io::Result<FinishedPile> {
        let mut oldest_last: Vec<(NaiveDateTime, Place)> = self.places.values().copied().collect();
        oldest_last.sort_unstable_by_key(|(created, _)| std::cmp::Reverse(*created));
        Ok(FinishedPile {
            numbers: self.places.into_keys().collect(),
            left: oldest_last.into_iter().map(|(_, place)| place).collect(),
            shelved: self.staging.shelved()?,
        })
    }
}

/// A pile that gives its records back, oldest PIs first: what is revised comes before its revision.
pub struct FinishedPile {
    numbers: HashSet<String>,
    left: Vec<Place>,
    shelved: Shelved,
}

impl FinishedPile {
    /// The PI numbers in it, folded.
    pub fn numbers(&self) -> &HashSet<String> {
        &self.numbers
    }

    /// The next records, at most so many, or with so many beneficiaries together; none at the end.
    pub fn next(&mut self, most: usize, most_people: usize) -> io::Result<Vec<Told>> {
        let mut records = Vec::new();
        let mut people = 0;
        while records.len() < most && people < most_people {
            let Some(place) = self.left.pop() else { break };
            let (index, record) = self.shelved.at(place)?;
            people += record.beneficiaries.len();
            records.push(Told { index, record });
        }
        Ok(records)
    }
}

/// What a beneficiary lacks, here as in the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lacking {
    /// Its place in the record.
    pub place: usize,
    /// The name.
    pub name: bool,
    /// The account and its IFSC.
    pub account: bool,
    /// The mobile number.
    pub mobile: bool,
}

/// A record that is news, or whose people are to be asked for.
#[derive(Debug, Clone)]
pub struct News {
    /// The record.
    pub told: Told,
    /// Whether it is new here, or changes what is.
    pub is_changed: bool,
    /// The people to be asked for.
    pub lacking: Vec<Lacking>,
}

/// Records held against what is here.
#[derive(Debug, Default)]
pub struct Compared {
    /// Those that change nothing.
    pub unchanged: u64,
    /// What of those deserves a look, each with its PI number.
    pub notes: Vec<String>,
    /// What is at fault with some.
    pub faults: Vec<Fault>,
    /// The others.
    pub news: Vec<News>,
}

/// Holds records against what is here at this instant; `owed` are the folded numbers of those whose people
/// could not be asked for earlier. Writes nothing: whatever is to be written is judged again, locked.
pub fn compare(
    db: &mut Db,
    sealer: &Sealer,
    told: Vec<Told>,
    owed: &HashSet<String>,
    now: NaiveDateTime,
) -> Result<Compared, StoreError> {
    let numbers: Vec<String> = told.iter().map(|told| folded(&told.record.number)).collect();
    let mut known = importing::look_up(db, sealer, &numbers)?;
    let mut compared = Compared::default();
    for (told, number) in told.into_iter().zip(numbers) {
        let Some(known) = known.remove(&number) else {
            let lacking = lacking(&told.record, None);
            compared.news.push(News { told, is_changed: true, lacking });
            continue;
        };
        match merged(told.index, &known, told.record.clone(), now) {
            Err(fault) => compared.faults.push(fault),
            Ok(merged) => {
                let is_changed = merged.version != known.version;
                let asks = is_changed || owed.contains(&number) || waits_for_people(&known, now);
                let lacking = if asks { lacking(&told.record, Some(&known)) } else { Vec::new() };
                if is_changed || !lacking.is_empty() {
                    compared.news.push(News { told, is_changed, lacking });
                } else {
                    compared.unchanged += 1;
                    let notes = merged.notes.iter().map(|note| format!("{}: {note}", told.record.number));
                    compared.notes.extend(notes);
                }
            }
        }
    }
    Ok(compared)
}

/// Whether people are asked for though nothing changed: the payment is still to come, or a number would
/// still have its SMS sent.
fn waits_for_people(known: &Known, now: NaiveDateTime) -> bool {
    let completed = known.version.lifecycle.completed_at.filter(|_| known.was_completed_by_ftps());
    known.version.record.status == PiStatus::InProcess
        || completed.is_some_and(|at| at <= now && now < at + NUMBER_HELPS)
}

/// The people of whom a record does not tell all, nor is all known here of the same person.
fn lacking(record: &InstructionRecord, known: Option<&Known>) -> Vec<Lacking> {
    let here: HashMap<String, _> = known
        .into_iter()
        .flat_map(|known| known.version.record.beneficiaries.iter().zip(&known.beneficiary_rows))
        .map(|(one, row)| (one.payment_key(), (one, row)))
        .collect();
    let lacks = |(place, told): (usize, &BeneficiaryRecord)| {
        let id = told.beneficiary_id.as_ref()?;
        let same = here.get(&told.payment_key()).filter(|(here, _)| here.beneficiary_id.as_ref() == Some(id));
        let lacking = Lacking {
            place,
            name: told.name.is_none() && same.is_none_or(|(here, _)| here.name.is_none()),
            account: told.account.is_none()
                && same.is_none_or(|(here, row)| here.account.is_none() && row.closed_account.is_none()),
            mobile: told.mobile.is_none()
                && same.is_none_or(|(here, row)| here.mobile.is_none() && row.closed_mobile.is_none()),
        };
        (lacking.name || lacking.account || lacking.mobile).then_some(lacking)
    };
    record.beneficiaries.iter().enumerate().filter_map(lacks).collect()
}

/// Writes records in one transaction, as an import that leaves out what is at fault. No PI is among them
/// twice.
pub fn write_told(
    db: &mut Db,
    sealer: &Sealer,
    told: &[Told],
    clock: &Clock,
) -> Result<ImportSummary, StoreError> {
    let mut numbers: Vec<String> = told.iter().map(|told| folded(&told.record.number)).collect();
    numbers.sort_unstable();
    let records = told.iter().map(|told| Ok((told.index, told.record.clone())));
    let writing = Writing { sealer, on_faulty: OnFaulty::LeaveOut, clock, event: None };
    writing.write(db, &numbers, records, ImportSummary::default()).map_err(|fault| match fault {
        ImportError::Store(fault) => fault,
        other => StoreError::BrokeOff(other.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::record::BeneficiaryRecord;
    use crate::domain::{PaymentStatus, PiStatus};

    fn pi(number: &str, created: i64) -> Value {
        serde_json::json!({
            "tenantId": "od.jatni", "jitBillNo": number, "parentPiNumber": "PI-0", "piStatus": "INITIATED",
            "netAmount": 1, "auditDetails": { "createdTime": created },
            "beneficiaryDetails": [{ "beneficiaryNumber": "BN-1", "amount": 1, "paymentStatus": "Payment Pending" }]
        })
    }

    fn page(elements: &[Value]) -> Page {
        let answer = serde_json::json!({ "paymentInstructions": elements }).to_string();
        read_page(answer.as_bytes()).unwrap()
    }

    #[test]
    fn a_fault_leaves_out_its_record_alone_and_names_it() {
        let mut faulty = pi("PI-2", 1_699_142_400_000);
        faulty["netAmount"] = "1,230.50".into();
        let page = page(&[
            pi("PI-1", 1_699_142_400_000),
            faulty,
            serde_json::json!({ "jitBillNo": "NA", "id": "x" }),
            Value::Null,
            pi("PI-3", 1_699_142_400_000),
        ]);
        let numbers: Vec<_> = page.records.iter().map(|told| told.record.number.as_str()).collect();
        assert_eq!(numbers, ["PI-1", "PI-3"]);
        assert_eq!((page.identities.len(), page.without_number.len()), (5, 1));
        let [FaultyRecord { tenant: Some(tenant), faults, .. }] = page.faulty.as_slice() else { panic!() };
        let [fault] = faults.as_slice() else { panic!() };
        assert_eq!((tenant.as_str(), fault.number.as_deref()), ("od.jatni", Some("PI-2")));
        assert_eq!(fault.path, "paymentInstructions[1].netAmount");
    }

    #[test]
    fn elements_are_known_again_by_number_id_or_all_that_they_say() {
        let ids = |elements: &[Value]| page(elements).identities;
        let without = |id: &str, more: &str| serde_json::json!({ "jitBillNo": "NA", "id": id, "x": more });
        assert_eq!(ids(&[pi("pi-1", 1)]), ids(&[pi("PI-1", 2)]));
        assert_eq!(ids(&[without("a", "1")]), ids(&[without("a", "2")]));
        assert_ne!(ids(&[without("a", "1")]), ids(&[without("b", "1")]));
        assert_ne!(ids(&[without("", "1")]), ids(&[without("", "2")]));
    }

    #[test]
    fn of_two_readings_the_later_counts_and_the_oldest_comes_first() {
        let mut pile = Pile::new().unwrap();
        let told = |number: &str, created, net: &str| {
            let mut pi = pi(number, created);
            pi["netAmount"] = net.into();
            page(&[pi]).records.remove(0)
        };
        pile.add(&told("PI-2", 1_699_142_400_002, "1")).unwrap();
        pile.add(&told("PI-1", 1_699_142_400_001, "1")).unwrap();
        pile.add(&told("pi-2", 1_699_142_400_002, "2")).unwrap();
        let mut pile = pile.finished().unwrap();
        assert_eq!(pile.numbers().len(), 2);
        let first = pile.next(1, 100).unwrap();
        assert_eq!(first[0].record.number, "PI-1");
        let second = pile.next(10, 100).unwrap();
        assert_eq!((second[0].record.number.as_str(), second[0].record.net.0), ("pi-2", 200));
        assert!(pile.next(10, 100).unwrap().is_empty());
    }

    #[test]
    fn what_is_no_page_is_said() {
        assert!(read_page(b"<html>").unwrap_err().contains("not JSON"));
        assert!(read_page(br#"{"Errors":[{"message":"x"}]}"#).unwrap_err().contains("error: x"));
        assert_eq!(told_errors(br#"{"Errors":[{"code":"c","message":"m"}]}"#).as_deref(), Some("m"));
    }

    #[test]
    fn spoilt_pages_are_read_by_their_rules_or_not_at_all() {
        crate::fuzzing::spoilt("instructions", 0xf11e, |answer| {
            let page = match read_page(answer) {
                Ok(page) => page,
                Err(fault) => return fault.split(|c: char| c.is_ascii_digit()).collect(),
            };
            let told = page.records.len() + page.faulty.len() + page.without_number.len();
            assert!(told <= page.identities.len());
            for Told { record, .. } in &page.records {
                assert!(!record.number.trim().is_empty() && !record.tenant_id.trim().is_empty());
                assert!(record.net.0 >= 0 && record.beneficiaries.iter().all(|one| one.amount.0 >= 0));
                let is_paid = |one: &BeneficiaryRecord| one.payment.status == PaymentStatus::Successful;
                assert!(record.status != PiStatus::InProcess || !record.beneficiaries.iter().any(is_paid));
            }
            let problems: Vec<String> = page
                .faulty
                .iter()
                .flat_map(|one| &one.faults)
                .map(|fault| fault.problem.to_string())
                .collect();
            // What stands in quotes was told.
            let ways: String = problems.join(" ").split(['“', '”']).step_by(2).collect();
            format!("{} {} {ways}", page.records.len(), page.without_number.len()).chars().take(300).collect()
        });
    }
}
