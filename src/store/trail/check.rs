//! Whether the chains hold: what was changed, removed or put in between past the program.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::{CallFacts, EventFacts, PruneFacts, TrailKey};
use crate::sealing::{SealedField, Sealer};
use crate::store::instructions::InstructionId;
use crate::store::schema::{audit_events, call_heads, ftps_calls, payment_instructions, prunes, trail_head};
use crate::store::{Db, Store, StoreError};

/// Rows read at a time while a chain is checked.
const PAGE: i64 = 500;
/// Faults told of at most: beyond, one is like the other.
const TOLD: usize = 50;

/// What a check of the chains came to.
#[derive(Debug, Default)]
pub struct Checked {
    /// Links of the audit trail that were looked at.
    pub events: u64,
    /// Links of the call log that were looked at.
    pub calls: u64,
    /// What does not fit, in plain words; the first of many.
    pub faults: Vec<String>,
    /// What cannot be checked, and why.
    pub notes: Vec<String>,
}

impl Checked {
    fn fault(&mut self, told: String) {
        if self.faults.len() < TOLD {
            self.faults.push(told);
        }
    }

    /// Whether so much is wrong that the rest is not told.
    pub fn is_cut(&self) -> bool {
        self.faults.len() >= TOLD
    }
}

/// Checks both chains as they stand at one moment, in one transaction that only reads. Blocks, for as long as
/// it takes to read the trail and the log through.
pub fn faults(store: &Store, sealer: &Sealer) -> Result<Checked, StoreError> {
    store.read_blocking(|db| {
        let mut checked = Checked::default();
        match TrailKey::known(db, sealer) {
            Ok(Some(key)) => {
                readable(events(db, &key, &mut checked), &mut checked)?;
                readable(calls(db, sealer, &key, &mut checked), &mut checked)?;
                readable(erasures(db, &key, &mut checked), &mut checked)?;
            }
            Ok(None) => never_linked(db, &mut checked)?,
            Err(StoreError::Seal(cause)) => {
                checked.fault(format!("the key of the chains cannot be opened: {cause}"));
            }
            Err(fault) => return Err(fault),
        }
        Ok(checked)
    })
}

/// A row that cannot even be read is a fault of the trail like others, and the rest is checked all the same.
fn readable(looked: Result<(), StoreError>, checked: &mut Checked) -> Result<(), StoreError> {
    match looked {
        Err(StoreError::Query(unreadable @ diesel::result::Error::DeserializationError(_))) => {
            checked.fault(format!("a row cannot be read: {unreadable}"));
            Ok(())
        }
        looked => looked,
    }
}

/// A database in which nothing was linked yet has neither a position nor a head.
fn never_linked(db: &mut Db, checked: &mut Checked) -> Result<(), StoreError> {
    let linked: i64 = audit_events::table.filter(audit_events::link.is_not_null()).count().get_result(db)?;
    let heads: i64 = call_heads::table.count().get_result(db)?;
    let position: i64 = trail_head::table.select(trail_head::position).get_result(db)?;
    if linked + heads + position > 0 {
        checked.fault("the key of the chains is gone".to_owned());
    }
    Ok(())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = audit_events)]
struct EventRow {
    id: i64,
    at: NaiveDateTime,
    actor: String,
    tenant_id: Option<String>,
    address: Option<String>,
    action: String,
    subject: Option<String>,
    position: Option<i64>,
    link: Option<Vec<u8>>,
}

impl EventRow {
    fn facts(&self) -> EventFacts<'_> {
        EventFacts {
            at: self.at,
            actor: &self.actor,
            tenant: self.tenant_id.as_deref(),
            address: self.address.as_deref(),
            action: &self.action,
            subject: self.subject.as_deref(),
        }
    }
}

fn events(db: &mut Db, key: &TrailKey, checked: &mut Checked) -> Result<(), StoreError> {
    let (end, end_link, before): (i64, Vec<u8>, i64) = trail_head::table
        .select((trail_head::position, trail_head::link, trail_head::events_before))
        .get_result(db)?;
    let (mut position, mut link) = super::begins_after(db)?;
    loop {
        let rows: Vec<EventRow> = audit_events::table
            .filter(audit_events::position.gt(position))
            .order(audit_events::position)
            .limit(PAGE)
            .select(EventRow::as_select())
            .load(db)?;
        for row in &rows {
            let (Some(at_position), Some(at_link)) = (row.position, &row.link) else { continue };
            if at_position != position + 1 {
                checked.fault(format!("audit trail: event {} is missing", position + 1));
            }
            if at_position == position + 1 && key.link_over(&row.facts().said(&link, at_position)) != *at_link
            {
                checked.fault(format!(
                    "audit trail: event {at_position} (row {}) or the one before it is not what was written",
                    row.id
                ));
            }
            (position, link) = (at_position, at_link.clone());
            checked.events += 1;
        }
        if rows.len() < PAGE as usize || checked.is_cut() {
            break;
        }
    }
    if (position, &link) != (end, &end_link) && !checked.is_cut() {
        checked.fault(format!("audit trail: it ends with event {position}, and {end} were written"));
    }
    let unlinked = audit_events::table.filter(audit_events::position.is_null());
    let forged: i64 = unlinked
        // No row is given an id below 1: such a one was put before the others.
        .filter(
            audit_events::id
                .lt(1)
                .or(audit_events::id.gt(before).and(audit_events::actor.not_like("operator%"))),
        )
        .count()
        .get_result(db)?;
    if forged > 0 {
        checked.fault(format!("audit trail: {forged} events are not linked"));
    }
    let by_commands: i64 = unlinked
        .filter(audit_events::id.gt(before))
        .filter(audit_events::actor.like("operator%"))
        .count()
        .get_result(db)?;
    if by_commands > 0 {
        checked.notes.push(format!(
            "audit trail: {by_commands} events of commands that were run without DATA_KEY are not linked"
        ));
    }
    let older: i64 = unlinked.filter(audit_events::id.between(1, before)).count().get_result(db)?;
    if older > 0 {
        checked.notes.push(format!("audit trail: {older} events are older than the chain"));
    }
    Ok(())
}

fn calls(db: &mut Db, sealer: &Sealer, key: &TrailKey, checked: &mut Checked) -> Result<(), StoreError> {
    let mut after = InstructionId::default();
    loop {
        let heads: Vec<(InstructionId, String, i64, Vec<u8>)> = call_heads::table
            .inner_join(payment_instructions::table)
            .filter(call_heads::instruction_id.gt(after))
            .order(call_heads::instruction_id)
            .limit(PAGE)
            .select((
                call_heads::instruction_id,
                payment_instructions::number,
                call_heads::calls,
                call_heads::link,
            ))
            .load(db)?;
        for (id, number, count, link) in &heads {
            calls_of(db, sealer, key, (*id, number), (*count, link), checked)?;
        }
        let Some((last, ..)) = heads.last() else { break };
        if checked.is_cut() {
            break;
        }
        after = *last;
    }
    let before: i64 = trail_head::table.select(trail_head::calls_before).get_result(db)?;
    let unlinked: i64 = ftps_calls::table
        .filter(ftps_calls::link.is_null())
        .filter(ftps_calls::id.gt(before))
        .count()
        .get_result(db)?;
    let headless = CountRow::of(
        db,
        "SELECT count(*) AS counted FROM ftps_calls c WHERE c.link IS NOT NULL \
         AND NOT EXISTS (SELECT 1 FROM call_heads h WHERE h.instruction_id = c.instruction_id)",
    )?;
    if unlinked + headless > 0 {
        checked.fault(format!("call log: {} calls belong to no chain", unlinked + headless));
    }
    let older: i64 = ftps_calls::table
        .filter(ftps_calls::link.is_null())
        .filter(ftps_calls::id.le(before))
        .count()
        .get_result(db)?;
    if older > 0 {
        checked.notes.push(format!("call log: {older} calls are older than the chain"));
    }
    Ok(())
}

#[derive(QueryableByName)]
struct CountRow {
    #[diesel(sql_type = BigInt)]
    counted: i64,
}

impl CountRow {
    fn of(db: &mut Db, query: &str) -> Result<i64, StoreError> {
        Ok(diesel::sql_query(query).get_result::<Self>(db)?.counted)
    }
}

/// The calls of one instruction against its head.
fn calls_of(
    db: &mut Db,
    sealer: &Sealer,
    key: &TrailKey,
    (id, number): (InstructionId, &str),
    (count, end): (i64, &[u8]),
    checked: &mut Checked,
) -> Result<(), StoreError> {
    type Kept = (i64, Option<Vec<u8>>, Option<Vec<u8>>, Option<i64>);
    let rows: Vec<(CallFacts, Kept)> = ftps_calls::table
        .filter(ftps_calls::instruction_id.eq(id))
        .filter(ftps_calls::link.is_not_null())
        .order(ftps_calls::id)
        .select((
            CallFacts::as_select(),
            (ftps_calls::id, ftps_calls::link, ftps_calls::payload_digest, ftps_calls::pruned_by),
        ))
        .load(db)?;
    let (mut calls, mut before) = (0, Vec::new());
    for (facts, (row, link, digest, pruned_by)) in &rows {
        calls += 1;
        checked.calls += 1;
        let digest = digest.as_deref().unwrap_or_default();
        let link = link.as_deref().unwrap_or_default();
        if key.link_over(&facts.said(&before, calls, digest)) != link {
            checked
                .fault(format!("call log: call {row} of {number} or one before it is not what was written"));
        } else if let Some(fault) = payload_fault(db, sealer, key, *row, facts, digest, *pruned_by)? {
            checked.fault(format!("call log: call {row} of {number}: {fault}"));
        }
        before = link.to_vec();
    }
    if (calls, before.as_slice()) != (count, end) {
        checked.fault(format!("call log: {number} has {calls} calls, and {count} were written"));
    }
    Ok(())
}

/// What is wrong with the payloads of a call: they fit the digest, or were emptied when that was due.
fn payload_fault(
    db: &mut Db,
    sealer: &Sealer,
    key: &TrailKey,
    row: i64,
    facts: &CallFacts,
    digest: &[u8],
    pruned_by: Option<i64>,
) -> Result<Option<String>, StoreError> {
    let (request, response): (Option<Vec<u8>>, Option<Vec<u8>>) = ftps_calls::table
        .find(row)
        .select((ftps_calls::request_sealed, ftps_calls::response_sealed))
        .get_result(db)?;
    if let Some(prune) = pruned_by {
        let before: Option<Option<NaiveDateTime>> =
            prunes::table.find(prune).select(prunes::payloads_before).get_result(db).optional()?;
        let was_due = before.flatten().is_some_and(|before| facts.started_at < before);
        let is_empty = request.is_none() && response.is_none();
        return Ok((!(was_due && is_empty)).then(|| "was emptied before that was due".to_owned()));
    }
    let open = |field, sealed: Option<Vec<u8>>| {
        sealed.map(|sealed| sealer.open_text(field, &sealed)).transpose().map_err(|fault| fault.to_string())
    };
    let opened = open(SealedField::Request(&facts.call_ref), request)
        .and_then(|request| Ok((request, open(SealedField::Response(&facts.call_ref), response)?)));
    Ok(match opened {
        Err(fault) => Some(fault),
        Ok((request, response)) if key.digest(request.as_deref(), response.as_deref()) != digest => {
            Some("its payloads are not what was written".to_owned())
        }
        Ok(_) => None,
    })
}

/// What was erased, by its signatures: whatever else the database was told of something that was due is forged.
fn erasures(db: &mut Db, key: &TrailKey, checked: &mut Checked) -> Result<(), StoreError> {
    let mut after = 0;
    loop {
        let rows: Vec<(PruneFacts, bool, Option<Vec<u8>>)> = prunes::table
            .filter(prunes::id.gt(after))
            .order(prunes::id)
            .limit(PAGE)
            .select((PruneFacts::as_select(), prunes::is_open, prunes::signature))
            .load(db)?;
        for (facts, is_open, signature) in &rows {
            if *is_open {
                checked
                    .fault(format!("erasures: {} was left open, so that anything can be erased", facts.id));
            } else if signature.as_deref() != Some(key.link_over(&facts.said()).as_slice()) {
                checked.fault(format!("erasures: {} was not written by this program", facts.id));
            }
        }
        let Some((last, ..)) = rows.last() else { return Ok(()) };
        if checked.is_cut() {
            return Ok(());
        }
        after = last.id;
    }
}
