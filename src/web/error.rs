//! What a page cannot do: one enum, one error page, one line in the log.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use askama::Template;

use super::shell::Shell;
use crate::store::StoreError;

/// Why a page could not be shown, or a form not be obeyed.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// There is no such page, or not for this viewer.
    #[error("there is no such page")]
    NotFound,
    /// The page knows no such method; holds those it knows.
    #[error("the page answers {0} only")]
    MethodNotAllowed(&'static str),
    /// The viewer may not do that: what it takes, in plain words.
    #[error("not allowed: {0}")]
    Forbidden(String),
    /// The request makes no sense: why, in plain words.
    #[error("bad request: {0}")]
    BadRequest(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A template failed.
    #[error("a page could not be written: {0}")]
    Render(#[from] askama::Error),
    /// A task of the page's broke off.
    #[error("a task broke off: {0}")]
    BrokeOff(#[from] tokio::task::JoinError),
}

impl WebError {
    /// The address holds something that cannot be read.
    pub fn unreadable_address() -> Self {
        Self::BadRequest("The address of the page holds something that cannot be read.".to_owned())
    }

    fn title(&self) -> &'static str {
        match self {
            Self::NotFound => "Page not found",
            Self::MethodNotAllowed(_) => "That cannot be done here",
            Self::Forbidden(_) => "You may not do that",
            Self::BadRequest(_) => "That request cannot be understood",
            Self::Store(fault) if fault.is_transient() => "The database is busy",
            Self::Store(_) | Self::Render(_) | Self::BrokeOff(_) => "Something went wrong",
        }
    }

    /// For a reader who knows nothing of the machinery: what it means, and what to do.
    fn message(&self) -> &str {
        match self {
            Self::NotFound => {
                "There is no such payment instruction or page, or it belongs to another Urban Local Body. \
                 Check the address, or look for the payment instruction in the list."
            }
            Self::MethodNotAllowed(_) => {
                "The page you came from asked for something this address does not offer."
            }
            Self::Forbidden(message) | Self::BadRequest(message) => message,
            Self::Store(fault) if fault.is_transient() => {
                "The page could not be shown just now. Wait a moment, then load it again. \
                 An answer of JIT that was on its way is still recorded."
            }
            Self::Store(_) | Self::Render(_) | Self::BrokeOff(_) => {
                "The page could not be shown because of a fault in this program. \
                 The fault is in the program's log: tell the people who run it the time of day."
            }
        }
    }
}

impl ResponseError for WebError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Store(fault) if fault.is_transient() => StatusCode::SERVICE_UNAVAILABLE,
            Self::Store(_) | Self::Render(_) | Self::BrokeOff(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let status = self.status_code();
        if status.is_server_error() {
            log::error!("a page answered {}: {self}", status.as_u16());
        }
        let mut response = HttpResponse::build(status);
        if let Self::MethodNotAllowed(methods) = self {
            response.insert_header((header::ALLOW, *methods));
        }
        let page = ErrorPage {
            shell: Shell::default(),
            status: status.as_u16(),
            title: self.title(),
            message: self.message(),
        };
        match page.render() {
            Ok(html) => response.content_type("text/html; charset=utf-8").body(html),
            Err(_) => response.content_type("text/plain; charset=utf-8").body(self.title()),
        }
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    shell: Shell,
    status: u16,
    title: &'a str,
    message: &'a str,
}

/// A page as a response.
pub fn html(page: &impl Template) -> Result<HttpResponse, WebError> {
    Ok(HttpResponse::Ok().content_type("text/html; charset=utf-8").body(page.render()?))
}

/// `303` to a page of ours.
pub fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, location)).finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use diesel::result::{DatabaseErrorKind, Error};

    async fn answer(fault: WebError) -> (u16, String) {
        let response = fault.error_response();
        let status = response.status().as_u16();
        let body = actix_web::body::to_bytes(response.into_body()).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[actix_web::test]
    async fn a_busy_database_is_503_and_a_broken_one_500_and_neither_tells_its_insides() {
        let told = |text: &str| Box::new(text.to_owned());
        let busy = Error::DatabaseError(DatabaseErrorKind::Unknown, told("database is locked"));
        let broken = Error::DatabaseError(DatabaseErrorKind::Unknown, told("no such table: secrets"));
        let (status, page) = answer(StoreError::from(busy).into()).await;
        assert_eq!(status, 503);
        assert!(!page.contains("locked"));
        let (status, page) = answer(StoreError::from(broken).into()).await;
        assert_eq!(status, 500);
        assert!(page.contains("Something went wrong") && !page.contains("secrets"));
    }

    #[actix_web::test]
    async fn a_method_that_a_page_does_not_know_names_those_it_does() {
        let response = WebError::MethodNotAllowed("GET, HEAD").error_response();
        assert_eq!(response.status().as_u16(), 405);
        assert_eq!(response.headers().get(header::ALLOW).unwrap(), "GET, HEAD");
    }
}
