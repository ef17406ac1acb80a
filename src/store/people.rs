//! People and their payments, over all payment instructions (CONTRACT.md, `GET /beneficiaries`).

use std::collections::{HashMap, HashSet};

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp};

use super::connection::on_either;
use super::instructions::{InstructionId, bills_of};
use super::schema::beneficiaries;
use super::scope::Scope;
use super::search::{self, Cursor, Filters, SearchText};
use super::{Db, StoreError};
use crate::domain::{MessageState, Paise, PaymentStatus, PiStatus};

/// Payment instructions in which a name is looked for at a time.
const INSTRUCTIONS_AT_ONCE: usize = 200;
/// Payment instructions all of whose people are read at a time.
const WHOLE_INSTRUCTIONS_AT_ONCE: usize = 50;
/// People on one page, unless the last instruction of it holds more.
pub const PAGE: usize = 50;
/// Payments that are found by a reference, at most: an instruction has no more people.
const LISTED: usize = 5000;
/// A page looks into so many batches of instructions at most.
const BATCHES: usize = 5;

/// A payment to a person, as it is listed and exported: nothing sealed is read.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Person {
    /// Our row.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// The place of its instruction.
    #[diesel(sql_type = BigInt)]
    pub place: i64,
    /// The payment ID.
    #[diesel(sql_type = Text)]
    pub payment_id: String,
    /// MUKTASoft's id of the person or organisation.
    #[diesel(sql_type = Nullable<Text>)]
    pub beneficiary_id: Option<String>,
    /// Name, if known.
    #[diesel(sql_type = Nullable<Text>)]
    pub name: Option<String>,
    /// The PI.
    #[diesel(sql_type = Text)]
    pub number: String,
    /// Its ULB.
    #[diesel(sql_type = Text)]
    pub tenant_id: String,
    /// The number of the PI that it revises, if it does.
    #[diesel(sql_type = Nullable<Text>)]
    pub parent_number: Option<String>,
    /// The status of the PI.
    #[diesel(sql_type = Text)]
    pub instruction_status: PiStatus,
    /// Its bill numbers, as JSON.
    #[diesel(sql_type = Text)]
    pub bill_numbers: String,
    /// Its online bill number.
    #[diesel(sql_type = Nullable<Text>)]
    pub bill_reference: Option<String>,
    /// Last four digits of the registered account.
    #[diesel(sql_type = Nullable<Text>)]
    pub account_last4: Option<String>,
    /// The registered IFSC.
    #[diesel(sql_type = Nullable<Text>)]
    pub ifsc: Option<String>,
    /// Last four digits of the mobile number.
    #[diesel(sql_type = Nullable<Text>)]
    pub mobile_last4: Option<String>,
    /// Amount.
    #[diesel(sql_type = BigInt)]
    pub amount_paise: Paise,
    /// Where the payment stands.
    #[diesel(sql_type = Text)]
    pub payment_status: PaymentStatus,
    /// Why it failed.
    #[diesel(sql_type = Nullable<Text>)]
    pub failure_reason: Option<String>,
    /// The bank's transaction number.
    #[diesel(sql_type = Nullable<Text>)]
    pub utr: Option<String>,
    /// Its date, as received.
    #[diesel(sql_type = Nullable<Text>)]
    pub utr_date: Option<String>,
    /// The voucher's number.
    #[diesel(sql_type = Nullable<Text>)]
    pub voucher_number: Option<String>,
    /// Its date, as received.
    #[diesel(sql_type = Nullable<Text>)]
    pub voucher_date: Option<String>,
    /// When its instruction was created (UTC).
    #[diesel(sql_type = Timestamp)]
    pub created_at: NaiveDateTime,
    /// When it became known that the payment came back (UTC).
    #[diesel(sql_type = Nullable<Timestamp>)]
    pub returned_at: Option<NaiveDateTime>,
    /// The state of the message to them, if there is one.
    #[diesel(sql_type = Nullable<Text>)]
    pub sms: Option<MessageState>,
}

impl Person {
    /// The bill numbers of the PI.
    pub fn bills(&self) -> Vec<String> {
        bills_of(&self.bill_numbers)
    }
}

const COLUMNS: &str = "b.id, p.place, b.payment_id, b.beneficiary_id, b.name, p.number, p.tenant_id, \
    p.parent_number, p.status AS instruction_status, p.bill_numbers, p.ftps_bill_reference AS bill_reference, \
    b.account_last4, b.ifsc, b.mobile_last4, b.amount_paise, b.payment_status, b.failure_reason, b.utr, \
    b.utr_date, b.voucher_number, b.voucher_date, p.created_at, b.returned_at, \
    (SELECT m.state FROM outbox_messages m WHERE m.beneficiary_id = b.id ORDER BY m.id DESC LIMIT 1) AS sms";

/// The payments of these rows, in their order.
pub(super) fn of_rows(db: &mut Db, ids: &[i64]) -> Result<Vec<Person>, StoreError> {
    let list: Vec<String> = ids.iter().map(i64::to_string).collect();
    if list.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT {COLUMNS} FROM beneficiaries b JOIN payment_instructions p ON p.id = b.instruction_id \
         WHERE b.id IN ({})",
        list.join(", ")
    );
    let found: Vec<Person> = diesel::sql_query(sql).load(db)?;
    let mut by_id: HashMap<i64, Person> = found.into_iter().map(|person| (person.id, person)).collect();
    Ok(ids.iter().filter_map(|id| by_id.remove(id)).collect())
}

/// A page of what a search for people found.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundPeople {
    /// Newest instruction first.
    pub people: Vec<Person>,
    /// The place of the last instruction looked at, if there may be more.
    pub next: Option<i64>,
}

/// People by name, payment ID, beneficiary ID, UTR, online bill reference, or the last four digits of account
/// or mobile number; of instructions below the place `below`, `many` or a few more.
pub fn find(
    db: &mut Db,
    scope: &Scope,
    text: &str,
    below: Option<i64>,
    many: usize,
) -> Result<FoundPeople, StoreError> {
    let below = below.unwrap_or(i64::MAX);
    let (exact, next) = whole_instructions(by_reference(db, scope, text, below)?, many);
    let named = match SearchText::typed(text).filter(|text| !text.is_numbers()) {
        Some(name) => by_name(db, scope, &name, below, many)?,
        None => FoundPeople { people: Vec::new(), next: None },
    };
    // Of both ways only what neither would find further down.
    let next = next.max(named.next);
    let mut people = exact;
    people.extend(named.people);
    people.retain(|person| next.is_none_or(|place| person.place >= place));
    people.sort_by_key(|person| (std::cmp::Reverse(person.place), person.id));
    people.dedup_by_key(|person| person.id);
    Ok(FoundPeople { people, next })
}

/// All people of the next instructions below the place `below`.
pub fn everybody(db: &mut Db, scope: &Scope, below: Option<i64>) -> Result<FoundPeople, StoreError> {
    let after = below.map(Cursor::at);
    let (ids, next) =
        search::ids(db, scope, &Filters::default(), after.as_ref(), WHOLE_INSTRUCTIONS_AT_ONCE)?;
    let rows: Vec<i64> = on_either!(db, db => beneficiaries::table
        .filter(beneficiaries::instruction_id.eq_any(&ids))
        .select(beneficiaries::id)
        .load(db)?);
    let mut people = of_rows(db, &rows)?;
    people.sort_by_key(|person| (std::cmp::Reverse(person.place), person.id));
    Ok(FoundPeople { people, next: next.as_ref().map(Cursor::place) })
}

/// The first of these payments, cut only between two instructions, and the place of the last if there are more.
fn whole_instructions(mut people: Vec<Person>, many: usize) -> (Vec<Person>, Option<i64>) {
    let last = people.get(many - 1).map(|person| person.place);
    let fit = last.and_then(|place| people.iter().position(|person| person.place < place));
    if let Some(fit) = fit {
        people.truncate(fit);
    }
    (people, last.filter(|_| fit.is_some()))
}

/// By what is compared as a whole, each by an index of its own.
fn by_reference(db: &mut Db, scope: &Scope, text: &str, below: i64) -> Result<Vec<Person>, StoreError> {
    let wanted = search::references(text);
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let sql = sql_by_reference(scope, &wanted, below);
    Ok(on_either!(db, db => {
        let mut query = diesel::sql_query(sql).into_boxed();
        for one in wanted {
            query = query.bind::<Text, _>(one);
        }
        query.bind::<Text, _>(scope.tenant()).load(db)?
    }))
}

/// The rows of the payments that a payment ID, a UTR number or another reference names.
pub(super) fn rows_by_reference(db: &mut Db, scope: &Scope, text: &str) -> Result<Vec<i64>, StoreError> {
    Ok(by_reference(db, scope, text, i64::MAX)?.into_iter().map(|person| person.id).collect())
}

fn sql_by_reference(scope: &Scope, wanted: &[String], below: i64) -> String {
    let binds = |which: &dyn Fn(&str) -> bool| {
        let chosen = wanted.iter().enumerate().filter(|(_, one)| which(one));
        chosen.map(|(at, _)| format!("${}", at + 1)).collect::<Vec<_>>().join(", ")
    };
    let all = binds(&|_| true);
    let four = binds(&|one| one.len() == 4 && one.bytes().all(|byte| byte.is_ascii_digit()));
    let digits = if four.is_empty() {
        String::new()
    } else {
        format!(
            "UNION ALL SELECT id FROM beneficiaries WHERE account_last4 IN ({four}) \
             UNION ALL SELECT id FROM beneficiaries WHERE mobile_last4 IN ({four}) "
        )
    };
    format!(
        "SELECT {COLUMNS} FROM beneficiaries b JOIN payment_instructions p ON p.id = b.instruction_id \
         WHERE b.id IN (SELECT id FROM beneficiaries WHERE payment_key IN ({all}) \
         UNION ALL SELECT id FROM beneficiaries WHERE lower(beneficiary_id) IN ({all}) \
         UNION ALL SELECT id FROM beneficiaries WHERE lower(utr) IN ({all}) {digits}\
         UNION ALL SELECT c.id FROM beneficiaries c JOIN payment_instructions q ON q.id = c.instruction_id \
             WHERE lower(q.ftps_bill_reference) IN ({all}) \
         UNION ALL SELECT c.id FROM beneficiaries c JOIN payment_advices a ON a.instruction_id = c.instruction_id \
             WHERE lower(a.bill_reference) IN ({all})) \
         AND {} AND p.place < {below} ORDER BY p.place DESC, b.id LIMIT {LISTED}",
        scope.condition(&format!("${}", wanted.len() + 1))
    )
}

/// By name: the search of instructions narrows, then names are read.
fn by_name(
    db: &mut Db,
    scope: &Scope,
    name: &SearchText,
    below: i64,
    many: usize,
) -> Result<FoundPeople, StoreError> {
    let filters = Filters { text: Some(name.clone()), ..Filters::default() };
    let mut people = Vec::new();
    let mut next = Some(below).filter(|below| *below != i64::MAX).map(Cursor::at);
    for _ in 0..BATCHES {
        let (ids, after) = search::ids(db, scope, &filters, next.as_ref(), INSTRUCTIONS_AT_ONCE)?;
        let rows = rows_of_name(db, &ids, name)?;
        people.extend(of_rows(db, &rows)?);
        next = after;
        if next.is_none() || people.len() >= many {
            break;
        }
    }
    people.sort_by_key(|person| (std::cmp::Reverse(person.place), person.id));
    let (people, cut) = whole_instructions(people, many);
    Ok(FoundPeople { people, next: cut.or(next.as_ref().map(Cursor::place)) })
}

/// The people of that name; where one's name holds a number that was typed too, only those of the instruction.
fn rows_of_name(db: &mut Db, ids: &[InstructionId], name: &SearchText) -> Result<Vec<i64>, StoreError> {
    let mut named: Vec<(InstructionId, i64, Option<String>)> = on_either!(db, db => beneficiaries::table
        .filter(beneficiaries::instruction_id.eq_any(ids))
        .filter(beneficiaries::name.is_not_null())
        .select((beneficiaries::instruction_id, beneficiaries::id, beneficiaries::name))
        .load(db)?);
    named.retain(|(_, _, told)| told.as_deref().is_some_and(|told| name.is_in(told)));
    let is_numbered = |told: &Option<String>| told.as_deref().is_some_and(|told| name.has_number_in(told));
    let numbered: HashSet<InstructionId> =
        named.iter().filter(|(_, _, told)| is_numbered(told)).map(|(id, ..)| *id).collect();
    named.retain(|(id, _, told)| !numbered.contains(id) || is_numbered(told));
    Ok(named.into_iter().map(|(_, row, _)| row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{DatabaseUrl, Store};

    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = Text)]
        detail: String,
    }

    #[test]
    fn whatever_is_looked_for_as_a_whole_is_found_by_an_index() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("people.db").to_string_lossy().into_owned();
        let store = Store::open(&DatabaseUrl::Sqlite(file)).unwrap();
        let wanted = ["1011", "bn-1"].map(str::to_owned);
        let plan = format!("EXPLAIN QUERY PLAN {}", sql_by_reference(&Scope::of("od"), &wanted, i64::MAX));
        let steps: Vec<Step> = store
            .read_blocking(|db| {
                let asked = diesel::sql_query(&plan).bind::<Text, _>("1011").bind::<Text, _>("bn-1");
                let asked = asked.bind::<Text, _>("od");
                Ok::<_, StoreError>(asked.load(db)?)
            })
            .unwrap();
        let read_whole = |step: &Step| step.detail.starts_with("SCAN") && !step.detail.contains("tenants");
        let whole: Vec<&str> =
            steps.iter().filter(|step| read_whole(step)).map(|step| step.detail.as_str()).collect();
        assert!(steps.len() > 10 && whole.is_empty(), "{whole:?}");
    }
}
