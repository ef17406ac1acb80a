//! Who has signed in: the [`Viewer`] of a request.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use super::arrival::Arrival;
use super::back::page_before;
use super::error::WebError;
use super::place::Place;
use super::site::{Site, site_of};
use super::undone::Undone;
use super::viewer::Viewer;
use super::{language, session};
use crate::access::Right;

impl FromRequest for Viewer {
    type Error = WebError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, WebError>>>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { admitted(&request).await })
    }
}

/// What a person may open who sees no payment instruction; any other address is refused to them.
const WITHOUT_PAYMENTS: &[&str] = &[
    "/",
    "/account",
    "/account/password",
    "/account/second-factor",
    "/account/sessions",
    "/audit",
    "/sync-runs",
    "/sync-runs/{id}",
    "/sign-out",
];

/// What a person may open whose password somebody else gave them.
const BEFORE_THE_CHANGE: &[&str] = &["/account/password", "/sign-out"];

/// What a person may open who must set up a second factor.
const BEFORE_THE_FACTOR: &[&str] = &["/account/second-factor", "/sign-out"];

/// The person of the request's session, if their role has to do with the page asked for.
pub async fn admitted(request: &HttpRequest) -> Result<Viewer, WebError> {
    let viewer = signed_in(request).await?;
    let page = request.match_pattern();
    let is_among = |pages: &[&str]| page.as_deref().is_some_and(|page| pages.contains(&page));
    if viewer.must_change_password && !is_among(BEFORE_THE_CHANGE) {
        return Err(WebError::PasswordFirst);
    }
    if !viewer.must_change_password && viewer.must_set_second_factor() && !is_among(BEFORE_THE_FACTOR) {
        return Err(WebError::SecondFactorFirst);
    }
    // What is no page of ours is nobody's secret.
    if page.is_some() && !is_among(WITHOUT_PAYMENTS) {
        viewer.must(Right::SeePayments)?;
    }
    Ok(viewer)
}

/// The person of the request's session; the employee was read anew with it, so that a change of role, and
/// being shut out, count at once.
pub async fn signed_in(request: &HttpRequest) -> Result<Viewer, WebError> {
    let known = request.extensions().get::<Viewer>().cloned();
    if let Some(viewer) = known {
        return Ok(viewer);
    }
    let site = site_of(request)?;
    let session = session::of(request);
    let Some(id) = session::employee(&session)? else { return Err(sign_in_first(request, site)) };
    let Some(employee) = session::employee_asking(id) else {
        session.purge();
        return Err(sign_in_first(request, site));
    };
    let (place, arrival) = (
        Place::of_session(site.address_of(request), request, &session)?,
        Arrival::of_session(&session, &employee)?,
    );
    let viewer = Viewer {
        has_second_factor: employee.second_factor_at.is_some(),
        owes_second_factor: site.sessions.second_factor.is_on(employee.role),
        name: employee.name,
        role: employee.role,
        tenant: employee.tenant_id,
        language: employee.language.unwrap_or_else(|| language::of_browser(request)),
        form_token: session::form_token(&session)?,
        undone: Undone::of_session(&session)?,
        place,
        arrival,
        must_change_password: employee.must_change_password,
        tenants: site.tenants.clone(),
        is_paused: site.app.sync.is_paused(),
        here: request.uri().path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
        seen_at: site.app.clock.now(),
    };
    request.extensions_mut().insert(viewer.clone());
    Ok(viewer)
}

/// Leads to the sign-in, and back afterwards: to the page asked for, or to the page whose form was
/// sent.
fn sign_in_first(request: &HttpRequest, site: &Site) -> WebError {
    let path = request.uri().path();
    let back = if request.method().is_safe() {
        request.uri().path_and_query().map_or_else(|| path.to_owned(), ToString::to_string)
    } else {
        page_before(request)
            .filter(|page| !page.starts_with("/sign-"))
            .unwrap_or_else(|| Undone::of(path).page_of(path))
    };
    WebError::SignInFirst { back, had_session: session::had_one(request, site.sessions.secure) }
}
