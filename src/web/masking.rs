//! Payloads as the call log shows them: account and mobile numbers reduced to their last four
//! digits, in fields and in sentences alike, JSON laid out, very long texts cut.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::domain::sentence::Around;
use crate::domain::text::{last_four, masked as mask, without_long_numbers};

/// The longest text shown, in bytes.
const SHOWN_BYTES: usize = 100 * 1024;

/// JSON longer than this is not laid out: it is shown as the text it is, and that is cut.
const LAID_OUT_BYTES: usize = 1024 * 1024;

/// In text that is not JSON a run of at least so many digits may be an account or mobile number.
const TELLING_DIGITS: usize = 9;

/// A payload, fit to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// Its text.
    pub text: String,
    /// Whether the end of it is left out.
    pub is_cut: bool,
}

/// Makes a payload fit to be shown, by what is known around its sentences.
pub fn shown(payload: &str, around: &Around) -> Payload {
    let json = if payload.len() <= LAID_OUT_BYTES { container(payload) } else { None };
    match json.and_then(|json| serde_json::to_string_pretty(&masked(json, around)).ok()) {
        Some(laid_out) => {
            let (text, is_cut) = cut(&laid_out);
            Payload { text: text.to_owned(), is_cut }
        }
        None => {
            let (text, is_cut) = cut(payload);
            // A number that the cut went through would be too short to be taken for one.
            let text = if is_cut { text.trim_end_matches(|c: char| c.is_ascii_digit()) } else { text };
            Payload { text: without_long_numbers(&around.masked(text), TELLING_DIGITS), is_cut }
        }
    }
}

/// The whole payload, nothing masked, JSON laid out: for who may open it.
pub fn laid_out(payload: &str) -> Payload {
    let laid_out = container(payload).and_then(|json| serde_json::to_string_pretty(&json).ok());
    Payload { text: laid_out.unwrap_or_else(|| payload.to_owned()), is_cut: false }
}

fn cut(text: &str) -> (&str, bool) {
    if text.len() <= SHOWN_BYTES {
        return (text, false);
    }
    (&text[..text.floor_char_boundary(SHOWN_BYTES)], true)
}

/// JSON objects and lists; a bare text or number is treated as text.
fn container(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().filter(|json: &Value| json.is_object() || json.is_array())
}

/// Masks the values of telling keys, and the same numbers wherever else they stand.
fn masked(mut json: Value, around: &Around) -> Value {
    let mut numbers: BTreeSet<String> =
        around.numbers.iter().filter(|number| last_four(number).is_some()).cloned().collect();
    mask_fields(&mut json, Holds::Anything, around, &mut numbers);
    mask_mentions(&mut json, &numbers);
    json
}

/// What a field holds, by its name or that of what it stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// An account or mobile number.
    Number,
    /// What somebody says, if only one word.
    Sentence,
    Anything,
}

impl Holds {
    fn named(self, key: &str) -> Self {
        let key = key.to_lowercase();
        let has = |parts: &[&str]| parts.iter().any(|part| key.contains(part));
        match self {
            Self::Number => Self::Number,
            _ if has(&["acct", "account", "mobile", "phone"]) => Self::Number,
            _ if has(&["msg", "message", "error", "reason", "remark"]) => Self::Sentence,
            _ => self,
        }
    }
}

/// Whether a text may be the number or name of something, in which nobody else's number is looked for.
fn is_reference(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '/' | '_'))
}

fn mask_fields(json: &mut Value, holds: Holds, around: &Around, numbers: &mut BTreeSet<String>) {
    match json {
        Value::Object(fields) => {
            for (key, value) in fields {
                mask_fields(value, holds.named(key), around, numbers);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| mask_fields(item, holds, around, numbers)),
        Value::String(text) if holds == Holds::Number => {
            *json = Value::String(remembered(text.trim(), numbers));
        }
        Value::Number(number) if holds == Holds::Number => {
            *json = Value::String(remembered(&number.to_string(), numbers));
        }
        // JSON within a text.
        Value::String(text) => {
            if let Some(mut inner) = container(text) {
                mask_fields(&mut inner, Holds::Anything, around, numbers);
                *text = inner.to_string();
            } else if holds == Holds::Sentence || !is_reference(text) {
                *text = around.masked(text);
            }
        }
        Value::Number(_) | Value::Bool(_) | Value::Null => {}
    }
}

fn remembered(number: &str, numbers: &mut BTreeSet<String>) -> String {
    if last_four(number).is_some() {
        numbers.insert(number.to_owned());
    }
    mask(number)
}

fn mask_mentions(json: &mut Value, numbers: &BTreeSet<String>) {
    match json {
        Value::Object(fields) => fields.values_mut().for_each(|value| mask_mentions(value, numbers)),
        Value::Array(items) => items.iter_mut().for_each(|item| mask_mentions(item, numbers)),
        Value::String(text) => {
            for number in numbers.iter().filter(|number| text.contains(number.as_str())).collect::<Vec<_>>() {
                *text = text.replace(number.as_str(), &mask(number));
            }
        }
        Value::Number(number) if numbers.contains(&number.to_string()) => {
            *json = Value::String(mask(&number.to_string()));
        }
        Value::Number(_) | Value::Bool(_) | Value::Null => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(payload: &str) -> String {
        shown(payload, &Around::default()).text
    }

    #[test]
    fn account_numbers_show_their_last_four_digits_wherever_they_stand() {
        let shown = text(
            r#"{"errorMsg":"Account 30131500001 is closed","data":[{"benfDtls":[
                {"BENFACCTNO":"30131500001","utrNo":"SBIN000000000001","amount":1230.50},
                {"benfAcctNo":40131500002,"mobile":9437012345}]}],"other":30131500001}"#,
        );
        for kept in ["30131500001", "40131500002", "9437012345"] {
            assert!(!shown.contains(kept), "{shown}");
        }
        for seen in ["Account •••• 0001 is closed", "\"•••• 0002\"", "SBIN000000000001", "1230.50"]
        {
            assert!(shown.contains(seen), "{shown}");
        }
    }

    #[test]
    fn json_within_a_text_and_lists_of_accounts_are_masked_too() {
        let shown = text(r#"{"data":"[{\"benfAcctNo\":\"30131500001\"}]","accounts":["50131500003",["x"]]}"#);
        assert!(!shown.contains("30131500001") && !shown.contains("50131500003"), "{shown}");
    }

    #[test]
    fn a_short_account_shows_nothing_of_itself() {
        assert_eq!(text(r#"{"account":"12345"}"#), "{\n  \"account\": \"••••\"\n}");
        assert_eq!(text(r#"{"account":null}"#), "{\n  \"account\": null\n}");
    }

    #[test]
    fn of_text_that_is_not_json_every_long_number_is_masked() {
        assert_eq!(text("<b>30131500001</b> 404 2023"), "<b>•••• 0001</b> 404 2023");
        assert_eq!(text(r#"{"benfAcctNo":"30131500001"#), r#"{"benfAcctNo":"•••• 0001"#);
        assert_eq!(text("\"30131500001\""), "\"•••• 0001\"");
    }

    #[test]
    fn numbers_in_a_sentence_are_masked_and_references_stay() {
        let text = text(r#"{"remark":"acct 30000101001 mob 9876501001","billRefNo":"202211033261"}"#);
        assert!(text.contains("acct •••• 1001 mob •••• 1001"), "{text}");
        assert!(text.contains("202211033261"), "{text}");
    }

    #[test]
    fn a_cut_never_uncovers_a_number() {
        let long = format!("{}30131500001", "x".repeat(SHOWN_BYTES - 5));
        let Payload { text, is_cut } = shown(&long, &Around::default());
        assert!(is_cut && text.ends_with('x'));
        assert!(!shown("short", &Around::default()).is_cut);
    }

    proptest::proptest! {
        #[test]
        fn no_account_survives_in_any_text(before in "\\PC{0,20}", account in "[0-9]{9,18}", after in "[^0-9]{0,20}") {
            let payload = format!("{before}{account}{after}");
            proptest::prop_assert!(!text(&payload).contains(&account));
        }
    }
}
