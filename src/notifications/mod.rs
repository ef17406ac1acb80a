//! Telling the beneficiaries: the text, the state's gateway, and the delivery of the outbox
//! (DOMAIN.md §6). Only this room knows the gateway's manners.

pub mod delivery;
pub mod gateway;
mod pace;
mod recorder;
pub mod sms;

use chrono::TimeDelta;

use crate::retry;
use crate::sealing::random_number;
use gateway::{Gateway, GatewaySetupError};

/// What a process needs to send messages.
#[derive(Debug)]
pub struct SmsSender {
    gateway: Gateway,
    settings: crate::settings::Sms,
}

impl SmsSender {
    /// Makes the gateway's client; nothing is sent yet.
    pub fn new(settings: crate::settings::Sms) -> Result<Self, GatewaySetupError> {
        Ok(Self { gateway: Gateway::new(settings.config.clone())?, settings })
    }

    /// How long to wait after so many attempts in a row, in whole milliseconds: both databases keep
    /// those exactly.
    fn pause_after(&self, attempts: i32) -> TimeDelta {
        let failures = u32::try_from(attempts).unwrap_or(1);
        // Without randomness, which does not happen, the shortest.
        let random = random_number().unwrap_or(0);
        let pause = retry::pause(self.settings.retry_first, self.settings.retry_max, failures, random);
        TimeDelta::milliseconds(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX))
    }
}
