//! The export as a register: one line a beneficiary, as CSV for spreadsheets and scripts.

use std::io::{self, Write};

use chrono::NaiveDateTime;

use super::export::{ExportError, Exported, PAGE, point_at_begin};
use crate::domain::date::{IST, treasury_day};
use crate::domain::record::BeneficiaryRecord;
use crate::domain::text::{guarded, printable};
use crate::sealing::Sealer;
use crate::store::Store;
use crate::store::exporting::{self, Known, Since};
use crate::store::outbox::listing;

const HEADINGS: [&str; 15] = [
    "ULB",
    "Bill number",
    "PI number",
    "Parent PI",
    "Payment ID",
    "Beneficiary ID",
    "Name",
    "Amount",
    "Payment status",
    "Reason",
    "UTR number",
    "UTR date",
    "Voucher number",
    "Completed on",
    "SMS",
];

/// Without it a spreadsheet takes UTF-8 for something else.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Of a beneficiary to whom no message goes (CONTRACT.md, `data-sms-status`).
const NO_MESSAGE: &str = "none";

/// Writes the beneficiaries of the instructions, of all or of those changed since, a line each. Where to go on
/// from is in what is returned: a register has no place for it. Blocks, but holds no transaction while it
/// writes. Nothing sealed is told in it, so nothing of it is left out.
pub fn export_csv(
    store: &Store,
    sealer: &Sealer,
    since: Option<Since>,
    mut out: impl Write,
) -> Result<Exported, ExportError> {
    let next_since = point_at_begin(store, since)?;
    let mut exported = Exported { next_since, ..Exported::default() };
    out.write_all(BYTE_ORDER_MARK.as_bytes())?;
    let mut lines = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
    lines.write_record(HEADINGS).map_err(io::Error::from)?;
    let mut after = None;
    loop {
        let (page, sms) = store.read_blocking(|db| {
            let page = exporting::page(db, sealer, after, since, PAGE)?;
            let ids: Vec<_> = page.iter().map(|known| known.id).collect();
            let sms = listing::states_of(db, &ids)?;
            Ok((page, sms))
        })?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        for known in &page {
            for (one, place) in known.version.record.beneficiaries.iter().zip(&known.beneficiary_rows) {
                let sms = sms.get(&place.id).map_or(NO_MESSAGE, |state| state.shown().as_str());
                lines.write_record(cells(known, one, sms)).map_err(io::Error::from)?;
            }
        }
        exported.count += page.len();
    }
    lines.flush()?;
    Ok(exported)
}

fn cells(known: &Known, one: &BeneficiaryRecord, sms: &str) -> [String; HEADINGS.len()] {
    let record = &known.version.record;
    // It may be read on a terminal.
    let words = |text: &str| guarded(printable(text).into_owned());
    let told = |text: &Option<String>| words(text.as_deref().unwrap_or_default());
    [
        words(&record.tenant_id),
        words(&record.bill_numbers.join("; ")),
        words(&record.number),
        told(&record.parent_number),
        words(&one.payment_id),
        told(&one.beneficiary_id),
        told(&one.name),
        one.amount.plain(),
        one.payment.status.to_string(),
        told(&one.payment.failure_reason),
        told(&one.payment.utr),
        one.payment.utr_date.as_deref().map(day).unwrap_or_default(),
        told(&one.payment.voucher_number),
        known.version.lifecycle.completed_at.map(ist_day).unwrap_or_default(),
        sms.to_owned(),
    ]
}

/// `yyyy-mm-dd`; as received if it cannot be read.
fn day(text: &str) -> String {
    treasury_day(text).map_or_else(|| guarded(printable(text).into_owned()), |day| day.to_string())
}

/// The day in Odisha, `yyyy-mm-dd`.
fn ist_day(at: NaiveDateTime) -> String {
    at.and_utc().with_timezone(&IST).format("%Y-%m-%d").to_string()
}
