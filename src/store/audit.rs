//! The audit trail: who did what, when, from where, on what. Append-only.

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

use super::schema::audit_events;
use super::scope::Scope;
use super::trail::{self, EventFacts};
use super::{Db, StoreError};
use crate::domain::date::{ist_date, ist_midnight};
use crate::domain::words::words;
use crate::sealing::Sealer;

words! {
    /// What was done.
    Action {
        /// Signed in.
        SignIn = "sign-in",
        /// Failed to sign in.
        SignInFailed = "sign-in-failed",
        /// Was refused for too many failures.
        SignInThrottled = "sign-in-throttled",
        /// Signed out.
        SignOut = "sign-out",
        /// Pressed Refresh on a payment instruction.
        Refresh = "refresh",
        /// Sent a message again.
        Resend = "resend",
        /// Settled a message without sending it.
        Settle = "settle",
        /// Started a run by hand.
        RunByHand = "run-by-hand",
        /// Added an employee.
        UserAdded = "user-added",
        /// Changed a password.
        PasswordChanged = "password-changed",
        /// Disabled an employee.
        UserDisabled = "user-disabled",
        /// Opened a call's payload in full.
        PayloadOpened = "payload-opened",
        /// Fetched a payment instruction from MUKTASoft.
        Fetch = "fetch",
        /// Wrote a note on a payment instruction.
        Note = "note",
        /// Let an employee in again.
        UserEnabled = "user-enabled",
        /// Changed what an employee may do.
        RoleChanged = "role-changed",
        /// Changed whose data an employee sees.
        TenantChanged = "tenant-changed",
        /// Gave a wrong password where the present one was asked for.
        PasswordRefused = "password-refused",
        /// Ended a session of their own.
        SessionEnded = "session-ended",
        /// Opened the page of a payment instruction: once for each person, instruction and day.
        PiOpened = "pi-opened",
        /// Opened in full a sentence of JIT's or MUKTASoft's whose numbers are masked.
        WordsOpened = "words-opened",
        /// Searched for people.
        PeopleSearched = "people-searched",
        /// Took a file of what is shown: payment instructions, people, a month's report.
        Downloaded = "downloaded",
        /// Exported payment instructions.
        Exported = "exported",
        /// Imported payment instructions, from a file or from MUKTASoft.
        Imported = "imported",
        /// Ran a sync by command.
        Synced = "synced",
        /// Sealed what is stored with another data key.
        Resealed = "resealed",
        /// Erased what was due.
        Pruned = "pruned",
        /// Was refused: a page that is not theirs, a form of another site.
        Refused = "refused",
        /// Chose the language of the pages.
        LanguageChosen = "language-chosen",
        /// Set up a second factor.
        SecondFactorSet = "second-factor-set",
        /// Gave up the second factor.
        SecondFactorRemoved = "second-factor-removed",
        /// Took an employee's second factor away, since it was lost.
        SecondFactorReset = "second-factor-reset",
        /// Gave the second factor again, for what is asked twice.
        SecondFactorGiven = "second-factor-given",
        /// Gave a wrong second factor.
        SecondFactorRefused = "second-factor-refused",
        /// Made new recovery codes.
        RecoveryCodesMade = "recovery-codes-made",
    }
}

/// An event to be stored.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// When (UTC).
    pub at: NaiveDateTime,
    /// Who.
    pub actor: String,
    /// The actor's tenant, if known.
    pub tenant: Option<String>,
    /// From where: an IP address.
    pub address: Option<String>,
    /// What.
    pub action: Action,
    /// On what.
    pub subject: Option<String>,
}

/// A stored event.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = audit_events)]
pub struct Event {
    /// Our row.
    pub id: i64,
    /// When (UTC).
    pub at: NaiveDateTime,
    /// Who.
    pub actor: String,
    /// The actor's tenant, if known.
    pub tenant_id: Option<String>,
    /// From where.
    pub address: Option<String>,
    /// What.
    pub action: Action,
    /// On what.
    pub subject: Option<String>,
}

/// Appends an event, linked to those before it where the data key is at hand: a command that was run without
/// it leaves an event that is not.
pub fn append(db: &mut Db, sealer: Option<&Sealer>, event: &NewEvent) -> Result<(), StoreError> {
    let facts = EventFacts {
        at: event.at,
        actor: &event.actor,
        tenant: event.tenant.as_deref(),
        address: event.address.as_deref(),
        action: event.action.as_str(),
        subject: event.subject.as_deref(),
    };
    let linked = trail::place_event(db, sealer, &facts)?;
    diesel::insert_into(audit_events::table)
        .values((
            audit_events::at.eq(event.at),
            audit_events::actor.eq(&event.actor),
            audit_events::tenant_id.eq(&event.tenant),
            audit_events::address.eq(&event.address),
            audit_events::action.eq(event.action.as_str()),
            audit_events::subject.eq(&event.subject),
            audit_events::position.eq(linked.as_ref().map(|linked| linked.position)),
            audit_events::link.eq(linked.as_ref().map(|linked| &linked.link)),
        ))
        .execute(db)?;
    linked.map_or(Ok(()), |linked| trail::end_with(db, &linked))
}

/// Appends the openings of payment instructions that are not in the trail yet: one for each person, instruction and day
/// (IST), whichever process has seen it. Each has a subject, the instruction's number.
pub fn append_opened(db: &mut Db, sealer: &Sealer, opened: &[NewEvent]) -> Result<(), StoreError> {
    trail::in_turn(db)?;
    for event in opened {
        let day = ist_date(event.at.and_utc());
        let told: i64 = audit_events::table
            .filter(audit_events::actor.eq(&event.actor))
            .filter(audit_events::at.ge(ist_midnight(day)))
            .filter(audit_events::at.lt(ist_midnight(day) + TimeDelta::days(1)))
            .filter(audit_events::action.eq(Action::PiOpened.as_str()))
            .filter(audit_events::subject.eq(&event.subject))
            .count()
            .get_result(db)?;
        if told == 0 {
            append(db, Some(sealer), event)?;
        }
    }
    Ok(())
}

/// What of the trail is looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kind {
    /// All of it.
    #[default]
    Everything,
    /// All but openings of payment instructions, which are many.
    Doings,
    /// Events of one word.
    One(Action),
}

/// Which events are looked at.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// What was done.
    pub kind: Kind,
    /// By whom: a name, or [`OPERATOR`] for all who ran commands.
    pub actor: Option<String>,
    /// At that instant or later (UTC).
    pub from: Option<NaiveDateTime>,
    /// Before that instant (UTC).
    pub until: Option<NaiveDateTime>,
}

/// What the names begin with of those who run commands on the machine.
pub const OPERATOR: &str = "operator";

/// Everything, newest first, at most `limit`, older than `before` if given.
pub fn newest(db: &mut Db, scope: &Scope, before: Option<i64>, limit: i64) -> Result<Vec<Event>, StoreError> {
    look(db, scope, &Wanted::default(), before, limit)
}

/// Events newest first, at most `limit`, older than `before` if given; of one tenant's people, or of all where the
/// scope is a whole state's.
pub fn look(
    db: &mut Db,
    scope: &Scope,
    wanted: &Wanted,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Event>, StoreError> {
    let mut query = audit_events::table
        .filter(audit_events::id.lt(before.unwrap_or(i64::MAX)))
        .select(Event::as_select())
        .into_boxed();
    if !scope.is_state() {
        query = query.filter(audit_events::tenant_id.eq(scope.tenant().to_owned()));
    }
    query = match wanted.kind {
        Kind::Everything => query,
        Kind::Doings => query.filter(audit_events::action.ne(Action::PiOpened.as_str())),
        Kind::One(action) => query.filter(audit_events::action.eq(action.as_str())),
    };
    query = match wanted.actor.as_deref() {
        None => query,
        Some(OPERATOR) => query.filter(audit_events::actor.like(format!("{OPERATOR}%"))),
        Some(name) => query.filter(audit_events::actor.eq(name.to_owned())),
    };
    if let Some(from) = wanted.from {
        query = query.filter(audit_events::at.ge(from));
    }
    if let Some(until) = wanted.until {
        query = query.filter(audit_events::at.lt(until));
    }
    Ok(query.order(audit_events::id.desc()).limit(limit).load(db)?)
}
