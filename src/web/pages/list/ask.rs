//! `POST /payment-instructions/ask`: JIT is asked about the marked payment instructions now, by the engine of
//! the retries.

use std::sync::Arc;

use actix_web::web::Query;
use actix_web::{HttpRequest, HttpResponse, web};

use super::request::{ListQuery, ListRequest};
use crate::access::Right;
use crate::language::{Phrase, phrase};
use crate::store::wanted::{self, Wanted, Wish};
use crate::web::error::WebError;
use crate::web::form::PostedForm;
use crate::web::respond::see_other;
use crate::web::site::Site;

/// So many can be marked at once (CONTRACT.md).
const MOST: usize = 100;

/// POST.
pub async fn submit(
    site: web::Data<Site>,
    form: PostedForm,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let viewer = &form.viewer;
    viewer.must(Right::Refresh)?;
    let numbers: Vec<String> = form.fields.all("number").map(|number| number.trim().to_owned()).collect();
    let list = list_of(form.fields.get("back"));
    if numbers.is_empty() || numbers.len() > MOST {
        let notice = if numbers.is_empty() { Notice::NoneMarked } else { Notice::TooMany };
        return Ok(see_other(&notice.link(&list)));
    }
    let scope = viewer.scope();
    let wish = Wish {
        numbers,
        by: viewer.name.clone(),
        tenant: viewer.tenant.clone(),
        address: site.address_of(&request),
        at: site.app.clock.now().naive_utc(),
    };
    let sealer = Arc::clone(&site.app.sealer);
    let numbers = wish.numbers.clone();
    let wanted = site.app.store.write(move |db| wanted::want(db, &sealer, &scope, &wish)).await?;
    if wanted.none_is_known() {
        return Err(site.unseen(numbers).await);
    }
    site.app.sync.make_wanted_soon();
    Ok(see_other(&Notice::Wanted(wanted).link(&list)))
}

/// The list that the form stood on, read as its address is: it leads nowhere else.
fn list_of(query: &str) -> ListRequest {
    Query::<ListQuery>::from_query(query).map(|asked| asked.into_inner().read()).unwrap_or_default()
}

/// What asking came to, told once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notice {
    NoneMarked,
    TooMany,
    Wanted(Wanted),
}

impl Notice {
    /// As the address names it.
    fn word(self) -> String {
        match self {
            Self::NoneMarked => "none-marked".to_owned(),
            Self::TooMany => "too-many-marked".to_owned(),
            Self::Wanted(Wanted { will, not_waiting, inactive, busy, unknown }) => {
                format!("wanted-{will}-{not_waiting}-{inactive}-{busy}-{unknown}")
            }
        }
    }

    pub(super) fn named(word: &str) -> Option<Self> {
        if let Some(notice) = [Self::NoneMarked, Self::TooMany].into_iter().find(|one| one.word() == word) {
            return Some(notice);
        }
        let counts = word.strip_prefix("wanted-")?.split('-').map(|count| count.parse().ok());
        let counts: Vec<usize> = counts.collect::<Option<_>>()?;
        let [will, not_waiting, inactive, busy, unknown] = counts[..] else { return None };
        counts.iter().all(|count| *count <= MOST).then_some(Self::Wanted(Wanted {
            will,
            not_waiting,
            inactive,
            busy,
            unknown,
        }))
    }

    fn link(self, list: &ListRequest) -> String {
        let list = list.link();
        let joint = if list.contains('?') { '&' } else { '?' };
        format!("{list}{joint}notice={}#notice", self.word())
    }

    pub(super) fn words(self) -> Vec<Phrase> {
        let Wanted { will, not_waiting, inactive, busy, unknown } = match self {
            Self::NoneMarked => return vec![phrase("Nobody was asked: mark payment instructions first.")],
            Self::TooMany => {
                let most = phrase("Nobody was asked: mark %{count} payment instructions at most.");
                return vec![most.with("count", MOST.to_string())];
            }
            Self::Wanted(wanted) => wanted,
        };
        let of = |one: Phrase, many: Phrase, count: usize| match count {
            0 => None,
            1 => Some(one),
            count => Some(many.with("count", count.to_string())),
        };
        let nobody = (will == 0).then(|| phrase("JIT is not asked about any of these."));
        [
            nobody,
            of(
                phrase("JIT is asked about 1 payment instruction now."),
                phrase("JIT is asked about %{count} payment instructions now, one after the other."),
                will,
            ),
            of(
                phrase("1 is not a revised payment instruction In Process."),
                phrase("%{count} are not revised payment instructions In Process."),
                not_waiting,
            ),
            of(phrase("1 is inactive."), phrase("%{count} are inactive."), inactive),
            of(
                phrase("1 is being asked about already."),
                phrase("%{count} are being asked about already."),
                busy,
            ),
            of(phrase("1 is not known here."), phrase("%{count} are not known here."), unknown),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_read_back_and_nothing_else_is_one() {
        let wanted = Wanted { will: 3, not_waiting: 1, busy: 2, ..Wanted::default() };
        for notice in [Notice::NoneMarked, Notice::TooMany, Notice::Wanted(wanted)] {
            assert_eq!(Notice::named(&notice.word()), Some(notice));
        }
        for none in ["", "wanted", "wanted-1", "wanted-1-2-3-4-999", "wanted-1-2-3-4-5-6", "wanted-a-0-0-0-0"]
        {
            assert_eq!(Notice::named(none), None, "{none}");
        }
        let told: Vec<String> = Notice::Wanted(wanted).words().iter().map(Phrase::english).collect();
        assert_eq!(
            told.join(" "),
            "JIT is asked about 3 payment instructions now, one after the other. \
             1 is not a revised payment instruction In Process. 2 are being asked about already."
        );
    }

    #[test]
    fn the_form_leads_back_to_the_list_and_nowhere_else() {
        let link = |back| Notice::NoneMarked.link(&list_of(back));
        assert_eq!(link(""), "/payment-instructions?notice=none-marked#notice");
        assert_eq!(
            link("tab=all&q=a%26b&cursor=0-7&notice=x&evil=//evil.example"),
            "/payment-instructions?tab=all&q=a%26b&cursor=0%2D7&notice=none-marked#notice"
        );
        for elsewhere in ["//evil.example", "https://evil.example/", "\r\nLocation: x", "%ff"] {
            assert!(link(elsewhere).starts_with("/payment-instructions?notice="), "{elsewhere}");
        }
    }
}
