//! The language of a page: the person's, else the browser's; and the switch in the header.

use actix_web::cookie::{Cookie, SameSite, time};
use actix_web::http::header::{AcceptLanguage, Header, LOCATION, REFERER};
use actix_web::{HttpRequest, HttpResponse, web};

use super::error::WebError;
use super::form::Fields;
use super::path::local_path;
use super::viewer::signed_in;
use super::{Site, session, site_of};
use crate::language::Language;
use crate::store::employees;

/// Keeps a browser's choice for whoever has made none of their own, and for the sign-in page. It is
/// nobody's secret: the language is read from it and nothing else.
const fn cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-mukta-ftps-language" } else { "mukta-ftps-language" }
}

/// What this browser's reader most likely reads: what was chosen in it last, else the first that it
/// prefers of ours.
pub fn of_browser(request: &HttpRequest) -> Language {
    let secure = site_of(request).is_ok_and(|site| site.sessions.secure);
    let chosen = request.cookie(cookie_name(secure)).and_then(|cookie| cookie.value().parse().ok());
    chosen.or_else(|| preferred(request)).unwrap_or_default()
}

fn preferred(request: &HttpRequest) -> Option<Language> {
    let ranked = AcceptLanguage::parse(request).ok()?.ranked();
    ranked.into_iter().find_map(|wanted| wanted.item()?.primary_language().parse().ok())
}

/// `POST /language`: the switch. Kept with the person, and in the browser.
pub async fn choose(
    site: web::Data<Site>,
    request: HttpRequest,
    fields: Result<Fields, WebError>,
) -> Result<HttpResponse, WebError> {
    let fields = match (signed_in(&request).await, fields) {
        (Ok(_), fields) => fields?,
        (Err(ended @ WebError::SignInFirst { had_session: true, .. }), Err(WebError::ForeignForm)) => {
            return Err(ended);
        }
        (Err(WebError::SignInFirst { .. }), fields) => fields?,
        (Err(fault), _) => return Err(fault),
    };
    let language: Language = fields.get("language").parse().map_err(|_| WebError::unreadable_address())?;
    if let Some(id) = session::employee(&session::of(&request))? {
        site.app.store.write(move |db| employees::set_language(db, id, language)).await?;
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

/// The page that the switch was on: its address, if it can be asked for again.
fn back(request: &HttpRequest) -> String {
    let referer = request.headers().get(REFERER).and_then(|referer| referer.to_str().ok());
    let page = referer.and_then(|referer| referer.parse::<reqwest::Url>().ok());
    let address = page.map(|page| match page.query() {
        Some(query) => format!("{}?{query}", page.path()),
        None => page.path().to_owned(),
    });
    match address.as_deref() {
        Some(sign_in) if sign_in == "/sign-in" || sign_in.starts_with("/sign-in?") => sign_in.to_owned(),
        // What answers a form cannot be asked for.
        Some("/messages/resend") => "/messages".to_owned(),
        Some("/language") => local_path(None),
        address => local_path(address.map(|address| address.strip_suffix("/refresh").unwrap_or(address))),
    }
}
