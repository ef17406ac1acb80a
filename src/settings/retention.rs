//! How long what is kept is kept.

use clap::Args;

use super::{SettingFault, SettingFaults, fault, filled};
use crate::domain::retention::{Limits, SHORTEST_AUDIT_DAYS};

/// A hundred years: beyond it, never is meant.
const LONGEST_DAYS: u32 = 36_500;

/// After how many days what is kept is erased.
#[derive(Debug, Clone, Args)]
pub struct RetentionSettings {
    /// Days after which the payloads of calls and messages lose their contents [default: never]
    #[arg(long, env = "RETENTION_PAYLOAD_DAYS", value_name = "RETENTION_PAYLOAD_DAYS")]
    retention_payload_days: Option<String>,
    /// Days after which events of the audit trail are removed, at least 365 [default: never]
    #[arg(long, env = "RETENTION_AUDIT_DAYS", value_name = "RETENTION_AUDIT_DAYS")]
    retention_audit_days: Option<String>,
}

impl RetentionSettings {
    /// Checks both.
    pub fn validated(&self) -> Result<Limits, SettingFaults> {
        let mut faults = SettingFaults::default();
        let payload = faults.of(days("RETENTION_PAYLOAD_DAYS", self.retention_payload_days.as_deref(), 1));
        let audit = faults.of(days(
            "RETENTION_AUDIT_DAYS",
            self.retention_audit_days.as_deref(),
            SHORTEST_AUDIT_DAYS,
        ));
        let (Some(payload_days), Some(audit_days)) = (payload, audit) else { return Err(faults) };
        Ok(Limits { payload_days, audit_days })
    }
}

fn days(name: &'static str, text: Option<&str>, shortest: u32) -> Result<Option<u32>, SettingFault> {
    let Some(text) = filled(text) else { return Ok(None) };
    let days = text.parse().ok().filter(|days| (shortest..=LONGEST_DAYS).contains(days));
    days.map(Some).ok_or_else(|| {
        fault(
            name,
            format!(
                "must be a number of days from {shortest} to {LONGEST_DAYS}, or not be set (kept for ever)"
            ),
        )
    })
}
