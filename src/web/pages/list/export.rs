//! `GET /payment-instructions.csv`: the list as a file for a spreadsheet, newest first.
//!
//! It is read and sent a part at a time, each part in a transaction of its own, so that neither a
//! long list nor a slow browser holds anything.

use std::sync::Arc;

use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::Bytes;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use futures_util::{StreamExt, stream};

use super::request::ListQuery;
use crate::domain::Paise;
use crate::domain::date::IST;
use crate::domain::text::guarded;
use crate::language::Language;
use crate::store::Store;
use crate::store::scope::Scope;
use crate::store::search::{self, Cursor, Filters, Listed};
use crate::web::display;
use crate::web::error::WebError;
use crate::web::site::Site;
use crate::web::tenants::TenantNames;
use crate::web::viewer::Viewer;

const HEADINGS: [&str; 15] = [
    "PI number",
    "PI date",
    "Type",
    "ULB",
    "ULB name",
    "Beneficiaries",
    "Paid",
    "Failed",
    "Gross amount",
    "Net amount",
    "Status",
    "Active",
    "Latest message",
    "In Process since",
    "In Process for",
];

/// Without it a spreadsheet takes UTF-8 for something else.
pub(in crate::web::pages) const BYTE_ORDER_MARK: &str = "\u{feff}";

/// The handler.
pub async fn csv(
    site: web::Data<Site>,
    viewer: Viewer,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    let asked = query.into_inner().read();
    if let Some((_, fault)) = asked.faults.all().first() {
        return Err(WebError::BadRequest((*fault).clone()));
    }
    let now = site.app.clock.now();
    let export = Export {
        store: site.app.store.clone(),
        scope: viewer.scope(),
        filters: asked.filters_at(now),
        tenants: site.tenants.clone(),
        now,
        rest: Some(None),
    };
    // The first part is read before anything is sent: a fault so far is an error page.
    let (first, export) = export.part(heading()?).await?;
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

/// An export under way.
struct Export {
    store: Store,
    scope: Scope,
    filters: Filters,
    tenants: Arc<TenantNames>,
    now: DateTime<Utc>,
    /// Where the rest begins: after that cursor, or at the first row. `None`: it is done.
    rest: Option<Option<Cursor>>,
}

impl Export {
    /// Appends the next rows to `part`. Nothing is appended only when there are no more.
    async fn part(mut self, mut part: Vec<u8>) -> Result<(Vec<u8>, Self), WebError> {
        let begun = part.len();
        while let Some(after) = self.rest
            && part.len() == begun
        {
            let (scope, filters) = (self.scope.clone(), self.filters.clone());
            let (rows, next) = self.store.read(move |db| search::export(db, &scope, &filters, after)).await?;
            write(&mut part, rows.iter().map(|row| cells(row, &self.tenants, self.now)))?;
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

fn cells(row: &Listed, tenants: &TenantNames, now: DateTime<Utc>) -> [String; HEADINGS.len()] {
    let instruction = &row.instruction;
    let words = |text: &str| guarded(text.to_owned());
    [
        words(&instruction.number),
        display::day(instruction.created_at),
        display::pi_kind(instruction.is_revised()).english(),
        words(&instruction.tenant_id),
        words(&tenants.name(&instruction.tenant_id, Language::English)),
        row.tally.all.to_string(),
        row.tally.paid.to_string(),
        row.tally.failed.to_string(),
        instruction.gross_paise.map(Paise::plain).unwrap_or_default(),
        instruction.net_paise.plain(),
        instruction.status.to_string(),
        if instruction.is_active { "yes" } else { "no" }.to_owned(),
        words(instruction.ftps_message.as_deref().unwrap_or_default()),
        instruction.in_process_since.map(display::minute).unwrap_or_default(),
        display::time_in_process(instruction, now).map(|age| age.english()).unwrap_or_default(),
    ]
}

/// Rows as RFC 4180 has them.
pub(in crate::web::pages) fn write<const N: usize>(
    to: &mut Vec<u8>,
    rows: impl IntoIterator<Item = [String; N]>,
) -> Result<(), WebError> {
    let failed = |fault: csv::Error| WebError::Render(askama::Error::custom(fault));
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(to);
    for row in rows {
        writer.write_record(&row).map_err(failed)?;
    }
    writer.flush().map_err(|fault| failed(fault.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::beneficiaries::Tally;
    use crate::store::instructions::PaymentInstruction;
    use crate::web::pages::instruction::tests::{NOW, revised};

    #[test]
    fn a_row_tells_what_the_table_tells() {
        let instruction = PaymentInstruction {
            number: "=PI-1".to_owned(),
            ftps_message: Some("On call of FTPS API: say \"no\", twice".to_owned()),
            ..revised()
        };
        let row = Listed { instruction, tally: Tally { all: 12, paid: 10, failed: 1, ..Tally::default() } };
        let mut written = Vec::new();
        write(&mut written, [cells(&row, &TenantNames::default(), NOW)]).unwrap();
        assert_eq!(
            String::from_utf8(written).unwrap(),
            "'=PI-1,06/11/2023,Revised,od.jatni,Jatni,12,10,1,650000.00,637638.00,In Process,yes,\
             \"On call of FTPS API: say \"\"no\"\", twice\",06/11/2023 03:43 IST,9 days\r\n"
        );
    }
}
