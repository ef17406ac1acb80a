//! Telling MUKTASoft what changed (docs/INTEGRATION.md).

use std::path::PathBuf;

use clap::Args;

use super::{Secret, SettingFaults, addresses, filled, required, secret};
use crate::muktasoft::push::StatusReceiver;

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
    pub fn validated(&self) -> Result<Option<StatusReceiver>, SettingFaults> {
        let Some(url) = filled(self.muktasoft_status_url.as_deref()) else { return Ok(None) };
        let name = "MUKTASOFT_STATUS_SECRET";
        let secret = secret(
            name,
            "MUKTASOFT_STATUS_SECRET_FILE",
            self.muktasoft_status_secret.as_ref(),
            self.muktasoft_status_secret_file.as_deref(),
        );
        let mut faults = SettingFaults::default();
        let secret = faults.of(secret.and_then(|text| required(name, text.filter(|text| !text.is_empty()))));
        // What is posted holds account and mobile numbers.
        let url = faults.of(addresses::service("MUKTASOFT_STATUS_URL", &url));
        let (Some(url), Some(secret)) = (url, secret) else { return Err(faults) };
        Ok(Some(StatusReceiver { url, secret }))
    }
}
