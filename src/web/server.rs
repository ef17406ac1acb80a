//! The web server.

use std::net::SocketAddr;
use std::time::Duration;

use actix_web::{App, HttpServer};

use super::routes::routes;
use super::site::Site;

/// Listens on `addr` (port 0: any free one) and returns the server, not yet serving, with the
/// address it got. Signals are left to the caller.
pub fn listen(site: &Site, addr: SocketAddr) -> std::io::Result<(actix_web::dev::Server, SocketAddr)> {
    let site = site.clone();
    let server = HttpServer::new(move || App::new().configure(routes(&site)))
        .workers(2)
        .disable_signals()
        .shutdown_timeout(30)
        // A client that does not finish its request in time is let go.
        .client_request_timeout(Duration::from_secs(10))
        .bind(addr)?;
    let bound = server.addrs().first().copied().unwrap_or(addr);
    Ok((server.run(), bound))
}
