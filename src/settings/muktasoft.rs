//! MUKTASoft, where payment instructions are pulled from.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use reqwest::Url;

use super::{Secret, SettingFault, fault, filled, secret};
use crate::access;
use crate::muktasoft::{MuktasoftConfig, SearchKind};
use crate::outgoing::is_loopback;

/// Which of the adapter's two endpoints is asked.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Ifms,
    MuktaIfix,
}

/// MUKTASoft's search of payment instructions, and its services of people (DOMAIN.md §8).
#[derive(Debug, Clone, Args)]
pub struct MuktasoftSettings {
    /// URL of MUKTASoft's search of payment instructions, https except on loopback; without one, nothing is
    /// pulled
    #[arg(
        long,
        env = "MUKTASOFT_PI_SEARCH_URL",
        value_name = "MUKTASOFT_PI_SEARCH_URL",
        hide_env_values = true
    )]
    muktasoft_pi_search_url: Option<String>,
    /// Which endpoint that is: ifms (/ifms-adapter/pi/v1/_search) or mukta-ifix
    /// (/mukta-ifix-adapter/v1/pi/_search)
    #[arg(
        long,
        env = "MUKTASOFT_PI_SEARCH_KIND",
        value_name = "MUKTASOFT_PI_SEARCH_KIND",
        default_value = "ifms"
    )]
    muktasoft_pi_search_kind: Kind,
    /// The token that lets us in at MUKTASoft
    #[arg(long, env = "MUKTASOFT_AUTH_TOKEN", value_name = "MUKTASOFT_AUTH_TOKEN", hide_env_values = true)]
    muktasoft_auth_token: Option<Secret>,
    /// A file that holds MUKTASOFT_AUTH_TOKEN
    #[arg(long, env = "MUKTASOFT_AUTH_TOKEN_FILE", value_name = "MUKTASOFT_AUTH_TOKEN_FILE")]
    muktasoft_auth_token_file: Option<PathBuf>,
    /// URL of MUKTASoft's search of bank accounts; without one, accounts are not known
    #[arg(
        long,
        env = "MUKTASOFT_BANK_ACCOUNT_SEARCH_URL",
        value_name = "MUKTASOFT_BANK_ACCOUNT_SEARCH_URL",
        hide_env_values = true
    )]
    muktasoft_bank_account_search_url: Option<String>,
    /// URL of MUKTASoft's search of individuals; without one, their names and mobile numbers are not known
    #[arg(
        long,
        env = "MUKTASOFT_INDIVIDUAL_SEARCH_URL",
        value_name = "MUKTASOFT_INDIVIDUAL_SEARCH_URL",
        hide_env_values = true
    )]
    muktasoft_individual_search_url: Option<String>,
    /// URL of MUKTASoft's search of organisations; without one, their names and mobile numbers are not known
    #[arg(
        long,
        env = "MUKTASOFT_ORGANISATION_SEARCH_URL",
        value_name = "MUKTASOFT_ORGANISATION_SEARCH_URL",
        hide_env_values = true
    )]
    muktasoft_organisation_search_url: Option<String>,
    /// ULBs that are pulled, comma-separated [default: those known here]
    #[arg(long, env = "MUKTASOFT_TENANTS", value_name = "MUKTASOFT_TENANTS")]
    muktasoft_tenants: Option<String>,
    /// How often `serve` pulls, in seconds
    #[arg(long, env = "MUKTASOFT_PULL_SECONDS", value_name = "MUKTASOFT_PULL_SECONDS", default_value = "900", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    muktasoft_pull_seconds: u32,
    /// Longest time that a pull asks MUKTASoft, in seconds
    #[arg(long, env = "MUKTASOFT_PULL_MAX_SECONDS", value_name = "MUKTASOFT_PULL_MAX_SECONDS", default_value = "600", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    muktasoft_pull_max_seconds: u32,
}

impl MuktasoftSettings {
    /// Checks all of them; `None` without a search.
    pub fn validated(&self) -> Result<Option<MuktasoftConfig>, SettingFault> {
        let token = secret(
            "MUKTASOFT_AUTH_TOKEN",
            "MUKTASOFT_AUTH_TOKEN_FILE",
            self.muktasoft_auth_token.as_ref(),
            self.muktasoft_auth_token_file.as_deref(),
        )?;
        let search = url("MUKTASOFT_PI_SEARCH_URL", self.muktasoft_pi_search_url.as_deref())?;
        let people = [
            ("MUKTASOFT_BANK_ACCOUNT_SEARCH_URL", &self.muktasoft_bank_account_search_url),
            ("MUKTASOFT_INDIVIDUAL_SEARCH_URL", &self.muktasoft_individual_search_url),
            ("MUKTASOFT_ORGANISATION_SEARCH_URL", &self.muktasoft_organisation_search_url),
        ];
        let mut urls = Vec::new();
        for (name, text) in people {
            let url = url(name, text.as_deref())?;
            if url.is_some() && search.is_none() {
                return Err(fault(name, "is set without MUKTASOFT_PI_SEARCH_URL: set that one too"));
            }
            urls.push(url);
        }
        let tenants = self.tenants()?;
        let Some(search) = search else { return Ok(None) };
        let mut urls = urls.into_iter();
        let mut next = || urls.next().flatten();
        Ok(Some(MuktasoftConfig {
            search,
            kind: match self.muktasoft_pi_search_kind {
                Kind::Ifms => SearchKind::Ifms,
                Kind::MuktaIfix => SearchKind::MuktaIfix,
            },
            token,
            bank_accounts: next(),
            individuals: next(),
            organisations: next(),
            tenants,
            every: Duration::from_secs(self.muktasoft_pull_seconds.into()),
            longest: Duration::from_secs(self.muktasoft_pull_max_seconds.into()),
        }))
    }

    /// For a command that cannot do without.
    pub fn required(&self) -> Result<MuktasoftConfig, SettingFault> {
        super::required("MUKTASOFT_PI_SEARCH_URL", self.validated()?)
    }

    fn tenants(&self) -> Result<Vec<String>, SettingFault> {
        let text = filled(self.muktasoft_tenants.as_deref()).unwrap_or_default();
        let mut tenants = Vec::new();
        for one in text.split(',').map(str::trim).filter(|one| !one.is_empty()) {
            let tenant = access::tenant(one)
                .map_err(|problem| fault("MUKTASOFT_TENANTS", format!("has “{one}” in it: {problem}")))?;
            if !tenant.contains('.') {
                let problem = format!("has “{one}” in it, which is a state: name its ULBs, such as od.jatni");
                return Err(fault("MUKTASOFT_TENANTS", problem));
            }
            if !tenants.contains(&tenant) {
                tenants.push(tenant);
            }
        }
        Ok(tenants)
    }
}

/// The token and accounts travel there: TLS is required but to loopback.
fn url(name: &'static str, text: Option<&str>) -> Result<Option<Url>, SettingFault> {
    let Some(text) = filled(text) else { return Ok(None) };
    let url: Url = text.parse().map_err(|cause| fault(name, format!("is not a URL: {cause}")))?;
    match url.scheme() {
        "https" if url.has_host() => Ok(Some(url)),
        "http" if is_loopback(&url) => Ok(Some(url)),
        "http" => Err(fault(name, "must begin with https:// (http:// is accepted to loopback only)")),
        _ => Err(fault(name, "must begin with https://")),
    }
}
