//! Forms that a browser posts: read within bounds, and only with the token of the session.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::UrlencodedError;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::StreamExt;

use super::error::WebError;
use super::signed_in::admitted;
use super::site::site_of;
use super::undone::Undone;
use super::viewer::Viewer;
use super::{session, stranger};
use crate::language::phrase;

/// The hidden field that carries the session's token.
pub const TOKEN_FIELD: &str = "form_token";
/// The longest form, in bytes.
pub const LONGEST_FORM: usize = 64 * 1024;
/// How long a browser may take to send one.
const SLOWEST_FORM: Duration = Duration::from_secs(15);

/// The fields of a form that was sent with the session's token; before the sign-in, with the stranger's.
#[derive(Debug)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// The first value of a field; empty if there is none.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value)
    }

    /// Every value of a field.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }
}

/// A form of somebody who signed in.
#[derive(Debug)]
pub struct PostedForm {
    /// Who sent it.
    pub viewer: Viewer,
    /// What it says.
    pub fields: Fields,
}

/// Whether a form is one of this session's, or of this browser's before the sign-in.
fn token_fits(request: &HttpRequest, given: &str) -> Result<bool, WebError> {
    let session = session::of(request);
    if session::employee(&session)?.is_some() {
        return session::token_fits(&session, given);
    }
    Ok(stranger::token_fits(site_of(request)?, request, given))
}

/// What is told of a form that cannot be taken: whose role does not allow it hears that, whatever it holds.
fn told_to(viewer: &Viewer, request: &HttpRequest, fault: WebError) -> WebError {
    let refused = Undone::of(request.path()).right().and_then(|right| viewer.must(right).err());
    match (fault, refused) {
        (WebError::BadRequest(_) | WebError::TooLong | WebError::TooSlow, Some(refused)) => refused,
        (fault, _) => fault,
    }
}

impl FromRequest for PostedForm {
    type Error = WebError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, WebError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let mut payload = payload.take();
        Box::pin(async move {
            let viewer = admitted(&request).await?;
            match Fields::from_request(&request, &mut payload).await {
                Ok(fields) => Ok(Self { viewer, fields }),
                Err(fault) => Err(told_to(&viewer, &request, fault)),
            }
        })
    }
}

/// What was sent. Where that is nothing at all, whatever it says of its kind, there are no fields, and so no token.
async fn read(
    request: &HttpRequest,
    payload: &mut Payload,
) -> Result<Vec<(String, String)>, actix_web::Error> {
    match web::Form::<Vec<(String, String)>>::from_request(request, payload).await {
        Ok(form) => Ok(form.into_inner()),
        Err(fault) => {
            // What is of another kind has not been read.
            let is_of_another = matches!(fault.as_error(), Some(UrlencodedError::ContentType));
            if is_of_another && payload.next().await.is_none() { Ok(Vec::new()) } else { Err(fault) }
        }
    }
}

impl FromRequest for Fields {
    type Error = WebError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, WebError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let mut payload = payload.take();
        Box::pin(async move {
            let fields = match tokio::time::timeout(SLOWEST_FORM, read(&request, &mut payload)).await {
                // PostgreSQL cannot even be asked about NUL.
                Ok(Ok(fields)) if fields.iter().any(|(_, value)| value.contains('\0')) => {
                    return Err(WebError::BadRequest(phrase("The form holds what cannot be text.")));
                }
                Ok(Ok(fields)) => Self(fields),
                Ok(Err(fault)) => return Err(WebError::unreadable_form(&fault)),
                Err(_) => return Err(WebError::TooSlow),
            };
            if token_fits(&request, fields.get(TOKEN_FIELD))? {
                Ok(fields)
            } else {
                Err(WebError::ForeignForm)
            }
        })
    }
}
