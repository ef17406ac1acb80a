//! The messages that a person asks for: by state, by reason, by what is known of the payment. A page of them
//! costs a bounded amount of work.
//!
//! What has no text is read from an index in the order of the list, newest first; counts go no further than
//! [`COUNTED`]. A text is looked for as the search of payment instructions and people does, among the
//! newest instructions.

use std::collections::HashMap;

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp};

use super::listing::{self, OutboxMessage};
use crate::domain::{MessageReason, MessageState, PiStatus};
use crate::store::connection::on_either;
use crate::store::instructions::InstructionId;
use crate::store::people;
use crate::store::schema::payment_instructions;
use crate::store::scope::Scope;
use crate::store::search::{self, Filters, SearchText};
use crate::store::{Db, StoreError};

/// Messages are counted so far, and so many at most are dealt with at once.
pub const COUNTED: usize = 1000;
/// Payment instructions whose messages are looked through for a text, the newest.
const INSTRUCTIONS: usize = 500;
/// Messages of them that are looked at.
const LOOKED_AT: usize = 20_000;

/// Where the messages stand that are asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Standing {
    /// Anywhere.
    #[default]
    Any,
    /// In this state, as pages tell it: what is being sent counts as waiting.
    State(MessageState),
    /// For this reason.
    Reason(MessageReason),
    /// Waiting since before that instant (UTC).
    Late(NaiveDateTime),
}

/// Which messages are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Where they stand.
    pub standing: Standing,
    /// Those of this PI.
    pub number: Option<String>,
    /// Those of which a person typed something: name, PI number, payment ID, UTR number.
    pub text: Option<String>,
}

/// How many there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// How many were counted.
    pub number: usize,
    /// Whether there are more than those.
    pub and_more: bool,
}

/// How many messages stand where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    by: Vec<(MessageState, Option<MessageReason>, Count)>,
    /// Those that have waited for too long.
    pub late: Count,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looked {
    /// A page of it, newest first.
    pub messages: Vec<OutboxMessage>,
    /// Whether there is another page.
    pub has_more: bool,
    /// Of all that number and text let through, wherever they stand.
    pub counts: Counts,
    /// Whether only the newest that may hold the text were looked through.
    pub is_partial: bool,
}

/// A message, by what decides whether it is asked for.
#[derive(Debug, Clone, QueryableByName)]
struct Candidate {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    instruction_id: i64,
    #[diesel(sql_type = Text)]
    state: MessageState,
    #[diesel(sql_type = Nullable<Text>)]
    reason: Option<MessageReason>,
    #[diesel(sql_type = Timestamp)]
    created_at: NaiveDateTime,
    #[diesel(sql_type = Nullable<Text>)]
    name: Option<String>,
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = Text)]
    word: String,
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// A page of at most `limit` messages in scope, older than `before` if given; and how many stand where, what
/// waits since before `late` counted as late.
pub fn look(
    db: &mut Db,
    scope: &Scope,
    wanted: &Wanted,
    before: Option<i64>,
    late: NaiveDateTime,
    limit: usize,
) -> Result<Looked, StoreError> {
    let (mut ids, counts, is_partial) = match narrowed(db, scope, wanted)? {
        Some((mut candidates, is_partial)) => {
            let counts = Counts::of(&candidates, late);
            candidates.retain(|one| one.stands(wanted.standing) && before.is_none_or(|id| one.id < id));
            (candidates.iter().map(|one| one.id).take(limit + 1).collect(), counts, is_partial)
        }
        None => (newest(db, scope, wanted.standing, before, limit + 1)?, counted(db, scope, late)?, false),
    };
    let has_more = ids.len() > limit;
    ids.truncate(limit);
    Ok(Looked { messages: in_order(db, scope, &ids)?, has_more, counts, is_partial })
}

/// The newest of all that is wanted, at most [`COUNTED`] of them.
pub fn all(db: &mut Db, scope: &Scope, wanted: &Wanted) -> Result<Vec<OutboxMessage>, StoreError> {
    let ids: Vec<i64> = match narrowed(db, scope, wanted)? {
        Some((candidates, _)) => {
            let standing = candidates.iter().filter(|one| one.stands(wanted.standing));
            standing.map(|one| one.id).take(COUNTED).collect()
        }
        None => newest(db, scope, wanted.standing, None, COUNTED)?,
    };
    in_order(db, scope, &ids)
}

fn in_order(db: &mut Db, scope: &Scope, ids: &[i64]) -> Result<Vec<OutboxMessage>, StoreError> {
    let found = listing::find(db, scope, ids)?;
    let mut by_id: HashMap<i64, OutboxMessage> = found.into_iter().map(|one| (one.id, one)).collect();
    Ok(ids.iter().filter_map(|id| by_id.remove(id)).collect())
}

/// The newest messages that stand so, from an index in their order.
fn newest(
    db: &mut Db,
    scope: &Scope,
    standing: Standing,
    before: Option<i64>,
    limit: usize,
) -> Result<Vec<i64>, StoreError> {
    let sql = newest_sql(scope, standing, before, limit);
    let found: Vec<Id> = diesel::sql_query(sql).bind::<Text, _>(scope.tenant()).load(db)?;
    Ok(found.into_iter().map(|row| row.id).collect())
}

fn newest_sql(scope: &Scope, standing: Standing, before: Option<i64>, limit: usize) -> String {
    let (scope, late_scope) = (in_order_of_scope(scope), scope.condition_beside("$1"));
    let below = before.unwrap_or(i64::MAX);
    let arm = |condition: &str| {
        format!(
            "SELECT p.id AS id FROM outbox_messages p WHERE {condition} AND {scope} AND p.id < {below} \
             ORDER BY p.id DESC LIMIT {limit}"
        )
    };
    match standing {
        Standing::Any => arm("p.id > 0"),
        Standing::Reason(reason) => arm(&format!("p.reason = '{reason}'")),
        Standing::State(state) => {
            let stored = MessageState::ALL.iter().filter(|stored| stored.shown() == state.shown());
            let arms: Vec<String> = stored
                .map(|word| format!("SELECT id FROM ({}) q", arm(&format!("p.state = '{word}'"))))
                .collect();
            format!("{} ORDER BY id DESC LIMIT {limit}", arms.join(" UNION ALL "))
        }
        Standing::Late(late) => {
            let after = before.map_or_else(String::new, |id| {
                format!(
                    " AND (p.waiting_since, p.id) < ((SELECT created_at FROM outbox_messages WHERE id = {id}), {id})"
                )
            });
            format!(
                "SELECT p.id AS id FROM outbox_messages p WHERE {} AND {late_scope}{after} \
                 ORDER BY p.waiting_since DESC, p.id DESC LIMIT {limit}",
                waits_since(late)
            )
        }
    }
}

/// In scope; of a state, without reading by it: the list's own order is read.
fn in_order_of_scope(scope: &Scope) -> String {
    if scope.is_state() { scope.condition_beside("$1") } else { scope.condition("$1") }
}

fn waits_since(late: NaiveDateTime) -> String {
    let late = late.format("%Y-%m-%d %H:%M:%S%.f");
    format!("p.waiting_since < '{late}'")
}

/// How many messages in scope stand where, each counted from an index, and no further than [`COUNTED`].
fn counted(db: &mut Db, scope: &Scope, late: NaiveDateTime) -> Result<Counts, StoreError> {
    let found: Vec<Counted> =
        diesel::sql_query(counted_sql(scope, late)).bind::<Text, _>(scope.tenant()).load(db)?;
    let count = |word: &str| {
        let number = found.iter().find(|row| row.word == word).map_or(0, |row| row.number);
        let number = usize::try_from(number).unwrap_or(0);
        Count { number: number.min(COUNTED), and_more: number > COUNTED }
    };
    let reasons =
        MessageReason::ALL.iter().map(|reason| (reason.state(), Some(*reason), count(&of_reason(*reason))));
    let done = DONE.iter().map(|state| (*state, None, count(state.as_str())));
    Ok(Counts { by: reasons.chain(done).collect(), late: count(LATE_WORD) })
}

/// The states of which nothing is to be done.
const DONE: [MessageState; 2] = [MessageState::Sent, MessageState::Settled];
const LATE_WORD: &str = "late";

fn of_reason(reason: MessageReason) -> String {
    format!("reason {reason}")
}

fn counted_sql(scope: &Scope, late: NaiveDateTime) -> String {
    let arm = |word: &str, condition: &str, scope: &str| {
        format!(
            "SELECT '{word}' AS word, count(*) AS number FROM \
             (SELECT 1 AS one FROM outbox_messages p WHERE {condition} AND {scope} LIMIT {}) q",
            COUNTED + 1
        )
    };
    let in_order = in_order_of_scope(scope);
    let reasons = MessageReason::ALL
        .iter()
        .map(|reason| arm(&of_reason(*reason), &format!("p.reason = '{reason}'"), &in_order));
    let done =
        DONE.iter().map(|state| arm(state.as_str(), &format!("p.state = '{state}'"), &scope.condition("$1")));
    let late = arm(LATE_WORD, &waits_since(late), &scope.condition_beside("$1"));
    reasons.chain(done).chain([late]).collect::<Vec<_>>().join(" UNION ALL ")
}

/// The messages of the payments that number and text name, newest first, and whether there may be more;
/// `None` if neither is given.
fn narrowed(
    db: &mut Db,
    scope: &Scope,
    wanted: &Wanted,
) -> Result<Option<(Vec<Candidate>, bool)>, StoreError> {
    let (mut candidates, is_partial) = match (&wanted.number, &wanted.text) {
        (None, None) => return Ok(None),
        (Some(number), None) => (of_number(db, scope, number)?, false),
        (None, Some(text)) => holding(db, scope, text)?,
        (Some(number), Some(text)) => {
            let (held, is_partial) = holding(db, scope, text)?;
            let of_it: Vec<i64> = of_number(db, scope, number)?.iter().map(|one| one.id).collect();
            (held.into_iter().filter(|one| of_it.contains(&one.id)).collect(), is_partial)
        }
    };
    candidates.sort_by_key(|one| std::cmp::Reverse(one.id));
    candidates.dedup_by_key(|one| one.id);
    Ok(Some((candidates, is_partial)))
}

fn of_number(db: &mut Db, scope: &Scope, number: &str) -> Result<Vec<Candidate>, StoreError> {
    // PostgreSQL cannot even be asked about NUL.
    if number.chars().any(char::is_control) {
        return Ok(Vec::new());
    }
    let ids: Vec<InstructionId> = on_either!(db, db => payment_instructions::table
        .filter(payment_instructions::number.eq(number))
        .select(payment_instructions::id)
        .load(db)?);
    of_instructions(db, scope, &ids)
}

/// Those whose person has the text in their name or is named by it, and those of an instruction that holds it
/// in its own number or bill numbers.
fn holding(db: &mut Db, scope: &Scope, text: &str) -> Result<(Vec<Candidate>, bool), StoreError> {
    let rows = people::rows_by_reference(db, scope, text)?;
    let mut held = candidates(db, scope, "p.beneficiary_id", &rows)?;
    let Some(typed) = SearchText::typed(text) else { return Ok((held, false)) };
    // Only of what is Completed there are messages.
    let filters =
        Filters { text: Some(typed.clone()), status: Some(PiStatus::Completed), ..Filters::default() };
    let (ids, next) = search::ids(db, scope, &filters, None, INSTRUCTIONS)?;
    let mut by_instruction: HashMap<i64, Vec<Candidate>> = HashMap::new();
    let of_them = of_instructions(db, scope, &ids)?;
    let is_partial = next.is_some() || of_them.len() == LOOKED_AT;
    for one in of_them {
        by_instruction.entry(one.instruction_id).or_default().push(one);
    }
    for mut all in by_instruction.into_values() {
        let is_named = |one: &Candidate| one.name.as_deref().is_some_and(|name| typed.is_in(name));
        if all.iter().any(is_named) {
            all.retain(is_named);
        }
        held.extend(all);
    }
    Ok((held, is_partial))
}

fn of_instructions(db: &mut Db, scope: &Scope, ids: &[InstructionId]) -> Result<Vec<Candidate>, StoreError> {
    candidates(db, scope, "p.instruction_id", ids)
}

fn candidates(
    db: &mut Db,
    scope: &Scope,
    column: &str,
    ids: &[impl ToString],
) -> Result<Vec<Candidate>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let list: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let sql = format!(
        "SELECT p.id, p.instruction_id, p.state, p.reason, p.created_at, b.name FROM outbox_messages p \
         JOIN beneficiaries b ON b.id = p.beneficiary_id WHERE {column} IN ({}) AND {} LIMIT {LOOKED_AT}",
        list.join(", "),
        scope.condition("$1")
    );
    Ok(diesel::sql_query(sql).bind::<Text, _>(scope.tenant()).load(db)?)
}

impl Candidate {
    fn stands(&self, standing: Standing) -> bool {
        match standing {
            Standing::Any => true,
            Standing::State(state) => self.state.shown() == state.shown(),
            Standing::Reason(reason) => self.reason == Some(reason),
            Standing::Late(late) => self.state.shown() == MessageState::Waiting && self.created_at < late,
        }
    }
}

impl Count {
    fn and(self, other: Self) -> Self {
        let number = self.number + other.number;
        Self { number: number.min(COUNTED), and_more: self.and_more || other.and_more || number > COUNTED }
    }
}

impl Counts {
    fn of(candidates: &[Candidate], late: NaiveDateTime) -> Self {
        let mut counts = Self::default();
        let one_more = Count { number: 1, and_more: false };
        for one in candidates {
            let (state, reason) = (one.state.shown(), one.reason);
            match counts.by.iter_mut().find(|(of, why, _)| (*of, *why) == (state, reason)) {
                Some((_, _, count)) => *count = count.and(one_more),
                None => counts.by.push((state, reason, one_more)),
            }
            if one.stands(Standing::Late(late)) {
                counts.late = counts.late.and(one_more);
            }
        }
        counts
    }

    /// How many of them stand so.
    pub fn of_standing(&self, standing: Standing) -> Count {
        let fits = |state: MessageState, reason| match standing {
            Standing::Any => true,
            Standing::State(wanted) => state == wanted.shown(),
            Standing::Reason(wanted) => reason == Some(wanted),
            Standing::Late(_) => false,
        };
        if matches!(standing, Standing::Late(_)) {
            return self.late;
        }
        let of_it = self.by.iter().filter(|(state, reason, _)| fits(*state, *reason));
        of_it.fold(Count::default(), |sum, (_, _, count)| sum.and(*count))
    }
}

#[cfg(test)]
#[path = "desk_tests.rs"]
mod tests;
