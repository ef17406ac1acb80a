//! The SMS gateway.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{SettingFaults, addresses, extra_roots, filled, required, steps_that_shrink};
use crate::notifications::Sms;
use crate::notifications::gateway::GatewayConfig;

/// The state's SMS gateway, and how eagerly messages go there (DOMAIN.md §6).
#[derive(Debug, Clone, Args)]
pub struct SmsSettings {
    /// URL of the SMS gateway; without one, messages wait in the outbox
    #[arg(long, env = "SMS_GATEWAY_URL", value_name = "SMS_GATEWAY_URL", hide_env_values = true)]
    sms_gateway_url: Option<String>,
    /// Certificates (PEM) that are trusted for the gateway beside the system's
    #[arg(long, env = "SMS_CA_FILE", value_name = "SMS_CA_FILE")]
    sms_ca_file: Option<PathBuf>,
    /// Longest time for one message, in seconds
    #[arg(long, env = "SMS_TIMEOUT_SECONDS", value_name = "SMS_TIMEOUT_SECONDS", default_value = "30", value_parser = clap::value_parser!(u32).range(1..=600))]
    sms_timeout_seconds: u32,
    /// Messages in flight at once, per process
    #[arg(long, env = "SMS_CONCURRENCY", value_name = "SMS_CONCURRENCY", default_value = "4", value_parser = clap::value_parser!(u32).range(1..=256))]
    sms_concurrency: u32,
    /// Messages sent per second at most, per process
    #[arg(long, env = "SMS_PER_SECOND", value_name = "SMS_PER_SECOND", default_value = "20", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    sms_per_second: u32,
    /// First step before a message is tried again, in seconds; the step doubles each time
    #[arg(long, env = "SMS_RETRY_FIRST_SECONDS", value_name = "SMS_RETRY_FIRST_SECONDS", default_value = "60", value_parser = clap::value_parser!(u32).range(1..=604_800))]
    sms_retry_first_seconds: u32,
    /// Longest step before a message is tried again, in seconds
    #[arg(long, env = "SMS_RETRY_MAX_SECONDS", value_name = "SMS_RETRY_MAX_SECONDS", default_value = "21600", value_parser = clap::value_parser!(u32).range(1..=604_800))]
    sms_retry_max_seconds: u32,
    /// `action` of the gateway's form
    #[arg(long, env = "SMS_ACTION", value_name = "SMS_ACTION", default_value = "singleSMS")]
    sms_action: String,
    /// `source` of the gateway's form, the sender id
    #[arg(long, env = "SMS_SOURCE", value_name = "SMS_SOURCE", default_value = "ODIGOV")]
    sms_source: String,
    /// `department_id` of the gateway's form
    #[arg(long, env = "SMS_DEPARTMENT_ID", value_name = "SMS_DEPARTMENT_ID", default_value = "D001002")]
    sms_department_id: String,
    /// `template_id` of the gateway's form, the number of the DLT template [required with a gateway]
    #[arg(long, env = "SMS_TEMPLATE_ID", value_name = "SMS_TEMPLATE_ID")]
    sms_template_id: Option<String>,
}

impl SmsSettings {
    /// Checks all of them; `None` without a gateway.
    pub fn validated(&self) -> Result<Option<Sms>, SettingFaults> {
        let mut faults = SettingFaults::default();
        let roots = faults.of(extra_roots("SMS_CA_FILE", self.sms_ca_file.as_deref()));
        let Some(url) = filled(self.sms_gateway_url.as_deref()) else {
            return roots.map(|_| None).ok_or(faults);
        };
        // Numbers of people go there.
        let url = faults.of(addresses::service("SMS_GATEWAY_URL", &url));
        let template = faults.of(required("SMS_TEMPLATE_ID", filled(self.sms_template_id.as_deref())));
        let (Some(extra_roots), Some(url), Some(template_id)) = (roots, url, template) else {
            return Err(faults);
        };
        let seconds = |count: u32| Duration::from_secs(count.into());
        Ok(Some(Sms {
            config: GatewayConfig {
                url,
                extra_roots,
                timeout: seconds(self.sms_timeout_seconds),
                action: self.sms_action.clone(),
                source: self.sms_source.clone(),
                department_id: self.sms_department_id.clone(),
                template_id,
            },
            concurrency: self.sms_concurrency,
            per_second: self.sms_per_second,
            retry_first: seconds(self.sms_retry_first_seconds),
            retry_max: seconds(self.sms_retry_max_seconds),
        }))
    }

    /// What may be meant, and deserves a word all the same.
    pub fn oddities(&self) -> Option<String> {
        steps_that_shrink(
            ("SMS_RETRY_FIRST_SECONDS", self.sms_retry_first_seconds),
            ("SMS_RETRY_MAX_SECONDS", self.sms_retry_max_seconds),
        )
    }
}
