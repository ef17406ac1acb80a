//! Which messages a page shows, as its address says it: where one is, and where one comes back to.

use actix_web::HttpRequest;
use actix_web::http::header::REFERER;
use chrono::{DateTime, Utc};

use super::notice::Notice;
use crate::domain::{MessageReason, MessageState};
use crate::language::phrase;
use crate::store::outbox::LATE;
use crate::store::outbox::desk::{Standing, Wanted};
use crate::web::display::filled;
use crate::web::error::WebError;
use crate::web::path;

/// The longest text that is searched for, in characters.
pub(super) const LONGEST_TEXT: usize = 200;

/// Where the messages stand that are asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Which {
    /// Anywhere.
    #[default]
    All,
    State(MessageState),
    Reason(MessageReason),
    /// Waiting for too long.
    Late,
}

/// What the address asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) which: Which,
    pub(super) pi: Option<String>,
    pub(super) q: Option<String>,
    pub(super) before: Option<i64>,
}

impl Which {
    /// The address's word for it: a field and its value.
    pub(super) const fn field(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::All => None,
            Self::State(state) => Some(("state", state.as_str())),
            Self::Reason(reason) => Some(("reason", reason.as_str())),
            Self::Late => Some(("state", "late")),
        }
    }

    fn read(state: Option<&str>, reason: Option<&str>) -> Self {
        if let Some(reason) = reason.and_then(|word| word.parse().ok()) {
            return Self::Reason(reason);
        }
        match state {
            Some("late") => Self::Late,
            state => state
                .and_then(|word| word.parse::<MessageState>().ok())
                .map_or(Self::All, |state| Self::State(state.shown())),
        }
    }

    /// The state whose tab it stands under.
    pub(super) const fn state(self) -> Option<MessageState> {
        match self {
            Self::All => None,
            Self::State(state) => Some(state),
            Self::Reason(reason) => Some(reason.state()),
            Self::Late => Some(MessageState::Waiting),
        }
    }

    pub(super) fn standing(self, now: DateTime<Utc>) -> Standing {
        match self {
            Self::All => Standing::Any,
            Self::State(state) => Standing::State(state),
            Self::Reason(reason) => Standing::Reason(reason),
            Self::Late => Standing::Late(now.naive_utc() - LATE),
        }
    }

    /// Whether all that is asked for can be sent (again).
    pub(super) fn can_be_sent(self) -> bool {
        self.can_be_settled() && self != Self::Reason(MessageReason::OtherPerson)
    }

    /// Whether all that is asked for needs a person, who may settle it.
    pub(super) fn can_be_settled(self) -> bool {
        self.state().is_some_and(MessageState::needs_a_person)
    }
}

impl Asked {
    /// What an address asks for, by the fields after its `?`.
    pub(super) fn read(fields: &[(String, String)]) -> Result<Self, WebError> {
        let field = |name: &str| {
            let found = fields.iter().find(|(field, _)| field == name);
            filled(found.map(|(_, value)| value.as_str()))
        };
        let q = field("q").map(str::trim).map(str::to_owned);
        if q.as_ref().is_some_and(|q| q.chars().count() > LONGEST_TEXT) {
            let most = LONGEST_TEXT.to_string();
            let fault = phrase("Search for %{count} characters at most.").with("count", most);
            return Err(WebError::BadRequest(fault));
        }
        Ok(Self {
            which: Which::read(field("state"), field("reason")),
            pi: field("pi").map(str::to_owned),
            q,
            before: field("before")
                .map(str::parse)
                .transpose()
                .map_err(|_| WebError::unreadable_address())?,
        })
    }

    /// The messages of one PI.
    pub(super) fn of_instruction(number: &str) -> Self {
        Self { pi: Some(number.to_owned()), ..Self::default() }
    }

    /// Where a form or a link stood: as its `back` says, else by the page that the browser came from; else
    /// the newest messages.
    pub(super) fn before(back: &str, request: &HttpRequest) -> Self {
        let referer = request.headers().get(REFERER).and_then(|referer| referer.to_str().ok());
        Self::at(back).or_else(|| Self::at(referer?)).unwrap_or_default()
    }

    /// What an address of the list asks for; `None` if it is another page's.
    fn at(address: &str) -> Option<Self> {
        let here = reqwest::Url::parse("http://here/").ok()?;
        let address = here.join(address).ok().filter(|address| address.path() == "/messages")?;
        let fields: Vec<(String, String)> = address.query_pairs().into_owned().collect();
        Self::read(&fields).ok()
    }

    pub(super) fn wanted(&self, now: DateTime<Utc>) -> Wanted {
        Wanted { standing: self.which.standing(now), number: self.pi.clone(), text: self.q.clone() }
    }

    /// What stands after the `?`.
    fn query(&self) -> Vec<String> {
        let which = self.which.field().map(|(field, word)| format!("{field}={word}"));
        let pi = self.pi.as_deref().map(|pi| format!("pi={}", path::encoded(pi)));
        let q = self.q.as_deref().map(|q| format!("q={}", path::encoded(q)));
        let before = self.before.map(|before| format!("before={before}"));
        [which, pi, q, before].into_iter().flatten().collect()
    }

    /// The address of the list.
    pub(super) fn link(&self) -> String {
        address("/messages", &self.query())
    }

    /// The same, with what came of a form; told where the message `at` stands or stood.
    pub(super) fn told(&self, notice: Notice, at: Option<i64>) -> String {
        let mut query = self.query();
        query.push(format!("notice={}", notice.word()));
        query.extend(at.map(|at| format!("at={at}")));
        format!("{}#notice", address("/messages", &query))
    }

    /// The address of a page that asks about all of them, of whom the person saw so many.
    pub(super) fn about_all(&self, page: &str, seen: &str, fault: Option<&str>) -> String {
        let mut query = self.query();
        query.push(format!("all={}", path::encoded(seen)));
        query.extend(fault.map(|fault| format!("fault={fault}")));
        address(page, &query)
    }

    /// The same list of others, from its beginning.
    pub(super) fn but(&self, which: Which) -> Self {
        Self { which, before: None, ..self.clone() }
    }

    /// The same list from its beginning.
    pub(super) fn newest(&self) -> Self {
        self.but(self.which)
    }

    /// The page after this message.
    pub(super) fn after(&self, id: i64) -> Self {
        Self { before: Some(id), ..self.clone() }
    }

    /// The same list whatever was typed.
    pub(super) fn without_text(&self) -> Self {
        Self { q: None, ..self.newest() }
    }

    pub(super) fn has_filter(&self) -> bool {
        self.newest() != Self::default()
    }
}

fn address(page: &str, query: &[String]) -> String {
    if query.is_empty() { page.to_owned() } else { format!("{page}?{}", query.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_back_from_what_it_asks_for() {
        let asked = Asked {
            which: Which::Reason(MessageReason::NoNumber),
            pi: Some("PI-1/2 & 3".to_owned()),
            q: Some("ସବିତା 50%".to_owned()),
            before: Some(7),
        };
        assert_eq!(Asked::at(&asked.link()), Some(asked.clone()));
        assert_eq!(Asked::at(&format!("https://pages.example{}", asked.link())), Some(asked));
        for elsewhere in ["/audit?state=failed", "//evil", "/messages/1/resend", "javascript:x", ""] {
            assert_eq!(Asked::at(elsewhere), None, "{elsewhere}");
        }
        let late = Asked { which: Which::Late, ..Asked::default() };
        assert_eq!(
            (late.link().as_str(), Asked::at("/messages?state=late")),
            ("/messages?state=late", Some(late))
        );
    }

    #[test]
    fn what_makes_no_sense_asks_for_all_and_a_wrong_place_is_refused() {
        assert_eq!(Asked::at("/messages?state=odd&reason=odd&q=%20"), Some(Asked::default()));
        let before = |value: &str| Asked::read(&[("before".to_owned(), value.to_owned())]).is_ok();
        assert!(before("7") && before("") && !before("x"));
    }

    #[test]
    fn what_came_of_a_form_is_told_where_one_was() {
        let asked = Asked { which: Which::State(MessageState::Failed), ..Asked::default() }.after(9);
        assert_eq!(
            asked.told(Notice::NoneMarked, Some(7)),
            "/messages?state=failed&before=9&notice=none-marked&at=7#notice"
        );
    }
}
