//! The settings of every test's program.

use std::time::Duration;

use chrono::{DateTime, Utc};
use mukta_ftps::domain::date::IST;
use mukta_ftps::domain::nights::Nights;
use mukta_ftps::jit::{JitConfig, PublicKey};
use mukta_ftps::notifications::Sms;
use mukta_ftps::notifications::gateway::GatewayConfig;
use mukta_ftps::simulator::jit::JitSimulator;
use mukta_ftps::simulator::sms::SmsSimulator;
use mukta_ftps::sync::{Jit, SyncTimes};
use mukta_ftps::web::Sessions;

use super::at;

/// The key of every test's database.
pub(crate) const DATA_KEY: [u8; 32] = varied(42);

/// A key whose bytes are not all the same: such is refused.
const fn varied<const N: usize>(first: u8) -> [u8; N] {
    let mut key = [first; N];
    key[N - 1] = first + 1;
    key
}

/// The key after a change of key.
pub(crate) const NEW_DATA_KEY: [u8; 32] = varied(43);

/// What the sessions of every test are signed with.
pub(crate) const SESSION_KEY: [u8; 64] = varied(7);

/// The password of every employee of the tests.
pub(crate) const PASSWORD: &str = "four plain words apart";

/// The instant at which every test's clock starts.
pub(crate) fn start_of_time() -> DateTime<Utc> {
    at("2024-03-31T10:00:00Z")
}

/// Sessions that outlast every leap of a test's clock; `sign_in` tests the deadlines.
pub(crate) fn endless_sessions() -> Sessions {
    let endless = chrono::Duration::days(36_500);
    Sessions { idle: endless, longest: endless, ..Sessions::local(&SESSION_KEY) }
}

/// How a program reaches the simulator.
pub(crate) fn jit_settings(jit: &JitSimulator, timeout: Duration) -> Jit {
    Jit {
        config: JitConfig {
            base_url: jit.base_url().parse().unwrap(),
            client_id: jit.client_id().to_owned(),
            client_secret: jit.client_secret().to_owned(),
            public_key: PublicKey::parse(jit.public_key_der()).unwrap(),
            timeout,
            extra_roots: Vec::new(),
            session_lifetime: Duration::from_secs(1500),
            department: "MUKTA".to_owned(),
            date_offset: "+00:00".parse().unwrap(),
            date_format: "%Y-%m-%d %H:%M:%S".to_owned(),
        },
        concurrency: 8,
    }
}

/// How a program reaches the simulated SMS gateway.
pub(crate) fn sms_settings(gateway: &SmsSimulator) -> Sms {
    Sms {
        config: GatewayConfig {
            url: gateway.gateway_url().parse().unwrap(),
            // Long enough for a machine that is busy with other tests.
            extra_roots: Vec::new(),
            timeout: Duration::from_secs(5),
            action: "singleSMS".to_owned(),
            source: "ODIGOV".to_owned(),
            department_id: "D001002".to_owned(),
            template_id: "1007".to_owned(),
        },
        concurrency: 4,
        per_second: 10_000,
        retry_first: Duration::from_secs(60),
        retry_max: Duration::from_secs(21_600),
    }
}

/// 10 PM in Odisha, and the retries as CONTRACT.md has them.
pub(crate) fn sync_settings() -> SyncTimes {
    SyncTimes {
        nights: Nights::new("0 0 22 * * *", IST, start_of_time()).unwrap(),
        retry_first: Duration::from_secs(60),
        retry_longest: Duration::from_secs(3600),
        run_longest: Duration::from_secs(28_800),
        is_paused: false,
    }
}
