//! Each request has a number, is counted, and is a line of the log for whoever looks for it.

use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest};

use super::site::{Site, site_of};
use super::{client, guard};
use crate::request_id;
use crate::sealing::random_hex;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What HTTP knows; any other word is one of whoever asks.
const METHODS: [Method; 9] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
    Method::CONNECT,
    Method::TRACE,
];

/// Surrounds everything that is served.
pub async fn watched<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let site = site_of(request.request())?.clone();
    let Some(id) = number(&site, request.request()) else { return timed(&site, request, next).await };
    let mut answer = request_id::serving(id.clone(), timed(&site, request, next)).await?;
    if let Ok(id) = HeaderValue::try_from(id) {
        answer.headers_mut().insert(X_REQUEST_ID, id);
    }
    Ok(answer)
}

async fn timed<B: MessageBody>(
    site: &Site,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let begun = Instant::now();
    let method = METHODS.into_iter().find(|known| known == request.method());
    let method = method.as_ref().map_or("other", Method::as_str);
    let answered = next.call(request).await;
    let (status, route, what) = match &answered {
        Ok(answer) => {
            let (route, number) = (route(answer.request()), guard::number_asked_for(answer.request()));
            let what = match (route.as_str(), number) {
                (NO_ROUTE, _) => "an address that is none".to_owned(),
                (route, Some(number)) => format!("{route} of {number}"),
                (route, None) => route.to_owned(),
            };
            (answer.status(), route, what)
        }
        // Nothing of ours: what surrounds the pages could not be wired up.
        Err(fault) => (fault.as_response_error().status_code(), NO_ROUTE.to_owned(), fault.to_string()),
    };
    let took = begun.elapsed();
    site.requests.note([&route, method, status.as_str()], took);
    log::debug!("{method} {what}: {} in {} ms", status.as_u16(), took.as_millis());
    answered
}

/// The route of what is no address of ours.
const NO_ROUTE: &str = "none";

/// The pattern of the address, of which there are as many as routes.
fn route(request: &HttpRequest) -> String {
    request.match_pattern().filter(|pattern| !pattern.is_empty()).unwrap_or_else(|| NO_ROUTE.to_owned())
}

/// The number that a proxy of ours gave the request, else one of our own.
fn number(site: &Site, request: &HttpRequest) -> Option<String> {
    let brought = request.headers().get(X_REQUEST_ID).and_then(|value| value.to_str().ok());
    brought
        .filter(|id| {
            request_id::may_be_one(id) && client::is_of_a_proxy(request, &site.sessions.trusted_proxies)
        })
        .map(str::to_owned)
        .or_else(|| random_hex(8).ok())
}
