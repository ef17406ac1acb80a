//! `/messages`: the SMS outbox, grouped by what is to be done.

mod asked;
mod chosen;
mod groups;
mod notice;
pub mod resend;
mod row;
pub mod settle;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::{DateTime, NaiveDateTime, Utc};

use self::asked::{Asked, LONGEST_TEXT};
use self::groups::{Group, Tab};
use self::notice::Notice;
use self::row::Row;
use super::sought;
use crate::access::Right;
use crate::domain::date::ist_minute;
use crate::domain::{MessageReason, MessageState};
use crate::language::{Phrase, phrase};
use crate::store::audit::Action;
use crate::store::outbox::LATE;
use crate::store::outbox::desk::{self, Count, Looked, Standing};
use crate::store::outbox::listing::{self, MessageEvent};
use crate::store::restorations;
use crate::store::scope::Scope;
use crate::store::{Db, StoreError};
use crate::web::error::WebError;
use crate::web::path::{self, Sub};
use crate::web::respond::html;
use crate::web::shell::{Section, Shell};
use crate::web::site::Site;
use crate::web::sms;
use crate::web::viewer::Viewer;

/// Messages on one page.
const PAGE: usize = 50;

/// `GET /messages`.
pub async fn page(
    site: web::Data<Site>,
    viewer: Viewer,
    request: HttpRequest,
    query: web::Query<Vec<(String, String)>>,
) -> Result<HttpResponse, WebError> {
    let (asked, told) = (Asked::read(&query)?, Told::read(&query));
    let (scope, wanted, now) = (viewer.scope(), asked.clone(), site.app.clock.now());
    let shown = site.app.store.read(move |db| Shown::load(db, &scope, &wanted, now)).await?;
    if let Some(text) = &asked.q {
        let (found, are_more) = (shown.looked.messages.len(), shown.looked.has_more);
        let told = format!("in the messages, {}", sought::told_to_the_trail(text, found, are_more));
        site.note(&viewer, &request, Action::PeopleSearched, Some(told)).await?;
    }
    let (has_gateway, sends) = (site.app.notifications.has_gateway(), site.app.notifications.sends());
    let page = MessagesPage::new(&viewer, asked, shown, told, sends, now);
    html(&MessagesPage { has_gateway, ..page })
}

/// What came of a form, and of which message, if of one alone.
#[derive(Default)]
struct Told {
    notice: Option<Notice>,
    at: Option<i64>,
}

impl Told {
    fn read(query: &[(String, String)]) -> Self {
        let value =
            |name: &str| query.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str());
        Self {
            notice: value("notice").and_then(Notice::named),
            at: value("at").and_then(|at| at.parse().ok()),
        }
    }
}

/// All that the page shows, read in one transaction.
#[derive(Default)]
struct Shown {
    looked: Looked,
    events: Vec<MessageEvent>,
    /// The instant (UTC) of the backup that the data is restored from, while messages are or will be held for it.
    restored: Option<NaiveDateTime>,
}

impl Shown {
    fn load(db: &mut Db, scope: &Scope, asked: &Asked, now: DateTime<Utc>) -> Result<Self, StoreError> {
        let late = now.naive_utc() - LATE;
        let looked = desk::look(db, scope, &asked.wanted(now), asked.before, late, PAGE)?;
        let is_held_for_it = Standing::Reason(MessageReason::Restored);
        let restored = match looked.counts.of_standing(is_held_for_it).number {
            0 => restorations::still_concerns(db, scope)?,
            _ => restorations::latest(db)?,
        };
        Ok(Self { events: listing::events_of(db, &looked.messages)?, looked, restored })
    }
}

#[derive(Template)]
#[template(path = "messages.html")]
struct MessagesPage {
    shell: Shell,
    form_token: String,
    asked: Asked,
    tabs: Vec<Tab>,
    groups: Vec<Group>,
    total: Count,
    rows: Vec<Row>,
    next: Option<String>,
    is_partial: bool,
    notice: Option<Notice>,
    /// Before which row the notice stands: where the message that it tells of stands, or stood. None: above all.
    notice_at: Option<usize>,
    may_deal_with_them: bool,
    has_gateway: bool,
    some_wait: bool,
    /// When the backup was made that the data is restored from.
    restored: Option<String>,
}

/// The address of the messages of one PI.
pub(super) fn link_of(number: &str) -> String {
    Asked::of_instruction(number).link()
}

impl MessagesPage {
    fn new(viewer: &Viewer, asked: Asked, shown: Shown, told: Told, sends: bool, now: DateTime<Utc>) -> Self {
        let Shown { looked, mut events, restored } = shown;
        let Looked { messages, has_more, counts, is_partial } = looked;
        let next = messages.last().filter(|_| has_more).map(|last| asked.after(last.id).link());
        let may_resend = viewer.may(Right::Resend);
        let may_open = viewer.may(Right::OpenPayload);
        let rows: Vec<Row> = messages
            .into_iter()
            .map(|message| {
                let events = events.extract_if(.., |event| event.message_id == message.id).collect();
                Row { message, events, sends, may_resend, may_open, now }
            })
            .collect();
        let place = told.at.map(|at| rows.iter().position(|row| row.message.id <= at).unwrap_or(rows.len()));
        Self {
            shell: Shell::new(viewer, Section::Messages),
            form_token: viewer.form_token.clone(),
            tabs: Tab::all(&asked, &counts),
            groups: Group::all(&asked, &counts),
            total: counts.of_standing(asked.which.standing(now)),
            some_wait: counts.of_standing(Standing::State(MessageState::Waiting)).number > 0,
            notice_at: place.filter(|_| told.notice.is_some() && !rows.is_empty()),
            notice: told.notice,
            may_deal_with_them: may_resend && rows.iter().any(Row::needs_a_person),
            asked,
            rows,
            next,
            is_partial,
            has_gateway: sends,
            restored: restored.map(|at| ist_minute(at.and_utc())),
        }
    }

    fn view_link(&self, number: &str) -> String {
        path::link(number, Sub::View)
    }

    fn longest_text(&self) -> usize {
        LONGEST_TEXT
    }

    fn is_later_page(&self) -> bool {
        self.asked.before.is_some()
    }

    /// Whether the notice stands before the row of that place.
    fn is_told_before(&self, place: &usize) -> bool {
        self.notice_at == Some(*place)
    }

    /// Whether the notice stands after the last row.
    fn is_told_last(&self) -> bool {
        self.notice_at == Some(self.rows.len())
    }

    fn columns(&self) -> usize {
        5 + usize::from(self.may_deal_with_them)
    }

    /// What the messages have in common, in words.
    fn standing_words(&self) -> Option<Phrase> {
        use asked::Which;
        match self.asked.which {
            Which::All => None,
            Which::State(state) => Some(sms::words(state)),
            Which::Reason(reason) => Some(groups::title(reason)),
            Which::Late => Some(phrase("Waiting for more than a day")),
        }
    }

    /// How many there are.
    fn total_words(&self) -> Phrase {
        match (self.total.number, self.total.and_more, self.is_partial) {
            (1, false, false) => phrase("1 message"),
            (_, true, _) => phrase("more than %{count} messages").with("count", self.total_count()),
            (_, _, true) => phrase("%{count} messages so far").with("count", self.total_count()),
            _ => phrase("%{count} messages").with("count", self.total_count()),
        }
    }

    fn total_count(&self) -> String {
        groups::counted(Count { and_more: false, ..self.total })
    }

    fn all_counted(&self) -> String {
        groups::counted(self.total)
    }

    /// Of all that are asked for, where that goes on from what a person sees.
    fn offers_all(&self) -> bool {
        self.may_deal_with_them && self.asked.which.can_be_settled() && self.total.number > 1
    }

    fn resend_all(&self) -> Option<String> {
        let seen = groups::counted(self.total);
        (self.offers_all() && self.asked.which.can_be_sent())
            .then(|| self.asked.about_all("/messages/resend", &seen, None))
    }

    fn settle_all(&self) -> Option<String> {
        let seen = groups::counted(self.total);
        self.offers_all().then(|| self.asked.about_all("/messages/settle", &seen, None))
    }
}

#[cfg(test)]
#[path = "messages_tests.rs"]
pub(super) mod tests;
