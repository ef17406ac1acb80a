//! The pages, one file each.

pub mod account;
pub mod audit;
pub mod calls;
pub mod day;
pub mod employees;
pub mod health;
pub mod instruction;
pub mod language;
pub mod list;
pub mod messages;
pub mod metrics;
pub mod people;
mod person_row;
pub mod reports;
pub mod sign_in;
mod sought;
pub mod static_file;
pub mod sync_runs;

use actix_web::HttpResponse;

use super::error::WebError;
use super::viewer::Viewer;

/// Whatever has no page, for who is signed in; others are led to the sign-in.
pub async fn not_found(_viewer: Viewer) -> Result<HttpResponse, WebError> {
    Err(WebError::NotFound)
}

/// A file or check that is not there; nobody has to be signed in to hear so.
pub async fn no_file() -> Result<HttpResponse, WebError> {
    Err(WebError::NotFound)
}

/// A page of ours, asked with a method that it does not know.
pub async fn method_not_allowed(_viewer: Viewer) -> Result<HttpResponse, WebError> {
    Err(WebError::MethodNotAllowed("GET, HEAD, POST"))
}
