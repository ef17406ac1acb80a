//! Who gets in: what governs sessions, and whose word on addresses is taken.

use actix_web::cookie::Key;
use chrono::Duration;
use ipnet::IpNet;

use crate::access::second_factor::Demand;

/// The rules of sessions and of the pages' origin.
#[derive(Clone)]
pub struct Sessions {
    /// Signs the session cookie.
    pub cookie_key: Key,
    /// The origin that browsers use, such as `https://pay.example`, if set.
    pub public_origin: Option<String>,
    /// Whether the pages are reached by https.
    pub secure: bool,
    /// A session unused for so long ends.
    pub idle: Duration,
    /// A session ends after so long.
    pub longest: Duration,
    /// An account that nobody has used for so long is disabled.
    pub dormant_after: Option<Duration>,
    /// Addresses and networks of proxies whose word on the browser's address is taken.
    pub trusted_proxies: Vec<IpNet>,
    /// Who must have a second factor.
    pub second_factor: Demand,
}

/// Never shows the key.
impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sessions").field("public_origin", &self.public_origin).finish_non_exhaustive()
    }
}

impl Sessions {
    /// Whether a request says that it is for these pages, by its `Host`. Without a public origin, every one is.
    pub fn is_for_us(&self, host: &[u8]) -> bool {
        let Some(origin) = &self.public_origin else { return true };
        let (ours, port) = match origin.split_once("://") {
            Some(("https", ours)) => (ours, ":443"),
            Some((_, ours)) => (ours, ":80"),
            None => (origin.as_str(), ""),
        };
        let host = String::from_utf8_lossy(host).to_ascii_lowercase();
        host == ours || host.strip_suffix(port) == Some(ours)
    }

    /// The defaults, with a cookie key of `key`, for pages that are not behind https.
    pub fn local(key: &[u8; 64]) -> Self {
        Self {
            cookie_key: Key::from(key),
            public_origin: None,
            secure: false,
            idle: Duration::seconds(1800),
            longest: Duration::seconds(43200),
            dormant_after: None,
            trusted_proxies: Vec::new(),
            second_factor: Demand::Offered,
        }
    }
}
