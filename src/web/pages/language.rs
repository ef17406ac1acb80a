//! `POST /language`: the switch in the header. Kept with the person, and in the browser.

use std::sync::Arc;

use actix_web::cookie::{Cookie, SameSite, time};
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::language::Language;
use crate::store::audit::{self, Action};
use crate::store::employees;
use crate::web::back::page_before;
use crate::web::error::WebError;
use crate::web::form::Fields;
use crate::web::language::cookie_name;
use crate::web::path::local_path;
use crate::web::session;
use crate::web::signed_in::signed_in;
use crate::web::site::Site;

/// The handler.
pub async fn choose(
    site: web::Data<Site>,
    request: HttpRequest,
    fields: Result<Fields, WebError>,
) -> Result<HttpResponse, WebError> {
    let (viewer, fields) = match (signed_in(&request).await, fields) {
        (Ok(viewer), fields) => (Some(viewer), fields?),
        (Err(ended @ WebError::SignInFirst { had_session: true, .. }), Err(WebError::ForeignForm)) => {
            return Err(ended);
        }
        (Err(WebError::SignInFirst { .. }), fields) => (None, fields?),
        (Err(fault), _) => return Err(fault),
    };
    let language: Language = fields.get("language").parse().map_err(|_| WebError::unreadable_address())?;
    if let (Some(viewer), Some(id)) = (viewer, session::employee(&session::of(&request))?) {
        let event = site.event(&viewer, &request, Action::LanguageChosen, Some(language.as_str().to_owned()));
        let sealer = Arc::clone(&site.app.sealer);
        let chosen = site.app.store.write(move |db| {
            employees::set_language(db, id, language)?;
            audit::append(db, Some(&sealer), &event)
        });
        chosen.await?;
    }
    let cookie = Cookie::build(cookie_name(site.sessions.secure), language.as_str())
        .path("/")
        .max_age(time::Duration::days(365))
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(site.sessions.secure)
        .finish();
    Ok(HttpResponse::SeeOther().insert_header((LOCATION, back(&request))).cookie(cookie).finish())
}

/// The page that the switch was on.
fn back(request: &HttpRequest) -> String {
    match page_before(request) {
        Some(sign_in) if sign_in == "/sign-in" || sign_in.starts_with("/sign-in?") => sign_in,
        page => local_path(page.as_deref()),
    }
}
