//! Who is looking at a page, and what they may do.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::REFERER;
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use super::error::WebError;
use super::{Site, languages, session, site_of};
use crate::access::Role;
use crate::language::{Language, Phrase, phrase};
use crate::store::employees;
use crate::store::scope::Scope;

/// The person a page is for. Every page handler takes one; without a sign-in there is none, and the
/// browser is led to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    /// The name they sign in with.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// The tenant they work for: a ULB (`od.jatni`), or the state (`od`).
    pub tenant: String,
    /// The language they read the pages in.
    pub language: Language,
    /// The token that every form of their session carries.
    pub form_token: String,
}

impl Viewer {
    /// Whose payment instructions they see.
    pub fn scope(&self) -> Scope {
        Scope::of(&self.tenant)
    }

    /// Whether they may have FTPS called.
    pub fn may_refresh(&self) -> bool {
        matches!(self.role, Role::Accountant | Role::Admin)
    }

    /// Whether they may have messages sent again.
    pub fn may_resend(&self) -> bool {
        self.may_refresh()
    }

    /// Whether they may see payloads in full, and the audit trail.
    pub fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }

    /// The role in words.
    pub fn role_words(&self) -> Phrase {
        match self.role {
            Role::Viewer => phrase("Viewer"),
            Role::Accountant => phrase("Accountant"),
            Role::Admin => phrase("Administrator"),
        }
    }
}

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
        language: employee.language.unwrap_or_else(|| languages::of_browser(request)),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_viewer_only_sees_and_an_accountant_also_refreshes() {
        let with = |role| Viewer {
            name: "asha".to_owned(),
            role,
            tenant: "od".to_owned(),
            language: Language::English,
            form_token: String::new(),
        };
        assert!(!with(Role::Viewer).may_refresh());
        assert!(with(Role::Accountant).may_refresh() && !with(Role::Accountant).is_admin());
        assert!(with(Role::Admin).may_refresh() && with(Role::Admin).is_admin());
    }
}
