//! The second factor where it is asked for: at the sign-in, before it is changed, and again before what is worth more
//! is opened.

use std::sync::Arc;

use actix_session::Session;
use actix_web::HttpRequest;
use chrono::{DateTime, TimeDelta, Utc};

use super::error::WebError;
use super::site::Site;
use super::viewer::Viewer;
use super::{client, session};
use crate::access::second_factor::Given;
use crate::language::{Phrase, phrase};
use crate::sealing::Sealer;
use crate::store::attempts::{self, Attempt};
use crate::store::audit::{self, Action, NewEvent};
use crate::store::employees::{self, Employee};
use crate::store::{Db, StoreError, second_factors};

/// Where in a session's state it stands when the second factor was given there last.
const GIVEN: &str = "second_factor_given";
/// For how long that is enough.
const ENOUGH_FOR: TimeDelta = TimeDelta::minutes(10);

/// What is said of a wrong one.
pub const WRONG: Phrase = phrase(
    "The code is not right, or was used already. Wait until the app shows the next one, and check that the time of your \
     phone is right.",
);
/// What is said where there were too many wrong ones.
pub const TOO_MANY: Phrase = phrase("There were too many wrong codes. Wait 15 minutes, then try again.");

/// What came of it.
pub enum Answer<T> {
    /// It is right, and is used up: what followed in the same transaction.
    Right(T),
    /// It is wrong, or was used before.
    Wrong,
    /// There were too many wrong ones before: it was not looked at.
    TooMany,
    /// They have no second factor, or have been shut out.
    NoFactor,
}

/// Looks at what somebody gave as their second factor, and does what follows from a right one; no two of them are
/// looked at at once. A wrong one counts, like a failed sign-in.
pub async fn given<T: Send + 'static>(
    site: &Site,
    request: &HttpRequest,
    name: &str,
    typed: &str,
    then: impl FnOnce(&mut Db, &Sealer, &Employee) -> Result<T, StoreError> + Send + 'static,
) -> Result<Answer<T>, WebError> {
    let (name, given) = (name.to_owned(), Given::read(typed));
    let (address, at) = (site.address_of(request), site.app.clock.now().naive_utc());
    let attempt = Attempt {
        name_hash: site.app.sealer.hash(&format!("second-factor:{name}")),
        network: client::network(&address),
        browser: None,
        at,
    };
    let sealer = Arc::clone(&site.app.sealer);
    let answer = site.app.store.write(move |db| {
        let found = employees::locked(db, &name)?.filter(|one| !one.is_disabled);
        let Some(employee) = found.filter(|one| one.second_factor_at.is_some()) else {
            return Ok(Answer::NoFactor);
        };
        let refused = |action| NewEvent {
            at,
            actor: employee.name.clone(),
            tenant: Some(employee.tenant_id.clone()),
            address: Some(address.clone()),
            action,
            subject: None,
        };
        if !attempt.admits_code(db)? {
            attempts::tell_failure(db, &sealer, &refused(Action::SignInThrottled), &attempt.network)?;
            return Ok(Answer::TooMany);
        }
        if second_factors::accept(db, &sealer, &employee, &given, at)? {
            return Ok(Answer::Right(then(db, &sealer, &employee)?));
        }
        attempt.note(db)?;
        employees::note_attempt(db, employee.id, false, at)?;
        attempts::tell_failure(db, &sealer, &refused(Action::SecondFactorRefused), &attempt.network)?;
        Ok::<_, StoreError>(Answer::Wrong)
    });
    Ok(answer.await?)
}

/// It was given in this session.
pub fn note(session: &Session, now: DateTime<Utc>) -> Result<(), WebError> {
    session::keep(session, GIVEN, now)
}

/// Whether it was given in this session not long ago.
fn was_given_lately(session: &Session, now: DateTime<Utc>) -> Result<bool, WebError> {
    let last = session::kept::<DateTime<Utc>>(session, GIVEN)?;
    Ok(last.is_some_and(|last| last <= now && now < last + ENOUGH_FOR))
}

/// Whether somebody may go on to what is asked for twice.
pub enum Asked {
    /// They may.
    Enough,
    /// They have to give their second factor first.
    Wanted,
    /// What they gave is wrong.
    Wrong,
    /// There were too many wrong ones.
    TooMany,
}

/// Asks who has a second factor for it again, unless they gave it in this session within the last ten minutes;
/// `typed` is what the form brought of it, or nothing.
pub async fn asked_again(
    site: &Site,
    viewer: &Viewer,
    request: &HttpRequest,
    typed: &str,
) -> Result<Asked, WebError> {
    let (session, now) = (session::of(request), site.app.clock.now());
    if !viewer.has_second_factor || was_given_lately(&session, now)? {
        return Ok(Asked::Enough);
    }
    if typed.trim().is_empty() {
        return Ok(Asked::Wanted);
    }
    let event = site.event(viewer, request, Action::SecondFactorGiven, None);
    let answer = given(site, request, &viewer.name, typed, move |db, sealer, _| {
        audit::append(db, Some(sealer), &event)
    });
    Ok(match answer.await? {
        Answer::Right(()) => {
            note(&session, now)?;
            Asked::Enough
        }
        Answer::Wrong => Asked::Wrong,
        Answer::TooMany => Asked::TooMany,
        // It was taken away while the form was on its way, and their sessions have ended.
        Answer::NoFactor => Asked::Wanted,
    })
}
