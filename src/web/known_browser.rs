//! The mark of a browser in which somebody has signed in before: while strangers guess at their name, they still
//! get in there, with a count of failures of its own (CONTRACT.md).

use actix_web::{HttpRequest, HttpResponse};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::error::WebError;
use super::sealed_cookie::SealedCookie;
use super::site::Site;
use crate::sealing::random_hex;

const KNOWN: SealedCookie = SealedCookie {
    plain: "mukta-ftps-known",
    bound: "__Host-mukta-ftps-known",
    life: Some(TimeDelta::days(365)),
};

/// Names that one browser is known by; the one that signed in longest ago gives way.
const NAMES: usize = 5;

/// What the cookie holds.
#[derive(Debug, Serialize, Deserialize)]
struct Known {
    /// A random number, by which the browser's failures are counted.
    browser: String,
    /// Keyed hashes of the names, the newest first.
    names: Vec<String>,
}

fn hash(site: &Site, name: &str) -> String {
    site.app.sealer.hash(&format!("known:{name}"))
}

fn brought(site: &Site, request: &HttpRequest) -> Option<Known> {
    KNOWN.brought(&site.sessions, site.app.clock.now(), request)
}

/// The number of a browser in which that name has signed in before.
pub fn number(site: &Site, request: &HttpRequest, name: &str) -> Option<String> {
    let wanted = hash(site, name);
    brought(site, request).filter(|known| known.names.contains(&wanted)).map(|known| known.browser)
}

/// Marks the browser in which that name has just signed in.
pub fn mark(
    site: &Site,
    request: &HttpRequest,
    answer: &mut HttpResponse,
    name: &str,
) -> Result<(), WebError> {
    let newest = hash(site, name);
    let known = match brought(site, request) {
        Some(Known { browser, mut names }) => {
            names.retain(|name| *name != newest);
            names.insert(0, newest);
            names.truncate(NAMES);
            Known { browser, names }
        }
        None => {
            let browser = random_hex(16).map_err(|fault| WebError::Session(fault.to_string()))?;
            Known { browser, names: vec![newest] }
        }
    };
    KNOWN.send(&site.sessions, site.app.clock.now(), answer, &known)
}
