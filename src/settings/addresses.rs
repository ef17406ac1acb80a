//! Addresses of services outside, and of the proxy on the way there.

use reqwest::Url;

use super::{SettingFault, fault};
use crate::outgoing::{PROXIES, is_loopback};

/// A URL of http or https, without a user or password: such stand in no log's way, and have settings of their own. What
/// is wrong with it is told without what it is.
pub(super) fn url(name: &'static str, text: &str) -> Result<Url, SettingFault> {
    let url: Url = text.parse().map_err(|cause| fault(name, format!("is not a URL: {cause}")))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(fault(name, "must be an address alone, without a user or a password"));
    }
    Ok(url)
}

/// The same of a service to which secrets or numbers of people go: TLS is required but to loopback.
pub(super) fn service(name: &'static str, text: &str) -> Result<Url, SettingFault> {
    let url = url(name, text)?;
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(fault(name, "must begin with https:// (http:// is accepted to loopback only)")),
        _ => Err(fault(name, "must begin with https://")),
    }
}

/// The proxies that the environment names: one that is no address would be passed by without a word.
pub fn checked_proxies() -> Result<(), SettingFault> {
    for name in PROXIES {
        let Some(value) = std::env::var_os(name).filter(|value| !value.is_empty()) else { continue };
        if !value.to_str().is_some_and(is_proxy) {
            return Err(fault(
                name,
                "must be the address of a proxy such as http://proxy.example.gov.in:3128",
            ));
        }
    }
    Ok(())
}

/// Whether that is the address of a proxy of HTTP, as the client reads it: without a scheme, http is meant.
fn is_proxy(text: &str) -> bool {
    let url = if text.contains("://") { text.parse::<Url>() } else { format!("http://{text}").parse() };
    url.is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_an_address() {
        for proxy in
            ["http://proxy.example:3128", "proxy:3128", "10.0.0.1:3128", "https://u:p@proxy/", "[::1]:1"]
        {
            assert!(is_proxy(proxy), "{proxy}");
        }
        for other in ["no proxy", "ftp://proxy", "http://", "http://proxy:port", "socks5://proxy"] {
            assert!(!is_proxy(other), "{other}");
        }
    }
}
