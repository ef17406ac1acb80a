//! `POST /account/sessions`: ends one of one's own sessions, or all others; and their rows on `/account`.

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};

use super::Done;
use crate::language::Phrase;
use crate::store::audit::{self, Action};
use crate::store::sessions::{self, Session};
use crate::web::error::WebError;
use crate::web::form::PostedForm;
use crate::web::place::{PLACE, Place};
use crate::web::respond::{see_other, signed_out};
use crate::web::session::FORM_TOKEN;
use crate::web::site::Site;
use crate::web::viewer::Viewer;
use crate::web::{display, session, told_once};

/// A session as its owner sees it.
pub(super) struct SessionRow {
    session: Session,
    pub(super) place: Place,
    pub(super) is_this_one: bool,
}

impl SessionRow {
    /// Those that have not ended, the one that looks first.
    pub(super) fn all(site: &Site, viewer: &Viewer, stored: Vec<Session>) -> Vec<Self> {
        let (now, rules) = (site.app.clock.now().naive_utc(), &site.sessions);
        let lives =
            |one: &Session| now < one.last_seen_at + rules.idle && now < one.created_at + rules.longest;
        let mut rows: Vec<Self> = stored
            .into_iter()
            .filter(lives)
            .filter_map(|session| {
                let is_this_one = is_of(&session, viewer);
                // Of one that has shown no page before this one, nothing is stored yet.
                let own = is_this_one.then(|| viewer.place.clone());
                Some(Self { place: own.or_else(|| place_of(&session))?, is_this_one, session })
            })
            .collect();
        rows.sort_by_key(|row| !row.is_this_one);
        rows
    }

    pub(super) fn words(&self) -> Phrase {
        self.place.words()
    }

    pub(super) fn since(&self) -> String {
        display::minute(self.session.created_at)
    }

    pub(super) fn seen(&self) -> String {
        display::minute(self.session.last_seen_at)
    }
}

/// Where a stored session is used; a session that has shown no page yet is used nowhere.
fn place_of(session: &Session) -> Option<Place> {
    serde_json::from_str(state_of(session).get(PLACE)?).ok()
}

fn state_of(session: &Session) -> HashMap<String, String> {
    serde_json::from_str(&session.state).unwrap_or_default()
}

/// Whether it is the session that looks: no two have the same token of their forms.
fn is_of(session: &Session, viewer: &Viewer) -> bool {
    state_of(session).get(FORM_TOKEN).and_then(|json| serde_json::from_str::<String>(json).ok()).as_deref()
        == Some(viewer.form_token.as_str())
}

/// Ends the session that asks for it, and leads to the sign-in.
pub(in crate::web::pages) async fn end_own(
    site: &Site,
    viewer: &Viewer,
    request: &HttpRequest,
) -> Result<HttpResponse, WebError> {
    let own = session::of(request);
    let id = session::employee(&own)?.ok_or(WebError::NotFound)?;
    let (whose, sealer) = (viewer.clone(), Arc::clone(&site.app.sealer));
    let event = site.event(viewer, request, Action::SignOut, None);
    let ended = site.app.store.write(move |db| {
        for one in sessions::of_employee(db, id)?.iter().filter(|one| is_of(one, &whose)) {
            sessions::delete(db, &one.key_hash)?;
        }
        audit::append(db, Some(&sealer), &event)
    });
    ended.await?;
    own.purge();
    Ok(signed_out())
}

/// POST: `session` names one, or `others` says all but this one.
pub async fn end(
    site: web::Data<Site>,
    form: PostedForm,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let own = session::of(&request);
    let id = session::employee(&own)?.ok_or(WebError::NotFound)?;
    let (wanted, viewer) = (form.fields.get("session").to_owned(), form.viewer.clone());
    let others = !form.fields.get("others").is_empty();
    if !others && wanted == viewer.place.id {
        return end_own(&site, &viewer, &request).await;
    }
    let (sealer, subject) = (Arc::clone(&site.app.sealer), form.viewer.name.clone());
    let event = site.event(&form.viewer, &request, Action::SessionEnded, Some(subject));
    let ended = site.app.store.write(move |db| {
        let mut ended = 0;
        for one in sessions::of_employee(db, id)?.iter().filter(|one| !is_of(one, &viewer)) {
            if others || place_of(one).is_some_and(|place| place.id == wanted) {
                sessions::delete(db, &one.key_hash)?;
                ended += 1;
            }
        }
        if ended > 0 {
            audit::append(db, Some(&sealer), &event)?;
        }
        Ok::<_, crate::store::StoreError>(ended)
    });
    // One that is not there any more has ended.
    ended.await?;
    let mut back = see_other("/account");
    told_once::send(&site, &mut back, &if others { Done::OthersEnded } else { Done::SessionEnded })?;
    Ok(back)
}
