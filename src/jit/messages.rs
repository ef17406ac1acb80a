//! FTPS's JSON (DOMAIN.md §3 and §4): writing the request, reading the answer.

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, FixedOffset, Utc};
use serde_json::{Map, Value, json};

use crate::domain::text::{seen, stands_for_none};
use crate::domain::{Answer, AnswerData, BillToAsk, Entry, EntryBeneficiary, Glitch};

/// How JIT wants instants written: at which offset, in which format.
#[derive(Debug, Clone)]
pub struct DateFormat {
    offset: FixedOffset,
    items: Vec<Item<'static>>,
}

impl DateFormat {
    /// The format is chrono's, such as `%Y-%m-%d %H:%M:%S`. `None` if it is blank or cannot be read.
    pub fn new(offset: FixedOffset, format: &str) -> Option<Self> {
        if format.trim().is_empty() {
            return None;
        }
        let items = StrftimeItems::new(format).parse_to_owned().ok()?;
        Some(Self { offset, items })
    }

    /// The instant as JIT wants it.
    pub fn written(&self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.offset).format_with_items(self.items.iter()).to_string()
    }
}

/// The request of DOMAIN.md §3, in its order.
pub fn request_json(bill: &BillToAsk, department: &str, dates: &DateFormat) -> String {
    json!({
        "serviceId": "FTPS",
        "params": {
            "jitCorBillNo": bill.number,
            "jitCorBillDate": dates.written(bill.date),
            "jitCorBillDeptCode": department,
            "jitOrgBillRefNo": bill.original_reference,
            "jitOrgBillNo": bill.original_number,
            "jitOrgBillDate": dates.written(bill.original_date),
        }
    })
    .to_string()
}

/// Reads a reply leniently: what does not matter may be missing or odd. `Err` is for a reply that is not a
/// JSON object at all.
pub fn parse_answer(json: &[u8]) -> Result<Answer, Glitch> {
    // Some servers begin UTF-8 texts with a byte order mark, which JSON does not know.
    let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
    let reply = match serde_json::from_slice(json) {
        Ok(Value::Object(reply)) => reply,
        Ok(_) => return Err(Glitch::NotInForm("it is not a JSON object".to_owned())),
        Err(_) => return Err(Glitch::NotJson),
    };
    let (error, error_fault) = error_of(&reply);
    let data = match error_fault {
        // With a real error beside it, what is odd does not matter.
        Some(fault) if error.is_none() => AnswerData::Malformed(fault),
        _ => data_of(reply.get("data")),
    };
    Ok(Answer { service_id: text(&reply, "serviceId"), error, data })
}

/// The error text that a reply says, and what is wrong with the fields that should say it.
fn error_of(reply: &Map<String, Value>) -> (Option<String>, Option<String>) {
    let mut fault = None;
    match reply.get("errorMsg") {
        Some(Value::String(message)) if !message.trim().is_empty() => {
            return (Some(printable(message)), None);
        }
        None | Some(Value::Null | Value::String(_)) => {}
        Some(_) => fault = Some("its errorMsg is not a text"),
    }
    let mut messages = Vec::new();
    match reply.get("errorMsgs") {
        None | Some(Value::Null) => {}
        Some(Value::Array(items)) => {
            for item in items {
                match item.as_object().map(|one| one.get("errorMsg")) {
                    Some(Some(Value::String(message))) if !message.trim().is_empty() => {
                        messages.push(printable(message));
                    }
                    Some(None | Some(Value::Null | Value::String(_))) => {}
                    Some(Some(_)) => fault = Some("an errorMsg in its errorMsgs is not a text"),
                    None => fault = Some("its errorMsgs is not a list of objects"),
                }
            }
        }
        Some(_) => fault = Some("its errorMsgs is not a list"),
    }
    let error = (!messages.is_empty()).then(|| messages.join("; "));
    (error, fault.map(str::to_owned))
}

fn data_of(data: Option<&Value>) -> AnswerData {
    let items = match data {
        None | Some(Value::Null) => return AnswerData::Empty,
        Some(Value::String(text)) if text.trim().is_empty() => return AnswerData::Empty,
        Some(Value::Object(fields)) if fields.is_empty() => return AnswerData::Empty,
        Some(Value::Array(items)) if items.is_empty() => return AnswerData::Empty,
        Some(Value::Array(items)) => items,
        Some(_) => return AnswerData::Malformed("its data is not a list".to_owned()),
    };
    match items.iter().map(entry).collect() {
        Ok(entries) => AnswerData::Entries(entries),
        Err(fault) => AnswerData::Malformed(fault),
    }
}

fn entry(item: &Value) -> Result<Entry, String> {
    let fields = item.as_object().ok_or("an entry of its data is not an object")?;
    Ok(Entry {
        number: text(fields, "jitCorBillNo").ok_or("an entry of its data has no jitCorBillNo")?,
        voucher_number: number(fields, "voucherNo").or_else(|| number(fields, "voucherNumber")),
        voucher_date: number(fields, "voucherDate"),
        bill_reference: number(fields, "billRefNo"),
        payment_status: text(fields, "paymentStatus"),
        failure: failure(fields),
        token_number: number(fields, "tokenNumber"),
        token_date: number(fields, "tokenDate"),
        beneficiaries: beneficiaries(fields.get("benfDtls")),
    })
}

fn beneficiaries(list: Option<&Value>) -> Result<Vec<EntryBeneficiary>, String> {
    match list {
        None | Some(Value::Null) => Err("it has no benfDtls".to_owned()),
        Some(Value::Array(items)) => items.iter().map(beneficiary).collect(),
        Some(_) => Err("its benfDtls is not a list".to_owned()),
    }
}

fn beneficiary(item: &Value) -> Result<EntryBeneficiary, String> {
    let fields = item.as_object().ok_or("an item of its benfDtls is not an object")?;
    Ok(EntryBeneficiary {
        payment_id: text(fields, "benfId").ok_or("an item of its benfDtls has no benfId")?,
        // As received: whether it can be a UTR number is for `decide` to say.
        utr: scalar(fields.get("utrNo")).unwrap_or_default(),
        utr_date: number(fields, "utrDate"),
        failure: failure(fields),
        account: number(fields, "benfAcctNo"),
        ifsc: number(fields, "benfBankIfscCode"),
        end_to_end_id: number(fields, "endToEndId"),
    })
}

/// What tells that a payment failed. A value of an odd kind is no silence: it is told as JSON.
fn failure(fields: &Map<String, Value>) -> Option<String> {
    ["failedReason", "challanNumber"].into_iter().find_map(|name| {
        let told = match fields.get(name)? {
            Value::Null | Value::Bool(false) => return None,
            Value::Array(items) if items.is_empty() => return None,
            Value::Object(fields) if fields.is_empty() => return None,
            odd @ (Value::Bool(_) | Value::Array(_) | Value::Object(_)) => odd.to_string(),
            plain => scalar(Some(plain))?,
        };
        (!stands_for_none(&told)).then(|| printable(&told))
    })
}

/// A field fit to keep and show; `None` if missing, blank, or neither text nor number.
fn text(fields: &Map<String, Value>, name: &str) -> Option<String> {
    scalar(fields.get(name)).map(|text| printable(&text))
}

/// A number, code or date of the bank's or the treasury's, without characters that nobody sees: what travels is kept
/// sealed, to the letter.
fn number(fields: &Map<String, Value>, name: &str) -> Option<String> {
    text(fields, name).map(|text| seen(&text)).filter(|text| !text.is_empty())
}

/// A string or number as trimmed text. Numbers keep the digits they were written with.
fn scalar(value: Option<&Value>) -> Option<String> {
    let text = match value? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// Without control characters, which PostgreSQL (NUL) and pages cannot take; lines may break.
pub(crate) fn printable(text: &str) -> String {
    let shown = |c: char| if c.is_control() && !matches!(c, '\n' | '\r' | '\t') { '\u{fffd}' } else { c };
    text.chars().map(shown).collect()
}

#[cfg(test)]
#[path = "messages_tests.rs"]
mod tests;
