//! A stand-in for MUKTASoft (DOMAIN.md §8): the search of payment instructions in both kinds, the three
//! services that tell of people, and a receiver of statuses. It misbehaves as scripted, and its page shows
//! what came back.

mod fault;
mod receiver;
mod register;
mod search;

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::http::{Action, HttpRequest, HttpSimulator, Running};
use register::Register;
use search::{Kind, Search};

pub use fault::{Fault, Gate, Service, UnknownFault, UnknownService};
pub use receiver::{Received, StatusOutcome};

/// Where the services lie on the server.
const IFMS_SEARCH: &str = "/ifms-adapter/pi/v1/_search";
const MUKTA_IFIX_SEARCH: &str = "/mukta-ifix-adapter/v1/pi/_search";
const BANK_ACCOUNTS: &str = "/bankaccount-service/bankaccount/v1/_search";
const INDIVIDUALS: &str = "/individual/v1/_search";
const ORGANISATIONS: &str = "/org-services/organisation/v1/_search";
const STATUS: &str = "/ftps/v1/_status";

/// How a [`MuktasoftSimulator`] is set up.
#[derive(Debug, Clone)]
pub struct MuktasoftSimulatorOptions {
    /// Where to listen; port 0 takes any free one.
    pub addr: SocketAddr,
    /// Added before every answer.
    pub latency: Duration,
    /// The `authToken` that its searches demand.
    pub auth_token: String,
    /// What statuses must be signed with.
    pub status_secret: String,
    /// How many instructions a page of the search holds at most, whatever is asked for.
    pub most_per_page: usize,
}

impl Default for MuktasoftSimulatorOptions {
    fn default() -> Self {
        Self {
            addr: ([127, 0, 0, 1], 0).into(),
            latency: Duration::ZERO,
            auth_token: "muktasoft-token".to_owned(),
            status_secret: "muktasoft-secret".to_owned(),
            most_per_page: 100,
        }
    }
}

/// The simulated MUKTASoft; it stops when this, and whatever was cloned from it, is dropped.
#[derive(Debug, Clone)]
pub struct MuktasoftSimulator {
    running: Arc<Running>,
    shared: Arc<Shared>,
}

/// Called with a request's body.
type Hook = Arc<dyn Fn(&Value) + Send + Sync>;

struct Shared {
    latency: Duration,
    auth_token: String,
    status_secret: String,
    most_per_page: usize,
    state: Mutex<State>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shared(…)")
    }
}

#[derive(Default)]
struct State {
    register: Register,
    tells_count: bool,
    scripts: HashMap<Service, VecDeque<Fault>>,
    otherwise: HashMap<Service, Fault>,
    hooks: HashMap<Service, Hook>,
    requests: HashMap<Service, Vec<Value>>,
    received: Vec<Received>,
    /// Of those that were taken.
    keys: HashSet<String>,
}

impl State {
    /// Takes what goes wrong off the script.
    fn fault(&mut self, service: Service) -> Option<Fault> {
        let scripted = self.scripts.get_mut(&service).and_then(VecDeque::pop_front);
        scripted.or_else(|| self.otherwise.get(&service).cloned())
    }

    /// Judges a status by its key, applies it if it is taken, and remembers it.
    fn receive(&mut self, mut received: Received) -> StatusOutcome {
        if received.outcome == StatusOutcome::Taken {
            let key = received.idempotency_key.clone().unwrap_or_default();
            if self.keys.insert(key) {
                self.register.apply(&received.body, received.at.timestamp_millis());
            } else {
                received.outcome = StatusOutcome::KnownAlready;
            }
        }
        let outcome = received.outcome;
        self.received.push(received);
        outcome
    }
}

impl Shared {
    /// A panic of another thread leaves rows that are still good enough for a simulator.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MuktasoftSimulator {
    /// Starts, as tasks of the current tokio runtime.
    pub async fn start(options: MuktasoftSimulatorOptions) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            latency: options.latency,
            auth_token: options.auth_token,
            status_secret: options.status_secret,
            most_per_page: options.most_per_page,
            state: Mutex::default(),
        });
        let for_handler = Arc::clone(&shared);
        let running = HttpSimulator::start(options.addr, move |request| {
            let shared = Arc::clone(&for_handler);
            async move { answer(&shared, request).await }
        })
        .await?;
        Ok(Self { running: Arc::new(running), shared })
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.running.url())
    }

    /// The search of payment instructions, such as `http://127.0.0.1:4711/ifms-adapter/pi/v1/_search`.
    pub fn pi_search_url(&self) -> String {
        self.url(IFMS_SEARCH)
    }

    /// The search of the other kind, whose answer has holes.
    pub fn mukta_ifix_search_url(&self) -> String {
        self.url(MUKTA_IFIX_SEARCH)
    }

    /// The search of bank accounts.
    pub fn bank_account_url(&self) -> String {
        self.url(BANK_ACCOUNTS)
    }

    /// The search of wage seekers.
    pub fn individual_url(&self) -> String {
        self.url(INDIVIDUALS)
    }

    /// The search of organisations.
    pub fn organisation_url(&self) -> String {
        self.url(ORGANISATIONS)
    }

    /// Where statuses are posted to.
    pub fn status_url(&self) -> String {
        self.url(STATUS)
    }

    /// The page that shows what came back, such as `http://127.0.0.1:4711`.
    pub fn page_url(&self) -> String {
        self.running.url()
    }

    /// The token that its searches demand.
    pub fn auth_token(&self) -> &str {
        &self.shared.auth_token
    }

    /// What statuses must be signed with.
    pub fn status_secret(&self) -> &str {
        &self.shared.status_secret
    }

    /// Tells it of an element of `paymentInstructions` with names, accounts and mobile numbers in it,
    /// which the search leaves out and the services of people tell by `beneficiaryId`: a person has one
    /// account, the latest. One with the same number takes its place; one without a number, or with `NA`,
    /// never reached JIT.
    pub fn know(&self, instruction: Value) {
        self.shared.state().register.know(instruction);
    }

    /// Takes an instruction away; its people stay known.
    pub fn forget(&self, number: &str) {
        self.shared.state().register.forget(number);
    }

    /// The instructions as they stand there now, with their people, statuses that came back applied.
    pub fn instructions(&self) -> Vec<Value> {
        self.shared.state().register.instructions()
    }

    /// What the next requests meet, one after another; after that it answers as
    /// [`always`](Self::always) says.
    pub fn script(&self, service: Service, faults: Vec<Fault>) {
        self.shared.state().scripts.insert(service, faults.into());
    }

    /// What every request without a script meets; at first nothing goes wrong.
    pub fn always(&self, service: Service, fault: Option<Fault>) {
        let mut state = self.shared.state();
        match fault {
            Some(fault) => drop(state.otherwise.insert(service, fault)),
            None => drop(state.otherwise.remove(&service)),
        }
    }

    /// Calls this before each answer, with the request's body: what it changes, the answer tells. A hook that
    /// holds a clone of the simulator keeps it running.
    pub fn on_request(&self, service: Service, hook: impl Fn(&Value) + Send + Sync + 'static) {
        self.shared.state().hooks.insert(service, Arc::new(hook));
    }

    /// Whether the search of instructions tells how many there are in all; at first it does not.
    pub fn tell_count(&self, tells: bool) {
        self.shared.state().tells_count = tells;
    }

    /// The bodies of all requests, oldest first; a text where one is not JSON.
    pub fn requests(&self, service: Service) -> Vec<Value> {
        self.shared.state().requests.get(&service).cloned().unwrap_or_default()
    }

    /// The statuses that were posted, oldest first, but for those that a fault kept from being answered.
    pub fn received(&self) -> Vec<Received> {
        self.shared.state().received.clone()
    }
}

/// Where a request goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Endpoint {
    Search(Search),
    Status,
}

impl Endpoint {
    fn at(path: &str) -> Option<Self> {
        Some(match path {
            IFMS_SEARCH => Self::Search(Search::Instructions(Kind::Ifms)),
            MUKTA_IFIX_SEARCH => Self::Search(Search::Instructions(Kind::MuktaIfix)),
            BANK_ACCOUNTS => Self::Search(Search::BankAccounts),
            INDIVIDUALS => Self::Search(Search::Individuals),
            ORGANISATIONS => Self::Search(Search::Organisations),
            STATUS => Self::Status,
            _ => return None,
        })
    }

    const fn service(self) -> Service {
        match self {
            Self::Search(Search::Instructions(_)) => Service::PiSearch,
            Self::Search(Search::BankAccounts) => Service::BankAccounts,
            Self::Search(Search::Individuals) => Service::Individuals,
            Self::Search(Search::Organisations) => Service::Organisations,
            Self::Status => Service::Status,
        }
    }
}

async fn answer(shared: &Shared, request: HttpRequest) -> Action {
    let (path, _) = request.path.split_once('?').unwrap_or((&request.path, ""));
    match (request.method.as_str(), Endpoint::at(path)) {
        ("POST", Some(endpoint)) => serve(shared, endpoint, &request).await,
        ("GET", None) if path == "/" => receiver::page(&shared.state().received),
        _ => fault::errors(404, "NOT_FOUND", "There is nothing here."),
    }
}

async fn serve(shared: &Shared, endpoint: Endpoint, request: &HttpRequest) -> Action {
    let service = endpoint.service();
    let body = serde_json::from_slice(&request.body)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&request.body).into_owned()));
    let (hook, fault) = {
        let mut state = shared.state();
        state.requests.entry(service).or_default().push(body.clone());
        (state.hooks.get(&service).cloned(), state.fault(service))
    };
    if let Some(hook) = hook {
        hook(&body);
    }
    pause(shared.latency).await;
    match &fault {
        Some(Fault::Slow(time)) => pause(*time).await,
        Some(Fault::Gate(gate)) => gate.passed().await,
        Some(Fault::Shifted) => shared.state().register.shift(),
        _ => {}
    }
    if let Some(instead) = fault.as_ref().and_then(Fault::instead) {
        if let (Service::Status, Action::Respond { status: status @ 300.., .. }) = (service, &instead) {
            let outcome = StatusOutcome::Refused(*status);
            let received = receiver::read(request, body, &shared.status_secret);
            shared.state().receive(Received { outcome, ..received });
        }
        return instead;
    }
    let usual = match endpoint {
        Endpoint::Status => take_status(shared, request, body),
        Endpoint::Search(search) => {
            tell(shared, search, request, &body, matches!(fault, Some(Fault::Masked)))
        }
    };
    match (fault, usual) {
        (Some(Fault::AnswerLost), _) => Action::Reset,
        (Some(Fault::Truncated), Action::Respond { mut body, .. }) => {
            let sent = body.len() / 2;
            let missing = body.len() - sent;
            body.truncate(sent);
            Action::Truncate { body, missing }
        }
        (_, usual) => usual,
    }
}

/// Answers a search.
fn tell(shared: &Shared, search: Search, request: &HttpRequest, body: &Value, masks: bool) -> Action {
    if body["RequestInfo"]["authToken"] != shared.auth_token.as_str() {
        return fault::errors(401, "INVALID_TOKEN", "The token is not known or has run out.");
    }
    let told = {
        let state = shared.state();
        let register = &state.register;
        match search {
            Search::Instructions(kind) => {
                search::instructions(register, kind, body, shared.most_per_page, state.tells_count)
            }
            Search::BankAccounts => search::bank_accounts(register, body, masks),
            Search::Individuals => search::individuals(register, &request.path, body, masks),
            Search::Organisations => search::organisations(register, body, masks),
        }
    };
    match told {
        Ok(json) => Action::json(200, json),
        Err(search::Refusal { code, message }) => fault::errors(400, code, &message),
    }
}

/// Takes a status that came back.
fn take_status(shared: &Shared, request: &HttpRequest, body: Value) -> Action {
    let received = receiver::read(request, body, &shared.status_secret);
    let outcome = shared.state().receive(received);
    let status = outcome.http_status();
    match outcome {
        StatusOutcome::Taken => Action::json(status, r#"{"ResponseInfo":{"status":"successful"}}"#),
        StatusOutcome::KnownAlready => fault::errors(status, "DUPLICATE", "This key is known already."),
        StatusOutcome::Refused(401) => {
            fault::errors(status, "INVALID_SIGNATURE", "The signature is not that of the body.")
        }
        StatusOutcome::Refused(_) => fault::errors(
            status,
            "INVALID_STATUS",
            "A payment instruction with its number, a change number and a key are needed.",
        ),
    }
}

async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

#[cfg(test)]
#[path = "muktasoft/tests.rs"]
mod tests;
