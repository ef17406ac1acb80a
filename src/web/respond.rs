//! Answers that a page gives.

use actix_web::HttpResponse;
use actix_web::http::header;
use askama::Template;

use super::error::WebError;

/// A page as a response.
pub fn html(page: &impl Template) -> Result<HttpResponse, WebError> {
    Ok(HttpResponse::Ok().content_type("text/html; charset=utf-8").body(page.render()?))
}

/// `303` to a page of ours.
pub fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, location)).finish()
}
