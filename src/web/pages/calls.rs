//! `GET /payment-instructions/{PI number}/calls`: every call of FTPS about it, newest first.

use std::sync::Arc;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::{Deserialize, Serialize};

use crate::access::Right;
use crate::access::guessing::WINDOW;
use crate::domain::CallOutcome;
use crate::domain::sentence::Around;
use crate::language::{Phrase, phrase};
use crate::store::audit::Action;
use crate::store::calls::{self, StoredCall};
use crate::store::{StoreError, instructions, sentences};
use crate::web::display::{self, NOT_KNOWN};
use crate::web::error::WebError;
use crate::web::form::PostedForm;
use crate::web::masking::{self, Payload};
use crate::web::path::{self, Sub};
use crate::web::respond::{html, see_other};
use crate::web::second_factor::{self, Asked};
use crate::web::session;
use crate::web::shell::{Section, Shell};
use crate::web::site::Site;
use crate::web::told_once;
use crate::web::triggers;
use crate::web::viewer::Viewer;

/// Calls on one page.
const PAGE: usize = 50;

#[derive(Debug, Deserialize)]
struct CallsQuery {
    /// Only calls older than this one.
    before: Option<i64>,
    /// The call that was opened in full.
    open: Option<i64>,
    /// The call before whose opening the second factor is asked for.
    ask: Option<i64>,
    /// That it is opened for the words of its message.
    words: Option<String>,
}

/// Where in a session's state the call stands that its employee has just opened in full.
const OPENED: &str = "opened_call";

/// The handler; its route is told apart in [`instruction`](super::instruction::get).
pub async fn page(
    site: &Site,
    viewer: &Viewer,
    number: String,
    request: &HttpRequest,
) -> Result<HttpResponse, WebError> {
    let CallsQuery { before, open, ask, words } =
        web::Query::<CallsQuery>::from_query(request.query_string())
            .map_err(|_| WebError::unreadable_address())?
            .into_inner();
    if let Some(id) = open {
        return opened(site, viewer, number, id, request).await;
    }
    if let Some(id) = ask {
        let log = Log::of_call(site, viewer, number, id).await?;
        let told = told_once::brought::<Refused>(site, request);
        let mut page = asked(viewer, log, words.is_some(), told)?;
        if told.is_some() {
            told_once::forget(site, &mut page)?;
        }
        return Ok(page);
    }
    // One more than is shown tells whether there is a next page.
    let log = Log::load(site, viewer, number, before, PAGE as i64 + 1).await?;
    site.opened(viewer, request, &log.number);
    html(&CallsPage::new(viewer, log, before.is_some()))
}

/// Calls of an instruction, and what is known around their words.
struct Log {
    /// The instruction's number.
    number: String,
    /// Newest first.
    calls: Vec<StoredCall>,
    around: Around,
}

impl Log {
    async fn load(
        site: &Site,
        viewer: &Viewer,
        number: String,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Self, WebError> {
        let (scope, sealer, asked) = (viewer.scope(), Arc::clone(&site.app.sealer), number.clone());
        let found = site.app.store.read(move |db| {
            let Some(instruction) = instructions::find(db, &scope, &asked)? else { return Ok(None) };
            Ok::<_, StoreError>(Some(Self {
                calls: calls::of_instruction(db, &sealer, instruction.id, before, limit)?,
                around: sentences::around(db, &sealer, &instruction)?,
                number: instruction.number,
            }))
        });
        match found.await? {
            Some(log) => Ok(log),
            None => Err(site.unseen(vec![number]).await),
        }
    }

    /// With one call alone.
    async fn of_call(site: &Site, viewer: &Viewer, number: String, id: i64) -> Result<Self, WebError> {
        let log = Self::load(site, viewer, number, Some(id.saturating_add(1)), 1).await?;
        if log.calls.iter().any(|call| call.id == id) { Ok(log) } else { Err(WebError::NotFound) }
    }
}

/// One call; in full if this session has just asked for it, else as everybody sees it.
async fn opened(
    site: &Site,
    viewer: &Viewer,
    number: String,
    id: i64,
    request: &HttpRequest,
) -> Result<HttpResponse, WebError> {
    let log = Log::of_call(site, viewer, number, id).await?;
    site.opened(viewer, request, &log.number);
    let session = session::of(request);
    let is_open = session::kept(&session, OPENED)? == Some(id) && viewer.may(Right::OpenPayload);
    session.remove(OPENED);
    let page = CallsPage::new(viewer, log, true);
    html(&if is_open { page.in_full() } else { page })
}

/// What was wrong with the second factor that was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Refused {
    CodeWrong,
    TooMany,
}

/// One call as everybody sees it, and the form that asks for the second factor before it is opened.
fn asked(
    viewer: &Viewer,
    log: Log,
    is_of_words: bool,
    refused: Option<Refused>,
) -> Result<HttpResponse, WebError> {
    html(&CallsPage {
        asks_for_code: viewer.may(Right::OpenPayload),
        is_of_words,
        refused,
        ..CallsPage::new(viewer, log, true)
    })
}

/// Opens one call with its payloads as they travelled, for an administrator, and with them every letter of what JIT
/// said; recorded in the audit trail before anything is shown. Who has a second factor gives it again.
pub async fn open_in_full(
    site: &Site,
    form: &PostedForm,
    number: String,
    request: &HttpRequest,
) -> Result<HttpResponse, WebError> {
    let viewer = &form.viewer;
    let (scope, wanted) = (viewer.scope(), number.clone());
    let is_here =
        site.app.store.read(move |db| Ok(instructions::find(db, &scope, &wanted)?.is_some())).await?;
    if !is_here {
        return Err(site.unseen(vec![number]).await);
    }
    viewer.must(Right::OpenPayload)?;
    let id: i64 = form.fields.get("call").parse().map_err(|_| WebError::NotFound)?;
    let log = Log::of_call(site, viewer, number, id).await?;
    // The band's form asks for the words, which stand in the payload alone.
    let is_of_words = !form.fields.get("words").is_empty();
    let of_words = if is_of_words { "&words=1" } else { "" };
    let ask = || format!("{}?ask={id}{of_words}", path::link(&log.number, Sub::Calls));
    match second_factor::asked_again(site, viewer, request, form.fields.get("code")).await? {
        Asked::Enough => {}
        Asked::Wanted => return Ok(see_other(&ask())),
        Asked::Wrong => {
            let mut back = see_other(&ask());
            told_once::send(site, &mut back, &Refused::CodeWrong)?;
            return Ok(back);
        }
        Asked::TooMany => {
            let mut page = asked(viewer, log, is_of_words, Some(Refused::TooMany))?;
            *page.status_mut() = StatusCode::TOO_MANY_REQUESTS;
            page.headers_mut().insert(header::RETRY_AFTER, WINDOW.num_seconds().into());
            return Ok(page);
        }
    }
    let number = log.number;
    let action = if is_of_words { Action::WordsOpened } else { Action::PayloadOpened };
    site.note(viewer, request, action, Some(format!("{number}, call {id}"))).await?;
    session::keep(&session::of(request), OPENED, id)?;
    Ok(see_other(&format!("{}?open={id}", path::link(&number, Sub::Calls))))
}

#[derive(Template)]
#[template(path = "calls.html")]
struct CallsPage {
    shell: Shell,
    form_token: String,
    may_open: bool,
    number: String,
    rows: Vec<CallRow>,
    next: Option<i64>,
    /// Whether newer calls are on other pages.
    is_later_page: bool,
    /// Whether the form that opens a call asks for the second factor.
    asks_for_code: bool,
    /// Whether it is opened for the words of its message.
    is_of_words: bool,
    /// What was wrong with the one that was given.
    refused: Option<Refused>,
}

struct CallRow {
    call: StoredCall,
    request: Option<Payload>,
    response: Option<Payload>,
    is_in_full: bool,
}

impl CallsPage {
    fn new(viewer: &Viewer, log: Log, is_later_page: bool) -> Self {
        let Log { number, calls: mut found, around } = log;
        let has_more = found.len() > PAGE;
        found.truncate(PAGE);
        Self {
            shell: Shell::new(viewer, Section::PaymentInstructions),
            form_token: viewer.form_token.clone(),
            may_open: viewer.may(Right::OpenPayload),
            number,
            next: found.last().map(|call| call.id).filter(|_| has_more),
            rows: found.into_iter().map(|call| CallRow::new(call, &around)).collect(),
            is_later_page,
            asks_for_code: false,
            is_of_words: false,
            refused: None,
        }
    }

    fn refusal(&self) -> Option<Phrase> {
        self.refused.map(|refused| match refused {
            Refused::CodeWrong => second_factor::WRONG,
            Refused::TooMany => second_factor::TOO_MANY,
        })
    }

    /// With nothing masked.
    fn in_full(self) -> Self {
        Self { rows: self.rows.into_iter().map(CallRow::in_full).collect(), ..self }
    }

    /// Whether the page shows one call with nothing masked.
    fn is_in_full(&self) -> bool {
        self.rows.iter().any(|row| row.is_in_full)
    }

    fn view_link(&self) -> String {
        path::link(&self.number, Sub::View)
    }

    fn newest_link(&self) -> String {
        path::link(&self.number, Sub::Calls)
    }

    fn next_link(&self) -> Option<String> {
        self.next.map(|before| format!("{}?before={before}", self.newest_link()))
    }
}

impl CallRow {
    fn new(call: StoredCall, around: &Around) -> Self {
        let request = call.request.as_deref().map(|text| masking::shown(text, around));
        let response = call.response.as_deref().map(|text| masking::shown(text, around));
        Self { call, request, response, is_in_full: false }
    }

    fn in_full(self) -> Self {
        let request = self.call.request.as_deref().map(masking::laid_out);
        let response = self.call.response.as_deref().map(masking::laid_out);
        Self { request, response, is_in_full: true, ..self }
    }

    fn at(&self) -> String {
        display::minute(self.call.started_at)
    }

    fn at_machine(&self) -> String {
        display::machine_time(self.call.started_at)
    }

    fn duration(&self) -> Phrase {
        match self.call.outcome {
            CallOutcome::Unknown => return NOT_KNOWN,
            CallOutcome::NotSent => return phrase("none"),
            _ => {}
        }
        match self.call.duration_ms {
            ms if ms < 1000 => phrase("%{count} ms").with("count", ms.to_string()),
            ms => phrase("%{seconds} s").with("seconds", format!("{}.{}", ms / 1000, ms % 1000 / 100)),
        }
    }

    fn outcome(&self) -> Phrase {
        display::call_words(self.call.outcome)
    }

    fn tone(&self) -> &'static str {
        display::call_tone(self.call.outcome)
    }

    /// Whether its outcome came too late to be applied.
    fn came_too_late(&self) -> bool {
        !self.call.applied && self.call.outcome != CallOutcome::Unknown
    }

    /// That its payloads were erased.
    fn erased(&self) -> Option<Phrase> {
        let erased = self.call.erased?;
        let told = phrase("The payloads were erased on %{day}, since they were older than %{days} days.");
        Some(told.with("day", display::day(erased.at)).with("days", display::count(erased.days())))
    }

    /// Whether nobody knows what was sent and answered.
    fn is_unknown(&self) -> bool {
        self.call.outcome == CallOutcome::Unknown
    }

    /// Who or what set it off.
    fn trigger(&self) -> Phrase {
        triggers::of_call(self.call.trigger, self.call.triggered_by.as_deref())
    }

    /// What only an operator understands, for administrators.
    fn cause_for(&self, may_open: &bool) -> Option<&str> {
        self.call.cause.as_deref().filter(|_| *may_open)
    }

    fn http_status(&self) -> Phrase {
        self.call.http_status.map_or(phrase("none"), |status| status.to_string().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Trigger;
    use crate::web::pages::instruction::tests::{NOW, admin};

    fn call(id: i64) -> StoredCall {
        StoredCall {
            id,
            trigger: Trigger::Refresh,
            triggered_by: Some("asha".to_owned()),
            started_at: NOW.naive_utc(),
            duration_ms: 1234,
            outcome: CallOutcome::Error,
            message: "On call of FTPS API: <script>alert(1)</script>".to_owned(),
            cause: None,
            http_status: Some(200),
            request_id: None,
            request: Some(r#"{"serviceId":"FTPS"}"#.to_owned()),
            response: Some(r#"{"data":[{"benfAcctNo":"30131500001"}]}"#.to_owned()),
            erased: None,
            is_left_out: false,
            is_unreadable: false,
            applied: true,
        }
    }

    fn rendered(calls: Vec<StoredCall>) -> String {
        let log = Log { number: "PI-1/2".to_owned(), calls, around: Around::default() };
        CallsPage::new(&admin(), log, false).render().unwrap()
    }

    #[test]
    fn a_call_shows_who_when_and_what_with_accounts_masked() {
        let page = rendered(vec![call(1)]);
        assert!(page.contains(r#"data-call-outcome="error""#) && page.contains(r#"data-trigger="refresh""#));
        assert!(page.contains("Refresh, by asha") && page.contains("1.2 s"));
        assert!(page.contains("•••• 0001") && !page.contains("30131500001"));
        assert!(!page.contains("<script>alert"));
    }

    #[test]
    fn the_fifty_first_call_is_on_the_next_page() {
        let page = rendered((1..=51).rev().map(call).collect());
        assert!(page.contains(r#"href="/payment-instructions/PI-1/2/calls?before=2""#));
        assert!(page.contains(r#"rel="next""#));
        let page = rendered((1..=50).rev().map(call).collect());
        assert!(!page.contains(r#"rel="next""#));
    }

    #[test]
    fn without_calls_the_page_says_so() {
        assert!(rendered(vec![]).contains("FTPS has not been called"));
    }
}
