//! Telling MUKTASoft what changed (docs/INTEGRATION.md).

use std::path::PathBuf;

use clap::Args;

use super::{Secret, SettingFault, fault, filled, required, secret};
use crate::muktasoft::push::StatusReceiver;
use crate::outgoing::is_loopback;

/// Where changes are told to MUKTASoft, and what signs them.
#[derive(Debug, Clone, Args)]
pub struct MuktasoftStatusSettings {
    /// Where changed payment instructions are posted to; without one, none are. https except on loopback
    #[arg(long, env = "MUKTASOFT_STATUS_URL", value_name = "MUKTASOFT_STATUS_URL", hide_env_values = true)]
    muktasoft_status_url: Option<String>,
    /// What signs these posts [required with MUKTASOFT_STATUS_URL]
    #[arg(
        long,
        env = "MUKTASOFT_STATUS_SECRET",
        value_name = "MUKTASOFT_STATUS_SECRET",
        hide_env_values = true
    )]
    muktasoft_status_secret: Option<Secret>,
    /// A file that holds MUKTASOFT_STATUS_SECRET
    #[arg(long, env = "MUKTASOFT_STATUS_SECRET_FILE", value_name = "MUKTASOFT_STATUS_SECRET_FILE")]
    muktasoft_status_secret_file: Option<PathBuf>,
}

impl MuktasoftStatusSettings {
    /// Checks all of them; `None` where MUKTASoft is not told.
    pub fn validated(&self) -> Result<Option<StatusReceiver>, SettingFault> {
        let Some(url) = filled(self.muktasoft_status_url.as_deref()) else { return Ok(None) };
        let name = "MUKTASOFT_STATUS_SECRET";
        let text = secret(
            name,
            "MUKTASOFT_STATUS_SECRET_FILE",
            self.muktasoft_status_secret.as_ref(),
            self.muktasoft_status_secret_file.as_deref(),
        )?;
        let text = required(name, text.filter(|text| !text.is_empty()))?;
        Ok(Some(StatusReceiver { url: status_url(&url)?, secret: text }))
    }
}

/// What is posted holds account and mobile numbers: TLS is required but to loopback.
fn status_url(text: &str) -> Result<reqwest::Url, SettingFault> {
    let name = "MUKTASOFT_STATUS_URL";
    let url: reqwest::Url = text.parse().map_err(|cause| fault(name, format!("is not a URL: {cause}")))?;
    match url.scheme() {
        "https" if url.has_host() => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(fault(name, "must begin with https:// (http:// is accepted to loopback only)")),
        _ => Err(fault(name, "must begin with https://")),
    }
}
