//! A stand-in for the state's SMS gateway (DOMAIN.md §6) that misbehaves as scripted. Its page shows
//! the messages as telephones would.

mod scenario;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use askama::Template;
use chrono::{DateTime, Utc};
use reqwest::Url;

use super::http::{Action, HttpRequest, HttpSimulator, Running};
use crate::domain::date::ist_minute;
pub use scenario::{SmsScenario, UnknownSmsScenario};

/// Where messages are posted to.
const PATH: &str = "/sms";

/// The page shows so many of the latest messages.
const SHOWN: usize = 200;

/// How an [`SmsSimulator`] is set up.
#[derive(Debug, Clone)]
pub struct SmsSimulatorOptions {
    /// Where to listen; port 0 takes any free one.
    pub addr: SocketAddr,
    /// Added before every answer.
    pub latency: Duration,
    /// How much longer [`SmsScenario::Slow`] takes.
    pub slow: Duration,
}

impl Default for SmsSimulatorOptions {
    fn default() -> Self {
        Self { addr: ([127, 0, 0, 1], 0).into(), latency: Duration::ZERO, slow: Duration::from_secs(3) }
    }
}

/// A message that reached the gateway, whatever it answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedSms {
    /// `phonenumber`.
    pub phone: String,
    /// `sms_content`.
    pub text: String,
    /// Every field of the form, in its order.
    pub fields: Vec<(String, String)>,
    /// When it came in.
    pub at: DateTime<Utc>,
    /// What the gateway did with it.
    pub scenario: SmsScenario,
}

/// The simulated gateway; it stops when this is dropped.
#[derive(Debug)]
pub struct SmsSimulator {
    running: Running,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    slow: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    scripts: HashMap<String, VecDeque<SmsScenario>>,
    otherwise: SmsScenario,
    latency: Duration,
    received: Vec<ReceivedSms>,
    in_flight: usize,
    max_in_flight: usize,
}

impl State {
    /// Takes a message in, and its scenario off the script.
    fn receive(&mut self, fields: Vec<(String, String)>) -> SmsScenario {
        let field = |name: &str| {
            fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let (phone, text) = (field("phonenumber"), field("sms_content"));
        let scripted = self.scripts.get_mut(&phone).and_then(|script| match script.front() {
            Some(last) if script.len() == 1 => Some(*last),
            _ => script.pop_front(),
        });
        let scenario = scripted.unwrap_or(self.otherwise);
        if scenario != SmsScenario::ResetUnread {
            self.received.push(ReceivedSms { phone, text, fields, at: Utc::now(), scenario });
        }
        scenario
    }
}

impl Shared {
    /// A panic of another thread leaves counters that are still good enough for a simulator.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SmsSimulator {
    /// Starts, as tasks of the current tokio runtime.
    pub async fn start(options: SmsSimulatorOptions) -> io::Result<Self> {
        let state = Mutex::new(State { latency: options.latency, ..State::default() });
        let shared = Arc::new(Shared { slow: options.slow, state });
        let for_handler = Arc::clone(&shared);
        let running = HttpSimulator::start(options.addr, move |request| {
            let shared = Arc::clone(&for_handler);
            async move { answer(&shared, request).await }
        })
        .await?;
        Ok(Self { running, shared })
    }

    /// Where messages are posted to, such as `http://127.0.0.1:4711/sms`.
    pub fn gateway_url(&self) -> String {
        format!("{}{PATH}", self.running.url())
    }

    /// The page that shows the messages, such as `http://127.0.0.1:4711`.
    pub fn page_url(&self) -> String {
        self.running.url()
    }

    /// What the next messages to this number meet; the last of the list repeats. An empty list takes
    /// the script away.
    pub fn script(&self, phone: &str, scenarios: Vec<SmsScenario>) {
        self.shared.state().scripts.insert(phone.to_owned(), scenarios.into());
    }

    /// What messages without a script meet; at first [`SmsScenario::Accepted`].
    pub fn otherwise(&self, scenario: SmsScenario) {
        self.shared.state().otherwise = scenario;
    }

    /// Changes the delay before every answer.
    pub fn set_latency(&self, latency: Duration) {
        self.shared.state().latency = latency;
    }

    /// Every message that reached it, oldest first.
    pub fn received(&self) -> Vec<ReceivedSms> {
        self.shared.state().received.clone()
    }

    /// How many messages reached it.
    pub fn count(&self) -> usize {
        self.shared.state().received.len()
    }

    /// How many messages are being answered at this moment.
    pub fn in_flight(&self) -> usize {
        self.shared.state().in_flight
    }

    /// The most messages that were being answered at one moment.
    pub fn max_in_flight(&self) -> usize {
        self.shared.state().max_in_flight
    }
}

async fn answer(shared: &Arc<Shared>, request: HttpRequest) -> Action {
    match (request.method.as_str(), request.path.as_str()) {
        ("POST", PATH) => take(shared, &request).await,
        ("GET", "/") => page(&shared.state().received),
        _ => Action::json(404, r#"{"success":false,"status":0,"message":"There is nothing here."}"#),
    }
}

async fn take(shared: &Arc<Shared>, request: &HttpRequest) -> Action {
    // Held until the answer is made, or the client leaves.
    let _under_way = UnderWay::begin(shared);
    let (scenario, latency) = {
        let mut state = shared.state();
        (state.receive(form_fields(&request.body)), state.latency)
    };
    let slow = if scenario == SmsScenario::Slow { shared.slow } else { Duration::ZERO };
    if !(latency + slow).is_zero() {
        tokio::time::sleep(latency + slow).await;
    }
    scenario.action()
}

/// The fields of `application/x-www-form-urlencoded`, which is what a query is too.
fn form_fields(body: &[u8]) -> Vec<(String, String)> {
    let query = format!("http://form/?{}", String::from_utf8_lossy(body));
    query.parse::<Url>().map(|url| url.query_pairs().into_owned().collect()).unwrap_or_default()
}

/// A message being answered: counted while this lives.
struct UnderWay(Arc<Shared>);

impl UnderWay {
    fn begin(shared: &Arc<Shared>) -> Self {
        let mut state = shared.state();
        state.in_flight += 1;
        state.max_in_flight = state.max_in_flight.max(state.in_flight);
        drop(state);
        Self(Arc::clone(shared))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.state().in_flight -= 1;
    }
}

#[derive(Template)]
#[template(path = "simulator/phones.html")]
struct PhonesPage<'a> {
    /// Newest first.
    messages: Vec<&'a ReceivedSms>,
    /// How many came in that no telephone shows.
    not_delivered: usize,
}

impl PhonesPage<'_> {
    fn some_are_missing(&self) -> bool {
        self.not_delivered > 0
    }

    fn source(message: &ReceivedSms) -> &str {
        message.fields.iter().find(|(key, _)| key == "source").map_or("", |(_, value)| value)
    }

    fn at(message: &ReceivedSms) -> String {
        ist_minute(message.at)
    }
}

fn page(received: &[ReceivedSms]) -> Action {
    let delivered: Vec<_> = received.iter().filter(|message| message.scenario.delivers()).collect();
    let page = PhonesPage {
        not_delivered: received.len() - delivered.len(),
        messages: delivered.into_iter().rev().take(SHOWN).collect(),
    };
    match page.render() {
        Ok(html) => Action::Respond {
            status: 200,
            headers: vec![("Content-Type".to_owned(), "text/html; charset=utf-8".to_owned())],
            body: html.into_bytes(),
        },
        Err(fault) => Action::respond(500, fault.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_has_a_word_of_its_own_that_reads_back() {
        for (scenario, word, description) in SmsScenario::ALL {
            assert_eq!(word.parse::<SmsScenario>().unwrap(), *scenario);
            assert_eq!(scenario.to_string(), *word);
            assert!(!description.is_empty());
        }
        assert!("accept".parse::<SmsScenario>().unwrap_err().to_string().contains("accepted, "));
    }

    #[tokio::test]
    async fn the_page_shows_what_telephones_would_and_no_markup_of_the_message() {
        let gateway = SmsSimulator::start(SmsSimulatorOptions::default()).await.unwrap();
        gateway.script("9437000002", vec![SmsScenario::Refused]);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        for (phone, text) in [("9437000001", "Rs. 10.00 & <b>more</b>"), ("9437000002", "refused one")] {
            let form = [("source", "ODIGOV"), ("phonenumber", phone), ("sms_content", text)];
            client.post(gateway.gateway_url()).form(&form).send().await.unwrap();
        }
        let page = client.get(gateway.page_url()).send().await.unwrap().text().await.unwrap();
        assert!(page.contains("9437000001") && page.contains("ODIGOV"), "{page}");
        assert!(!page.contains("<b>more") && !page.contains("refused one"), "{page}");
        assert_eq!(gateway.received()[0].text, "Rs. 10.00 & <b>more</b>");
    }
}
