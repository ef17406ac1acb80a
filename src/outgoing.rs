//! The one careful way out: HTTP clients for the services that the program calls.
//!
//! No redirects, no repeats, nothing told about where a request comes from; connections and exchanges end
//! in time, replies are read up to a limit, and this machine's own simulators are reached past any proxy.

#[cfg(test)]
pub(crate) mod tls_front;

use std::error::Error;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::{Client, ClientBuilder, Response, Url};

/// No connection takes longer to make than this, however long replies may take.
pub const MAX_CONNECT: Duration = Duration::from_secs(10);

/// What names a proxy in the environment.
pub const PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// A client for the service at `url`, whose exchanges take `timeout` at most and connecting `connect`.
pub fn client(url: &Url, timeout: Duration, connect: Duration) -> ClientBuilder {
    let client = Client::builder()
        .user_agent(concat!("mukta-ftps/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(connect.min(MAX_CONNECT))
        .timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false);
    // A proxy of the environment could not reach this machine's own simulator.
    if is_loopback(url) { client.no_proxy() } else { client }
}

/// Whether a URL leads to this very machine, so that what is sent there travels over no network.
pub fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The body of a reply; `None` if it has more than `most` bytes. What is not UTF-8 is replaced.
pub async fn body(response: Response, most: usize) -> Result<Option<String>, reqwest::Error> {
    Ok(bytes(response, most).await?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

/// The body of a reply as it came; `None` if it has more than `most` bytes.
pub async fn bytes(mut response: Response, most: usize) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if bytes.len() + chunk.len() > most {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Some(bytes))
}

/// A failure and what it came from, for a log; the URL is known from the settings.
pub fn causes(failure: reqwest::Error) -> String {
    let failure = failure.without_url();
    let mut text = failure.to_string();
    for cause in sources(&failure).map(|cause| cause.to_string()) {
        // Wrapping errors often repeat what they wrap.
        if !text.ends_with(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

/// Why a server's certificate is not trusted, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateFault {
    /// Its time is over.
    #[error("its certificate has expired: whoever runs it must renew it; or this machine's clock is ahead")]
    Expired,
    /// Its time has not come.
    #[error(
        "its certificate is not valid yet: this machine's clock is behind, or whoever runs it must make a new one"
    )]
    NotYetValid,
    /// It names another.
    #[error(
        "its certificate is for another name: write the address with a name that the certificate has, or ask whoever runs \
         it for one that has this name"
    )]
    OtherName,
    /// Nobody known here stands for it.
    #[error(
        "its certificate was issued by an authority that is not known here: name the root of that authority"
    )]
    UnknownIssuer,
    /// A root stands where what it issued should.
    #[error(
        "its certificate is one of an authority (CA:TRUE), which no server may show: whoever runs it must make one with \
         basicConstraints=CA:FALSE"
    )]
    OfAnAuthority,
    /// What else TLS says.
    #[error("its certificate is not trusted: {0}")]
    Other(String),
}

impl CertificateFault {
    fn of(fault: &rustls::CertificateError) -> Self {
        use rustls::CertificateError as Fault;
        match fault {
            Fault::Expired | Fault::ExpiredContext { .. } => Self::Expired,
            Fault::NotValidYet | Fault::NotValidYetContext { .. } => Self::NotYetValid,
            Fault::NotValidForName | Fault::NotValidForNameContext { .. } => Self::OtherName,
            Fault::UnknownIssuer => Self::UnknownIssuer,
            // The verifier's own error, whose type is not to be had here.
            Fault::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => Self::OfAnAuthority,
            other => Self::Other(other.to_string()),
        }
    }
}

/// Why a connection was given up, if it was because the server's certificate is not trusted.
pub fn certificate_fault(failure: &reqwest::Error) -> Option<CertificateFault> {
    sources(failure).find_map(|cause| match tls_fault(cause) {
        Some(rustls::Error::InvalidCertificate(fault)) => Some(CertificateFault::of(fault)),
        _ => None,
    })
}

/// Whether a connection was given up because the server's certificate is not trusted.
pub fn is_untrusted_certificate(failure: &reqwest::Error) -> bool {
    certificate_fault(failure).is_some()
}

/// What TLS said, below any number of I/O errors: those pass over what they wrap when asked for their source.
fn tls_fault<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    match cause.downcast_ref::<std::io::Error>() {
        Some(wrapper) => tls_fault(wrapper.get_ref()?),
        None => cause.downcast_ref(),
    }
}

/// The innermost cause of a failure, which tells most, for a page; of a certificate what to do.
pub fn innermost_cause(failure: reqwest::Error) -> String {
    if let Some(fault) = certificate_fault(&failure) {
        return fault.to_string();
    }
    let failure = failure.without_url();
    sources(&failure).last().map_or_else(|| failure.to_string(), |cause| cause.to_string())
}

fn sources<'a>(failure: &'a reqwest::Error) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(failure.source(), |cause| (*cause).source())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_by_its_names() {
        let is_own = |url: &str| is_loopback(&url.parse().unwrap());
        for url in ["http://localhost/x", "http://127.0.0.1:8090", "http://127.9.9.9", "http://[::1]:1/"] {
            assert!(is_own(url), "{url}");
        }
        for url in
            ["http://localhost.example", "http://10.0.0.1", "https://127.0.0.1.example", "http://[::2]/"]
        {
            assert!(!is_own(url), "{url}");
        }
    }
}
