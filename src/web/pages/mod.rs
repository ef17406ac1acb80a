//! The pages, one file each.

pub mod calls;
pub mod health;
pub mod instruction;
pub mod list;
pub mod messages;

use actix_web::HttpResponse;

use super::error::{WebError, see_other};
use super::viewer::Viewer;

/// `GET /`.
pub async fn home(_viewer: Viewer) -> HttpResponse {
    see_other("/payment-instructions")
}

/// Whatever has no page.
pub async fn not_found() -> Result<HttpResponse, WebError> {
    Err(WebError::NotFound)
}

/// A page of ours, asked with a method that it does not know.
pub async fn method_not_allowed() -> Result<HttpResponse, WebError> {
    Err(WebError::MethodNotAllowed("GET, HEAD"))
}
