//! Answers that a page gives.

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderName};
use askama::Template;

use super::error::WebError;

/// A page as a response.
pub fn html(page: &impl Template) -> Result<HttpResponse, WebError> {
    Ok(HttpResponse::Ok().content_type("text/html; charset=utf-8").body(page.render()?))
}

/// What a browser forgets when somebody signs out; its cookies stay: the language, and that it is known here.
const FORGOTTEN: &str = "\"cache\", \"storage\"";

/// `303` to the sign-in, of a browser in which somebody has just signed out: what it kept of the pages goes.
pub fn signed_out() -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, "/sign-in"))
        .insert_header((HeaderName::from_static("clear-site-data"), FORGOTTEN))
        .finish()
}

/// `303` to a page of ours.
pub fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, location)).finish()
}
