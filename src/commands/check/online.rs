//! Whether the services outside can be reached: name, port, certificate, clock, sign-in; the first step that fails is told.

use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use mukta_ftps::clock::Clock;
use mukta_ftps::jit::JitClient;
use mukta_ftps::muktasoft::MuktasoftConfig;
use mukta_ftps::muktasoft::push::StatusReceiver;
use mukta_ftps::notifications::gateway::GatewayConfig;
use mukta_ftps::outgoing::{self, CertificateFault};
use mukta_ftps::sync::Jit;
use reqwest::{Certificate, Url};
use tokio::net::{TcpStream, lookup_host};

use super::super::CommandError;
use super::Report;

/// No step takes longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// A clock that is off by more troubles sign-ins with a second factor; by still more, nights and what is due.
const A_LITTLE_OFF: TimeDelta = TimeDelta::seconds(10);
const FAR_OFF: TimeDelta = TimeDelta::seconds(120);

/// What is set of them.
pub(super) struct Services {
    pub(super) jit: Option<Jit>,
    pub(super) gateway: Option<GatewayConfig>,
    pub(super) search: Option<MuktasoftConfig>,
    pub(super) receiver: Option<StatusReceiver>,
    /// Of alerts.
    pub(super) alerted: Option<Url>,
}

/// A service outside.
struct Service<'a> {
    /// As a line tells of it.
    what: &'a str,
    /// The setting of its address.
    setting: &'a str,
    url: &'a Url,
    roots: &'a [Certificate],
    /// The setting that names roots for it, if there is one.
    roots_setting: Option<&'a str>,
}

impl Services {
    pub(super) async fn reach(self, report: &mut Report) -> Result<(), CommandError> {
        if let Some(jit) = self.jit {
            let service = Service {
                what: "JIT",
                setting: "JIT_BASE_URL",
                url: &jit.config.base_url,
                roots: &jit.config.extra_roots,
                roots_setting: Some("JIT_CA_FILE"),
            };
            if let Some(date) = service.reach(report).await? {
                clock(report, date.as_deref())?;
                sign_in(report, jit).await?;
            }
        }
        if let Some(gateway) = &self.gateway {
            let service = Service {
                what: "the SMS gateway",
                setting: "SMS_GATEWAY_URL",
                url: &gateway.url,
                roots: &gateway.extra_roots,
                roots_setting: Some("SMS_CA_FILE"),
            };
            service.reach(report).await?;
        }
        if let Some(search) = &self.search {
            let (what, setting) = ("MUKTASoft", "MUKTASOFT_PI_SEARCH_URL");
            let service = Service { what, setting, url: &search.search, roots: &[], roots_setting: None };
            service.reach(report).await?;
        }
        if let Some(receiver) = &self.receiver {
            let (what, setting) = ("MUKTASoft's receiver", "MUKTASOFT_STATUS_URL");
            let service = Service { what, setting, url: &receiver.url, roots: &[], roots_setting: None };
            service.reach(report).await?;
        }
        if let Some(url) = &self.alerted {
            let (what, setting) = ("the receiver of alerts", "ALERT_WEBHOOK_URL");
            let service = Service { what, setting, url, roots: &[], roots_setting: None };
            service.reach(report).await?;
        }
        Ok(())
    }
}

impl Service<'_> {
    /// Whether it is reached; then the date that it told, if it told one.
    async fn reach(&self, report: &mut Report) -> Result<Option<Option<String>>, CommandError> {
        let Self { what, setting, url, .. } = self;
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or_default();
        let is_own = outgoing::is_loopback(url);
        let proxy = outgoing::PROXIES
            .iter()
            .find(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
        if is_own || proxy.is_none() {
            let bare = host.trim_matches(['[', ']']);
            let addresses: Vec<_> = match tokio::time::timeout(PATIENCE, lookup_host((bare, port))).await {
                Ok(Ok(found)) => found.collect(),
                Ok(Err(cause)) => {
                    let told = format!(
                        "{what}: the name {host} is not found ({cause}): check {setting}, and this machine's DNS"
                    );
                    return report.fail(&told).map(|()| None);
                }
                Err(_) => {
                    let told = format!("{what}: nobody says where {host} is: check this machine's DNS");
                    return report.fail(&told).map(|()| None);
                }
            };
            let connected = tokio::time::timeout(PATIENCE, TcpStream::connect(addresses.as_slice())).await;
            let cause = match connected {
                Ok(Ok(_)) => None,
                Ok(Err(cause)) => Some(cause.to_string()),
                Err(_) => Some("no answer".to_owned()),
            };
            if let Some(cause) = cause {
                let told = format!(
                    "{what}: no connection to port {port} of {host} ({cause}): check {setting}, and the firewall between"
                );
                return report.fail(&told).map(|()| None);
            }
        }
        let through = proxy.filter(|_| !is_own).map_or_else(String::new, |name| format!(" through {name}"));
        match self.head().await {
            Ok(date) => {
                let trusted = if url.scheme() == "https" { ", and its certificate is trusted" } else { "" };
                report.ok(&format!("{what}: port {port} of {host} is reached{through}{trusted}"))?;
                Ok(Some(date))
            }
            Err(fault) if let Some(why) = outgoing::certificate_fault(&fault) => {
                let told = why.to_string();
                let mend = match (why, self.roots_setting) {
                    (CertificateFault::UnknownIssuer, Some(setting)) => format!(" in {setting}"),
                    (CertificateFault::UnknownIssuer, None) => " among this machine's".to_owned(),
                    _ => String::new(),
                };
                report
                    .fail(&format!("{what}: the certificate of {host} is not trusted here: {told}{mend}"))?;
                Ok(None)
            }
            Err(fault) => {
                report.fail(&format!(
                    "{what}: port {port} of {host} is reached{through}, but not by {} ({}): check {setting}, and what stands \
                     between",
                    url.scheme(),
                    outgoing::causes(fault)
                ))?;
                Ok(None)
            }
        }
    }

    /// The date in the answer of the server to a request for nothing. That it gives none, or takes its time, is no fault:
    /// by then it was connected to.
    async fn head(&self) -> Result<Option<String>, reqwest::Error> {
        // Longer than connecting takes, TLS with it: so what it failed at is told.
        let client = outgoing::client(self.url, PATIENCE + Duration::from_secs(2), PATIENCE)
            .tls_certs_merge(self.roots.iter().cloned())
            .build()?;
        let mut root = self.url.clone();
        root.set_path("/");
        root.set_query(None);
        match client.head(root).send().await {
            Ok(answer) => {
                let date = answer.headers().get(reqwest::header::DATE);
                Ok(date.and_then(|date| date.to_str().ok()).map(str::to_owned))
            }
            Err(fault) if fault.is_connect() => Err(fault),
            Err(_) => Ok(None),
        }
    }
}

/// This machine's clock against JIT's.
fn clock(report: &mut Report, date: Option<&str>) -> Result<(), CommandError> {
    let told = date.and_then(|date| DateTime::parse_from_rfc2822(date).ok());
    let Some(told) = told else {
        return report.warn("JIT tells no time: whether this machine's clock is right, timedatectl says");
    };
    let off = Clock::system().now() - told.to_utc();
    let seconds = off.num_seconds();
    let told = match seconds {
        ahead @ 1.. => format!("this machine's clock is {ahead} s ahead of JIT's"),
        behind => format!("this machine's clock is {} s behind JIT's", -behind),
    };
    if off.abs() > FAR_OFF {
        report.fail(&format!("{told}: set it right (timedatectl set-ntp true)"))
    } else if off.abs() > A_LITTLE_OFF {
        report.warn(&format!("{told}: set it right (timedatectl set-ntp true)"))
    } else {
        report.ok(&told)
    }
}

async fn sign_in(report: &mut Report, jit: Jit) -> Result<(), CommandError> {
    let client = match JitClient::new(jit.config, Clock::system()) {
        Ok(client) => client,
        Err(fault) => return report.fail(&fault.to_string()),
    };
    match client.try_to_sign_in().await {
        Ok(()) => report.ok("JIT: it lets us sign in"),
        Err(why) => report.fail(&format!(
            "JIT: it does not let us sign in ({why}): check JIT_CLIENT_ID, JIT_CLIENT_SECRET and JIT_PUBLIC_KEY_FILE, or ask the \
             treasury"
        )),
    }
}
