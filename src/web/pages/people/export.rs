//! `GET /beneficiaries.csv`: people and their payments as a file for a spreadsheet, newest first; without a
//! search, everybody. It is read and sent a part at a time, as the file of payment instructions is.

use std::sync::Arc;

use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::{StreamExt, stream};

use super::super::sought;
use super::PeopleQuery;
use crate::domain::date::{IST, treasury_day};
use crate::domain::text::guarded;
use crate::language::Language;
use crate::store::Store;
use crate::store::audit::Action;
use crate::store::people::{self, FoundPeople, Person};
use crate::store::scope::Scope;
use crate::web::display::pi_kind;
use crate::web::error::WebError;
use crate::web::site::Site;
use crate::web::sms;
use crate::web::spreadsheet::{BYTE_ORDER_MARK, write};
use crate::web::tenants::TenantNames;
use crate::web::viewer::Viewer;

/// People read at a time, or a few more.
const EXPORTED_AT_ONCE: usize = 500;

const HEADINGS: [&str; 23] = [
    "PI number",
    "PI date",
    "PI type",
    "PI status",
    "ULB",
    "ULB name",
    "Bill numbers",
    "Online bill number",
    "Payment ID",
    "Beneficiary ID",
    "Name",
    "Account (last four digits)",
    "IFSC",
    "Mobile (last four digits)",
    "Amount",
    "Payment status",
    "Failure reason",
    "UTR number",
    "UTR date",
    "Voucher number",
    "Voucher date",
    "Returned on",
    "SMS",
];

/// The handler.
pub async fn csv(
    site: web::Data<Site>,
    viewer: Viewer,
    request: HttpRequest,
    query: web::Query<PeopleQuery>,
) -> Result<HttpResponse, WebError> {
    let text = Some(query.text()?).filter(|text| !text.is_empty());
    let now = site.app.clock.now();
    let whom = match &text {
        Some(text) => sought::kind(text),
        None => "everybody",
    };
    let export = Export {
        store: site.app.store.clone(),
        tenants: site.tenants.clone(),
        scope: viewer.scope(),
        text,
        rest: Some(None),
    };
    // The first part is read before anything is sent: a fault so far is an error page.
    let mut heading = BYTE_ORDER_MARK.as_bytes().to_vec();
    write(&mut heading, [HEADINGS.map(str::to_owned)])?;
    let (first, export) = export.part(heading).await?;
    site.note(&viewer, &request, Action::Downloaded, Some(format!("beneficiaries.csv: {whom}"))).await?;
    let rest = stream::try_unfold(export, |export| async move {
        match export.part(Vec::new()).await {
            Ok((part, _)) if part.is_empty() => Ok(None),
            Ok((part, export)) => Ok(Some((Bytes::from(part), export))),
            Err(fault) => {
                log::error!("an export of people broke off: {fault}");
                Err(fault)
            }
        }
    });
    let name = format!("beneficiaries-{}.csv", now.with_timezone(&IST).format("%Y-%m-%d"));
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .streaming(stream::once(async { Ok(Bytes::from(first)) }).chain(rest)))
}

/// An export under way.
struct Export {
    store: Store,
    tenants: Arc<TenantNames>,
    scope: Scope,
    /// Who is looked for; everybody, if nobody is.
    text: Option<String>,
    /// Where the rest begins: below that place, or at the first row. `None`: it is done.
    rest: Option<Option<i64>>,
}

impl Export {
    /// Appends the next rows to `part`. Nothing is appended only when there are no more.
    async fn part(mut self, mut part: Vec<u8>) -> Result<(Vec<u8>, Self), WebError> {
        let begun = part.len();
        while let Some(below) = self.rest
            && part.len() == begun
        {
            let (scope, text) = (self.scope.clone(), self.text.clone());
            let FoundPeople { people, next } = self
                .store
                .read(move |db| match text {
                    Some(text) => people::find(db, &scope, &text, below, EXPORTED_AT_ONCE),
                    None => people::everybody(db, &scope, below),
                })
                .await?;
            write(&mut part, people.iter().map(|one| cells(one, &self.tenants)))?;
            self.rest = next.map(Some);
        }
        Ok((part, self))
    }
}

fn cells(one: &Person, tenants: &TenantNames) -> [String; HEADINGS.len()] {
    let words = |text: &str| guarded(text.to_owned());
    let told = |text: &Option<String>| words(text.as_deref().unwrap_or_default());
    let day = |at: chrono::NaiveDateTime| at.and_utc().with_timezone(&IST).format("%Y-%m-%d").to_string();
    // As received, if it cannot be read (DOMAIN.md §2.4).
    let treasury_day = |text: &Option<String>| {
        text.as_deref().and_then(treasury_day).map_or_else(|| told(text), |day| day.to_string())
    };
    [
        words(&one.number),
        day(one.created_at),
        pi_kind(one.parent_number.is_some()).english(),
        one.instruction_status.to_string(),
        words(&one.tenant_id),
        words(&tenants.name(&one.tenant_id, Language::English)),
        words(&one.bills().join("; ")),
        told(&one.bill_reference),
        words(&one.payment_id),
        told(&one.beneficiary_id),
        told(&one.name),
        told(&one.account_last4),
        told(&one.ifsc),
        told(&one.mobile_last4),
        one.amount_paise.plain(),
        one.payment_status.to_string(),
        told(&one.failure_reason),
        told(&one.utr),
        treasury_day(&one.utr_date),
        told(&one.voucher_number),
        treasury_day(&one.voucher_date),
        one.returned_at.map(day).unwrap_or_default(),
        one.sms.map(|state| sms::words(state).english()).unwrap_or_default(),
    ]
}
