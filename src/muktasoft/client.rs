//! One exchange with MUKTASoft: asked within bounds, repeated where that may help, the token never told.

use std::time::Duration;

use reqwest::{StatusCode, Url};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

use super::{MuktasoftConfig, SearchKind};
use crate::domain::retry;
use crate::domain::sentence::Around;
use crate::domain::text::{one_line, shortened};
use crate::import::pulled::told_errors;
use crate::outgoing;
use crate::sealing::random_number;

/// One exchange takes at most this long.
const EXCHANGE: Duration = Duration::from_secs(30);
/// The largest answer that is read: a page of a hundred PIs has some hundred kilobytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;
/// First step between exchanges that were not answered, and the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Of what MUKTASoft says of a fault so many characters are kept.
const KEPT_CHARS: usize = 300;
/// Who asks.
const API_ID: &str = "mukta-ftps";

/// Why the client for MUKTASoft could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client for MUKTASoft could not be made: {0}")]
pub struct SetupError(#[from] reqwest::Error);

/// A service of MUKTASoft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Service {
    Search,
    BankAccounts,
    Individuals,
    Organisations,
}

impl Service {
    /// What it is called in a log.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Search => "payment instructions",
            Self::BankAccounts => "bank accounts",
            Self::Individuals => "individuals",
            Self::Organisations => "organisations",
        }
    }

    /// How often an exchange is made at most, until it is answered: without people PIs come in all the same.
    const fn attempts(self) -> u32 {
        match self {
            Self::Search => 6,
            Self::BankAccounts | Self::Individuals | Self::Organisations => 3,
        }
    }
}

/// Why an exchange brought nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CallFault {
    /// The token was refused.
    TokenRefused(String),
    /// It was not answered, or only that it cannot be.
    NotAnswered(String),
    /// The question was refused.
    Refused(String),
    /// The answer cannot be read.
    NotRead(String),
    /// The time for asking is over.
    TimeOver,
    /// The program ends, or somebody else pulls.
    CutOff,
}

/// For how long may be asked.
#[derive(Clone)]
pub(super) struct Patience {
    pub(super) until: Instant,
    /// Says that it is to end before.
    pub(super) cut: watch::Receiver<bool>,
}

impl Patience {
    fn left(&self) -> Result<Duration, CallFault> {
        if *self.cut.borrow() {
            return Err(CallFault::CutOff);
        }
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(CallFault::TimeOver) } else { Ok(left) }
    }

    /// Whether nothing may be begun any more.
    pub(super) fn is_cut(&self) -> bool {
        *self.cut.borrow()
    }

    /// Runs `work`, unless it is cut off.
    async fn unless_cut<T>(&self, work: impl Future<Output = T>) -> Result<T, CallFault> {
        let mut cut = self.cut.clone();
        tokio::select! {
            // A sender that is gone tells nothing any more.
            Ok(_) = cut.wait_for(|cut| *cut) => Err(CallFault::CutOff),
            done = work => Ok(done),
        }
    }
}

/// What one exchange came to.
enum Exchange {
    Answered(Vec<u8>),
    /// The next may be answered.
    Passing(String),
    Final(CallFault),
}

/// Asks MUKTASoft's services.
pub(super) struct Client {
    search: (reqwest::Client, Url),
    bank_accounts: Option<(reqwest::Client, Url)>,
    individuals: Option<(reqwest::Client, Url)>,
    organisations: Option<(reqwest::Client, Url)>,
    kind: SearchKind,
    token: Option<String>,
}

impl Client {
    pub(super) fn new(config: &MuktasoftConfig) -> Result<Self, SetupError> {
        let to = |url: &Url| -> Result<(reqwest::Client, Url), SetupError> {
            Ok((outgoing::client(url, EXCHANGE, EXCHANGE).build()?, url.clone()))
        };
        let maybe = |url: &Option<Url>| url.as_ref().map(to).transpose();
        Ok(Self {
            search: to(&config.search)?,
            bank_accounts: maybe(&config.bank_accounts)?,
            individuals: maybe(&config.individuals)?,
            organisations: maybe(&config.organisations)?,
            kind: config.kind,
            token: config.token.clone(),
        })
    }

    fn way(&self, service: Service) -> Option<&(reqwest::Client, Url)> {
        match service {
            Service::Search => Some(&self.search),
            Service::BankAccounts => self.bank_accounts.as_ref(),
            Service::Individuals => self.individuals.as_ref(),
            Service::Organisations => self.organisations.as_ref(),
        }
    }

    /// Whether that service is known here.
    pub(super) fn has(&self, service: Service) -> bool {
        self.way(service).is_some()
    }

    fn request_info(&self) -> Value {
        json!({ "apiId": API_ID, "authToken": self.token })
    }

    /// A page of the revised PIs of a ULB.
    pub(super) async fn page(
        &self,
        tenant: &str,
        limit: usize,
        offset: usize,
        patience: &Patience,
    ) -> Result<Vec<u8>, CallFault> {
        let body = match self.kind {
            SearchKind::Ifms => json!({
                "RequestInfo": self.request_info(),
                "searchCriteria":
                    { "tenantId": tenant, "piType": "REVISED", "limit": limit, "offset": offset },
            }),
            SearchKind::MuktaIfix => json!({
                "RequestInfo": self.request_info(),
                "criteria": { "tenantId": tenant, "piType": "REVISED" },
                // Its Pagination spells it so; others spell it as the criteria do.
                "pagination": { "limit": limit, "offset": offset, "offSet": offset },
            }),
        };
        self.ask(Service::Search, &[], &body, patience).await
    }

    /// The PI of a number, in a ULB where that is known. Its type is not asked by: `ORIGINAL` finds other
    /// ULBs' PIs (DOMAIN.md §8).
    pub(super) async fn by_number(
        &self,
        tenant: Option<&str>,
        number: &str,
        patience: &Patience,
    ) -> Result<Vec<u8>, CallFault> {
        let mut criteria = json!({ "piNumber": number });
        if let Some(tenant) = tenant {
            criteria["tenantId"] = tenant.into();
        }
        let key = match self.kind {
            SearchKind::Ifms => "searchCriteria",
            SearchKind::MuktaIfix => "criteria",
        };
        let body = json!({ "RequestInfo": self.request_info(), key: criteria });
        self.ask(Service::Search, &[], &body, patience).await
    }

    /// The people of these ids.
    pub(super) async fn people(
        &self,
        service: Service,
        tenant: &str,
        ids: &[String],
        patience: &Patience,
    ) -> Result<Value, CallFault> {
        let info = self.request_info();
        let pagination = json!({ "limit": ids.len(), "offset": 0, "offSet": 0 });
        let (query, body) = match service {
            Service::Individuals => (
                vec![
                    ("tenantId", tenant.to_owned()),
                    ("limit", ids.len().to_string()),
                    ("offset", "0".to_owned()),
                ],
                json!({ "RequestInfo": info, "Individual": { "id": ids } }),
            ),
            Service::Organisations => (
                vec![],
                json!({
                    "RequestInfo": info,
                    "SearchCriteria": { "tenantId": tenant, "id": ids },
                    "pagination": pagination,
                }),
            ),
            Service::BankAccounts | Service::Search => (
                vec![],
                json!({
                    "RequestInfo": info,
                    "bankAccountDetails": { "tenantId": tenant, "referenceId": ids },
                    "pagination": pagination,
                }),
            ),
        };
        let answer = self.ask(service, &query, &body, patience).await?;
        if let Some(told) = told_errors(&answer) {
            return Err(CallFault::NotRead(self.tellable(&told)));
        }
        serde_json::from_slice(&answer).map_err(|_| CallFault::NotRead("it is not JSON".to_owned()))
    }

    /// Asks until there is an answer, with growing pauses.
    async fn ask(
        &self,
        service: Service,
        query: &[(&str, String)],
        body: &Value,
        patience: &Patience,
    ) -> Result<Vec<u8>, CallFault> {
        let mut attempt = 1;
        loop {
            let within = patience.left()?.min(EXCHANGE);
            let cause = match patience.unless_cut(self.once(service, query, body, within)).await? {
                Exchange::Answered(answer) => return Ok(answer),
                Exchange::Final(fault) => return Err(fault),
                Exchange::Passing(cause) => cause,
            };
            // Without randomness, which does not happen, the shortest.
            let pause = retry::pause(FIRST_PAUSE, LONGEST_PAUSE, attempt, random_number().unwrap_or(0));
            if attempt >= service.attempts() || patience.left().is_ok_and(|left| left <= pause) {
                return Err(CallFault::NotAnswered(cause));
            }
            log::debug!("MUKTASoft’s {} did not answer: {cause}", service.name());
            patience.unless_cut(tokio::time::sleep(pause)).await?;
            attempt += 1;
        }
    }

    async fn once(
        &self,
        service: Service,
        query: &[(&str, String)],
        body: &Value,
        within: Duration,
    ) -> Exchange {
        let Some((http, url)) = self.way(service) else {
            return Exchange::Final(CallFault::Refused("no address is set for it".to_owned()));
        };
        let mut url = url.clone();
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let failed = |fault| Exchange::Passing(outgoing::innermost_cause(fault));
        let response = match http.post(url).timeout(within).json(body).send().await {
            Ok(response) => response,
            Err(fault) => return failed(fault),
        };
        let status = response.status();
        match outgoing::bytes(response, MAX_ANSWER_BYTES).await {
            Err(fault) => failed(fault),
            Ok(answer) => self.judged(status, answer),
        }
    }

    fn judged(&self, status: StatusCode, answer: Option<Vec<u8>>) -> Exchange {
        let code = status.as_u16();
        if status.is_success() {
            return match answer {
                Some(answer) => Exchange::Answered(answer),
                None => Exchange::Final(CallFault::NotRead("it is longer than 64 MiB".to_owned())),
            };
        }
        let said = answer.as_deref().and_then(told_errors);
        let told = match said {
            Some(said) => self.tellable(&format!("HTTP status {code}: {said}")),
            None => format!("HTTP status {code}"),
        };
        match code {
            401 | 403 => Exchange::Final(CallFault::TokenRefused(told)),
            408 | 429 | 500..=599 => Exchange::Passing(told),
            _ => Exchange::Final(CallFault::Refused(told)),
        }
    }

    /// What was heard, without the token and numbers of people, and not too long.
    pub(super) fn tellable(&self, said: &str) -> String {
        let said = match self.token.as_deref().filter(|token| !token.is_empty()) {
            Some(token) => said.replace(token, "…"),
            None => said.to_owned(),
        };
        shortened(&Around::default().masked(&one_line(&said)), KEPT_CHARS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> Client {
        let url: Url = "http://127.0.0.1:9/x".parse().unwrap();
        Client::new(&MuktasoftConfig {
            search: url.clone(),
            kind: SearchKind::Ifms,
            token: Some("s3cret".to_owned()),
            bank_accounts: Some(url),
            individuals: None,
            organisations: None,
            tenants: vec![],
            every: Duration::from_secs(900),
            longest: Duration::from_secs(600),
        })
        .unwrap()
    }

    #[test]
    fn an_answer_means_what_its_status_says_and_the_token_is_never_told() {
        let client = client();
        let judged = |code: u16, answer: &str| {
            client.judged(StatusCode::from_u16(code).unwrap(), Some(answer.as_bytes().to_vec()))
        };
        assert!(matches!(judged(200, "{}"), Exchange::Answered(_)));
        for code in [401, 403] {
            let Exchange::Final(CallFault::TokenRefused(told)) =
                judged(code, r#"{"Errors":[{"message":"bad token s3cret"}]}"#)
            else {
                panic!()
            };
            assert_eq!(told, format!("HTTP status {code}: bad token …"));
            let heard = client.tellable("account 3013 1500 0001");
            assert_eq!(heard, "account •••• 0001");
        }
        for code in [408, 429, 500, 503] {
            assert!(
                matches!(judged(code, "<html>"), Exchange::Passing(told) if told.ends_with(&code.to_string()))
            );
        }
        for code in [302, 400, 404] {
            assert!(matches!(judged(code, ""), Exchange::Final(CallFault::Refused(_))), "{code}");
        }
        let too_long = client.judged(StatusCode::OK, None);
        assert!(matches!(too_long, Exchange::Final(CallFault::NotRead(_))));
    }

    #[tokio::test]
    async fn nothing_is_asked_when_the_time_is_over_or_it_is_cut_off() {
        let (cut, receiver) = watch::channel(false);
        let mut patience = Patience { until: Instant::now(), cut: receiver };
        let client = client();
        assert_eq!(client.by_number(None, "PI-1", &patience).await, Err(CallFault::TimeOver));
        patience.until += Duration::from_secs(60);
        cut.send_replace(true);
        assert_eq!(client.by_number(None, "PI-1", &patience).await, Err(CallFault::CutOff));
    }
}
