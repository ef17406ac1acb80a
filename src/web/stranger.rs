//! The token of forms before the sign-in, for which nothing is kept here: the same random number stands in the
//! form and in a sealed cookie (a double submit). Another site can read neither, nor make a cookie of its own.

use actix_web::{HttpRequest, HttpResponse};
use aws_lc_rs::constant_time::verify_slices_are_equal;

use super::error::WebError;
use super::sealed_cookie::SealedCookie;
use super::site::Site;
use crate::sealing::random_hex;

const TOKEN: SealedCookie =
    SealedCookie { plain: "mukta-ftps-form", bound: "__Host-mukta-ftps-form", life: None };

/// The token of a browser's forms.
pub struct FormToken {
    /// What the form carries.
    pub token: String,
    is_new: bool,
}

fn brought(site: &Site, request: &HttpRequest) -> Option<String> {
    TOKEN.brought(&site.sessions, site.app.clock.now(), request)
}

impl FormToken {
    /// The one that the browser has, so that a second page does not spoil the first; else a new one.
    pub fn of(site: &Site, request: &HttpRequest) -> Result<Self, WebError> {
        if let Some(token) = brought(site, request) {
            return Ok(Self { token, is_new: false });
        }
        let token = random_hex(32).map_err(|fault| WebError::Session(fault.to_string()))?;
        Ok(Self { token, is_new: true })
    }

    /// Sends its cookie along with the page of the form, where the browser does not have it.
    pub fn go_with(&self, site: &Site, answer: &mut HttpResponse) -> Result<(), WebError> {
        if !self.is_new {
            return Ok(());
        }
        TOKEN.send(&site.sessions, site.app.clock.now(), answer, &self.token)
    }
}

/// Whether a form carries the token of the browser's cookie; compared in constant time.
pub fn token_fits(site: &Site, request: &HttpRequest, given: &str) -> bool {
    brought(site, request)
        .is_some_and(|token| verify_slices_are_equal(token.as_bytes(), given.as_bytes()).is_ok())
}

/// Somebody has signed in: the next stranger gets a token of their own.
pub fn forget(site: &Site, answer: &mut HttpResponse) -> Result<(), WebError> {
    TOKEN.forget(&site.sessions, answer)
}
