//! Attempts to sign in: the failures that count against the next one, and what the audit trail is told of them.

use chrono::NaiveDateTime;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::audit::{self, Action, NewEvent};
use super::schema::{sign_in_failures as failures, sign_in_tallies as tallies};
use super::{Db, StoreError};
use crate::access::guessing::{CODES, Failures, Verdict, WINDOW, is_told_at};
use crate::sealing::Sealer;

/// Tallies closed at most with one attempt.
const CLOSED_AT_ONCE: i64 = 50;

/// One attempt, as it is counted.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// A keyed hash of the name: what was typed may be a password.
    pub name_hash: String,
    /// The address; of IPv6, its /64.
    pub network: String,
    /// The browser's number, if the name has signed in there before.
    pub browser: Option<String>,
    /// When.
    pub at: NaiveDateTime,
}

/// Attempts are judged one after the other, so that many at once are not all the tenth.
fn in_turn(db: &mut Db) -> Result<(), StoreError> {
    if let Db::Postgres(db) = db {
        db.batch_execute("SELECT pg_advisory_xact_lock(5121967)")?;
    }
    Ok(())
}

impl Attempt {
    /// Judges the attempt. If its password is to be looked at, it counts as a failure from now on, until it is
    /// [taken back](take_back): the failure's row.
    pub fn admit(&self, db: &mut Db) -> Result<(Verdict, Option<i64>), StoreError> {
        in_turn(db)?;
        let verdict = self.failures(db)?.judge(self.at);
        let row = if verdict == Verdict::Look { Some(self.note(db)?) } else { None };
        Ok((verdict, row))
    }

    /// Whether a code is looked at: each is counted by its name alone, wherever it comes from. Until the transaction
    /// ends, no other attempt is judged.
    pub fn admits_code(&self, db: &mut Db) -> Result<bool, StoreError> {
        in_turn(db)?;
        let wrong: i64 = failures::table
            .filter(failures::name_hash.eq(&self.name_hash))
            .filter(failures::failed_at.gt(self.at - WINDOW))
            .count()
            .get_result(db)?;
        Ok(wrong < CODES)
    }

    fn failures(&self, db: &mut Db) -> Result<Failures, StoreError> {
        let since = self.at - WINDOW;
        let of_name = failures::table
            .filter(failures::name_hash.eq(&self.name_hash))
            .filter(failures::failed_at.gt(since));
        if let Some(browser) = &self.browser {
            let own = of_name.filter(failures::browser.eq(browser)).count().get_result(db)?;
            return Ok(Failures::OfBrowser(own));
        }
        let of_strangers = of_name.filter(failures::browser.is_null());
        let of_address =
            failures::table.filter(failures::address.eq(&self.network)).filter(failures::failed_at.gt(since));
        Ok(Failures::OfStranger {
            of_name_here: of_strangers.filter(failures::address.eq(&self.network)).count().get_result(db)?,
            of_name: of_strangers.count().get_result(db)?,
            last_of_name: of_strangers.select(diesel::dsl::max(failures::failed_at)).get_result(db)?,
            of_address: of_address.count().get_result(db)?,
        })
    }

    /// Counts a failure, and forgets those that count no more.
    pub fn note(&self, db: &mut Db) -> Result<i64, StoreError> {
        diesel::delete(failures::table.filter(failures::failed_at.le(self.at - WINDOW))).execute(db)?;
        Ok(diesel::insert_into(failures::table)
            .values((
                failures::name_hash.eq(&self.name_hash),
                failures::address.eq(&self.network),
                failures::browser.eq(&self.browser),
                failures::failed_at.eq(self.at),
            ))
            .returning(failures::id)
            .get_result(db)?)
    }
}

/// The attempt succeeded, and does not count.
pub fn take_back(db: &mut Db, failure: i64) -> Result<(), StoreError> {
    diesel::delete(failures::table.find(failure)).execute(db)?;
    Ok(())
}

/// Failures that are alike.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = tallies)]
struct Tally {
    actor: String,
    address: String,
    action: Action,
    tenant_id: Option<String>,
    times: i64,
}

impl Tally {
    fn event(self, at: NaiveDateTime) -> NewEvent {
        NewEvent {
            at,
            subject: Some(format!("× {}", self.times)),
            actor: self.actor,
            tenant: self.tenant_id,
            address: Some(self.address),
            action: self.action,
        }
    }
}

/// Tells the audit trail of a failure. Of those of one name and network, within fifteen minutes, the first is an
/// event of its own, and the tenth, the hundredth, … and the number they came to: a stranger cannot fill the
/// trail, from which nothing is removed.
pub fn tell_failure(db: &mut Db, sealer: &Sealer, event: &NewEvent, network: &str) -> Result<(), StoreError> {
    in_turn(db)?;
    close_tallies(db, sealer, event.at)?;
    let alike = tallies::table.find((&event.actor, network, event.action.as_str()));
    let counted = diesel::update(alike).set(tallies::times.eq(tallies::times + 1)).execute(db)?;
    if counted > 0 {
        let tally: Tally = alike.select(Tally::as_select()).get_result(db)?;
        return if is_told_at(tally.times) {
            audit::append(db, Some(sealer), &tally.event(event.at))
        } else {
            Ok(())
        };
    }
    diesel::insert_into(tallies::table)
        .values((
            tallies::actor.eq(&event.actor),
            tallies::address.eq(network),
            tallies::action.eq(event.action.as_str()),
            tallies::tenant_id.eq(&event.tenant),
            tallies::began_at.eq(event.at),
            tallies::times.eq(1),
        ))
        .execute(db)?;
    audit::append(db, Some(sealer), event)
}

/// Forgets the failures that count no more, and tells what the tallies came to whose time is over; how many
/// failures.
pub fn forget(db: &mut Db, sealer: &Sealer, now: NaiveDateTime) -> Result<usize, StoreError> {
    in_turn(db)?;
    while close_tallies(db, sealer, now)? {}
    Ok(diesel::delete(failures::table.filter(failures::failed_at.le(now - WINDOW))).execute(db)?)
}

/// Tells what the tallies came to whose time is over, the oldest first; whether there may be more.
fn close_tallies(db: &mut Db, sealer: &Sealer, now: NaiveDateTime) -> Result<bool, StoreError> {
    let over: Vec<Tally> = tallies::table
        .filter(tallies::began_at.le(now - WINDOW))
        .order(tallies::began_at)
        .limit(CLOSED_AT_ONCE)
        .select(Tally::as_select())
        .load(db)?;
    let may_be_more = over.len() == CLOSED_AT_ONCE as usize;
    for tally in over {
        diesel::delete(tallies::table.find((&tally.actor, &tally.address, tally.action.as_str())))
            .execute(db)?;
        if !is_told_at(tally.times) {
            audit::append(db, Some(sealer), &tally.event(now))?;
        }
    }
    Ok(may_be_more)
}
