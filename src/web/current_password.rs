//! The password of who is signed in, asked for again before what is theirs is changed.

use std::sync::Arc;

use actix_web::HttpRequest;

use super::error::WebError;
use super::site::Site;
use super::viewer::Viewer;
use super::{client, known_browser};
use crate::access::password;
use crate::store::attempts::{self, Attempt};
use crate::store::audit::{self, Action};
use crate::store::employees::{self, Employee};
use crate::store::{Db, StoreError};

/// What came of it.
pub enum Current {
    /// It is theirs.
    Right(Proven),
    /// It is not; that counts like a failed sign-in.
    Wrong,
    /// There were too many failures before.
    TooMany,
}

/// Somebody whose password was right; until it is [used](Proven::employee) that counts as a failure.
pub struct Proven {
    looked_at: Employee,
    failure: i64,
}

impl Proven {
    /// The employee, whom nobody changes until the end of the transaction, and the failure taken back; nobody, if
    /// the password was changed since it was looked at.
    pub fn employee(&self, db: &mut Db) -> Result<Option<Employee>, StoreError> {
        let found = employees::locked(db, &self.looked_at.name)?
            .filter(|employee| employee.password_hash == self.looked_at.password_hash);
        if found.is_some() {
            attempts::take_back(db, self.failure)?;
        }
        Ok(found)
    }

    /// As they were when the password was looked at.
    pub const fn looked_at(&self) -> &Employee {
        &self.looked_at
    }

    /// The password was right, and something else was not: it does not count.
    pub async fn take_back(&self, site: &Site) -> Result<(), WebError> {
        let failure = self.failure;
        Ok(site.app.store.write(move |db| attempts::take_back(db, failure)).await?)
    }
}

/// A try to give it: it counts like one to sign in.
fn counted(site: &Site, viewer: &Viewer, request: &HttpRequest) -> Attempt {
    Attempt {
        name_hash: site.app.sealer.hash(&format!("sign-in:{}", viewer.name)),
        network: client::network(&site.address_of(request)),
        browser: known_browser::number(site, request, &viewer.name),
        at: site.app.clock.now().naive_utc(),
    }
}

/// Looks at it.
pub async fn given(
    site: &Site,
    viewer: &Viewer,
    request: &HttpRequest,
    id: i64,
    typed: String,
) -> Result<Current, WebError> {
    let counted = counted(site, viewer, request);
    let at = counted.at;
    let (refused, sealer) =
        (site.event(viewer, request, Action::SignInThrottled, None), Arc::clone(&site.app.sealer));
    let admitted = site.app.store.write(move |db| {
        let employee = employees::active(db, id)?;
        let admitted = counted.admit(db)?;
        if admitted.1.is_none() {
            attempts::tell_failure(db, &sealer, &refused, &counted.network)?;
        }
        Ok::<_, StoreError>((admitted, employee))
    });
    let ((_, failure), employee) = admitted.await?;
    let looked_at = employee.ok_or(WebError::NotFound)?;
    let Some(failure) = failure else { return Ok(Current::TooMany) };
    let stored = looked_at.password_hash.clone();
    let slot = Arc::clone(&site.password_slots).acquire_owned().await;
    let is_right = tokio::task::spawn_blocking(move || {
        let is_right = password::verify(&typed, Some(&stored));
        drop(slot);
        is_right
    });
    let is_right = match is_right.await? {
        Ok(is_right) => is_right,
        Err(fault) => {
            site.app.store.write(move |db| attempts::take_back(db, failure)).await?;
            return Err(fault.into());
        }
    };
    if is_right {
        return Ok(Current::Right(Proven { looked_at, failure }));
    }
    let event = site.event(viewer, request, Action::PasswordRefused, None);
    let sealer = Arc::clone(&site.app.sealer);
    let noted = site.app.store.write(move |db| {
        employees::note_attempt(db, id, false, at)?;
        audit::append(db, Some(&sealer), &event)
    });
    noted.await?;
    Ok(Current::Wrong)
}
