//! Who has signed in: the [`Viewer`] of a request.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::REFERER;
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use super::error::WebError;
use super::site::{Site, site_of};
use super::viewer::Viewer;
use super::{language, session};
use crate::store::employees;

impl FromRequest for Viewer {
    type Error = WebError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, WebError>>>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { signed_in(&request).await })
    }
}

/// The person of the request's session; the employee is read anew, so that a change of role, and
/// being shut out, count at once.
pub async fn signed_in(request: &HttpRequest) -> Result<Viewer, WebError> {
    let known = request.extensions().get::<Viewer>().cloned();
    if let Some(viewer) = known {
        return Ok(viewer);
    }
    let site = site_of(request)?;
    let session = session::of(request);
    let Some(id) = session::employee(&session)? else { return Err(sign_in_first(request, site)) };
    let Some(employee) = site.app.store.read(move |db| employees::active(db, id)).await? else {
        session.purge();
        return Err(sign_in_first(request, site));
    };
    let viewer = Viewer {
        name: employee.name,
        role: employee.role,
        tenant: employee.tenant_id,
        language: employee.language.unwrap_or_else(|| language::of_browser(request)),
        form_token: session::form_token(&session)?,
    };
    request.extensions_mut().insert(viewer.clone());
    Ok(viewer)
}

/// Leads to the sign-in, and back afterwards: to the page asked for, or to the page whose form was
/// sent.
fn sign_in_first(request: &HttpRequest, site: &Site) -> WebError {
    let back = if request.method() == Method::GET || request.method() == Method::HEAD {
        request.uri().path_and_query().map(|path| path.as_str().to_owned())
    } else {
        request
            .headers()
            .get(REFERER)
            .and_then(|referer| referer.to_str().ok()?.parse::<reqwest::Url>().ok())
            .map(|url| url.path().to_owned())
            // The form's own address leads to the page that it stands on.
            .or_else(|| Some(request.path().to_owned()).filter(|path| path.ends_with("/refresh")))
    };
    WebError::SignInFirst {
        back: back.unwrap_or_else(|| "/payment-instructions".to_owned()),
        had_session: session::had_one(request, site.sessions.secure),
    }
}
