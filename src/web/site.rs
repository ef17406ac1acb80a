//! What the pages share.

use std::path::PathBuf;
use std::sync::Arc;

use actix_web::{HttpRequest, web};
use tokio::sync::Semaphore;

use super::client;
use super::error::WebError;
use super::password_queue::PasswordQueue;
use super::rules::Sessions;
use super::tenants::TenantNames;
use super::viewer::Viewer;
use crate::app::App;
use crate::store::audit::{self, Action, NewEvent};

/// Passwords looked at at once: each takes 46 MiB and a core.
const PASSWORDS_AT_ONCE: usize = 2;

/// What the pages share.
#[derive(Clone)]
pub struct Site {
    /// The running program.
    pub app: App,
    /// How people are let in.
    pub sessions: Sessions,
    /// Where the static files are.
    pub static_dir: PathBuf,
    /// What the Urban Local Bodies are called.
    pub tenants: Arc<TenantNames>,
    /// Slots for looking at passwords.
    pub password_slots: Arc<Semaphore>,
    /// Who waits for one at the sign-in.
    pub password_queue: Arc<PasswordQueue>,
}

impl Site {
    /// The pages of `app`.
    pub fn new(app: App, sessions: Sessions, static_dir: PathBuf) -> Self {
        Self {
            app,
            sessions,
            static_dir,
            tenants: Arc::default(),
            password_slots: Arc::new(Semaphore::new(PASSWORDS_AT_ONCE)),
            password_queue: Arc::default(),
        }
    }

    /// The same, with names for the Urban Local Bodies.
    pub fn naming(self, tenants: TenantNames) -> Self {
        Self { tenants: Arc::new(tenants), ..self }
    }

    /// The address of the browser that sent a request.
    pub fn address_of(&self, request: &HttpRequest) -> String {
        client::address(request, &self.sessions.trusted_proxies)
    }

    /// What a person did, for the audit trail.
    pub fn event(
        &self,
        who: &Viewer,
        request: &HttpRequest,
        action: Action,
        subject: Option<String>,
    ) -> NewEvent {
        NewEvent {
            at: self.app.clock.now().naive_utc(),
            actor: who.name.clone(),
            tenant: Some(who.tenant.clone()),
            address: Some(self.address_of(request)),
            action,
            subject,
        }
    }

    /// Notes in the audit trail what a person did.
    pub async fn note(
        &self,
        who: &Viewer,
        request: &HttpRequest,
        action: Action,
        subject: Option<String>,
    ) -> Result<(), WebError> {
        let event = self.event(who, request, action, subject);
        let sealer = Arc::clone(&self.app.sealer);
        Ok(self.app.store.write(move |db| audit::append(db, Some(&sealer), &event)).await?)
    }
}

/// The site that a request is for.
pub fn site_of(request: &HttpRequest) -> Result<&Site, WebError> {
    request
        .app_data::<web::Data<Site>>()
        .map(|site| site.get_ref())
        .ok_or_else(|| WebError::Session("the pages were not wired up".to_owned()))
}
