//! `POST /payment-instructions/{PI number}/notes`: a note on the time line.

use actix_web::{HttpRequest, HttpResponse};

use super::Notice;
use crate::access::Right;
use crate::domain::text::{self, without_long_numbers};
use crate::language::phrase;
use crate::store::audit::Action;
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
    let (viewer, scope) = (&form.viewer, form.viewer.scope());
    let found = site.app.store.read(move |db| instructions::find(db, &scope, &number)).await?;
    let instruction = found.ok_or(WebError::NotFound)?;
    if !viewer.may(Right::Note) {
        return Err(WebError::Forbidden(phrase(
            "Writing notes takes the role of accountant or administrator.",
        )));
    }
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
    site.note(viewer, request, Action::Note, Some(instruction.number.clone())).await?;
    let (text, person) = (without_long_numbers(&text, TELLING_DIGITS), viewer.name.clone());
    let now = site.app.clock.now().naive_utc();
    site.app.store.write(move |db| notes::add(db, instruction.id, &person, &text, now)).await?;
    Ok(see_other(&format!("{page}#timeline")))
}
