//! What surrounds every answer: the refusal of forms that another site sent, the headers that bind
//! a browser, and who is signed in on an error page.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::{DefaultHeaders, Next};
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, ResponseError, web};

use super::arrival::Arrival;
use super::error::WebError;
use super::refusals::Why;
use super::shell::Shell;
use super::signed_in::signed_in;
use super::site::{Site, site_of};
use super::undone::Undone;
use super::viewer::Viewer;
use super::{language, path, session};
use crate::domain::record::is_like_a_number;

/// Nothing from elsewhere, nothing inline, in nobody's frame.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
    img-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
    frame-ancestors 'none'";

/// What no page of ours uses.
const PERMISSIONS_POLICY: &str = "accelerometer=(), camera=(), display-capture=(), geolocation=(), \
    gyroscope=(), microphone=(), midi=(), payment=(), usb=()";

/// What every answer bears.
fn binding(site: &Site) -> Vec<(HeaderName, &'static str)> {
    let mut headers = vec![
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("permissions-policy"), PERMISSIONS_POLICY),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    if site.sessions.secure {
        headers.push((header::STRICT_TRANSPORT_SECURITY, "max-age=63072000; includeSubDomains"));
    }
    headers
}

/// Headers of every answer.
pub fn headers(site: &Site) -> DefaultHeaders {
    binding(site).into_iter().fold(DefaultHeaders::new(), DefaultHeaders::add)
}

/// What is answered where no path of ours was asked for, such as `OPTIONS *`: nothing surrounds it.
pub async fn elsewhere(site: web::Data<Site>) -> HttpResponse {
    let mut answer = WebError::NotFound.error_response();
    bind(&site, &mut answer);
    answer
}

/// Gives an answer that nothing surrounds the headers of every answer.
pub fn bind(site: &Site, answer: &mut HttpResponse) {
    for (name, value) in binding(site) {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
}

/// Refuses what is meant for another host, where ours is known: a page that a browser believes to be another
/// site's is none of ours.
pub async fn meant_for_us<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    // What stands in the request line counts before the header (RFC 9112, 3.2.2).
    let named = request.uri().authority().map(|authority| authority.as_str().as_bytes());
    let host = named.or_else(|| request.headers().get(header::HOST).map(HeaderValue::as_bytes));
    if site_of(request.request())?.sessions.is_for_us(host.unwrap_or_default()) {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    Ok(request.error_response(WebError::Misdirected).map_into_right_body())
}

/// Refuses what another site's page sent, and what cannot be text, before anything is done.
pub async fn sound<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    // PostgreSQL cannot even be asked about NUL, and no address of ours holds one.
    if request.uri().to_string().contains("%00") {
        return Ok(request.error_response(WebError::unreadable_address()).map_into_right_body());
    }
    if !request.method().is_safe() && !is_ours(request.request())? {
        // Only so that the page that says so knows whom it is for.
        let _nobody_signed_in = signed_in(request.request()).await.is_err();
        return Ok(request.error_response(WebError::ForeignForm).map_into_right_body());
    }
    Ok(next.call(request).await?.map_into_left_body())
}

/// Whether a form came from a page of ours, as far as the browser tells: `Sec-Fetch-Site` is not
/// `cross-site`, and `Origin`, if there is one, is ours.
fn is_ours(request: &HttpRequest) -> Result<bool, WebError> {
    let text = |name: HeaderName| request.headers().get(name).map(HeaderValue::as_bytes);
    if text(HeaderName::from_static("sec-fetch-site")) == Some(b"cross-site") {
        return Ok(false);
    }
    let Some(origin) = text(header::ORIGIN) else { return Ok(true) };
    Ok(match &site_of(request)?.sessions.public_origin {
        Some(ours) => origin == ours.as_bytes(),
        None => {
            let host = text(header::HOST).unwrap_or_default();
            !host.is_empty()
                && [b"http://".as_slice(), b"https://"]
                    .iter()
                    .any(|scheme| origin.strip_prefix(*scheme) == Some(host))
        }
    })
}

/// Writes an error page anew with who is signed in, so that it has their navigation and sign-out, and
/// in the reader's language. What was sent after a session's end is noted, and told by the next page.
pub async fn error_pages<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let asked = format!("{} {}", request.method(), request.path().escape_debug());
    let (path, is_safe) = (request.uri().path().to_owned(), request.method().is_safe());
    let answer = next.call(request).await?;
    let session = session::of(answer.request());
    if let Some(fault) = answer.response().error().and_then(|error| error.as_error::<WebError>()) {
        note_refusal(answer.request(), fault).await?;
    }
    let fault = answer.response().error().and_then(|error| error.as_error::<WebError>());
    let site = site_of(answer.request())?;
    let rewritten = fault.map(|fault| {
        let Some(viewer) = answer.request().extensions().get::<Viewer>().cloned() else {
            let language = language::of_browser(answer.request());
            let mut page = fault.page(Shell::stranger(site, language, None));
            if matches!(fault, WebError::SignInFirst { .. }) && !is_safe {
                carry_undone(answer.request(), &path, &mut page);
            }
            return page;
        };
        if Why::of(fault).is_some() {
            log::warn!("refused to {}: {asked}: {fault}", viewer.name);
        }
        fault.page(Shell::around(&viewer))
    });
    let viewer = answer.request().extensions().get::<Viewer>().cloned();
    let is_shown = is_page(rewritten.as_ref().map_or_else(|| answer.headers(), HttpResponse::headers));
    if let Some(viewer) = viewer.filter(|_| is_safe && is_shown) {
        if viewer.undone.is_some() {
            Undone::told(&session);
        }
        if viewer.arrival.is_some() {
            Arrival::told(&session);
        }
    }
    Ok(match rewritten {
        Some(response) => answer.into_response(response).map_into_right_body(),
        None => answer.map_into_left_body(),
    })
}

/// Tells the audit trail of a refusal: what was asked for, as far as that is an address of ours.
async fn note_refusal(request: &HttpRequest, fault: &WebError) -> Result<(), WebError> {
    let Some(why) = Why::of(fault) else { return Ok(()) };
    let viewer = request.extensions().get::<Viewer>().cloned();
    let what = match fault {
        WebError::OfAnotherUlb(what) => what.clone(),
        _ => asked_for(request),
    };
    site_of(request)?.refused(viewer.as_ref(), request, why, &what).await;
    Ok(())
}

/// `POST PI-1013/2023-24/000256`, `GET /messages/{id}/settle`: nothing that somebody may have typed in vain.
fn asked_for(request: &HttpRequest) -> String {
    let page = number_asked_for(request).or_else(|| request.match_pattern());
    format!("{} {}", request.method(), page.as_deref().unwrap_or("an address that is none"))
}

/// The PI number in an address, if it is like one: what else somebody typed there is not told.
pub fn number_asked_for(request: &HttpRequest) -> Option<String> {
    path::parse(request.path()).map(|(number, _)| number).filter(|number| is_like_a_number(number))
}

/// Has the browser carry what was not done to the sign-in. If it cannot, the sign-in is still led to.
fn carry_undone(request: &HttpRequest, path: &str, page: &mut HttpResponse) {
    let carried =
        site_of(request).and_then(|site| Undone::of(path).send(&site.sessions, site.app.clock.now(), page));
    if let Err(fault) = carried {
        log::warn!("a form that was not done could not be noted: {fault}");
    }
}

fn is_page(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}
