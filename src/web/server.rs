//! The web server.

use std::any::Any;
use std::net::SocketAddr;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::rt::net::TcpStream;
use actix_web::{App, HttpServer};

use super::requests;
use super::routes::{operators_routes, routes};
use super::site::{Operators, Site};
use super::stopping;

/// A client that does not finish its request in time is let go.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Has what is written sent at once. A file's head and body are written apart, and the body would else wait until the
/// browser has confirmed the head, which it puts off for 40 ms.
fn without_delay(connection: &dyn Any) {
    if let Some(stream) = connection.downcast_ref::<TcpStream>()
        && let Err(cause) = stream.set_nodelay(true)
    {
        log::debug!("TCP_NODELAY could not be set: {cause}");
    }
}

/// Listens on `addr` (port 0: any free one) and returns the server, not yet serving, with the
/// address it got. Signals are left to the caller.
pub fn listen(site: &Site, addr: SocketAddr) -> std::io::Result<(Server, SocketAddr)> {
    let site = site.clone();
    let server = HttpServer::new(move || {
        let app = App::new().wrap(from_fn(stopping::at_the_door));
        app.wrap(from_fn(requests::watched)).configure(routes(&site))
    })
    .on_connect(|connection, _| without_delay(connection))
    .workers(2)
    .disable_signals()
    .shutdown_timeout(30)
    .client_request_timeout(REQUEST_TIMEOUT)
    .bind(addr)?;
    let bound = server.addrs().first().copied().unwrap_or(addr);
    Ok((server.run(), bound))
}

/// The same for the operator's tools alone (`METRICS_BIND`): figures and health, told to whoever asks there.
pub fn listen_for_operators(site: &Site, addr: SocketAddr) -> std::io::Result<(Server, SocketAddr)> {
    let site = site.clone().on_a_listener_for(Operators::Everybody);
    let server = HttpServer::new(move || {
        App::new().wrap(from_fn(requests::watched)).configure(operators_routes(&site))
    })
    .workers(1)
    .disable_signals()
    .shutdown_timeout(1)
    .client_request_timeout(REQUEST_TIMEOUT)
    .bind(addr)?;
    let bound = server.addrs().first().copied().unwrap_or(addr);
    Ok((server.run(), bound))
}
