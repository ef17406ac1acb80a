//! `GET /payment-instructions/{PI number}` and what lies below it: View Payment Instruction
//! (DOMAIN.md §7), its Refresh form, its notes, and the way to its call log.

mod band;
mod beneficiary;
mod notes;
mod paging;
mod standing;
mod timeline;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use band::Band;
use beneficiary::{BeneficiaryRow, SmsCell};
use paging::{Paging, Wanted};
use standing::{Facts, Payments, Standing};
use timeline::{LatestCalls, Step};

use super::{calls, list, messages};
use crate::access::Right;
use crate::domain::text::is_masked;
use crate::domain::{Ancestry, CompletedBy, MessageState, Missing, PiStatus, refusal};
use crate::language::{Phrase, phrase};
use crate::sealing::Sealer;
use crate::store::audit::Action;
use crate::store::beneficiaries::{self, Beneficiary, Tally};
use crate::store::calls::newest_saying;
use crate::store::instructions::{self, PaymentAdvice, PaymentInstruction};
use crate::store::notes::Note;
use crate::store::outbox::listing::{self, OutboxMessage};
use crate::store::scope::Scope;
use crate::store::{self, Db, StoreError, bills, sync_runs};
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
    /// Whom of them to mark.
    find: Option<String>,
}

impl ViewQuery {
    fn wanted(&self) -> Wanted {
        Wanted::read(self.beneficiaries.as_deref(), self.payment.as_deref(), self.find.as_deref())
    }
}

/// GET of a page of a payment instruction; of a form's target, leads back to the page.
pub async fn get(
    site: web::Data<Site>,
    viewer: Viewer,
    request: HttpRequest,
    query: web::Query<ViewQuery>,
) -> Result<HttpResponse, WebError> {
    let (number, sub) = path::parse(request.uri().path()).ok_or(WebError::NotFound)?;
    match sub {
        Sub::View => view(&site, &viewer, number, query.into_inner(), &request).await,
        Sub::Calls => calls::page(&site, &viewer, number, &request).await,
        Sub::Refresh | Sub::Notes => Ok(see_other(&path::link(&number, Sub::View))),
    }
}

/// POST: the Refresh form, a note, and the form of the call log that opens a call's payload in full.
pub async fn post(
    site: web::Data<Site>,
    form: PostedForm,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    match path::parse(request.uri().path()).ok_or(WebError::NotFound)? {
        (number, Sub::Refresh) => refresh(&site, &form.viewer, number, &request).await,
        (number, Sub::Calls) => calls::open_in_full(&site, &form, number, &request).await,
        (number, Sub::Notes) => notes::write(&site, &form, number, &request).await,
        (_, Sub::View) => Err(WebError::MethodNotAllowed("GET, HEAD")),
    }
}

async fn view(
    site: &Site,
    viewer: &Viewer,
    number: String,
    query: ViewQuery,
    request: &HttpRequest,
) -> Result<HttpResponse, WebError> {
    let (scope, wanted, sealer) = (viewer.scope(), query.wanted(), Arc::clone(&site.app.sealer));
    let (back, asked) = (list::back::to_list(request, viewer, &number), number.clone());
    let found = site.app.store.read(move |db| Shown::load(db, &sealer, &scope, &asked, wanted)).await?;
    let Some(shown) = found else { return Err(site.unseen(vec![number]).await) };
    site.opened(viewer, request, &shown.instruction.number);
    html(&InstructionPage {
        back,
        ..InstructionPage::new(viewer, shown, query.notice.as_deref(), &Around::of(site))
    })
}

/// What the page tells of the program.
struct Around {
    has_gateway: bool,
    /// Whether nobody is asked by itself, and nothing sent.
    is_paused: bool,
    sign_in_paused_until: Option<DateTime<Utc>>,
    next_night: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
}

impl Around {
    fn of(site: &Site) -> Self {
        let now = site.app.clock.now();
        Self {
            has_gateway: site.app.notifications.has_gateway(),
            is_paused: site.app.sync.is_paused(),
            sign_in_paused_until: site.app.sync.sign_in_paused_until(),
            next_night: site.app.sync.next_night(now),
            now,
        }
    }
}

/// Who presses Refresh is not kept waiting for longer (CONTRACT.md).
const LONGEST_WAIT: Duration = Duration::from_secs(18);

/// Has JIT asked.
async fn refresh(
    site: &Site,
    viewer: &Viewer,
    number: String,
    request: &HttpRequest,
) -> Result<HttpResponse, WebError> {
    let (scope, asked) = (viewer.scope(), number.clone());
    let found = site.app.store.read(move |db| instructions::find(db, &scope, &asked)).await?;
    let Some(instruction) = found else { return Err(site.unseen(vec![number]).await) };
    viewer.must(Right::Refresh)?;
    site.note(viewer, request, Action::Refresh, Some(instruction.number.clone())).await?;
    let page = path::link(&instruction.number, Sub::View);
    let asking = site.app.sync.ask(instruction.id, Order::refresh(viewer.name.clone()));
    // The call goes on by itself, and the page follows it.
    let Ok(asked) = tokio::time::timeout(LONGEST_WAIT, asking).await else {
        return Ok(see_other(&format!("{page}?notice={}#notice", Notice::Asking.word())));
    };
    let asked = asked?;
    if asked == Asked::Unasked {
        return Err(WebError::Stopping);
    }
    Ok(see_other(&match Notice::of(asked) {
        None => format!("{page}#ftps-message"),
        Some(notice) => format!("{page}?notice={}#notice", notice.word()),
    }))
}

/// Why Refresh called nobody, or a note was not written; told once, after the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Notice {
    Asking,
    Busy,
    Locked,
    NotWaiting,
    /// Until when nobody is asked, where that is not over.
    Paused(Option<DateTime<Utc>>),
    /// A note that says nothing.
    NoteMissing,
    NoteTooLong,
}

impl Notice {
    fn of(asked: Asked) -> Option<Self> {
        match asked {
            Asked::Recorded(_) | Asked::Unasked => None,
            Asked::Busy => Some(Self::Busy),
            Asked::Locked => Some(Self::Locked),
            Asked::NotWaiting => Some(Self::NotWaiting),
            Asked::Paused { until } => Some(Self::Paused(Some(until))),
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Asking => "asking",
            Self::Busy => "busy",
            Self::Locked => "locked",
            Self::NotWaiting => "not-waiting",
            Self::Paused(_) => "paused",
            Self::NoteMissing => "note-missing",
            Self::NoteTooLong => "note-too-long",
        }
    }

    fn named(word: Option<&str>, paused_until: Option<DateTime<Utc>>) -> Option<Self> {
        let asked = [Self::Asking, Self::Busy, Self::Locked, Self::NotWaiting, Self::Paused(paused_until)];
        let noted = [Self::NoteMissing, Self::NoteTooLong];
        asked.into_iter().chain(noted).find(|notice| Some(notice.word()) == word)
    }

    /// Whether it tells of a note.
    const fn is_of_note(self) -> bool {
        matches!(self, Self::NoteMissing | Self::NoteTooLong)
    }

    /// As the instruction stands now: its page may have been old when Refresh was pressed there.
    fn words(self, completed_by: Option<CompletedBy>) -> Phrase {
        match (self, completed_by) {
            (Self::Asking, _) => phrase(
                "JIT has been asked and takes its time. Its answer is kept, and shown here once it comes.",
            ),
            (Self::Busy, _) => phrase(
                "FTPS was not called again: another call on this payment instruction is under way. \
                 Load this page again in a moment to see what it brings.",
            ),
            (Self::Locked, _) => phrase(
                "FTPS was not called: something else is being written about this payment instruction at this \
                 moment. Press Refresh again in a minute.",
            ),
            (Self::NotWaiting, Some(CompletedBy::Ftps)) => {
                phrase("FTPS was not called again: it had reported the payments already.")
            }
            (Self::NotWaiting, Some(CompletedBy::Muktasoft)) => {
                phrase("FTPS was not called: MUKTASoft had reported it as completed already.")
            }
            (Self::NotWaiting, None) => phrase(
                "FTPS was not called: only an active revised payment instruction that is In Process can be \
                 refreshed, and this one is not.",
            ),
            (Self::Paused(Some(until)), _) => phrase(
                "FTPS was not called: JIT did not let us sign in, so signing in pauses. The next try is on \
                 %{at}; this payment instruction waits until then.",
            )
            .with("at", display::minute(until.naive_utc())),
            (Self::Paused(None), _) => phrase(
                "FTPS was not called: JIT had not let us sign in. That pause is over now, so Refresh asks JIT again.",
            ),
            (Self::NoteMissing, _) => phrase("The note was not saved: it is empty."),
            (Self::NoteTooLong, _) => {
                phrase("The note was not saved: it is longer than %{count} characters.")
                    .with("count", notes::LONGEST.to_string())
            }
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
    missing: Option<Missing>,
    /// The run under way will ask about it.
    is_in_a_run: bool,
    /// Newest first.
    notes: Vec<Note>,
    /// The call whose payload holds the words of which the band shows some masked.
    masked_words_of: Option<i64>,
}

impl Shown {
    fn load(
        db: &mut Db,
        sealer: &Sealer,
        scope: &Scope,
        number: &str,
        wanted: Wanted,
    ) -> Result<Option<Self>, StoreError> {
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
        let masked_words_of = match instruction.ftps_message.as_deref().filter(|told| is_masked(told)) {
            Some(message) => newest_saying(db, instruction.id, message)?,
            None => None,
        };
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
            missing: bills::missing(db, sealer, &instruction)?,
            is_in_a_run: sync_runs::is_open_in_a_run(db, instruction.id)?,
            notes: store::notes::of_instruction(db, instruction.id)?,
            masked_words_of,
            instruction,
        }))
    }
}

#[derive(Template)]
#[template(path = "instruction.html")]
struct InstructionPage {
    shell: Shell,
    /// The list as it was left.
    back: String,
    pi: PaymentInstruction,
    advices: Vec<PaymentAdvice>,
    rows: Vec<BeneficiaryRow>,
    paging: Paging,
    steps: Vec<Step>,
    flags: Vec<ShownFlag>,
    parent_is_known: bool,
    original: Option<PaymentInstruction>,
    revisions: Vec<PaymentInstruction>,
    standing: Standing,
    band: Option<Band>,
    /// The call in which this viewer may read the masked words of the band to the letter.
    opens_words_of: Option<i64>,
    notice: Option<Phrase>,
    /// Why a note was not written.
    note_fault: Option<Phrase>,
    /// How many of its payments failed, once it is completed.
    failed: Option<Phrase>,
    last_day_to_correct: Option<String>,
    has_gateway: bool,
    may_refresh: bool,
    may_note: bool,
    form_token: String,
    now: DateTime<Utc>,
}

/// What the page's words about where it stands are made of.
fn facts(shown: &Shown, viewer: &Viewer, around: &Around) -> Facts {
    let (pi, tally) = (&shown.instruction, &shown.tally);
    let open = if pi.completed_by == Some(CompletedBy::Ftps) { 0 } else { tally.open() };
    Facts {
        status: pi.status,
        is_active: pi.is_active,
        is_waiting: pi.is_waiting(),
        is_stuck: pi.is_stuck(around.now),
        is_being_asked: pi.is_waiting() && pi.is_claimed(around.now),
        is_in_a_run: shown.is_in_a_run,
        outcome: pi.latest_outcome(),
        missing: shown.missing.clone(),
        is_paused: around.is_paused,
        next_attempt: pi.next_attempt_at.map(|at| (at, pi.unanswered_attempts)),
        sign_in_paused_until: around.sign_in_paused_until,
        next_night: around.next_night,
        payments: Payments {
            are_all_made: tally.all > 0 && tally.paid == tally.all,
            have_failed: tally.failed > 0,
            have_returned: tally.returned > 0,
            // Those that are open wait for a person too, but are not to be corrected.
            are_unsettled: i64::from(pi.unsettled_payments) > open,
            are_open: open > 0,
            went_elsewhere: tally.elsewhere > 0,
            are_doubtful: pi.is_doubtful() || tally.disputed > 0,
        },
        last_day_to_correct: pi.last_day_to_correct(around.now),
        may_refresh: viewer.may(Right::Refresh),
        now: around.now,
    }
}

/// A fact that a revised PI may leave to its original.
struct Inherited {
    text: Phrase,
    of_original: bool,
}

impl InstructionPage {
    fn new(viewer: &Viewer, shown: Shown, notice: Option<&str>, around: &Around) -> Self {
        let (now, has_gateway) = (around.now, around.has_gateway);
        let may_refresh = shown.instruction.is_waiting() && viewer.may(Right::Refresh);
        let standing = Standing::of(&facts(&shown, viewer, around));
        let completed_by = shown.instruction.completed_by;
        let last_day_to_correct = shown.instruction.last_day_to_correct(now).map(display::date);
        let notice = Notice::named(notice, around.sign_in_paused_until);
        let (note_fault, notice) = match notice {
            Some(fault) if fault.is_of_note() => (Some(fault.words(completed_by)), None),
            notice => (None, notice.map(|notice| notice.words(completed_by))),
        };
        let steps = timeline::steps(&shown.instruction, shown.calls, &shown.messages, shown.notes);
        let failed = phrase("%{count} of %{all} failed")
            .with("count", display::count(shown.tally.failed))
            .with("all", display::count(shown.tally.all));
        let have_failed = shown.instruction.status == PiStatus::Completed && shown.tally.failed > 0;
        let mut messages: HashMap<i64, OutboxMessage> =
            shown.messages.into_iter().map(|message| (message.beneficiary_id, message)).collect();
        let completed_at = shown.instruction.completed_at;
        let mut row_of = |one: Beneficiary| {
            let message = messages.remove(&one.id);
            BeneficiaryRow::new(
                one,
                completed_at,
                message.map(|message| SmsCell::new(message, has_gateway && !around.is_paused, now)),
            )
        };
        Self {
            shell: Shell::new(viewer, Section::PaymentInstructions),
            back: "/payment-instructions".to_owned(),
            band: Band::of(&shown.instruction),
            opens_words_of: shown.masked_words_of.filter(|_| viewer.may(Right::OpenPayload)),
            standing,
            steps,
            flags: flags::of(&shown.instruction, &shown.tally, now),
            paging: shown.paging,
            pi: shown.instruction,
            advices: shown.advices,
            rows: shown.beneficiaries.into_iter().map(&mut row_of).collect(),
            parent_is_known: shown.parent_is_known,
            original: shown.original,
            revisions: shown.revisions,
            notice,
            note_fault,
            failed: have_failed.then_some(failed),
            last_day_to_correct,
            has_gateway,
            may_refresh,
            may_note: viewer.may(Right::Note),
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

    fn notes_link(&self) -> String {
        path::link(&self.pi.number, Sub::Notes)
    }

    fn longest_note(&self) -> usize {
        notes::LONGEST
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
