//! `POST /payment-instructions/fetch`: a payment instruction that is not known here is fetched from MUKTASoft.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};

use super::request::ListRequest;
use crate::access::Right;
use crate::domain::record::is_like_a_number;
use crate::language::{Phrase, phrase};
use crate::muktasoft::{FetchError, Fetched};
use crate::store::audit::Action;
use crate::store::search::{Found, Total};
use crate::web::error::WebError;
use crate::web::form::PostedForm;
use crate::web::path::{self, Sub};
use crate::web::respond::see_other;
use crate::web::site::Site;
use crate::web::viewer::Viewer;

/// How long a person waits; what takes longer goes on by itself.
const PATIENCE: Duration = Duration::from_secs(20);

/// The number that a search did not find, if this viewer may have it fetched.
pub(super) fn offered(site: &Site, viewer: &Viewer, asked: &ListRequest, found: &Found) -> Option<String> {
    let number = asked.filters.text.as_ref()?.only_number()?;
    let is_unknown = found.rows.is_empty() && found.total == Total::Exactly(0) && asked.cursor.is_empty();
    let can = site.app.muktasoft.is_set() && viewer.may(Right::Fetch);
    (can && is_unknown && is_like_a_number(number)).then(|| number.to_owned())
}

/// POST.
pub async fn submit(
    site: web::Data<Site>,
    form: PostedForm,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let viewer = &form.viewer;
    viewer.must(Right::Fetch)?;
    if !site.app.muktasoft.is_set() {
        return Err(WebError::NotFound);
    }
    let number = form.fields.get("number").trim();
    if !is_like_a_number(number) {
        return Ok(see_other(&Notice::NotFound.link(number)));
    }
    site.note(viewer, &request, Action::Fetch, Some(number.to_owned())).await?;
    let scope = viewer.scope();
    let fetching = site.app.muktasoft.fetch(number, &scope);
    let notice = match tokio::time::timeout(PATIENCE, fetching).await {
        Err(_) => Notice::UnderWay,
        Ok(Ok(Fetched::Here(number))) => return Ok(see_other(&path::link(&number, Sub::View))),
        Ok(Ok(Fetched::NotFound)) => Notice::NotFound,
        Ok(Ok(Fetched::Faulty)) => Notice::Faulty,
        Ok(Ok(Fetched::Failed(why, heard))) => {
            let heard = heard.unwrap_or_default();
            log::warn!("{number} could not be fetched from MUKTASoft: {why}: {heard}");
            Notice::Failed
        }
        Ok(Err(FetchError::Store(fault))) => return Err(fault.into()),
        Ok(Err(fault)) => {
            log::error!("{number} could not be fetched from MUKTASoft: {fault}");
            Notice::Failed
        }
    };
    Ok(see_other(&notice.link(number)))
}

/// What fetching came to, told once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notice {
    NotFound,
    Faulty,
    Failed,
    UnderWay,
}

impl Notice {
    const fn word(self) -> &'static str {
        match self {
            Self::NotFound => "fetch-not-found",
            Self::Faulty => "fetch-faulty",
            Self::Failed => "fetch-failed",
            Self::UnderWay => "fetch-under-way",
        }
    }

    pub(super) fn named(word: &str) -> Option<Self> {
        [Self::NotFound, Self::Faulty, Self::Failed, Self::UnderWay]
            .into_iter()
            .find(|notice| notice.word() == word)
    }

    /// The search for that number again, which tells it.
    fn link(self, number: &str) -> String {
        let number = path::encoded(number);
        format!("/payment-instructions?tab=all&q={number}&notice={}#notice", self.word())
    }

    pub(super) const fn words(self) -> Phrase {
        match self {
            Self::NotFound => phrase("MUKTASoft does not know this payment instruction either."),
            Self::Faulty => phrase(
                "MUKTASoft has this payment instruction, but its record has a fault, so it was left out. The \
                 page Nightly sync says what is wrong with it.",
            ),
            Self::Failed => phrase(
                "MUKTASoft could not be asked, so nothing was fetched. Try again in a few minutes; if that does \
                 not help, tell the people who run this program.",
            ),
            Self::UnderWay => phrase(
                "MUKTASoft takes long to answer: the payment instruction is still being fetched. Search for it \
                 again in a moment.",
            ),
        }
    }
}
