//! From where a request came.

use std::net::IpAddr;
use std::sync::Once;

use actix_web::HttpRequest;
use ipnet::{IpNet, Ipv6Net};

/// Whether the log has been told of a header that is not believed.
static TOLD: Once = Once::new();

/// The browser's address. `X-Forwarded-For` counts only as far as trusted proxies wrote it: hop by hop from the
/// right, up to the first address that is not one of theirs.
pub fn address(request: &HttpRequest, trusted: &[IpNet]) -> String {
    let Some(peer) = request.peer_addr().map(|peer| peer.ip().to_canonical()) else {
        return "unknown".to_owned();
    };
    let forwarded: Vec<&[u8]> = request
        .headers()
        .get_all("x-forwarded-for")
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .collect();
    if !forwarded.is_empty() && !is_trusted(peer, trusted) {
        TOLD.call_once(|| {
            log::warn!(
                "X-Forwarded-For came from {peer}, which is not among TRUSTED_PROXIES: it is not believed, and all who \
                 come through it count as one address (told once)"
            );
        });
    }
    from_chain(peer, &forwarded, trusted).to_string()
}

/// Whether a request came straight from a trusted proxy.
pub fn is_of_a_proxy(request: &HttpRequest, trusted: &[IpNet]) -> bool {
    request.peer_addr().is_some_and(|peer| is_trusted(peer.ip().to_canonical(), trusted))
}

/// What an address counts as where attempts are counted: an IPv6 one by its /64, of which its user has all.
pub fn network(address: &str) -> String {
    match address.parse() {
        Ok(IpAddr::V6(v6)) => {
            Ipv6Net::new(v6, 64).map_or_else(|_| address.to_owned(), |net| net.trunc().to_string())
        }
        _ => address.to_owned(),
    }
}

fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&address))
}

fn from_chain(peer: IpAddr, forwarded: &[&[u8]], trusted: &[IpNet]) -> IpAddr {
    let mut at = peer;
    for hop in forwarded.iter().rev() {
        if !is_trusted(at, trusted) {
            break;
        }
        match hop_address(hop) {
            Some(address) => at = address,
            // What is no address was written by nobody we trust; what stands before it is not believed either.
            None => break,
        }
    }
    at
}

/// The address of a hop as proxies write it: `192.0.2.7`, `192.0.2.7:4711`, `2001:db8::7`, `[2001:db8::7]:4711`.
fn hop_address(hop: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(hop).ok()?.trim().trim_matches('"');
    let bare = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let with_port = || text.parse::<std::net::SocketAddr>().ok().map(|address| address.ip());
    text.parse().ok().or_else(bare).or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forwarded_addresses_count_only_behind_trusted_proxies() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let trusted = ["10.0.0.0/8", "2001:db8:1::/48"].map(|net| net.parse().unwrap());
        let proxy = ip("10.0.0.1");
        for (peer, forwarded, expected) in [
            (ip("192.0.2.7"), &["203.0.113.9"][..], "192.0.2.7"),
            (proxy, &["203.0.113.9"], "203.0.113.9"),
            (proxy, &["1.1.1.1", "203.0.113.9"], "203.0.113.9"),
            (proxy, &["203.0.113.9", "10.0.0.1"], "203.0.113.9"),
            (proxy, &["203.0.113.9", " 10.200.0.1 "], "203.0.113.9"),
            (proxy, &["nonsense"], "10.0.0.1"),
            (proxy, &["203.0.113.9:4711"], "203.0.113.9"),
            (proxy, &["[2001:db8::7]:4711"], "2001:db8::7"),
            (proxy, &["[2001:db8::7]"], "2001:db8::7"),
            (proxy, &["2001:db8::7"], "2001:db8::7"),
            (proxy, &["::ffff:203.0.113.9"], "203.0.113.9"),
            (proxy, &["203.0.113.9", "2001:db8:1::5"], "203.0.113.9"),
        ] {
            let hops: Vec<&[u8]> = forwarded.iter().map(|hop| hop.as_bytes()).collect();
            assert_eq!(from_chain(peer, &hops, &trusted), ip(expected), "{forwarded:?}");
        }
    }

    /// nginx appends what it saw to what it was sent, whatever that is.
    #[test]
    fn bytes_that_are_no_text_hide_nothing() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let proxy: IpAddr = "10.0.0.1".parse().unwrap();
        let hops: [&[u8]; 2] = [b"\xff", b" 203.0.113.9"];
        assert_eq!(from_chain(proxy, &hops, &trusted).to_string(), "203.0.113.9");
        assert_eq!(from_chain(proxy, &[b"203.0.113.9".as_slice(), b"\xff"], &trusted), proxy);
    }

    #[test]
    fn an_ipv6_address_counts_as_its_network() {
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(network("203.0.113.9"), "203.0.113.9");
        assert_eq!(network("unknown"), "unknown");
    }
}
