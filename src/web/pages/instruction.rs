//! `GET /payment-instructions/{PI number}` and what lies below it: View Payment Instruction
//! (DOMAIN.md §7), its Refresh form, and the way to its call log.

mod band;
mod beneficiary;
mod paging;
mod timeline;

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use band::Band;
use beneficiary::{BeneficiaryRow, SmsCell};
use paging::{Paging, Wanted};
use timeline::{LatestCalls, Step};

use super::{calls, messages};
use crate::access::Right;
use crate::domain::{Ancestry, CompletedBy, Flag, MessageState, PiStatus, refusal};
use crate::language::{Phrase, phrase};
use crate::store::audit::Action;
use crate::store::beneficiaries::{self, Beneficiary, Tally};
use crate::store::instructions::{self, PaymentAdvice, PaymentInstruction};
use crate::store::outbox::listing::{self, OutboxMessage};
use crate::store::scope::Scope;
use crate::store::{Db, StoreError};
use crate::sync::{Asked, Order};
use crate::web::display::{self, filled};
use crate::web::error::WebError;
use crate::web::flags::{self, ShownFlag};
use crate::web::form::PostedForm;
use crate::web::path::{self, Sub};
use crate::web::respond::{html, see_other};
use crate::web::shell::{Section, Shell};
use crate::web::site::Site;
use crate::web::viewer::Viewer;

/// What the address asks for.
#[derive(Debug, Deserialize)]
pub struct ViewQuery {
    notice: Option<String>,
    /// Which page of the beneficiaries.
    beneficiaries: Option<String>,
    /// Only beneficiaries of this payment status.
    payment: Option<String>,
}

impl ViewQuery {
    fn wanted(&self) -> Wanted {
        Wanted::read(self.beneficiaries.as_deref(), self.payment.as_deref())
    }
}

/// GET of a page of a payment instruction; of the Refresh form's target, leads back to the page.
pub async fn get(
    site: web::Data<Site>,
    viewer: Viewer,
    request: HttpRequest,
    query: web::Query<ViewQuery>,
) -> Result<HttpResponse, WebError> {
    let (number, sub) = path::parse(request.uri().path()).ok_or(WebError::NotFound)?;
    match sub {
        Sub::View => view(&site, &viewer, number, query.into_inner()).await,
        Sub::Calls => calls::page(&site, &viewer, number, &request).await,
        Sub::Refresh => Ok(see_other(&path::link(&number, Sub::View))),
    }
}

/// POST: the Refresh form, and the form of the call log that opens a call's payload in full.
pub async fn post(
    site: web::Data<Site>,
    form: PostedForm,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    match path::parse(request.uri().path()).ok_or(WebError::NotFound)? {
        (number, Sub::Refresh) => refresh(&site, &form.viewer, number, &request).await,
        (number, Sub::Calls) => calls::open_in_full(&site, &form, number, &request).await,
        (_, Sub::View) => Err(WebError::MethodNotAllowed("GET, HEAD")),
    }
}

async fn view(
    site: &Site,
    viewer: &Viewer,
    number: String,
    query: ViewQuery,
) -> Result<HttpResponse, WebError> {
    let (scope, wanted) = (viewer.scope(), query.wanted());
    let found = site.app.store.read(move |db| Shown::load(db, &scope, &number, wanted)).await?;
    let shown = found.ok_or(WebError::NotFound)?;
    html(&InstructionPage::new(
        viewer,
        shown,
        Notice::named(query.notice.as_deref(), site.app.sync.sign_in_paused_until()),
        site.app.notifications.has_gateway(),
        site.app.clock.now(),
    ))
}

/// Has JIT asked.
async fn refresh(
    site: &Site,
    viewer: &Viewer,
    number: String,
    request: &HttpRequest,
) -> Result<HttpResponse, WebError> {
    let scope = viewer.scope();
    let found = site.app.store.read(move |db| instructions::find(db, &scope, &number)).await?;
    let instruction = found.ok_or(WebError::NotFound)?;
    if !viewer.may(Right::Refresh) {
        return Err(WebError::Forbidden(phrase("Refreshing takes the role of accountant or administrator.")));
    }
    site.note(viewer, request, Action::Refresh, Some(instruction.number.clone())).await?;
    let asked = site.app.sync.ask(instruction.id, Order::refresh(viewer.name.clone())).await?;
    let page = path::link(&instruction.number, Sub::View);
    Ok(see_other(&match Notice::of(asked) {
        None => format!("{page}#ftps-message"),
        Some(notice) => format!("{page}?notice={}#notice", notice.word()),
    }))
}

/// Why Refresh called nobody; told once, after the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Notice {
    Busy,
    NotWaiting,
    /// Until when nobody is asked, where that is not over.
    Paused(Option<DateTime<Utc>>),
}

impl Notice {
    fn of(asked: Asked) -> Option<Self> {
        match asked {
            Asked::Recorded(_) | Asked::Unasked => None,
            Asked::Busy => Some(Self::Busy),
            Asked::NotWaiting => Some(Self::NotWaiting),
            Asked::Paused { until } => Some(Self::Paused(Some(until))),
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::NotWaiting => "not-waiting",
            Self::Paused(_) => "paused",
        }
    }

    fn named(word: Option<&str>, paused_until: Option<DateTime<Utc>>) -> Option<Self> {
        [Self::Busy, Self::NotWaiting, Self::Paused(paused_until)]
            .into_iter()
            .find(|notice| Some(notice.word()) == word)
    }

    fn words(self) -> Phrase {
        match self {
            Self::Busy => phrase(
                "FTPS was not called again: another call on this payment instruction is under way. \
                 Load this page again in a moment to see what it brings.",
            ),
            Self::NotWaiting => phrase(
                "FTPS was not called: only an active revised payment instruction that is In Process can be \
                 refreshed, and this one is not.",
            ),
            Self::Paused(Some(until)) => phrase(
                "FTPS was not called: JIT did not let us sign in, so signing in pauses. The next try is on \
                 %{at}; this payment instruction waits until then.",
            )
            .with("at", display::minute(until.naive_utc())),
            Self::Paused(None) => phrase(
                "FTPS was not called: JIT had not let us sign in. That pause is over now, so Refresh asks JIT again.",
            ),
        }
    }
}

/// All that the page shows, read in one transaction.
struct Shown {
    instruction: PaymentInstruction,
    advices: Vec<PaymentAdvice>,
    beneficiaries: Vec<Beneficiary>,
    messages: Vec<OutboxMessage>,
    paging: Paging,
    calls: LatestCalls,
    /// Whether the parent is known here, so that it can be linked.
    parent_is_known: bool,
    original: Option<PaymentInstruction>,
    revisions: Vec<PaymentInstruction>,
    tally: Tally,
}

impl Shown {
    fn load(db: &mut Db, scope: &Scope, number: &str, wanted: Wanted) -> Result<Option<Self>, StoreError> {
        let Some(instruction) = instructions::find(db, scope, number)? else { return Ok(None) };
        let ancestry = instructions::ancestry(db, &instruction)?;
        let mut revisions = instructions::revisions(db, &instruction)?;
        // What is in a circle is not linked (DOMAIN.md §3).
        let parent_is_known = match &ancestry {
            Ancestry::Circle(circle) => {
                revisions.retain(|revision| !circle.contains(&revision.number));
                false
            }
            _ => instructions::parent(db, &instruction)?.is_some(),
        };
        let (paging, beneficiaries) = Paging::load(db, instruction.id, wanted)?;
        Ok(Some(Self {
            tally: beneficiaries::tallies(db, &[instruction.id])?.remove(&instruction.id).unwrap_or_default(),
            advices: instructions::advices(db, instruction.id)?,
            beneficiaries,
            paging,
            messages: listing::of_instruction(db, instruction.id)?,
            calls: LatestCalls::load(db, &instruction)?,
            parent_is_known,
            revisions,
            original: ancestry.original(),
            instruction,
        }))
    }
}

#[derive(Template)]
#[template(path = "instruction.html")]
struct InstructionPage {
    shell: Shell,
    pi: PaymentInstruction,
    advices: Vec<PaymentAdvice>,
    rows: Vec<BeneficiaryRow>,
    paging: Paging,
    steps: Vec<Step>,
    flags: Vec<ShownFlag>,
    parent_is_known: bool,
    original: Option<PaymentInstruction>,
    revisions: Vec<PaymentInstruction>,
    band: Option<Band>,
    notice: Option<Notice>,
    has_gateway: bool,
    may_refresh: bool,
    form_token: String,
    now: DateTime<Utc>,
}

/// A fact that a revised PI may leave to its original.
struct Inherited {
    text: Phrase,
    of_original: bool,
}

impl InstructionPage {
    fn new(
        viewer: &Viewer,
        shown: Shown,
        notice: Option<Notice>,
        has_gateway: bool,
        now: DateTime<Utc>,
    ) -> Self {
        let may_refresh = shown.instruction.is_waiting() && viewer.may(Right::Refresh);
        let steps = timeline::steps(&shown.instruction, shown.calls, &shown.messages);
        let mut messages: HashMap<i64, OutboxMessage> =
            shown.messages.into_iter().map(|message| (message.beneficiary_id, message)).collect();
        let completed_at = shown.instruction.completed_at;
        let mut row_of = |one: Beneficiary| {
            let message = messages.remove(&one.id);
            BeneficiaryRow::new(
                one,
                completed_at,
                message.map(|message| SmsCell::new(message, has_gateway, now)),
            )
        };
        Self {
            shell: Shell::new(viewer, Section::PaymentInstructions),
            band: Band::of(&shown.instruction, may_refresh),
            steps,
            flags: flags::of(&shown.instruction, &shown.tally),
            paging: shown.paging,
            pi: shown.instruction,
            advices: shown.advices,
            rows: shown.beneficiaries.into_iter().map(&mut row_of).collect(),
            parent_is_known: shown.parent_is_known,
            original: shown.original,
            revisions: shown.revisions,
            notice,
            has_gateway,
            may_refresh,
            form_token: viewer.form_token.clone(),
            now,
        }
    }

    fn view_link(&self) -> String {
        path::link(&self.pi.number, Sub::View)
    }

    fn refresh_link(&self) -> String {
        path::link(&self.pi.number, Sub::Refresh)
    }

    fn calls_link(&self) -> String {
        path::link(&self.pi.number, Sub::Calls)
    }

    fn messages_link(&self) -> String {
        messages::link_of(&self.pi.number)
    }

    fn has_messages(&self) -> bool {
        self.rows.iter().any(|row| row.sms.is_some())
    }

    /// Whether messages wait for a gateway to be set up.
    fn messages_wait_for_gateway(&self) -> bool {
        let waits = |row: &BeneficiaryRow| row.sms_status() == MessageState::Waiting.as_str();
        !self.has_gateway && self.rows.iter().any(waits)
    }

    /// Where the call log tells of one call.
    fn call_link(&self, call: &i64) -> String {
        format!("{}#call-{call}", self.calls_link())
    }

    fn link_to(&self, number: &str) -> String {
        path::link(number, Sub::View)
    }

    fn tone(&self) -> &'static str {
        display::pi_tone(self.pi.status)
    }

    fn tone_of(&self, other: &PaymentInstruction) -> &'static str {
        display::pi_tone(other.status)
    }

    /// What the status means.
    fn meaning(&self) -> Phrase {
        display::pi_meaning(self.pi.status)
    }

    /// Where that leaves its payments.
    fn what_follows(&self) -> Option<Phrase> {
        match self.pi.status {
            PiStatus::Completed if self.is_paid_beyond_doubt() => {
                Some(phrase("Every payment has been made."))
            }
            PiStatus::Completed if self.paging.has_failed() => Some(phrase(
                "Payments that failed are corrected in MUKTASoft and sent again as a revised payment \
                 instruction.",
            )),
            _ => None,
        }
    }

    /// Whether every payment was made, to whom it was meant for, and RBI says so.
    fn is_paid_beyond_doubt(&self) -> bool {
        let is_in_doubt = |one: &ShownFlag| matches!(one.flag, Flag::PaidElsewhere | Flag::RbiNotPaid);
        self.paging.is_all_paid() && !self.flags.iter().any(is_in_doubt)
    }

    /// Why the treasury declined or rejected it, if MUKTASoft told.
    fn treasurys_reason(&self) -> Option<String> {
        let is_refused = matches!(self.pi.status, PiStatus::Declined | PiStatus::Rejected);
        self.pi.error_response.as_deref().filter(|_| is_refused).map(refusal::reason)
    }

    fn kind(&self) -> Phrase {
        display::pi_kind(self.pi.is_revised())
    }

    /// Whether a call is under way at this moment.
    fn is_being_asked(&self) -> bool {
        self.pi.is_waiting() && self.pi.is_claimed(self.now)
    }

    fn was_completed_by_muktasoft(&self) -> bool {
        self.pi.completed_by == Some(CompletedBy::Muktasoft)
    }

    /// `for 9 days`.
    fn for_time(&self, age: &Phrase) -> Phrase {
        phrase("for %{age}").with("age", age.clone())
    }

    /// How long it has been In Process, if it is.
    fn age(&self) -> Option<Phrase> {
        let since = self.pi.in_process_since.filter(|_| self.pi.status == PiStatus::InProcess)?;
        Some(display::age(since, self.now))
    }

    fn bill_numbers(&self) -> Phrase {
        display::or_not_known(Some(&self.pi.bills().join(", ")))
    }

    fn date(&self) -> String {
        display::day(self.pi.created_at)
    }

    fn gross_amount(&self) -> Phrase {
        self.pi.gross_paise.map_or(display::NOT_KNOWN, |paise| display::rupees(paise).into())
    }

    fn net_amount(&self) -> String {
        display::rupees(self.pi.net_paise)
    }

    fn completed_at(&self) -> Option<String> {
        self.pi.completed_at.map(display::minute)
    }

    fn head_of_account(&self) -> Inherited {
        self.inherited(|pi| pi.head_of_account.as_deref())
    }

    fn master_allotment_id(&self) -> Inherited {
        self.inherited(|pi| pi.master_allotment_id.as_deref())
    }

    fn inherited(&self, fact: impl Fn(&PaymentInstruction) -> Option<&str>) -> Inherited {
        let own = filled(fact(&self.pi));
        let originals = self.original.as_ref().and_then(|original| filled(fact(original)));
        Inherited {
            text: display::or_not_known(own.or(originals)),
            of_original: own.is_none() && originals.is_some(),
        }
    }

    fn known(&self, text: &Option<String>) -> Phrase {
        display::or_not_known(text.as_deref())
    }

    fn treasury_date(&self, text: &Option<String>) -> Phrase {
        display::treasury_date(text.as_deref())
    }

    fn shown_at(&self) -> String {
        display::minute(self.now.naive_utc())
    }
}

#[cfg(test)]
#[path = "instruction_tests.rs"]
pub(super) mod tests;
