//! From where a request came.

use std::net::IpAddr;

use actix_web::HttpRequest;

/// The browser's address. `X-Forwarded-For` counts only as far as trusted proxies wrote it: from
/// the right, up to the first address that is not one of theirs.
pub fn address(request: &HttpRequest, trusted: &[IpAddr]) -> String {
    let Some(peer) = request.peer_addr().map(|peer| peer.ip().to_canonical()) else {
        return "unknown".to_owned();
    };
    let forwarded: Vec<&str> = request
        .headers()
        .get_all("x-forwarded-for")
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    from_chain(peer, &forwarded, trusted).to_string()
}

fn from_chain(peer: IpAddr, forwarded: &[&str], trusted: &[IpAddr]) -> IpAddr {
    let mut at = peer;
    for hop in forwarded.iter().rev() {
        if !trusted.contains(&at) {
            break;
        }
        match hop.parse::<IpAddr>() {
            Ok(address) => at = address.to_canonical(),
            // What is no address was written by nobody we trust.
            Err(_) => break,
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forwarded_addresses_count_only_behind_trusted_proxies() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let proxy = ip("10.0.0.1");
        assert_eq!(from_chain(ip("192.0.2.7"), &["203.0.113.9"], &[proxy]), ip("192.0.2.7"));
        assert_eq!(from_chain(proxy, &["203.0.113.9"], &[proxy]), ip("203.0.113.9"));
        assert_eq!(from_chain(proxy, &["1.1.1.1", "203.0.113.9"], &[proxy]), ip("203.0.113.9"));
        assert_eq!(from_chain(proxy, &["203.0.113.9", "10.0.0.1"], &[proxy]), ip("203.0.113.9"));
        assert_eq!(from_chain(proxy, &["nonsense"], &[proxy]), proxy);
    }
}
