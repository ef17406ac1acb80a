//! Who is looking at a page, and what they may do.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use super::error::WebError;
use crate::store::scope::Scope;

/// What a person may do (CONTRACT.md, Pages). Each role may also do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Sees.
    Viewer,
    /// Also refreshes.
    Accountant,
    /// Also opens full payloads.
    Admin,
}

impl Role {
    /// The role in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Viewer => "Viewer",
            Self::Accountant => "Accountant",
            Self::Admin => "Administrator",
        }
    }
}

/// The person a page is for. Every page handler takes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    /// The name they sign in with.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// The tenant they work for: a ULB (`od.jatni`), or the state (`od`).
    pub tenant: String,
}

impl Viewer {
    /// Whose payment instructions they see.
    pub fn scope(&self) -> Scope {
        Scope::of(&self.tenant)
    }

    /// Whether they may have FTPS called.
    pub fn may_refresh(&self) -> bool {
        self.role >= Role::Accountant
    }

    /// Whether they may have messages sent again.
    pub fn may_resend(&self) -> bool {
        self.role >= Role::Accountant
    }

    /// Whether they may see payloads in full.
    pub fn may_open_payloads(&self) -> bool {
        self.role >= Role::Admin
    }

    /// The operator at the machine itself: as long as nobody signs in, the pages are served to
    /// loopback only.
    fn local() -> Self {
        Self { name: "local".to_owned(), role: Role::Admin, tenant: "od".to_owned() }
    }
}

impl FromRequest for Viewer {
    type Error = WebError;
    type Future = Ready<Result<Self, WebError>>;

    fn from_request(_request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(Ok(Self::local()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_viewer_only_sees_and_an_accountant_also_refreshes() {
        let with = |role| Viewer { role, ..Viewer::local() };
        assert!(!with(Role::Viewer).may_refresh() && !with(Role::Viewer).may_resend());
        assert!(with(Role::Accountant).may_resend());
        assert!(with(Role::Accountant).may_refresh() && !with(Role::Accountant).may_open_payloads());
        assert!(with(Role::Admin).may_refresh() && with(Role::Admin).may_open_payloads());
    }
}
