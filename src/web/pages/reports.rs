//! `GET /reports/{yyyy-mm}`: a month of each ULB and in total, for paper; with `.csv`, for a spreadsheet.

use std::collections::BTreeMap;

use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Datelike, Months, NaiveDate, Utc};

use crate::domain::MessageState;
use crate::domain::date::IST;
use crate::domain::text::guarded;
use crate::language::Language;
use crate::store::audit::Action;
use crate::store::reports::{self, Sum, TownMonth};
use crate::web::display;
use crate::web::error::WebError;
use crate::web::respond::{html, see_other};
use crate::web::shell::{Section, Shell};
use crate::web::site::Site;
use crate::web::sms;
use crate::web::spreadsheet::{BYTE_ORDER_MARK, write};
use crate::web::tenants::TenantNames;
use crate::web::viewer::Viewer;

/// The states of a message, as a report tells them.
const STATES: [MessageState; 6] = [
    MessageState::Sent,
    MessageState::Waiting,
    MessageState::Failed,
    MessageState::Unknown,
    MessageState::Held,
    MessageState::Settled,
];

const HEADINGS: [&str; 17] = [
    "Month",
    "ULB",
    "ULB name",
    "Paid",
    "Paid amount",
    "Paid, by MUKTASoft's word",
    "Paid amount, by MUKTASoft's word",
    "Returned",
    "Returned amount",
    "Open",
    "Open amount",
    "SMS sent",
    "SMS waiting",
    "SMS failed",
    "SMS not known",
    "SMS held",
    "SMS settled",
];

/// The handler of both.
pub async fn month(
    site: web::Data<Site>,
    viewer: Viewer,
    request: HttpRequest,
    name: web::Path<String>,
) -> Result<HttpResponse, WebError> {
    let (name, is_file) = match name.strip_suffix(".csv") {
        Some(name) => (name, true),
        None => (name.as_str(), false),
    };
    let day = first_day(name).ok_or(WebError::NotFound)?;
    let (scope, now) = (viewer.scope(), site.app.clock.now());
    let towns = site.app.store.read(move |db| reports::month(db, &scope, day)).await?;
    if !is_file {
        return html(&ReportPage::new(&viewer, towns, day, now));
    }
    let subject = format!("report-{}.csv: {} ULBs", day.format("%Y-%m"), towns.len());
    site.note(&viewer, &request, Action::Downloaded, Some(subject)).await?;
    file(&towns, &site.tenants, day)
}

/// `GET /reports` leads to the month that it is.
pub async fn this_month(site: web::Data<Site>, _viewer: Viewer) -> HttpResponse {
    see_other(&link(site.app.clock.now().with_timezone(&IST).date_naive()))
}

/// `2024-03` is the first of March.
fn first_day(name: &str) -> Option<NaiveDate> {
    let looks_like_one = name.len() == 7 && name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    NaiveDate::parse_from_str(&format!("{name}-01"), "%Y-%m-%d")
        .ok()
        .filter(|day| looks_like_one && day.year() > 0)
}

/// The address of a day's month.
pub(super) fn link(day: NaiveDate) -> String {
    format!("/reports/{}", day.format("%Y-%m"))
}

#[derive(Template)]
#[template(path = "report.html")]
struct ReportPage {
    shell: Shell,
    towns: Vec<TownRow>,
    total: TownRow,
    day: NaiveDate,
    is_over: bool,
    now: DateTime<Utc>,
}

struct TownRow {
    tenant: String,
    month: TownMonth,
}

impl ReportPage {
    fn new(viewer: &Viewer, towns: BTreeMap<String, TownMonth>, day: NaiveDate, now: DateTime<Utc>) -> Self {
        let mut total = TownMonth::default();
        towns.values().for_each(|town| total.add(town));
        let towns = towns.into_iter().map(|(tenant, month)| TownRow { tenant, month }).collect();
        Self {
            shell: Shell::new(viewer, Section::Reports),
            towns,
            total: TownRow { tenant: String::new(), month: total },
            is_over: day + Months::new(1) <= now.with_timezone(&IST).date_naive(),
            day,
            now,
        }
    }

    /// `03/2024`.
    fn month(&self) -> String {
        self.day.format("%m/%Y").to_string()
    }

    fn before(&self) -> String {
        link(self.day - Months::new(1))
    }

    fn after(&self) -> Option<String> {
        self.is_over.then(|| link(self.day + Months::new(1)))
    }

    fn file(&self) -> String {
        format!("{}.csv", link(self.day))
    }

    fn as_of(&self) -> String {
        display::minute(self.now.naive_utc())
    }

    fn states(&self) -> [MessageState; 6] {
        STATES
    }

    fn state_words(&self, state: &MessageState) -> crate::language::Phrase {
        sms::words(*state)
    }
}

impl TownRow {
    fn count(&self, sum: &Sum) -> String {
        display::count(sum.count)
    }

    fn rupees(&self, sum: &Sum) -> String {
        display::rupees(sum.paise)
    }

    fn messages(&self, state: &MessageState) -> String {
        display::count(of_state(&self.month, *state))
    }
}

fn of_state(month: &TownMonth, state: MessageState) -> i64 {
    month.messages.get(&state).copied().unwrap_or_default()
}

fn file(
    towns: &BTreeMap<String, TownMonth>,
    names: &TenantNames,
    day: NaiveDate,
) -> Result<HttpResponse, WebError> {
    let month = day.format("%Y-%m").to_string();
    let mut part = BYTE_ORDER_MARK.as_bytes().to_vec();
    write(&mut part, [HEADINGS.map(str::to_owned)])?;
    write(&mut part, towns.iter().map(|(tenant, town)| cells(&month, tenant, names, town)))?;
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"report-{month}.csv\"")))
        .body(part))
}

fn cells(month: &str, tenant: &str, names: &TenantNames, town: &TownMonth) -> [String; HEADINGS.len()] {
    let count = |sum: Sum| sum.count.to_string();
    let rupees = |sum: Sum| sum.paise.plain();
    let state = |state| of_state(town, state);
    [
        month.to_owned(),
        guarded(tenant.to_owned()),
        guarded(names.name(tenant, Language::English).into_owned()),
        count(town.paid),
        rupees(town.paid),
        count(town.paid_by_muktasoft),
        rupees(town.paid_by_muktasoft),
        count(town.returned),
        rupees(town.returned),
        count(town.open),
        rupees(town.open),
        state(MessageState::Sent).to_string(),
        state(MessageState::Waiting).to_string(),
        state(MessageState::Failed).to_string(),
        state(MessageState::Unknown).to_string(),
        state(MessageState::Held).to_string(),
        state(MessageState::Settled).to_string(),
    ]
}
