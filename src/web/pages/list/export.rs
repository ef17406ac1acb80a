//! `GET /payment-instructions.csv`: the list as a file for a spreadsheet, in its order, with every fact of
//! each row. Dates are ISO's, numbers are plain.
//!
//! It is read and sent a part at a time, each part in a transaction of its own, so that neither a
//! long list nor a slow browser holds anything.

use std::sync::Arc;

use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use futures_util::{StreamExt, stream};

use super::request::ListQuery;
use crate::domain::date::{IST, treasury_day};
use crate::domain::text::guarded;
use crate::domain::{CompletedBy, Paise, PiStatus};
use crate::language::Language;
use crate::store::Store;
use crate::store::audit::Action;
use crate::store::instructions::{PaymentAdvice, PaymentInstruction};
use crate::store::scope::Scope;
use crate::store::search::{self, Cursor, Exported, Filters, Listed};
use crate::web::display;
use crate::web::error::WebError;
use crate::web::flags;
use crate::web::site::Site;
use crate::web::spreadsheet::{BYTE_ORDER_MARK, write};
use crate::web::tenants::TenantNames;
use crate::web::viewer::Viewer;

const HEADINGS: [&str; 42] = [
    "PI number",
    "PI date",
    "Type",
    "Parent PI",
    "ULB",
    "ULB name",
    "Bill number",
    "Head of account",
    "Master allotment ID",
    "Gross amount",
    "Net amount",
    "Status",
    "Active",
    "Payments",
    "Paid",
    "Failed",
    "Returned",
    "Open",
    "Flags",
    "What JIT said",
    "Outcome",
    "Last asked",
    "Next attempt",
    "In Process since",
    "Days In Process",
    "Completed on",
    "Completed by",
    "Treasury's reason",
    "Advice ID",
    "Advice date",
    "Token number of the advice",
    "Token date of the advice",
    "Online bill number of the advice",
    "Voucher number",
    "Voucher date",
    "Token number",
    "Token date",
    "Online bill number",
    "Message from RBI",
    "MUKTA reference",
    "MUKTASoft's status",
    "Changed in MUKTASoft",
];

/// The handler.
pub async fn csv(
    site: web::Data<Site>,
    viewer: Viewer,
    request: HttpRequest,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    let asked = query.into_inner().read();
    if let Some((_, fault)) = asked.faults.all().first() {
        return Err(WebError::BadRequest(fault.clone()));
    }
    let now = site.app.clock.now();
    let export = Export {
        store: site.app.store.clone(),
        // Of a ULB that is none of theirs there is nothing.
        rest: asked.scope_in(viewer.scope()).is_some().then_some(None),
        scope: asked.scope_in(viewer.scope()).unwrap_or_else(|| viewer.scope()),
        filters: asked.filters_at(now),
        tenants: site.tenants.clone(),
        now,
        next: Next { night: site.app.sync.next_night(now), is_paused: site.app.sync.is_paused() },
    };
    // The first part is read before anything is sent: a fault so far is an error page.
    let (first, export) = export.part(heading()?).await?;
    let subject = format!("payment-instructions.csv: {}", asked.told_to_the_trail(&viewer.scope()));
    site.note(&viewer, &request, Action::Downloaded, Some(subject)).await?;
    let rest = stream::try_unfold(export, |export| async move {
        match export.part(Vec::new()).await {
            Ok((part, _)) if part.is_empty() => Ok(None),
            Ok((part, export)) => Ok(Some((Bytes::from(part), export))),
            Err(fault) => {
                log::error!("an export broke off: {fault}");
                Err(fault)
            }
        }
    });
    let name = format!("payment-instructions-{}.csv", now.with_timezone(&IST).format("%Y-%m-%d"));
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .streaming(stream::once(async { Ok(Bytes::from(first)) }).chain(rest)))
}

/// When JIT is asked by itself.
#[derive(Debug, Clone, Copy)]
struct Next {
    /// About what has no attempt of its own.
    night: Option<DateTime<Utc>>,
    /// Whether it is not, at present.
    is_paused: bool,
}

/// An export under way.
struct Export {
    store: Store,
    scope: Scope,
    filters: Filters,
    tenants: Arc<TenantNames>,
    now: DateTime<Utc>,
    next: Next,
    /// Where the rest begins: after that cursor, or at the first row. `None`: it is done.
    rest: Option<Option<Cursor>>,
}

impl Export {
    /// Appends the next rows to `part`. Nothing is appended only when there are no more.
    async fn part(mut self, mut part: Vec<u8>) -> Result<(Vec<u8>, Self), WebError> {
        let begun = part.len();
        while part.len() == begun
            && let Some(after) = self.rest.take()
        {
            let (scope, filters) = (self.scope.clone(), self.filters.clone());
            let (rows, next) =
                self.store.read(move |db| search::export(db, &scope, &filters, after.as_ref())).await?;
            write(&mut part, rows.iter().map(|row| cells(row, &self.tenants, self.now, self.next)))?;
            self.rest = next.map(Some);
        }
        Ok((part, self))
    }
}

fn heading() -> Result<Vec<u8>, WebError> {
    let mut part = BYTE_ORDER_MARK.as_bytes().to_vec();
    write(&mut part, [HEADINGS.map(str::to_owned)])?;
    Ok(part)
}

fn cells(row: &Exported, tenants: &TenantNames, now: DateTime<Utc>, next: Next) -> [String; HEADINGS.len()] {
    let Exported { listed: Listed { instruction: pi, tally }, advices, .. } = row;
    let words = |text: &str| guarded(text.to_owned());
    let told = |text: &Option<String>| words(text.as_deref().unwrap_or_default());
    let day_of = |text: &Option<String>| text.as_deref().map(iso_day).unwrap_or_default();
    let each = |fact: fn(&PaymentAdvice) -> &Option<String>, read: fn(&str) -> String| {
        let all: Vec<String> = advices.iter().filter_map(|one| fact(one).as_deref().map(read)).collect();
        guarded(all.join("; "))
    };
    let flags: Vec<&str> = flags::of(pi, tally, now).iter().map(|shown| shown.flag.as_str()).collect();
    let in_process = pi.in_process_since.filter(|_| pi.status == PiStatus::InProcess);
    let days = in_process.map(|since| (now.naive_utc() - since).num_days().max(0).to_string());
    [
        words(&pi.number),
        ist_day(pi.created_at),
        display::pi_kind(pi.is_revised()).english(),
        told(&pi.parent_number),
        words(&pi.tenant_id),
        words(&tenants.name(&pi.tenant_id, Language::English)),
        guarded(pi.bills().join("; ")),
        told(&row.head_of_account),
        told(&row.master_allotment_id),
        pi.gross_paise.map(Paise::plain).unwrap_or_default(),
        pi.net_paise.plain(),
        pi.status.to_string(),
        if pi.is_active { "yes" } else { "no" }.to_owned(),
        tally.all.to_string(),
        tally.paid.to_string(),
        tally.failed.to_string(),
        tally.returned.to_string(),
        tally.open().to_string(),
        flags.join("; "),
        told(&pi.ftps_message),
        pi.latest_outcome().map(|outcome| outcome.to_string()).unwrap_or_default(),
        pi.ftps_called_at.map(ist_instant).unwrap_or_default(),
        next_attempt(pi, next),
        in_process.map(ist_instant).unwrap_or_default(),
        days.unwrap_or_default(),
        pi.completed_at.map(ist_instant).unwrap_or_default(),
        pi.completed_by.map(completed_by).unwrap_or_default().to_owned(),
        told(&pi.error_response),
        each(|one| &one.advice_id, str::to_owned),
        each(|one| &one.advice_date, iso_day),
        each(|one| &one.token_number, str::to_owned),
        each(|one| &one.token_date, iso_day),
        each(|one| &one.bill_reference, str::to_owned),
        told(&pi.ftps_voucher_number),
        day_of(&pi.ftps_voucher_date),
        told(&pi.ftps_token_number),
        day_of(&pi.ftps_token_date),
        told(&pi.ftps_bill_reference),
        told(&pi.ftps_payment_status),
        told(&pi.mukta_reference_id),
        told(&pi.told_status),
        pi.modified_at.map(ist_instant).unwrap_or_default(),
    ]
}

/// When JIT is asked next, as the page says it: its own attempt, or the next night.
fn next_attempt(pi: &PaymentInstruction, next: Next) -> String {
    if !pi.is_waiting() {
        return String::new();
    }
    if pi.cannot_ask {
        return "cannot be asked".to_owned();
    }
    let own = pi.next_attempt_at.filter(|_| !next.is_paused);
    own.or(next.night.map(|at| at.naive_utc())).map(ist_instant).unwrap_or_default()
}

/// Who said that it is Completed, by the name that people know.
const fn completed_by(by: CompletedBy) -> &'static str {
    match by {
        CompletedBy::Ftps => "FTPS",
        CompletedBy::Muktasoft => "MUKTASoft",
    }
}

/// A UTC instant's day in IST: `2024-03-31`.
fn ist_day(at: NaiveDateTime) -> String {
    at.and_utc().with_timezone(&IST).format("%Y-%m-%d").to_string()
}

/// A UTC instant in IST: `2024-03-31T22:00:00+05:30`.
fn ist_instant(at: NaiveDateTime) -> String {
    at.and_utc().with_timezone(&IST).to_rfc3339_opts(SecondsFormat::Secs, false)
}

/// A treasury's date text: `2024-03-31`; as received if it cannot be read.
fn iso_day(text: &str) -> String {
    treasury_day(text).map_or_else(|| guarded(text.to_owned()), |day| day.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::beneficiaries::Tally;
    use crate::web::pages::instruction::tests::{NOW, revised};

    #[test]
    fn a_row_tells_every_fact_in_iso_dates_and_plain_numbers() {
        let instruction = PaymentInstruction {
            number: "=PI-1".to_owned(),
            ftps_message: Some("On call of FTPS API: say \"no\", twice".to_owned()),
            ftps_called_at: Some(NOW.naive_utc()),
            ftps_voucher_date: Some("2023-11-05 10:00:00".to_owned()),
            ..revised()
        };
        let listed =
            Listed { instruction, tally: Tally { all: 12, paid: 10, failed: 1, ..Tally::default() } };
        let advice = |id: i64| PaymentAdvice {
            id,
            instruction_id: crate::store::instructions::InstructionId::of_test(7),
            position: 0,
            bill_reference: Some(format!("20231{id}")),
            financial_year: None,
            advice_id: Some(format!("A-{id}")),
            advice_date: Some("2023-11-04".to_owned()),
            token_number: None,
            token_date: None,
        };
        let row = Exported {
            listed,
            advices: vec![advice(1), advice(2)],
            head_of_account: Some("221705".to_owned()),
            master_allotment_id: None,
        };
        let cells = cells(&row, &TenantNames::default(), NOW, Next { night: Some(NOW), is_paused: false });
        let of = |heading: &str| cells[HEADINGS.iter().position(|one| *one == heading).unwrap()].as_str();
        for (heading, expected) in [
            ("PI number", "'=PI-1"),
            ("PI date", "2023-11-06"),
            ("Type", "Revised"),
            ("ULB name", "Jatni"),
            ("Parent PI", "PI-1013/2023-24/000101"),
            ("Bill number", "WB/2023-24/000512"),
            ("Head of account", "221705"),
            ("Gross amount", "650000.00"),
            ("Net amount", "637638.00"),
            ("Open", "1"),
            ("Flags", "sum-differs"),
            ("Last asked", "2023-11-15T03:43:20+05:30"),
            ("Next attempt", "2023-11-15T03:43:20+05:30"),
            ("In Process since", "2023-11-06T03:43:20+05:30"),
            ("Days In Process", "9"),
            ("Advice ID", "A-1; A-2"),
            ("Advice date", "2023-11-04; 2023-11-04"),
            ("Online bill number of the advice", "202311; 202312"),
            ("Voucher date", "2023-11-05"),
        ] {
            assert_eq!(of(heading), expected, "{heading}");
        }
    }
}
