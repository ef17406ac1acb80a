//! The program's end, as browsers see it: what is under way is answered, and what comes after it is refused in words,
//! on a socket that listens until nothing is under way.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::CONTENT_TYPE;
use actix_web::http::{ConnectionType, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse};

use super::door::Leaving;
use super::error::WebError;
use super::shell::Shell;
use super::site::{Site, site_of};
use super::{guard, language};

/// Tells that the program lives, to its end.
const LIVE: &str = "/health/live";

/// Answers 503 to what comes after the program was told to stop; has what came before waited for.
pub async fn at_the_door<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<Leaving<B>>>, Error> {
    let site = site_of(request.request())?.clone();
    let inside = site.door.enter();
    if inside.is_none() && request.path() != LIVE {
        let refused = refusal(&site, &request);
        return Ok(request.into_response(refused).map_into_right_body());
    }
    let mut answer = next.call(request).await?;
    if site.door.is_closed() {
        // The next request on this connection would be refused: it is better made on another.
        answer.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    Ok(answer.map_body(|_, body| Leaving::of(body, inside)).map_into_left_body())
}

/// What is said to a person; to a machine in one line.
fn refusal(site: &Site, request: &ServiceRequest) -> HttpResponse {
    let mut refused = if request.path().starts_with("/health/") {
        HttpResponse::build(StatusCode::SERVICE_UNAVAILABLE)
            .insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"))
            .insert_header(WebError::RETRY_AFTER)
            .body("the program is stopping")
    } else {
        WebError::Closed.page(Shell::stranger(site, language::of_browser(request.request()), None))
    };
    guard::bind(site, &mut refused);
    refused.head_mut().set_connection_type(ConnectionType::Close);
    refused
}
