//! A stand-in for JIT that speaks its real protocol (DOMAIN.md §5) and misbehaves as scripted.

mod scenario;
mod wire;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeySize, PrivateDecryptingKey};
use chrono::{DateTime, Utc};
use tokio::sync::watch;

use super::http::{Action, HttpRequest, HttpSimulator, Running};
use crate::clock::Clock;
use crate::jit::envelope::SymmetricKey;

pub use scenario::{Scenario, SignIn, UnknownScenario, UnknownSignIn};

/// Where the services lie on the server, as at the real JIT.
const BASE_PATH: &str = "/webservices/jitfs/v1.0";

/// How many of the latest calls are remembered one by one.
const MAX_REMEMBERED_CALLS: usize = 100_000;

/// How a [`JitSimulator`] is set up.
#[derive(Debug, Clone)]
pub struct JitSimulatorOptions {
    /// Where to listen; port 0 takes any free one.
    pub addr: SocketAddr,
    /// The `clientId` it lets in; random if `None`.
    pub client_id: Option<String>,
    /// The `clientSecret` it lets in; random if `None`.
    pub client_secret: Option<String>,
    /// Added before every answer.
    pub latency: Duration,
    /// How much longer [`Scenario::Slow`] takes.
    pub slow: Duration,
    /// How long it keeps a session.
    pub session_lifetime: Duration,
    /// What its dates go by: a UTR number is of the day on which it is asked, vouchers and tokens are of the days
    /// before. By itself that day stands still.
    pub clock: Clock,
}

/// The third of November 2023.
const STANDING_STILL: DateTime<Utc> = DateTime::from_timestamp_nanos(1_698_999_200_000_000_000);

impl Default for JitSimulatorOptions {
    fn default() -> Self {
        Self {
            addr: ([127, 0, 0, 1], 0).into(),
            client_id: None,
            client_secret: None,
            latency: Duration::ZERO,
            slow: Duration::from_secs(3),
            session_lifetime: Duration::from_secs(30 * 60),
            clock: Clock::of(|| STANDING_STILL),
        }
    }
}

/// A revised payment instruction that the simulated treasury has received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownInstruction {
    /// The PI number.
    pub number: String,
    /// Whom it pays.
    pub beneficiaries: Vec<KnownBeneficiary>,
}

/// A beneficiary of a [`KnownInstruction`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownBeneficiary {
    /// The payment ID, `BN-…`.
    pub payment_id: String,
    /// The account it pays to.
    pub account: Option<String>,
    /// That account's branch.
    pub ifsc: Option<String>,
}

/// A call that reached the simulator and could be decrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedCall {
    /// The PI number it asks about.
    pub number: String,
    /// The request's JSON.
    pub request: String,
    /// When it came in.
    pub at: DateTime<Utc>,
}

/// Why a [`JitSimulator`] did not start.
#[derive(Debug, thiserror::Error)]
pub enum JitSimulatorError {
    /// The address is taken or not ours.
    #[error("the simulated JIT cannot listen there")]
    Listen(#[source] io::Error),
    /// The cryptographic library refused.
    #[error("the simulated JIT could not make its keys")]
    Keys,
}

/// The simulated JIT; it stops when this is dropped.
#[derive(Debug)]
pub struct JitSimulator {
    running: Running,
    shared: Arc<Shared>,
    public_key_der: Vec<u8>,
}

struct Shared {
    private_key: PrivateDecryptingKey,
    client_id: String,
    client_secret: String,
    session_lifetime: Duration,
    clock: Clock,
    /// Whether answers are held back.
    held: watch::Sender<bool>,
    state: Mutex<State>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shared(…)")
    }
}

#[derive(Default)]
struct State {
    known: HashMap<String, KnownInstruction>,
    scripts: HashMap<String, VecDeque<Scenario>>,
    otherwise: Option<Scenario>,
    sign_in: SignIn,
    latency: Duration,
    slow: Duration,
    sessions: HashMap<String, (SymmetricKey, Instant)>,
    /// The next sign-in is refused ([`Scenario::SignInRefused`]).
    refuses_next_sign_in: bool,
    sign_ins_tried: usize,
    authentications: usize,
    calls_received: usize,
    calls: VecDeque<RecordedCall>,
    in_flight: HashMap<String, usize>,
    max_in_flight: usize,
    max_in_flight_of: HashMap<String, usize>,
}

impl Shared {
    /// A panic of another thread leaves counters that are still good enough for a simulator.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl JitSimulator {
    /// Makes its keys and starts, as tasks of the current tokio runtime.
    pub async fn start(options: JitSimulatorOptions) -> Result<Self, JitSimulatorError> {
        let private_key =
            PrivateDecryptingKey::generate(KeySize::Rsa2048).map_err(|_| JitSimulatorError::Keys)?;
        let public_key_der =
            private_key.public_key().as_der().map_err(|_| JitSimulatorError::Keys)?.as_ref().to_vec();
        let random = || wire::random_word().ok_or(JitSimulatorError::Keys);
        let shared = Arc::new(Shared {
            private_key,
            client_id: options.client_id.map_or_else(random, Ok)?,
            client_secret: options.client_secret.map_or_else(random, Ok)?,
            session_lifetime: options.session_lifetime,
            clock: options.clock,
            held: watch::Sender::new(false),
            state: Mutex::new(State { latency: options.latency, slow: options.slow, ..State::default() }),
        });
        let for_handler = Arc::clone(&shared);
        let running = HttpSimulator::start(options.addr, move |request| {
            let shared = Arc::clone(&for_handler);
            async move { answer(&shared, request).await }
        })
        .await
        .map_err(JitSimulatorError::Listen)?;
        Ok(Self { running, shared, public_key_der })
    }

    /// Its base URL, such as `http://127.0.0.1:4711/webservices/jitfs/v1.0`.
    pub fn base_url(&self) -> String {
        format!("{}{BASE_PATH}", self.running.url())
    }

    /// Its RSA public key, a SubjectPublicKeyInfo in DER.
    pub fn public_key_der(&self) -> &[u8] {
        &self.public_key_der
    }

    /// The `clientId` it lets in.
    pub fn client_id(&self) -> &str {
        &self.shared.client_id
    }

    /// The `clientSecret` it lets in.
    pub fn client_secret(&self) -> &str {
        &self.shared.client_secret
    }

    /// Tells it of an instruction, or anew.
    pub fn know(&self, instruction: KnownInstruction) {
        self.shared.state().known.insert(instruction.number.clone(), instruction);
    }

    /// What the next calls about this PI meet; the last of the list repeats (but for
    /// [`Scenario::LostSession`]). An empty list takes the script away: known instructions are then
    /// answered as [`otherwise`](Self::otherwise) says, unknown ones with an error.
    pub fn script(&self, number: &str, scenarios: Vec<Scenario>) {
        self.shared.state().scripts.insert(number.to_owned(), scenarios.into());
    }

    /// What known instructions without a script meet; at first [`Scenario::Paid`].
    pub fn otherwise(&self, scenario: Scenario) {
        self.shared.state().otherwise = Some(scenario);
    }

    /// How signing in goes from now on.
    pub fn sign_in(&self, how: SignIn) {
        self.shared.state().sign_in = how;
    }

    /// Changes the delay before every answer.
    pub fn set_latency(&self, latency: Duration) {
        self.shared.state().latency = latency;
    }

    /// Changes how much longer [`Scenario::Slow`] takes.
    pub fn set_slow(&self, slow: Duration) {
        self.shared.state().slow = slow;
    }

    /// Holds every answer back, for tests that force an order, until [`let_go`](Self::let_go).
    pub fn hold(&self) {
        self.shared.held.send_replace(true);
    }

    /// Lets the answers go that were held back.
    pub fn let_go(&self) {
        self.shared.held.send_replace(false);
    }

    /// Forgets every session, as a restart of JIT would.
    pub fn expire_sessions(&self) {
        self.shared.state().sessions.clear();
    }

    /// How often somebody tried to sign in, successfully or not.
    pub fn sign_ins_tried(&self) -> usize {
        self.shared.state().sign_ins_tried
    }

    /// How often somebody signed in successfully.
    pub fn authentications(&self) -> usize {
        self.shared.state().authentications
    }

    /// How many calls could be decrypted, ever.
    pub fn calls_received(&self) -> usize {
        self.shared.state().calls_received
    }

    /// The latest calls, 100,000 at most, oldest first.
    pub fn calls(&self) -> Vec<RecordedCall> {
        self.shared.state().calls.iter().cloned().collect()
    }

    /// How many calls are under way at this moment.
    pub fn in_flight(&self) -> usize {
        self.shared.state().in_flight.values().sum()
    }

    /// The most calls that were under way at one moment.
    pub fn max_in_flight(&self) -> usize {
        self.shared.state().max_in_flight
    }

    /// The most calls about this PI that were under way at one moment.
    pub fn max_in_flight_of(&self, number: &str) -> usize {
        self.shared.state().max_in_flight_of.get(number).copied().unwrap_or_default()
    }
}

async fn answer(shared: &Arc<Shared>, request: HttpRequest) -> Action {
    match request.path.strip_prefix(BASE_PATH) {
        Some("/authenticate") if request.method == "POST" => authenticate(shared, &request).await,
        Some("/get-jit-service-data") if request.method == "POST" => call(shared, &request).await,
        _ => Action::json(404, r#"{"message":"There is nothing here."}"#),
    }
}

async fn authenticate(shared: &Shared, request: &HttpRequest) -> Action {
    let (latency, how) = {
        let mut state = shared.state();
        state.sign_ins_tried += 1;
        let refuses = std::mem::take(&mut state.refuses_next_sign_in);
        (state.latency, if refuses { SignIn::Refuse } else { state.sign_in })
    };
    pause(latency).await;
    match how {
        SignIn::Accept => {}
        SignIn::Refuse => return refusal(),
        SignIn::Garbage => return Action::json(200, r#"{"authToken":"x\ny","sek":"?"}"#),
        SignIn::Empty => return Action::json(200, ""),
        SignIn::Reset => return Action::Reset,
        SignIn::TimeOut => return Action::Hang,
    }
    let right = request.header("clientId") == Some(&shared.client_id)
        && request.header("clientSecret") == Some(&shared.client_secret);
    if !right {
        return refusal();
    }
    match wire::new_session(&shared.private_key, &request.body) {
        Some((token, sek, reply)) => {
            let mut state = shared.state();
            state.authentications += 1;
            state.sessions.insert(token, (sek, Instant::now()));
            Action::json(200, reply)
        }
        None => Action::json(400, r#"{"message":"The appKey cannot be decrypted."}"#),
    }
}

async fn call(shared: &Arc<Shared>, request: &HttpRequest) -> Action {
    let token = request.header("authToken").unwrap_or_default();
    let (session, latency) = {
        let state = shared.state();
        (state.sessions.get(token).cloned(), state.latency)
    };
    let Some((sek, _)) = session.filter(|(_, since)| since.elapsed() < shared.session_lifetime) else {
        pause(latency).await;
        return lost_session();
    };
    let Some(asked) = wire::Asked::open(&sek, &request.body, shared.clock.now()) else {
        return Action::json(400, r#"{"message":"The request cannot be decrypted."}"#);
    };
    // Held until the answer is made, or the client leaves.
    let _under_way = UnderWay::begin(shared, &asked.number);
    let (scenario, slow, known, count) = {
        let mut state = shared.state();
        let scenario = state.record(&asked);
        let known = state.known.get(&asked.number).cloned();
        (scenario, state.slow, known, state.calls_received)
    };
    pause(latency).await;
    let mut held = shared.held.subscribe();
    while *held.borrow_and_update() && held.changed().await.is_ok() {}
    match scenario {
        Scenario::TimeOut => std::future::pending().await,
        Scenario::Slow => pause(slow).await,
        // Calls that come from now on with the same token meet the same.
        Scenario::LostSession => {
            shared.state().sessions.remove(token);
        }
        Scenario::SignInRefused => {
            let mut state = shared.state();
            state.sessions.remove(token);
            state.refuses_next_sign_in = true;
        }
        _ => {}
    }
    wire::action(&scenario, &asked, known.as_ref(), count)
}

impl State {
    /// Remembers a call and takes its scenario off the script.
    fn record(&mut self, asked: &wire::Asked) -> Scenario {
        self.calls_received += 1;
        if self.calls.len() == MAX_REMEMBERED_CALLS {
            self.calls.pop_front();
        }
        self.calls.push_back(RecordedCall {
            number: asked.number.clone(),
            request: asked.request.clone(),
            at: Utc::now(),
        });
        let scripted = self.scripts.get_mut(&asked.number).and_then(|script| match script.front() {
            Some(last) if script.len() == 1 && *last != Scenario::LostSession => Some(last.clone()),
            _ => script.pop_front(),
        });
        match scripted {
            Some(scenario) => scenario,
            None if self.known.contains_key(&asked.number) => {
                self.otherwise.clone().unwrap_or(Scenario::Paid)
            }
            None => Scenario::ErrorList,
        }
    }
}

/// A call under way: counted while this lives.
struct UnderWay {
    shared: Arc<Shared>,
    number: String,
}

impl UnderWay {
    fn begin(shared: &Arc<Shared>, number: &str) -> Self {
        let mut state = shared.state();
        let of_this = state.in_flight.entry(number.to_owned()).or_default();
        *of_this += 1;
        let of_this = *of_this;
        let all = state.in_flight.values().sum();
        state.max_in_flight = state.max_in_flight.max(all);
        let most = state.max_in_flight_of.entry(number.to_owned()).or_default();
        *most = (*most).max(of_this);
        drop(state);
        Self { shared: Arc::clone(shared), number: number.to_owned() }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        if let Some(count) = state.in_flight.get_mut(&self.number) {
            *count -= 1;
            if *count == 0 {
                state.in_flight.remove(&self.number);
            }
        }
    }
}

async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

fn refusal() -> Action {
    Action::json(401, r#"{"message":"Invalid client ID or client secret."}"#)
}

/// How JIT says that it does not know the session (DOMAIN.md §5.3).
fn lost_session() -> Action {
    Action::json(500, r#"{"message":"No valid session encryption key found for the token."}"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_has_a_word_of_its_own_that_reads_back() {
        for (scenario, word, description) in Scenario::ALL {
            assert_eq!(word.parse::<Scenario>().unwrap(), *scenario);
            assert_eq!(scenario.to_string(), *word);
            assert!(
                !description.is_empty()
                    && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            );
        }
        let own = "error:Bill not found".parse::<Scenario>().unwrap();
        assert_eq!(own, Scenario::Error("Bill not found".into()));
        assert_eq!(own.to_string(), "error:Bill not found");
        assert!("pay".parse::<Scenario>().unwrap_err().to_string().contains("paid, "));
    }

    #[test]
    fn utr_numbers_are_stable_and_differ_between_beneficiaries_and_instructions() {
        let utr = wire::utr("PI-1/2023-24/000001", "BN-1/000001");
        assert_eq!(utr, wire::utr("PI-1/2023-24/000001", "BN-1/000001"));
        assert_ne!(utr, wire::utr("PI-1/2023-24/000001", "BN-1/000002"));
        assert_ne!(utr, wire::utr("PI-1/2023-24/000002", "BN-1/000001"));
        assert!(utr.len() == 22 && utr.bytes().all(|b| b.is_ascii_alphanumeric()));
    }
}
