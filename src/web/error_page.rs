//! What went wrong as a page, and as one line in the log.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use askama::Template;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::error::WebError;
use super::respond::see_other;
use super::shell::Shell;
use crate::language::{Phrase, phrase};
use crate::request_id;

impl WebError {
    /// When to come again, in seconds, where the program is started anew.
    pub const RETRY_AFTER: (header::HeaderName, &'static str) = (header::RETRY_AFTER, "10");

    /// The answer: the error page with those surroundings; where a sign-in is wanting, the way there.
    pub fn page(&self, shell: Shell) -> HttpResponse {
        if let Self::SignInFirst { back, had_session } = self {
            let next = utf8_percent_encode(back, NON_ALPHANUMERIC);
            let ended = if *had_session { "&ended=1" } else { "" };
            return see_other(&format!("/sign-in?next={next}{ended}"));
        }
        if matches!(self, Self::PasswordFirst) {
            return see_other("/account/password");
        }
        if matches!(self, Self::SecondFactorFirst) {
            return see_other("/account/second-factor");
        }
        let status = self.status_code();
        let mut response = HttpResponse::build(status);
        if matches!(self, Self::Stopping | Self::Closed) {
            response.insert_header(Self::RETRY_AFTER);
        }
        if let Self::MethodNotAllowed(methods) = self {
            response.insert_header((header::ALLOW, *methods));
        }
        let page = ErrorPage {
            shell,
            status: status.as_u16(),
            is_of_a_form: matches!(self, Self::ForeignForm | Self::TooLong | Self::TooSlow),
            title: self.title(),
            message: self.message(),
            request_id: request_id::current(),
        };
        match page.render() {
            Ok(html) => response.content_type("text/html; charset=utf-8").body(html),
            Err(_) => response.content_type("text/plain; charset=utf-8").body(self.title().english()),
        }
    }

    fn title(&self) -> Phrase {
        match self {
            Self::NotFound | Self::OfAnotherUlb(_) => phrase("Page not found"),
            Self::MethodNotAllowed(_) => phrase("That cannot be done here"),
            Self::Forbidden(_) => phrase("You may not do that"),
            Self::BadRequest(_) => phrase("That request cannot be understood"),
            Self::SignInFirst { .. } => phrase("Sign in first"),
            Self::PasswordFirst => phrase("Change the password"),
            Self::SecondFactorFirst => phrase("Second factor"),
            Self::ForeignForm => phrase("Nothing was done"),
            Self::Misdirected => phrase("This is another site"),
            Self::TooLong => phrase("That is too long"),
            Self::TooSlow => phrase("That took too long"),
            Self::Stopping | Self::Closed => phrase("The program is being started anew"),
            Self::NoMemory => phrase("The program is short of memory"),
            Self::Store(fault) if fault.is_transient() => phrase("The database is busy"),
            Self::Store(_) | Self::Render(_) | Self::BrokeOff(_) | Self::Session(_) => {
                phrase("Something went wrong")
            }
        }
    }

    /// For a reader who knows nothing of the machinery: what it means, and what to do.
    fn message(&self) -> Phrase {
        match self {
            Self::NotFound | Self::OfAnotherUlb(_) => phrase(
                "There is no such payment instruction or page, or it belongs to another Urban Local Body. \
                 Check the address, or look for the payment instruction in the list.",
            ),
            Self::MethodNotAllowed(_) => {
                phrase("The page you came from asked for something this address does not offer.")
            }
            Self::Forbidden(message) | Self::BadRequest(message) => message.clone(),
            Self::SignInFirst { .. } => phrase("This page is for people who have signed in."),
            Self::PasswordFirst => phrase(
                "Somebody else gave you your password. Choose one that only you know, then you can go on.",
            ),
            Self::SecondFactorFirst => {
                phrase("With your role you sign in with a second factor. Set it up, then you can go on.")
            }
            Self::ForeignForm => phrase(
                "The form did not come from a page of this session, so nothing was done. It may have been \
                 open for too long: go back, load the page again, and try once more.",
            ),
            Self::Misdirected => {
                phrase("These pages are not to be found under that address: use the one that you were given.")
            }
            Self::TooLong => phrase("More was sent than any form of this site holds. Nothing was done."),
            Self::TooSlow => phrase("The form did not arrive in time. Nothing was done: please try again."),
            Self::Stopping => {
                phrase("JIT was not asked, or its answer was not waited for. Try again in a minute.")
            }
            Self::Closed => phrase("Nothing was done. Load the page again in a minute."),
            Self::NoMemory => phrase("Nothing was looked at or changed. Try again in a minute."),
            Self::Store(fault) if fault.is_transient() => phrase(
                "The page could not be shown just now. Wait a moment, then load it again. \
                 An answer of JIT that was on its way is still recorded.",
            ),
            Self::Store(_) | Self::Render(_) | Self::BrokeOff(_) | Self::Session(_) => phrase(
                "The page could not be shown because of a fault in this program. \
                 The fault is in the program's log: tell the people who run it the time of day.",
            ),
        }
    }
}

impl ResponseError for WebError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotFound | Self::OfAnotherUlb(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::SignInFirst { .. } | Self::PasswordFirst | Self::SecondFactorFirst => StatusCode::SEE_OTHER,
            Self::ForeignForm => StatusCode::FORBIDDEN,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Stopping | Self::Closed | Self::NoMemory => StatusCode::SERVICE_UNAVAILABLE,
            Self::Store(fault) if fault.is_transient() => StatusCode::SERVICE_UNAVAILABLE,
            Self::Store(_) | Self::Render(_) | Self::BrokeOff(_) | Self::Session(_) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }

    fn error_response(&self) -> HttpResponse {
        let status = self.status_code();
        if status.is_server_error() {
            log::error!("a page answered {}: {self}", status.as_u16());
        }
        self.page(Shell::default())
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    shell: Shell,
    status: u16,
    /// Whether a form is at fault.
    is_of_a_form: bool,
    title: Phrase,
    message: Phrase,
    /// By which the log tells of it.
    request_id: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreError;
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
