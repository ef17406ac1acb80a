//! What must be known to reach JIT, and why it may not do.

use std::fmt;
use std::time::Duration;

use chrono::FixedOffset;
use reqwest::{Certificate, Url};

use super::envelope::PublicKey;

/// What must be known to reach JIT.
#[derive(Clone)]
pub struct JitConfig {
    /// The base URL, such as `https://uat.odishatreasury.gov.in/webservices/jitfs/v1.0`.
    pub base_url: Url,
    /// The `clientId` that JIT gave us.
    pub client_id: String,
    /// The `clientSecret` that goes with it.
    pub client_secret: String,
    /// JIT's RSA public key.
    pub public_key: PublicKey,
    /// Roots that are trusted beside the system's.
    pub extra_roots: Vec<Certificate>,
    /// How long one exchange may take; an attempt, with signing in, three times that.
    pub timeout: Duration,
    /// How long JIT keeps a session.
    pub session_lifetime: Duration,
    /// `jitCorBillDeptCode`.
    pub department: String,
    /// At which offset from UTC the dates of bills are written.
    pub date_offset: FixedOffset,
    /// In which format, chrono's, they are written.
    pub date_format: String,
}

impl fmt::Debug for JitConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JitConfig")
            .field("base_url", &self.base_url.as_str())
            .field("client_id", &self.client_id)
            .field("client_secret", &"…")
            .field("public_key", &self.public_key)
            .field("extra_roots", &self.extra_roots.len())
            .field("timeout", &self.timeout)
            .field("session_lifetime", &self.session_lifetime)
            .field("department", &self.department)
            .field("date_offset", &self.date_offset)
            .field("date_format", &self.date_format)
            .finish()
    }
}

/// Why a [`JitConfig`] cannot be used. For whoever starts the program.
#[derive(Debug, thiserror::Error)]
pub enum JitSetupError {
    /// Not http(s), or with a name and password, a query or a fragment in it.
    #[error(
        "the base URL of JIT must begin with https:// (or http:// for a simulator) and hold no user name, password, query or fragment"
    )]
    BaseUrl,
    /// Empty, or with characters that no HTTP header takes.
    #[error("the client ID for JIT is empty or holds characters that it cannot hold")]
    ClientId,
    /// Empty, or with characters that no HTTP header takes.
    #[error("the client secret for JIT is empty or holds characters that it cannot hold")]
    ClientSecret,
    /// chrono cannot read it.
    #[error("the date format for JIT cannot be read; it is written like %Y-%m-%d %H:%M:%S")]
    DateFormat,
    /// Zero.
    #[error("the time-out for JIT must be longer than zero")]
    Timeout,
    /// The HTTP client could not be built.
    #[error("the HTTP client for JIT could not be made")]
    Http(#[source] reqwest::Error),
}
