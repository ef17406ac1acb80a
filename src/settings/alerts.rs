//! Who is told what is amiss.

use clap::Args;

use super::{SettingFault, addresses, filled};

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
        let text = filled(self.alert_webhook_url.as_deref());
        text.map(|text| addresses::service("ALERT_WEBHOOK_URL", &text)).transpose()
    }
}
