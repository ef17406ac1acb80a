//! What is wrong with a form, on its way to the page that says so: a sealed cookie of one minute, which is
//! gone once it has been shown. A form is so answered by `303`, and *Back* never sends it again.

use actix_web::{HttpRequest, HttpResponse};
use chrono::TimeDelta;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::WebError;
use super::sealed_cookie::SealedCookie;
use super::site::Site;

const TOLD: SealedCookie = SealedCookie {
    plain: "mukta-ftps-told",
    bound: "__Host-mukta-ftps-told",
    // How long it is worth telling.
    life: Some(TimeDelta::minutes(1)),
};

/// Sends it along with an answer.
pub fn send(site: &Site, answer: &mut HttpResponse, told: &impl Serialize) -> Result<(), WebError> {
    TOLD.send(&site.sessions, site.app.clock.now(), answer, told)
}

/// What this browser brings, if we sent it within the last minute.
pub fn brought<T: DeserializeOwned>(site: &Site, request: &HttpRequest) -> Option<T> {
    TOLD.brought(&site.sessions, site.app.clock.now(), request)
}

/// It has been shown.
pub fn forget(site: &Site, answer: &mut HttpResponse) -> Result<(), WebError> {
    TOLD.forget(&site.sessions, answer)
}
