//! One attempt to sign in.

use std::sync::Arc;

use actix_web::HttpRequest;
use chrono::TimeDelta;

use crate::access::guessing::Verdict;
use crate::access::{employee_name, password};
use crate::store::StoreError;
use crate::store::attempts::{self, Attempt as Counted};
use crate::store::audit::{self, Action, NewEvent};
use crate::store::dormancy;
use crate::store::employees::{self, Employee};
use crate::web::error::WebError;
use crate::web::password_queue::Waiter;
use crate::web::site::Site;
use crate::web::{client, known_browser};

/// What came of an attempt.
pub(super) enum Outcome {
    /// Name and password are right.
    SignedIn(Employee),
    /// So they are, and the code of the second factor is awaited: until then the attempt counts as this failure.
    CodeWanted(Employee, i64),
    /// They are not, or whoever it is has been shut out.
    Wrong,
    /// There were too many failures: how long to wait.
    Refused(TimeDelta),
    /// Too many wait to have a password looked at.
    NoRoom,
}

/// One attempt to sign in.
pub(super) struct Attempt<'a> {
    site: &'a Site,
    /// The name; empty if it could be nobody's.
    name: String,
    address: String,
    counted: Counted,
}

impl<'a> Attempt<'a> {
    pub(super) fn of(site: &'a Site, request: &HttpRequest, typed: &str) -> Self {
        let name = employee_name(typed).ok();
        let address = site.address_of(request);
        // What is counted is a keyed hash, since what was typed may be a password.
        let name_hash = site.app.sealer.hash(&format!("sign-in:{}", name.as_deref().unwrap_or(typed)));
        let counted = Counted {
            name_hash,
            network: client::network(&address),
            browser: name.as_ref().and_then(|name| known_browser::number(site, request, name)),
            at: site.app.clock.now().naive_utc(),
        };
        Self { site, name: name.unwrap_or_default(), address, counted }
    }

    fn waiter(&self) -> Waiter {
        match &self.counted.browser {
            Some(browser) => Waiter::Browser(browser.clone()),
            None => Waiter::Address(self.counted.network.clone()),
        }
    }

    /// Looks at the password, unless too many wait for that or have failed before.
    pub(super) async fn make(self, typed: String) -> Result<Outcome, WebError> {
        let Some(place) = self.site.password_queue.enter(self.waiter()) else {
            return Ok(Outcome::NoRoom);
        };
        let (found, failure) = match self.admitted().await? {
            (Verdict::Wait(wait), ..) => return Ok(Outcome::Refused(wait)),
            (Verdict::Look, found, failure) => (found, failure),
        };
        let found = self.unless_dormant(found).await?;
        let hash = found.as_ref().map(|employee| employee.password_hash.clone());
        let slot = Arc::clone(&self.site.password_slots).acquire_owned().await;
        drop(place);
        let is_right = tokio::task::spawn_blocking(move || {
            let is_right = password::verify(&typed, hash.as_deref());
            drop(slot);
            is_right
        })
        .await?;
        let is_right = match is_right {
            Ok(is_right) => is_right,
            Err(fault) => {
                // Nobody has failed.
                if let Some(failure) = failure {
                    self.site.app.store.write(move |db| attempts::take_back(db, failure)).await?;
                }
                return Err(fault.into());
            }
        };
        let right = found.clone().filter(|employee| is_right && !employee.is_disabled);
        if let (Some(employee), Some(failure)) = (&right, failure)
            && employee.second_factor_at.is_some()
        {
            return Ok(Outcome::CodeWanted(employee.clone(), failure));
        }
        self.told(found.as_ref(), failure.filter(|_| right.is_some())).await?;
        Ok(right.map_or(Outcome::Wrong, Outcome::SignedIn))
    }

    /// Counts the attempt as a failure before the password is looked at, so that many at once cannot slip
    /// through. Who is meant, if that is anybody's name, and the failure's row.
    async fn admitted(&self) -> Result<(Verdict, Option<Employee>, Option<i64>), WebError> {
        let (name, counted) = (self.name.clone(), self.counted.clone());
        let (refused, sealer) =
            (self.event(Action::SignInThrottled, None), Arc::clone(&self.site.app.sealer));
        let admitted = self.site.app.store.write(move |db| {
            let found = employees::by_name(db, &name)?;
            let (verdict, failure) = counted.admit(db)?;
            if verdict != Verdict::Look {
                let refused = named(refused, found.as_ref());
                attempts::tell_failure(db, &sealer, &refused, &counted.network)?;
            }
            Ok((verdict, found, failure))
        });
        Ok(admitted.await?)
    }

    /// Disables the account that is meant, if nobody has used it for too long.
    async fn unless_dormant(&self, found: Option<Employee>) -> Result<Option<Employee>, WebError> {
        let (Some(after), Some(employee)) = (self.site.sessions.dormant_after, &found) else {
            return Ok(found);
        };
        if !dormancy::is_due(employee, after, self.counted.at) {
            return Ok(found);
        }
        let (name, at, sealer) = (employee.name.clone(), self.counted.at, Arc::clone(&self.site.app.sealer));
        let judged = self.site.app.store.write(move |db| {
            let looked = dormancy::disable(db, &sealer, Some(&name), after, at)?;
            Ok::<_, StoreError>((looked, employees::by_name(db, &name)?))
        });
        let (looked, now) = judged.await?;
        if !looked.disabled.is_empty() {
            looked.log(after);
        }
        Ok(now)
    }

    /// Tells the audit trail what came of it; a failure that was counted in advance is taken back.
    async fn told(&self, found: Option<&Employee>, taken_back: Option<i64>) -> Result<(), WebError> {
        let action = if taken_back.is_some() { Action::SignIn } else { Action::SignInFailed };
        let event = self.event(action, found);
        let (network, sealer) = (self.counted.network.clone(), Arc::clone(&self.site.app.sealer));
        let (whose, at) = (found.map(|employee| employee.id), self.counted.at);
        let written = self.site.app.store.write(move |db| {
            if let Some(id) = whose {
                employees::note_attempt(db, id, taken_back.is_some(), at)?;
            }
            match taken_back {
                Some(failure) => {
                    attempts::take_back(db, failure)?;
                    audit::append(db, Some(&sealer), &event)
                }
                None => attempts::tell_failure(db, &sealer, &event, &network),
            }
        });
        Ok(written.await?)
    }

    fn event(&self, action: Action, employee: Option<&Employee>) -> NewEvent {
        let event = NewEvent {
            at: self.counted.at,
            actor: "unknown name".to_owned(),
            tenant: None,
            address: Some(self.address.clone()),
            action,
            subject: None,
        };
        named(event, employee)
    }
}

/// Names only whom we know: anything else may be a password in the wrong field.
fn named(event: NewEvent, employee: Option<&Employee>) -> NewEvent {
    match employee {
        Some(employee) => {
            NewEvent { actor: employee.name.clone(), tenant: Some(employee.tenant_id.clone()), ..event }
        }
        None => event,
    }
}
