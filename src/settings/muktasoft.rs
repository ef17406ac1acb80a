//! MUKTASoft, where payment instructions are pulled from.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use reqwest::Url;

use super::{HOLDS_NONE, Secret, SettingFault, SettingFaults, addresses, fault, filled, secret};
use crate::access;
use crate::muktasoft::{MuktasoftConfig, SearchKind};

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
    pub fn validated(&self) -> Result<Option<MuktasoftConfig>, SettingFaults> {
        let mut faults = SettingFaults::default();
        let token = faults.of(secret(
            "MUKTASOFT_AUTH_TOKEN",
            "MUKTASOFT_AUTH_TOKEN_FILE",
            self.muktasoft_auth_token.as_ref(),
            self.muktasoft_auth_token_file.as_deref(),
        ));
        let is_pulled = filled(self.muktasoft_pi_search_url.as_deref()).is_some();
        let search = faults.of(url("MUKTASOFT_PI_SEARCH_URL", self.muktasoft_pi_search_url.as_deref()));
        let mut people = |name, text: &Option<String>| {
            let checked = url(name, text.as_deref()).and_then(|url| match url {
                Some(_) if !is_pulled => {
                    Err(fault(name, "is set without MUKTASOFT_PI_SEARCH_URL: set that one too"))
                }
                url => Ok(url),
            });
            faults.of(checked)
        };
        let accounts = people("MUKTASOFT_BANK_ACCOUNT_SEARCH_URL", &self.muktasoft_bank_account_search_url);
        let individuals = people("MUKTASOFT_INDIVIDUAL_SEARCH_URL", &self.muktasoft_individual_search_url);
        let organisations =
            people("MUKTASOFT_ORGANISATION_SEARCH_URL", &self.muktasoft_organisation_search_url);
        let tenants = faults.of(self.tenants());
        let (Some(token), Some(search), Some(tenants)) = (token, search, tenants) else { return Err(faults) };
        let (Some(bank_accounts), Some(individuals), Some(organisations)) =
            (accounts, individuals, organisations)
        else {
            return Err(faults);
        };
        let Some(search) = search else { return Ok(None) };
        Ok(Some(MuktasoftConfig {
            search,
            kind: match self.muktasoft_pi_search_kind {
                Kind::Ifms => SearchKind::Ifms,
                Kind::MuktaIfix => SearchKind::MuktaIfix,
            },
            token,
            bank_accounts,
            individuals,
            organisations,
            tenants,
            every: Duration::from_secs(self.muktasoft_pull_seconds.into()),
            longest: Duration::from_secs(self.muktasoft_pull_max_seconds.into()),
        }))
    }

    /// For a command that cannot do without.
    pub fn required(&self) -> Result<MuktasoftConfig, SettingFaults> {
        Ok(super::required("MUKTASOFT_PI_SEARCH_URL", self.validated()?)?)
    }

    fn tenants(&self) -> Result<Vec<String>, SettingFault> {
        let Some(text) = filled(self.muktasoft_tenants.as_deref()) else { return Ok(Vec::new()) };
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
        if tenants.is_empty() { Err(fault("MUKTASOFT_TENANTS", HOLDS_NONE)) } else { Ok(tenants) }
    }
}

/// The token and accounts travel there.
fn url(name: &'static str, text: Option<&str>) -> Result<Option<Url>, SettingFault> {
    filled(text).map(|text| addresses::service(name, &text)).transpose()
}
