//! Who is told what is amiss.

use clap::Args;

use super::{SettingFault, fault, filled};
use crate::outgoing::is_loopback;

/// Where an operator is told at once what is amiss.
#[derive(Debug, Clone, Args)]
pub struct AlertSettings {
    /// Where alerts are posted to; without one, none are. https except on loopback
    #[arg(long, env = "ALERT_WEBHOOK_URL", value_name = "ALERT_WEBHOOK_URL", hide_env_values = true)]
    alert_webhook_url: Option<String>,
}

impl AlertSettings {
    /// Checks it; `None` where nobody is told.
    pub fn validated(&self) -> Result<Option<reqwest::Url>, SettingFault> {
        let name = "ALERT_WEBHOOK_URL";
        let Some(text) = filled(self.alert_webhook_url.as_deref()) else { return Ok(None) };
        let url: reqwest::Url =
            text.parse().map_err(|cause| fault(name, format!("is not a URL: {cause}")))?;
        match url.scheme() {
            "https" if url.has_host() => Ok(Some(url)),
            "http" if is_loopback(&url) => Ok(Some(url)),
            _ => Err(fault(name, "must begin with https:// (http:// is accepted to loopback only)")),
        }
    }
}
