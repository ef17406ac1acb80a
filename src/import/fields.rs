//! Fields of a JSON object, read with the path of each fault.

use std::fmt;

use serde_json::{Map, Value};

use super::fault::Faults;
use crate::domain::Paise;
use crate::domain::text::{self, is_invisible};

/// Where in the document a value stands. Written out only when a fault is told.
#[derive(Debug, Clone, Copy)]
pub(super) enum Path<'a> {
    /// An element of `paymentInstructions`.
    Instruction(usize),
    /// A key of an object.
    Key(&'a Path<'a>, &'static str),
    /// An element of a list.
    Item(&'a Path<'a>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instruction(index) => write!(f, "paymentInstructions[{index}]"),
            Self::Key(of, key) => write!(f, "{of}.{key}"),
            Self::Item(of, index) => write!(f, "{of}[{index}]"),
        }
    }
}

/// An object of the document; one that is absent has no fields.
pub(super) struct Object<'a> {
    at: Path<'a>,
    fields: Option<&'a Map<String, Value>>,
}

impl<'a> Object<'a> {
    /// The object that stands at `at`; `None`, and a fault, if something else does.
    pub(super) fn of(at: Path<'a>, value: Option<&'a Value>, faults: &mut Faults) -> Option<Self> {
        match value {
            None => Some(Self { at, fields: None }),
            Some(Value::Object(fields)) => Some(Self { at, fields: Some(fields) }),
            Some(_) => {
                faults.add(at, "must be an object");
                None
            }
        }
    }

    /// The path of one of its fields.
    pub(super) fn path(&self, key: &'static str) -> Path<'_> {
        Path::Key(&self.at, key)
    }

    /// A field that is there and not null.
    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.fields?.get(key).filter(|value| !value.is_null())
    }

    /// A text (or a number, as it is written), trimmed; `None` if it is absent or blank.
    pub(super) fn text(&self, key: &'static str, max_chars: usize, faults: &mut Faults) -> Option<String> {
        text_at(self.path(key), self.get(key)?, max_chars, faults)
    }

    /// A number or code: a text whose characters can all be seen.
    pub(super) fn number(&self, key: &'static str, max_chars: usize, faults: &mut Faults) -> Option<String> {
        number_at(self.path(key), self.get(key)?, max_chars, faults)
    }

    /// What somebody is called: without characters that nobody sees, but for those that join letters.
    pub(super) fn name(&self, key: &'static str, max_chars: usize, faults: &mut Faults) -> Option<String> {
        self.sentence(key, max_chars, faults).map(|told| text::name(&told)).filter(|name| !name.is_empty())
    }

    /// What somebody wrote, all on one line.
    pub(super) fn sentence(
        &self,
        key: &'static str,
        max_chars: usize,
        faults: &mut Faults,
    ) -> Option<String> {
        match self.get(key)? {
            Value::String(text) => text_at(self.path(key), &text::one_line(text).into(), max_chars, faults),
            other => text_at(self.path(key), other, max_chars, faults),
        }
    }

    /// A day, without characters that nobody sees.
    pub(super) fn day(&self, key: &'static str, max_chars: usize, faults: &mut Faults) -> Option<String> {
        self.text(key, max_chars, faults).map(|told| text::seen(&told)).filter(|day| !day.is_empty())
    }

    /// Like [`text`](Self::text); that it is absent or blank is a fault.
    pub(super) fn required_text(
        &self,
        key: &'static str,
        max_chars: usize,
        faults: &mut Faults,
    ) -> Option<String> {
        let before = faults.count();
        let text = self.text(key, max_chars, faults);
        if text.is_none() && faults.count() == before {
            faults.add(self.path(key), "is missing");
        }
        text
    }

    /// A number by which something is known: a text without characters that nobody sees. A word that
    /// stands for none ([`stands_for_none`]) tells nothing.
    pub(super) fn id(&self, key: &'static str, max_chars: usize, faults: &mut Faults) -> Option<String> {
        let text = self.text(key, max_chars, faults).filter(|text| !stands_for_none(text))?;
        if text.chars().any(|c| is_invisible(c) || c.is_whitespace() && c != ' ') {
            faults.add(self.path(key), UNSEEN);
            return None;
        }
        Some(text)
    }

    /// Like [`id`](Self::id); that it is absent is a fault.
    pub(super) fn required_id(
        &self,
        key: &'static str,
        max_chars: usize,
        faults: &mut Faults,
    ) -> Option<String> {
        let before = faults.count();
        let id = self.id(key, max_chars, faults);
        if id.is_none() && faults.count() == before {
            faults.add(self.path(key), "is missing");
        }
        id
    }

    /// Rupees and paise, as a number or a text; `None` if absent.
    pub(super) fn amount(&self, key: &'static str, faults: &mut Faults) -> Option<Paise> {
        let text = self.text(key, usize::MAX, faults)?;
        Paise::parse(&text).map_err(|fault| faults.add(self.path(key), fault)).ok()
    }

    /// Like [`amount`](Self::amount); that it is absent is a fault.
    pub(super) fn required_amount(&self, key: &'static str, faults: &mut Faults) -> Option<Paise> {
        let before = faults.count();
        let amount = self.amount(key, faults);
        if amount.is_none() && faults.count() == before {
            faults.add(self.path(key), "is missing");
        }
        amount
    }

    /// `true` or `false`, also as a text.
    pub(super) fn flag(&self, key: &'static str, default: bool, faults: &mut Faults) -> bool {
        match self.get(key) {
            None => default,
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) if text.trim().eq_ignore_ascii_case("true") => true,
            Some(Value::String(text)) if text.trim().eq_ignore_ascii_case("false") => false,
            Some(_) => {
                faults.add(self.path(key), "must be true or false");
                default
            }
        }
    }

    /// A list; empty if absent.
    pub(super) fn list(&self, key: &'static str, faults: &mut Faults) -> &'a [Value] {
        match self.get(key) {
            None => &[],
            Some(Value::Array(list)) => list,
            Some(_) => {
                faults.add(self.path(key), "must be a list");
                &[]
            }
        }
    }

    /// A list of numbers, or one alone; blank ones are passed over.
    pub(super) fn numbers(&self, key: &'static str, max_chars: usize, faults: &mut Faults) -> Vec<String> {
        if let Some(Value::String(_) | Value::Number(_)) = self.get(key) {
            return self.number(key, max_chars, faults).into_iter().collect();
        }
        let list = self.path(key);
        let elements = self.list(key, faults).iter().enumerate().filter(|(_, element)| !element.is_null());
        elements
            .filter_map(|(i, element)| number_at(Path::Item(&list, i), element, max_chars, faults))
            .collect()
    }
}

/// Whether a text is the adapter's word for a number that is not there.
pub(super) fn stands_for_none(text: &str) -> bool {
    text.trim().is_empty() || text.trim().eq_ignore_ascii_case("NA")
}

/// What is told of a number that holds what nobody sees.
const UNSEEN: &str =
    "has a character in it that is not seen, is a blank of another kind, or turns the direction";

fn number_at(at: Path<'_>, value: &Value, max_chars: usize, faults: &mut Faults) -> Option<String> {
    let number = text_at(at, value, max_chars, faults)?;
    if number.chars().any(is_invisible) {
        faults.add(at, UNSEEN);
        return None;
    }
    Some(number)
}

fn text_at(at: Path<'_>, value: &Value, max_chars: usize, faults: &mut Faults) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => {
            faults.add(at, "must be a text or a number");
            return None;
        }
    };
    // PostgreSQL cannot hold NUL, and no number of ours has more than one line.
    if text.chars().any(char::is_control) {
        faults.add(at, "has a control character in it");
        return None;
    }
    if text.len() > max_chars && text.chars().count() > max_chars {
        faults.add(at, format_args!("is longer than {max_chars} characters"));
        return None;
    }
    (!text.is_empty()).then_some(text)
}
