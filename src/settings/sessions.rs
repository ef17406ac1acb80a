//! Who gets in: sessions, the origin of the pages, and whose word on addresses is taken.

use std::path::PathBuf;

use actix_web::cookie::Key;
use chrono::Duration;
use clap::Args;
use ipnet::IpNet;

use super::{
    Secret, SettingFault, SettingFaults, addresses, fault, filled, key_bytes, required, secret,
    steps_that_shrink,
};
use crate::access::second_factor::Demand;
use crate::retention::SessionTimes;
use crate::web::Sessions;

/// Settings of sessions and of the pages' origin.
#[derive(Debug, Clone, Args)]
pub struct SessionSettings {
    /// 64 bytes in hex; signs the session cookie [required]
    #[arg(long, env = "SESSION_KEY", value_name = "SESSION_KEY", hide_env_values = true)]
    session_key: Option<Secret>,
    /// A file that holds SESSION_KEY
    #[arg(long, env = "SESSION_KEY_FILE", value_name = "SESSION_KEY_FILE")]
    session_key_file: Option<PathBuf>,
    /// The origin that browsers use; https://… turns Secure cookies and HSTS on
    #[arg(long, env = "PUBLIC_URL", value_name = "PUBLIC_URL")]
    public_url: Option<String>,
    #[command(flatten)]
    times: SessionTimesSettings,
    /// Accounts that nobody has used for so many days are disabled, at the next try to sign in or once a day; the last
    /// active administrator of the state never is [default: none are]
    #[arg(long, env = "DORMANT_DAYS", value_name = "DORMANT_DAYS", value_parser = clap::value_parser!(u32).range(1..=3650))]
    dormant_days: Option<u32>,
    /// Addresses and networks (10.0.0.0/8) of proxies whose X-Forwarded-For is believed, comma-separated
    #[arg(long, env = "TRUSTED_PROXIES", value_name = "TRUSTED_PROXIES")]
    trusted_proxies: Option<String>,
    /// Who must have a second factor: `offered` (nobody), `admins` or `all`; without one they come to no page but
    /// the one that sets it up
    #[arg(long, env = "SECOND_FACTOR", value_name = "SECOND_FACTOR", default_value = "offered")]
    second_factor: String,
}

/// When a session ends.
#[derive(Debug, Clone, Args)]
pub struct SessionTimesSettings {
    /// A session unused for so many seconds ends
    #[arg(long, env = "SESSION_IDLE_SECONDS", value_name = "SESSION_IDLE_SECONDS", default_value = "1800", value_parser = clap::value_parser!(u32).range(1..=86400))]
    session_idle_seconds: u32,
    /// A session ends after so many seconds in any case
    #[arg(long, env = "SESSION_MAX_SECONDS", value_name = "SESSION_MAX_SECONDS", default_value = "43200", value_parser = clap::value_parser!(u32).range(1..=604800))]
    session_max_seconds: u32,
}

impl SessionTimesSettings {
    /// As it is used.
    pub fn times(&self) -> SessionTimes {
        SessionTimes {
            idle: Duration::seconds(self.session_idle_seconds.into()),
            longest: Duration::seconds(self.session_max_seconds.into()),
        }
    }
}

impl SessionSettings {
    /// What may be meant, and deserves a word all the same.
    pub fn oddities(&self) -> Option<String> {
        steps_that_shrink(
            ("SESSION_IDLE_SECONDS", self.times.session_idle_seconds),
            ("SESSION_MAX_SECONDS", self.times.session_max_seconds),
        )
    }

    /// When a session ends.
    pub fn times(&self) -> SessionTimes {
        self.times.times()
    }

    /// Checks all of them.
    pub fn validated(&self) -> Result<Sessions, SettingFaults> {
        let mut faults = SettingFaults::default();
        let key = faults.of(self.key());
        let second_factor = Demand::read(self.second_factor.trim())
            .ok_or_else(|| fault("SECOND_FACTOR", "must be `offered`, `admins` or `all`"));
        let second_factor = faults.of(second_factor);
        let origin = faults.of(filled(self.public_url.as_deref()).map(|url| origin(&url)).transpose());
        let proxies = faults.of(proxies(filled(self.trusted_proxies.as_deref()).as_deref()));
        let (Some(key), Some(second_factor), Some(public_origin), Some(trusted_proxies)) =
            (key, second_factor, origin, proxies)
        else {
            return Err(faults);
        };
        Ok(Sessions {
            cookie_key: Key::from(&key),
            second_factor,
            secure: public_origin.as_deref().is_some_and(|origin| origin.starts_with("https://")),
            public_origin,
            idle: self.times().idle,
            longest: self.times().longest,
            dormant_after: self.dormant_days.map(|days| Duration::days(days.into())),
            trusted_proxies,
        })
    }

    fn key(&self) -> Result<[u8; 64], SettingFault> {
        let text = secret(
            "SESSION_KEY",
            "SESSION_KEY_FILE",
            self.session_key.as_ref(),
            self.session_key_file.as_deref(),
        )?;
        key_bytes("SESSION_KEY", &required("SESSION_KEY", text)?)
    }
}

/// Addresses and networks, comma-separated. The network of all addresses is nobody's proxy: whoever comes could say
/// that he is another.
fn proxies(list: Option<&str>) -> Result<Vec<IpNet>, SettingFault> {
    let name = "TRUSTED_PROXIES";
    let networks = list.iter().flat_map(|list| list.split(',')).map(|one| network(one.trim()));
    let networks: Vec<IpNet> = networks
        .collect::<Option<_>>()
        .ok_or_else(|| fault(name, "must be addresses or networks such as 10.0.0.0/8, comma-separated"))?;
    if networks.iter().any(|network| network.prefix_len() == 0) {
        return Err(fault(
            name,
            "has a network of all addresses in it (/0): name those of the proxies alone",
        ));
    }
    Ok(networks)
}

/// A network, or one address as the network that holds it alone.
fn network(text: &str) -> Option<IpNet> {
    let one = || text.parse::<std::net::IpAddr>().ok().map(|address| IpNet::from(address.to_canonical()));
    text.parse().ok().or_else(one)
}

/// The origin of a URL as browsers write it in `Origin`.
fn origin(text: &str) -> Result<String, SettingFault> {
    let url = addresses::url("PUBLIC_URL", text)?;
    if !matches!(url.scheme(), "http" | "https")
        || url.path() != "/"
        || url.query().is_some()
        || url.fragment().is_some()
    {
        return Err(fault("PUBLIC_URL", "must be an origin such as https://payments.example.gov.in"));
    }
    Ok(url.origin().ascii_serialization())
}
