//! The way back from a payment instruction to the list as it was: its tab, filters, order and page.
//!
//! The browser keeps what the list was last asked for, in a cookie of its own that only the addresses of
//! payment instructions get to see, and that counts in this session alone: what one person searched for is
//! not shown to the next. It is read as the list's address is, and an address is made of what that understood:
//! so it leads nowhere but to the list.

use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::web::Query;
use aws_lc_rs::digest;

use super::request::{ListQuery, ListRequest};
use crate::sealing::hex;
use crate::web::path;
use crate::web::viewer::Viewer;

const COOKIE: &str = "list";
/// Longer ones are not kept.
const LONGEST: usize = 1500;
/// What separates the session's mark from what was asked for; neither holds it.
const MARK_ENDS: char = '.';

/// The cookie that keeps what is asked for, unless the browser has it already.
pub(super) fn kept(
    request: &HttpRequest,
    viewer: &Viewer,
    asked: &ListRequest,
    secure: bool,
) -> Option<Cookie<'static>> {
    let value = format!("{}{MARK_ENDS}{}", mark(viewer), asked.here().replace('%', "~"));
    let has_it = request.cookie(COOKIE).is_some_and(|cookie| cookie.value() == value);
    (!has_it && value.len() <= LONGEST).then(|| {
        Cookie::build(COOKIE, value)
            .path("/payment-instructions")
            .http_only(true)
            .secure(secure)
            .same_site(SameSite::Lax)
            .finish()
    })
}

/// The list as this viewer saw it last, where the instruction of that number stood in it.
pub(in crate::web::pages) fn to_list(request: &HttpRequest, viewer: &Viewer, number: &str) -> String {
    let cookie = request.cookie(COOKIE);
    let kept = cookie.as_ref().and_then(|cookie| cookie.value().split_once(MARK_ENDS));
    let query = kept.filter(|(of, _)| *of == mark(viewer)).map(|(_, query)| query.replace('~', "%"));
    let asked = Query::<ListQuery>::from_query(&query.unwrap_or_default()).ok();
    let list = asked.map(|asked| asked.into_inner().read()).unwrap_or_default();
    format!("{}#{}", list.link(), path::encoded(number))
}

/// What tells this session from others, and opens nothing.
fn mark(viewer: &Viewer) -> String {
    hex(&digest::digest(&digest::SHA256, viewer.form_token.as_bytes()).as_ref()[..8])
}
