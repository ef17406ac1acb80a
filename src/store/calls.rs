//! The call log: every call of FTPS, whatever came of it. Append-only.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::instructions::InstructionId;
use super::pruning::{self, Erasure};
use super::schema::ftps_calls;
use super::trail::{self, CallFacts};
use super::{Db, StoreError};
use crate::domain::decide::MESSAGE_PREFIX;
use crate::domain::{CallOutcome, Glitch, Trigger};
use crate::sealing::{SealedField, Sealer};

/// A call to be stored.
#[derive(Debug, Clone)]
pub struct NewCall {
    /// Drawn at random when the call was made.
    pub call_ref: String,
    /// What set it off.
    pub trigger: Trigger,
    /// The employee who did, if one did.
    pub triggered_by: Option<String>,
    /// The sync run that it is part of, if it is.
    pub run_id: Option<i64>,
    /// The number of the request that it was made in, if it was.
    pub request_id: Option<String>,
    /// When it began (UTC).
    pub started_at: NaiveDateTime,
    /// How long all its exchanges took together.
    pub duration_ms: i64,
    /// The HTTP status of the last exchange.
    pub http_status: Option<u16>,
    /// The request JSON, if a call was made.
    pub request: Option<String>,
    /// What came back: the JSON, or the raw text where it could not be opened.
    pub response: Option<String>,
}

/// A call that was not made, or of which nobody knows what came of it.
#[derive(Debug)]
pub(super) struct Trace<'a> {
    pub(super) instruction_id: InstructionId,
    /// Stored at most once.
    pub(super) call_ref: &'a str,
    pub(super) trigger: Trigger,
    pub(super) by: Option<&'a str>,
    pub(super) run_id: Option<i64>,
    /// When it began, or would have (UTC).
    pub(super) started_at: NaiveDateTime,
    pub(super) outcome: CallOutcome,
    pub(super) glitch: &'a Glitch,
}

impl Trace<'_> {
    /// Puts it into the log.
    pub(super) fn store(&self, db: &mut Db, sealer: &Sealer) -> Result<(), StoreError> {
        let facts = CallFacts {
            instruction_id: self.instruction_id,
            call_ref: self.call_ref.to_owned(),
            trigger_word: self.trigger,
            triggered_by: self.by.map(str::to_owned),
            started_at: self.started_at,
            duration_ms: 0,
            outcome: self.outcome,
            message: format!("{MESSAGE_PREFIX}{}", self.glitch),
            cause: None,
            http_status: None,
            applied: self.outcome == CallOutcome::NotSent,
            run_id: self.run_id,
            request_id: None,
        };
        trail::append_call(db, sealer, &facts, None, None)
    }
}

/// A stored call, its payloads opened.
#[derive(Debug, Clone)]
pub struct StoredCall {
    /// Our row.
    pub id: i64,
    /// What set it off.
    pub trigger: Trigger,
    /// The employee who did.
    pub triggered_by: Option<String>,
    /// When it began (UTC).
    pub started_at: NaiveDateTime,
    /// How long it took; 0 where that is not known, or nothing was sent.
    pub duration_ms: i64,
    /// What it came to.
    pub outcome: CallOutcome,
    /// The message for the band.
    pub message: String,
    /// The technical cause of no response.
    pub cause: Option<String>,
    /// HTTP status of the last exchange.
    pub http_status: Option<i32>,
    /// The number of the request that it was made in, as the log has it.
    pub request_id: Option<String>,
    /// The request JSON.
    pub request: Option<String>,
    /// The response text.
    pub response: Option<String>,
    /// That the payloads were erased, if they were.
    pub erased: Option<Erasure>,
    /// Whether the payloads were left out because those before them were long.
    pub is_left_out: bool,
    /// Whether a payload was left out because no key at hand opens it.
    pub is_unreadable: bool,
    /// Whether the instruction was brought up to date by it.
    pub applied: bool,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = ftps_calls)]
struct Row {
    id: i64,
    call_ref: String,
    trigger_word: Trigger,
    triggered_by: Option<String>,
    started_at: NaiveDateTime,
    duration_ms: i64,
    outcome: CallOutcome,
    message: String,
    cause: Option<String>,
    http_status: Option<i32>,
    applied: bool,
    pruned_by: Option<i64>,
    request_id: Option<String>,
}

/// Sealed payloads of one page of calls come to about so many bytes at most: a reply may have 8 MiB.
const PAYLOAD_BYTES: usize = 4 * 1024 * 1024;

/// Calls of an instruction, newest first: at most `limit`, older than `before` if given.
pub fn of_instruction(
    db: &mut Db,
    sealer: &Sealer,
    instruction_id: InstructionId,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<StoredCall>, StoreError> {
    let rows: Vec<Row> = ftps_calls::table
        .filter(ftps_calls::instruction_id.eq(instruction_id))
        .filter(ftps_calls::id.lt(before.unwrap_or(i64::MAX)))
        .order(ftps_calls::id.desc())
        .limit(limit)
        .select(Row::as_select())
        .load(db)?;
    let prunes: Vec<i64> = rows.iter().filter_map(|row| row.pruned_by).collect();
    let erasures = pruning::erasures(db, &prunes)?;
    let mut room = PAYLOAD_BYTES;
    rows.into_iter()
        .map(|row| {
            if let Some(erased) = row.pruned_by.and_then(|prune| erasures.get(&prune)) {
                return Ok(StoredCall { erased: Some(*erased), ..row.with(None, None, false) });
            }
            if room == 0 {
                return Ok(row.with(None, None, true));
            }
            let (request, response): (Option<Vec<u8>>, Option<Vec<u8>>) = ftps_calls::table
                .find(row.id)
                .select((ftps_calls::request_sealed, ftps_calls::response_sealed))
                .get_result(db)?;
            let bytes = |sealed: &Option<Vec<u8>>| sealed.as_ref().map_or(0, Vec::len);
            room = room.saturating_sub(bytes(&request) + bytes(&response));
            let mut is_unreadable = false;
            let mut open = |field, sealed: Option<Vec<u8>>| {
                let opened = sealed.map(|sealed| sealer.open_text(field, &sealed)).transpose();
                opened.unwrap_or_else(|_| {
                    is_unreadable = true;
                    None
                })
            };
            let request = open(SealedField::Request(&row.call_ref), request);
            let response = open(SealedField::Response(&row.call_ref), response);
            Ok(StoredCall { is_unreadable, ..row.with(request, response, false) })
        })
        .collect()
}

/// A call as the time line tells of it: nothing sealed is read.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = ftps_calls)]
pub struct CallSummary {
    /// Our row.
    pub id: i64,
    /// What set it off.
    #[diesel(column_name = trigger_word)]
    pub trigger: Trigger,
    /// The employee who did.
    pub triggered_by: Option<String>,
    /// When it began (UTC).
    pub started_at: NaiveDateTime,
    /// What it came to.
    pub outcome: CallOutcome,
}

/// The latest calls of an instruction, newest first, at most `limit`.
pub fn latest(
    db: &mut Db,
    instruction_id: InstructionId,
    limit: i64,
) -> Result<Vec<CallSummary>, StoreError> {
    Ok(ftps_calls::table
        .filter(ftps_calls::instruction_id.eq(instruction_id))
        .order(ftps_calls::id.desc())
        .limit(limit)
        .select(CallSummary::as_select())
        .load(db)?)
}

/// The newest call of an instruction that came to this message, and whose response was kept.
pub fn newest_saying(
    db: &mut Db,
    instruction_id: InstructionId,
    message: &str,
) -> Result<Option<i64>, StoreError> {
    Ok(ftps_calls::table
        .filter(ftps_calls::instruction_id.eq(instruction_id))
        .filter(ftps_calls::message.eq(message))
        .filter(ftps_calls::response_sealed.is_not_null())
        .select(diesel::dsl::max(ftps_calls::id))
        .get_result(db)?)
}

impl Row {
    fn with(self, request: Option<String>, response: Option<String>, is_left_out: bool) -> StoredCall {
        StoredCall {
            id: self.id,
            trigger: self.trigger_word,
            triggered_by: self.triggered_by,
            started_at: self.started_at,
            duration_ms: self.duration_ms,
            outcome: self.outcome,
            message: self.message,
            cause: self.cause,
            http_status: self.http_status,
            request_id: self.request_id,
            request,
            response,
            erased: None,
            is_left_out,
            is_unreadable: false,
            applied: self.applied,
        }
    }
}
