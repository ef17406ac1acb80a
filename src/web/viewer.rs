//! Who is looking at a page, and what they may do.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::arrival::Arrival;
use super::error::WebError;
use super::path::local_path;
use super::place::Place;
use super::tenants::TenantNames;
use crate::access::{Right, Role};
use crate::language::{Language, Phrase, phrase};
use crate::store::scope::Scope;
use crate::web::undone::Undone;

/// The person a page is for. Every page handler takes one; without a sign-in there is none
/// ([`signed_in`](super::signed_in)), and the browser is led to it.
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
    /// The form that they sent after a session's end, if the page has to say so.
    pub undone: Option<Undone>,
    /// What the Urban Local Bodies are called.
    pub tenants: Arc<TenantNames>,
    /// Where their session is used.
    pub place: Place,
    /// What the first page after the sign-in tells them.
    pub arrival: Option<Arrival>,
    /// Whether they come to no other page before they have chosen a password of their own.
    pub must_change_password: bool,
    /// Whether they have a second factor.
    pub has_second_factor: bool,
    /// Whether their role must have one.
    pub owes_second_factor: bool,
    /// Whether JIT is asked by people alone at present.
    pub is_paused: bool,
    /// The address that they asked for.
    pub here: String,
    /// When they looked.
    pub seen_at: DateTime<Utc>,
}

impl Viewer {
    /// Whose payment instructions they see.
    pub fn scope(&self) -> Scope {
        Scope::of(&self.tenant)
    }

    /// What a tenant is called, in their language.
    pub fn tenant_name(&self, id: &str) -> String {
        self.tenants.name(id, self.language).into_owned()
    }

    /// Whether they come to no other page before they have set up a second factor.
    pub fn must_set_second_factor(&self) -> bool {
        self.owes_second_factor && !self.has_second_factor
    }

    /// Whether they may do that.
    pub fn may(&self, right: Right) -> bool {
        self.role.may(right)
    }

    /// That they may do that; what it takes, if not.
    pub fn must(&self, right: Right) -> Result<(), WebError> {
        if self.may(right) { Ok(()) } else { Err(WebError::Forbidden(takes(right))) }
    }

    /// The role in words.
    pub fn role_words(&self) -> Phrase {
        role_words(self.role)
    }
}

/// A role in words.
pub const fn role_words(role: Role) -> Phrase {
    match role {
        Role::Viewer => phrase("Viewer"),
        Role::Accountant => phrase("Accountant"),
        Role::Admin => phrase("Administrator"),
        Role::Auditor => phrase("Auditor"),
    }
}

/// What a right takes, for who has it not.
const fn takes(right: Right) -> Phrase {
    match right {
        Right::SeePayments => {
            phrase("An auditor sees the audit trail and the nightly runs, and no payment instruction.")
        }
        Right::Refresh => phrase("Refreshing takes the role of accountant or administrator."),
        Right::Resend => {
            phrase("Having messages sent or settled takes the role of accountant or administrator.")
        }
        Right::Note => phrase("Writing notes takes the role of accountant or administrator."),
        Right::Fetch => phrase("Fetching from MUKTASoft takes the role of accountant or administrator."),
        Right::SeeAudit => phrase("The audit trail takes the role of administrator or auditor."),
        Right::OpenPayload => phrase("Opening a payload in full takes the role of administrator."),
        Right::StartSync => phrase("Starting a sync takes an administrator of the whole state."),
        Right::KeepEmployees => phrase("Keeping the users takes the role of administrator."),
    }
}

/// Where a sign-in leads: to `next`; who sees no payment instruction and asked for no page in particular, to the
/// audit trail.
pub fn landing(role: Role, next: String) -> String {
    let nowhere = next == "/payment-instructions" || next == local_path(None);
    if nowhere && !role.may(Right::SeePayments) { "/audit".to_owned() } else { next }
}
