//! The language of a browser: what was chosen in it, else what it prefers.

use actix_web::HttpRequest;
use actix_web::http::header::{AcceptLanguage, Header};

use super::site::site_of;
use crate::language::Language;

/// Keeps a browser's choice for whoever has made none of their own, and for the sign-in page. It is
/// nobody's secret: the language is read from it and nothing else.
pub const fn cookie_name(secure: bool) -> &'static str {
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
