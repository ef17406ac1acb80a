//! What the pages share.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::{HttpRequest, web};
use tokio::sync::Semaphore;

use super::client;
use super::door::Door;
use super::error::WebError;
use super::latest_readings::LatestReadings;
use super::password_queue::PasswordQueue;
use super::read_log::ReadLog;
use super::refusals::{Refusals, Why};
use super::rules::Sessions;
use super::tenants::TenantNames;
use super::viewer::Viewer;
use crate::app::App;
use crate::meters::Meter;
use crate::store::audit::{self, Action, NewEvent};
use crate::store::instructions;

/// Passwords looked at at once: each takes 19 MiB and a core.
const PASSWORDS_AT_ONCE: usize = 2;
/// Openings written in one transaction: meanwhile nobody else writes into the trail.
const OPENINGS_AT_ONCE: usize = 50;
/// Who was refused, where nobody is signed in.
const STRANGER: &str = "not signed in";

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
    /// Who opened which payment instruction.
    pub read_log: Arc<ReadLog>,
    /// What was refused.
    pub refusals: Arc<Refusals>,
    /// What the operator's tools read off the database.
    pub readings: LatestReadings,
    /// What keeps the program from serving, as the log was told.
    pub told_not_ready: Arc<Mutex<Option<String>>>,
    /// Who is taken for such a tool.
    pub operators: Operators,
    /// Requests by route, method and status.
    pub requests: Arc<Meter<3>>,
    /// Which requests are under way, and whether more are let in.
    pub door: Door,
}

/// Who is taken for an operator's tool, which sees figures and details.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operators {
    /// Whoever is on this machine and came through no proxy.
    OfThisMachine,
    /// Nobody: they have a listener of their own.
    Elsewhere,
    /// Everybody: this is that listener.
    Everybody,
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
            read_log: Arc::default(),
            refusals: Arc::default(),
            readings: LatestReadings::default(),
            told_not_ready: Arc::default(),
            operators: Operators::OfThisMachine,
            requests: Arc::new(Meter::new(["route", "method", "status"])),
            door: Door::default(),
        }
    }

    /// The same, with names for the Urban Local Bodies.
    pub fn naming(self, tenants: TenantNames) -> Self {
        Self { tenants: Arc::new(tenants), ..self }
    }

    /// The same, as it is on another listener.
    pub fn on_a_listener_for(self, operators: Operators) -> Self {
        Self { operators, ..self }
    }

    /// Whether a request is from an operator's tool.
    pub fn is_of_an_operator(&self, request: &HttpRequest) -> bool {
        match self.operators {
            Operators::Everybody => true,
            Operators::Elsewhere => false,
            Operators::OfThisMachine => {
                request.peer_addr().is_some_and(|peer| peer.ip().to_canonical().is_loopback())
                    && !request.headers().contains_key("x-forwarded-for")
            }
        }
    }

    /// Tells the log once what keeps the program from serving, as whoever asked was told, and once that it serves again.
    pub fn tell_ready(&self, fault: Option<&str>) {
        let mut told = self.told_not_ready.lock().unwrap_or_else(PoisonError::into_inner);
        match fault {
            Some(fault) if told.as_deref() != Some(fault) => log::error!("not ready: {fault}"),
            None if told.is_some() => log::info!("ready again"),
            _ => {}
        }
        *told = fault.map(str::to_owned);
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

impl Site {
    /// What a person is told who does not see an instruction of these numbers: one that is another ULB's is refused to
    /// them, and they hear what they would hear if there were none.
    pub async fn unseen(&self, numbers: Vec<String>) -> WebError {
        match self.app.store.read(move |db| instructions::first_known(db, &numbers)).await {
            Ok(None) => WebError::NotFound,
            Ok(Some(number)) => WebError::OfAnotherUlb(number),
            Err(fault) => fault.into(),
        }
    }

    /// Notes that a person opened a payment instruction: once a day, and soon.
    pub fn opened(&self, who: &Viewer, request: &HttpRequest, number: &str) {
        self.read_log.opened(self.event(who, request, Action::PiOpened, Some(number.to_owned())));
    }

    /// Notes that something was refused: to a person, or to an address from which nobody has signed in. The refusal
    /// stands, whether it can be written or not; what cannot be is written later.
    pub async fn refused(&self, who: Option<&Viewer>, request: &HttpRequest, why: Why, what: &str) {
        let address = self.address_of(request);
        let event = NewEvent {
            at: self.app.clock.now().naive_utc(),
            actor: who.map_or_else(|| STRANGER.to_owned(), |who| who.name.clone()),
            tenant: who.map(|who| who.tenant.clone()),
            address: Some(address.clone()),
            action: Action::Refused,
            subject: Some(format!("{}: {what}", why.words())),
        };
        let counted_for = who.map_or_else(|| client::network(&address), |who| who.name.clone());
        let due = self.refusals.count(&counted_for, why, event);
        self.write_refusals(due).await;
    }

    async fn write_refusals(&self, due: Vec<NewEvent>) {
        if due.is_empty() {
            return;
        }
        let (events, sealer) = (due.clone(), Arc::clone(&self.app.sealer));
        let written = self
            .app
            .store
            .write(move |db| events.iter().try_for_each(|event| audit::append(db, Some(&sealer), event)));
        if let Err(fault) = written.await {
            log::error!(
                "{} refusals could not be written into the audit trail, and are due again: {fault}",
                due.len()
            );
            self.refusals.put_back(due);
        }
    }

    /// Writes into the audit trail what is kept in memory for it and due.
    pub async fn write_up(&self) {
        self.write_refusals(self.refusals.due(self.app.clock.now().naive_utc())).await;
        self.write_openings().await;
    }

    /// The same with what is not due before later: for the program's end.
    pub async fn write_all_up(&self) {
        self.write_refusals(self.refusals.at_the_end(self.app.clock.now().naive_utc())).await;
        self.write_openings().await;
    }

    async fn write_openings(&self) {
        loop {
            let opened = self.read_log.take(OPENINGS_AT_ONCE);
            if opened.is_empty() {
                return;
            }
            let (events, sealer) = (opened.clone(), Arc::clone(&self.app.sealer));
            let written = self.app.store.write(move |db| audit::append_opened(db, &sealer, &events)).await;
            if let Err(fault) = written {
                log::error!("openings could not be written into the audit trail, and are due again: {fault}");
                self.read_log.put_back(opened);
                return;
            }
        }
    }
}

/// The site that a request is for.
pub fn site_of(request: &HttpRequest) -> Result<&Site, WebError> {
    request
        .app_data::<web::Data<Site>>()
        .map(|site| site.get_ref())
        .ok_or_else(|| WebError::Session("the pages were not wired up".to_owned()))
}
