//! `POST /payment-instructions/{PI number}/notes`: a note on the time line.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse};

use super::Notice;
use crate::access::Right;
use crate::domain::text::{self, without_long_numbers};
use crate::store::audit::{self, Action};
use crate::store::{instructions, notes};
use crate::web::error::WebError;
use crate::web::form::PostedForm;
use crate::web::path::{self, Sub};
use crate::web::respond::see_other;
use crate::web::site::Site;

/// The longest note, in characters.
pub(super) const LONGEST: usize = 500;

/// A run of at least so many digits in a note may be an account or mobile number.
const TELLING_DIGITS: usize = 9;

/// Writes the note down, and leads back to the page.
pub(super) async fn write(
    site: &Site,
    form: &PostedForm,
    number: String,
    request: &HttpRequest,
) -> Result<HttpResponse, WebError> {
    let (viewer, scope, asked) = (&form.viewer, form.viewer.scope(), number.clone());
    let found = site.app.store.read(move |db| instructions::find(db, &scope, &asked)).await?;
    let Some(instruction) = found else { return Err(site.unseen(vec![number]).await) };
    viewer.must(Right::Note)?;
    let page = path::link(&instruction.number, Sub::View);
    let text = text::note(form.fields.get("text"));
    let fault = match text.chars().count() {
        0 => Some(Notice::NoteMissing),
        1..=LONGEST => None,
        _ => Some(Notice::NoteTooLong),
    };
    if let Some(fault) = fault {
        return Ok(see_other(&format!("{page}?notice={}#note-fault", fault.word())));
    }
    let event = site.event(viewer, request, Action::Note, Some(instruction.number));
    let (text, sealer) = (without_long_numbers(&text, TELLING_DIGITS), Arc::clone(&site.app.sealer));
    let written = site.app.store.write(move |db| {
        notes::add(db, instruction.id, &event.actor, &text, event.at)?;
        audit::append(db, Some(&sealer), &event)
    });
    written.await?;
    Ok(see_other(&format!("{page}#timeline")))
}
