//! What is wrong with a form, on its way to the page that says so: a sealed cookie of one minute, which is
//! gone once it has been shown. A form is so answered by `303`, and *Back* never sends it again.

use actix_web::cookie::{Cookie, CookieJar, SameSite, time};
use actix_web::{HttpRequest, HttpResponse};
use chrono::TimeDelta;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::WebError;
use super::site::Site;

/// How long it is worth telling.
const LIFE: TimeDelta = TimeDelta::minutes(1);

const fn name(secure: bool) -> &'static str {
    if secure { "__Host-mukta-ftps-told" } else { "mukta-ftps-told" }
}

fn cookie(site: &Site, value: String) -> Cookie<'static> {
    Cookie::build(name(site.sessions.secure), value)
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(site.sessions.secure)
        .max_age(time::Duration::seconds(LIFE.num_seconds()))
        .finish()
}

fn failed(fault: impl std::fmt::Display) -> WebError {
    WebError::Session(fault.to_string())
}

/// Sends it along with an answer.
pub fn send(site: &Site, answer: &mut HttpResponse, told: &impl Serialize) -> Result<(), WebError> {
    let until = (site.app.clock.now() + LIFE).timestamp();
    let value = serde_json::to_string(&(until, told)).map_err(failed)?;
    let mut jar = CookieJar::new();
    jar.private_mut(&site.sessions.cookie_key).add(cookie(site, value));
    jar.delta().try_for_each(|cookie| answer.add_cookie(cookie)).map_err(failed)
}

/// What this browser brings, if we sent it within the last minute.
pub fn brought<T: DeserializeOwned>(site: &Site, request: &HttpRequest) -> Option<T> {
    let mut jar = CookieJar::new();
    jar.add_original(request.cookie(name(site.sessions.secure))?);
    let told = jar.private(&site.sessions.cookie_key).get(name(site.sessions.secure))?;
    let (until, told): (i64, T) = serde_json::from_str(told.value()).ok()?;
    let left = until - site.app.clock.now().timestamp();
    (0..=LIFE.num_seconds()).contains(&left).then_some(told)
}

/// It has been shown.
pub fn forget(site: &Site, answer: &mut HttpResponse) -> Result<(), WebError> {
    let mut gone = cookie(site, String::new());
    gone.make_removal();
    answer.add_cookie(&gone).map_err(failed)
}
