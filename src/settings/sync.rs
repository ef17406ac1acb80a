//! The nightly sync and the retries after it.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use clap::Args;

use super::{SettingFaults, fault, is_yes, offset, steps_that_shrink};
use crate::domain::date::IST;
use crate::domain::nights::Nights;
use crate::domain::text::one_line;
use crate::sync::SyncTimes;

/// Runs that begin sooner one after the other are hardly meant.
const OFTEN: TimeDelta = TimeDelta::hours(1);

/// When JIT is asked without anybody asking.
#[derive(Debug, Clone, Args)]
pub struct SyncSettings {
    /// When the nightly sync begins: a cron expression with seconds
    #[arg(long, env = "SYNC_SCHEDULE", value_name = "SYNC_SCHEDULE", default_value = "0 0 22 * * *")]
    sync_schedule: String,
    /// Offset from UTC in which the schedule is read
    #[arg(
        long,
        env = "SYNC_TIMEZONE_OFFSET",
        value_name = "SYNC_TIMEZONE_OFFSET",
        default_value = "+05:30",
        allow_hyphen_values = true
    )]
    sync_timezone_offset: String,
    /// First step between attempts after no response, in seconds; steps double
    #[arg(long, env = "SYNC_RETRY_FIRST_SECONDS", value_name = "SYNC_RETRY_FIRST_SECONDS", default_value = "60", value_parser = clap::value_parser!(u32).range(1..=86400))]
    sync_retry_first_seconds: u32,
    /// Longest step between attempts after no response, in seconds
    #[arg(long, env = "SYNC_RETRY_MAX_SECONDS", value_name = "SYNC_RETRY_MAX_SECONDS", default_value = "3600", value_parser = clap::value_parser!(u32).range(1..=604800))]
    sync_retry_max_seconds: u32,
    /// Longest time that a run waits for a JIT that is away, from its beginning, in seconds
    #[arg(long, env = "SYNC_RUN_MAX_SECONDS", value_name = "SYNC_RUN_MAX_SECONDS", default_value = "28800", value_parser = clap::value_parser!(u32).range(1..=604800))]
    sync_run_max_seconds: u32,
    /// The same for the command `sync`
    #[arg(long, env = "SYNC_PATIENCE_SECONDS", value_name = "SYNC_PATIENCE_SECONDS", default_value = "600", value_parser = clap::value_parser!(u32).range(1..=604800))]
    sync_patience_seconds: u32,
    /// Longest time from SIGTERM to the end, whatever is in flight, in seconds
    #[arg(long, env = "STOP_SECONDS", value_name = "STOP_SECONDS", default_value = "60", value_parser = clap::value_parser!(u32).range(1..=3600))]
    stop_seconds: u32,
    /// `yes`: no night, no retry and no SMS, such as at the treasury's year end; people still ask
    #[arg(long, env = "SYNC_PAUSED", value_name = "SYNC_PAUSED")]
    sync_paused: Option<String>,
}

impl SyncSettings {
    /// Checks all of them.
    pub fn validated(&self) -> Result<SyncTimes, SettingFaults> {
        let mut faults = SettingFaults::default();
        let offset = faults.of(offset("SYNC_TIMEZONE_OFFSET", &self.sync_timezone_offset));
        // Whether a schedule can be read is the same in every offset.
        let nights = Nights::new(&self.sync_schedule, offset.unwrap_or(IST), Utc::now())
            .map_err(|problem| fault("SYNC_SCHEDULE", one_line(&problem.to_string())));
        let nights = faults.of(nights);
        let paused = faults.of(is_yes("SYNC_PAUSED", self.sync_paused.as_deref()));
        let (Some(_), Some(nights), Some(is_paused)) = (offset, nights, paused) else { return Err(faults) };
        Ok(SyncTimes {
            nights,
            retry_first: Duration::from_secs(self.sync_retry_first_seconds.into()),
            retry_longest: Duration::from_secs(self.sync_retry_max_seconds.into()),
            run_longest: Duration::from_secs(self.sync_run_max_seconds.into()),
            is_paused,
        })
    }

    /// What may be meant, and deserves a word all the same.
    pub fn oddities(&self, times: &SyncTimes) -> Vec<String> {
        let next = times.nights.next_after(Utc::now());
        let often = next.and_then(|at| Some(times.nights.next_after(at)? - at)).filter(|gap| *gap < OFTEN);
        let mut odd = Vec::new();
        if let Some(gap) = often {
            odd.push(format!("SYNC_SCHEDULE begins a run every {} seconds", gap.num_seconds()));
        }
        odd.extend(steps_that_shrink(
            ("SYNC_RETRY_FIRST_SECONDS", self.sync_retry_first_seconds),
            ("SYNC_RETRY_MAX_SECONDS", self.sync_retry_max_seconds),
        ));
        odd
    }

    /// From SIGTERM to the end.
    pub fn stop_within(&self) -> Duration {
        Duration::from_secs(self.stop_seconds.into())
    }

    /// The same for a person at a command, who has less patience.
    pub fn validated_for_command(&self) -> Result<SyncTimes, SettingFaults> {
        let patience = Duration::from_secs(self.sync_patience_seconds.into());
        Ok(SyncTimes { run_longest: patience, ..self.validated()? })
    }
}
