//! Reads the document as a stream: one payment instruction in memory at a time.

use std::collections::HashSet;
use std::fmt;
use std::io::{self, BufReader, Read};

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::fault::Fault;
use super::text;
use crate::domain::text::{one_line, without_long_numbers};

const LIST: &str = "paymentInstructions";
/// Where MUKTASoft tells that it could not answer.
const ERRORS: &str = "Errors";
/// Where some servers tell how many there are in all; it may also stand in [`PAGINATION`].
const TOTAL: &str = "totalCount";
const PAGINATION: &str = "pagination";
/// In what MUKTASoft says, a run of so many digits may be an account or mobile number.
const TELLING_DIGITS: usize = 9;

/// Why reading ended before the document did.
#[derive(Debug)]
pub(super) enum ReadError {
    /// It is not a document of this kind.
    Malformed(Fault),
    /// The input could not be read.
    Unreadable(io::Error),
    /// Whoever takes the instructions refused.
    Refused(io::Error),
}

/// An element of `paymentInstructions`.
pub(super) struct Element {
    /// What stands there.
    pub(super) value: Value,
    /// Where in it a key stands twice in one object, such as `.beneficiaryDetails[0].amount`.
    pub(super) twice: Vec<String>,
}

/// What a document says beside its instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Told {
    /// How many elements its list has, null ones with them.
    pub(super) elements: usize,
    /// How many instructions there are in all, where a page says it.
    pub(super) total: Option<u64>,
}

/// Hands every element of `paymentInstructions` but null to `each` with its index. Keys beside it are
/// passed over; elements may be handed over before a fault further down the document is met.
pub(super) fn read_instructions(
    input: impl Read,
    each: impl FnMut(usize, Element) -> io::Result<()>,
) -> Result<Told, ReadError> {
    let input = text::plain(input).map_err(ReadError::Unreadable)?;
    let mut state = State { each, at: None, refused: None, told: Told::default() };
    let mut json = serde_json::Deserializer::from_reader(BufReader::with_capacity(1 << 16, input));
    let read = Document(&mut state).deserialize(&mut json).and_then(|()| json.end());
    match (read, state.refused) {
        (_, Some(refused)) => Err(ReadError::Refused(refused)),
        (Ok(()), None) => Ok(state.told),
        (Err(fault), None) => Err(read_error(fault, state.at)),
    }
}

fn read_error(fault: serde_json::Error, at: Option<usize>) -> ReadError {
    let problem = match fault.classify() {
        Category::Io => return ReadError::Unreadable(fault.into()),
        Category::Eof => format!("the JSON ends early: {fault}"),
        Category::Syntax => format!("this is not JSON: {fault}"),
        Category::Data => fault.to_string(),
    };
    let path = at.map_or_else(String::new, |index| format!("{LIST}[{index}]"));
    ReadError::Malformed(Fault { number: None, path, problem })
}

struct State<F> {
    each: F,
    /// The element that is being read.
    at: Option<usize>,
    refused: Option<io::Error>,
    told: Told,
}

/// The object around everything.
struct Document<'a, F>(&'a mut State<F>);

impl<'de, F: FnMut(usize, Element) -> io::Result<()>> DeserializeSeed<'de> for Document<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de, F: FnMut(usize, Element) -> io::Result<()>> Visitor<'de> for Document<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with `{LIST}`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut found = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                key if found.contains(key) => {
                    return Err(A::Error::custom(format_args!("`{key}` is there more than once")));
                }
                LIST => map.next_value_seed(Instructions(self.0))?,
                ERRORS => {
                    if let Some(told) = told_errors(&map.next_value()?) {
                        return Err(A::Error::custom(format_args!(
                            "MUKTASoft answered with an error: {told}"
                        )));
                    }
                }
                TOTAL => self.0.told.total = count(&map.next_value()?).or(self.0.told.total),
                PAGINATION => {
                    let told = map.next_value::<Value>()?.get(TOTAL).and_then(count);
                    self.0.told.total = self.0.told.total.or(told);
                }
                _ => {
                    let mut twice = Vec::new();
                    map.next_value_seed(Keys { at: key.clone(), twice: &mut twice })?;
                    if let Some(path) = twice.first() {
                        return Err(A::Error::custom(format_args!("`{path}` is there more than once")));
                    }
                }
            }
            found.insert(key);
        }
        if found.contains(LIST) { Ok(()) } else { Err(A::Error::custom(format_args!("`{LIST}` is missing"))) }
    }
}

/// A number of things, as a number or a text.
fn count(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_u64(),
    }
}

/// The messages that an answer holds in `Errors`, if it is JSON and there are any.
pub(super) fn errors_in(answer: &[u8]) -> Option<String> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    told_errors(answer.get(ERRORS)?)
}

/// The messages in `Errors`, if there are any.
fn told_errors(errors: &Value) -> Option<String> {
    let all = match errors {
        Value::Array(all) => all.as_slice(),
        one => std::slice::from_ref(one),
    };
    let message = |error: &Value| {
        let told = ["message", "description", "code"].iter().find_map(|key| error.get(key)?.as_str());
        told.or(error.as_str()).map(one_line).filter(|told| !told.is_empty())
    };
    let told: Vec<String> = all.iter().filter_map(message).collect();
    match errors {
        Value::Null => None,
        Value::Array(all) if all.is_empty() => None,
        _ if told.is_empty() => Some("it does not say which".to_owned()),
        _ => Some(without_long_numbers(&told.join("; "), TELLING_DIGITS)),
    }
}

/// The list of payment instructions.
struct Instructions<'a, F>(&'a mut State<F>);

impl<'de, F: FnMut(usize, Element) -> io::Result<()>> DeserializeSeed<'de> for Instructions<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(usize, Element) -> io::Result<()>> Visitor<'de> for Instructions<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of payment instructions in `{LIST}`")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let state = self.0;
        for index in 0.. {
            state.at = Some(index);
            let Some(text) = list.next_element::<Box<RawValue>>()? else { break };
            state.told.elements = index + 1;
            let mut twice = Vec::new();
            let value: Value = serde_json::from_str(text.get()).map_err(A::Error::custom)?;
            if value.is_null() {
                continue;
            }
            let keys = Keys { at: String::new(), twice: &mut twice };
            keys.deserialize(&mut serde_json::Deserializer::from_str(text.get()))
                .map_err(A::Error::custom)?;
            if let Err(refused) = (state.each)(index, Element { value, twice }) {
                state.refused = Some(refused);
                return Err(A::Error::custom("refused"));
            }
        }
        state.at = None;
        Ok(())
    }
}

/// Looks for keys that stand twice in one object.
struct Keys<'a> {
    /// The path to where it looks.
    at: String,
    twice: &'a mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Keys<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Keys<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        for index in 0.. {
            let element = Keys { at: format!("{}[{index}]", self.at), twice: &mut *self.twice };
            if list.next_element_seed(element)?.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Long numbers come this way too, as serde_json keeps them to the letter.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut found = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            let at = format!("{}.{key}", self.at);
            if found.contains(&key) {
                self.twice.push(at.clone());
            }
            found.insert(key);
            map.next_value_seed(Keys { at, twice: &mut *self.twice })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Value>, Fault> {
        let mut elements = Vec::new();
        let read = read_instructions(text.as_bytes(), |index, element| {
            assert_eq!(index, elements.len());
            elements.push(element.value);
            Ok(())
        });
        match read {
            Ok(_) => Ok(elements),
            Err(ReadError::Malformed(fault)) => Err(fault),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_list_is_read_wherever_it_stands_among_other_keys() {
        let text = r#"{"ResponseInfo": {"a": [1]}, "paymentInstructions": [{"x": 1}, 2], "z": null} "#;
        assert_eq!(read(text).unwrap().len(), 2);
        assert!(read(r#"{"paymentInstructions": []}"#).unwrap().is_empty());
    }

    #[test]
    fn what_is_no_such_document_is_said_with_its_line_and_column() {
        for (text, path, problem) in [
            ("", "", "the JSON ends early: EOF while parsing a value at line 1 column 0"),
            ("[]", "", "expected an object with `paymentInstructions` at line 1 column"),
            ("{}", "", "`paymentInstructions` is missing at line 1 column 2"),
            (r#"{"paymentInstructions": null}"#, "", "expected a list of payment instructions"),
            (r#"{"paymentInstructions": {}}"#, "", "expected a list of payment instructions"),
            (r#"{"paymentInstructions":[],"paymentInstructions":[]}"#, "", "more than once at line 1"),
            (r#"{"paymentInstructions":[]} {}"#, "", "this is not JSON: trailing characters"),
            ("{\"paymentInstructions\":[{},\n{\"a\" 1}]}", "paymentInstructions[1]", "at line 2 column 6"),
            (r#"{"paymentInstructions":[{},{"#, "paymentInstructions[1]", "the JSON ends early"),
        ] {
            let fault = read(text).unwrap_err();
            assert_eq!(fault.path, path, "{text}");
            assert!(fault.problem.contains(problem), "{text}: {fault}");
        }
    }

    #[test]
    fn an_answer_that_holds_errors_is_told_with_its_messages() {
        for (errors, told) in [
            (
                r#"[{"code":"EG_1","message":"Not authorised"},{"message":" twice\n told "}]"#,
                "Not authorised; twice told",
            ),
            (r#"[{"code":"EG_1","message":null}]"#, "EG_1"),
            (r#"{"description":"Account 30131500001"}"#, "Account •••• 0001"),
            ("[{}]", "it does not say which"),
        ] {
            for text in [
                format!(r#"{{"Errors":{errors}}}"#),
                format!(r#"{{"paymentInstructions":[],"Errors":{errors}}}"#),
            ] {
                let fault = read(&text).unwrap_err();
                assert!(
                    fault.problem.starts_with(&format!("MUKTASoft answered with an error: {told}")),
                    "{fault}"
                );
            }
        }
        assert!(read(r#"{"Errors":null,"paymentInstructions":[]}"#).is_ok());
        assert!(read(r#"{"Errors":[],"paymentInstructions":[]}"#).is_ok());
    }

    #[test]
    fn a_key_that_stands_twice_in_one_object_is_noticed_wherever_it_stands() {
        let text = r#"{"paymentInstructions":[null,{"a":1,"b":[{"c":1,"c":2},{"c":3}],"a":{"c":1.0}}]}"#;
        let mut found = Vec::new();
        read_instructions(text.as_bytes(), |index, element| {
            found.push((index, element.twice));
            Ok(())
        })
        .unwrap();
        assert_eq!(found, [(1, vec![".b[0].c".to_owned(), ".a".to_owned()])]);
        assert!(
            read(r#"{"a":1,"a":2,"paymentInstructions":[]}"#).unwrap_err().problem.contains("`a` is there")
        );
    }

    #[test]
    fn a_page_says_how_long_its_list_is_and_how_many_there_are_in_all() {
        for (text, elements, total) in [
            (r#"{"paymentInstructions":[]}"#, 0, None),
            (r#"{"paymentInstructions":[{},null],"totalCount":"7"}"#, 2, Some(7)),
            (r#"{"pagination":{"totalCount":12},"paymentInstructions":[{}]}"#, 1, Some(12)),
            (r#"{"pagination":null,"totalCount":null,"paymentInstructions":[{}]}"#, 1, None),
        ] {
            let told = read_instructions(text.as_bytes(), |_, _| Ok(())).unwrap();
            assert_eq!((told.elements, told.total), (elements, total), "{text}");
        }
        assert_eq!(errors_in(br#"{"Errors":[{"message":"no criteria"}]}"#).as_deref(), Some("no criteria"));
        assert_eq!(errors_in(b"<html>"), None);
    }

    #[test]
    fn a_broken_input_is_not_taken_for_bad_json() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::new(io::ErrorKind::ConnectionReset, "reset"))
            }
        }
        let input = br#"{"paymentInstructions":["#.as_slice().chain(Broken);
        assert!(matches!(read_instructions(input, |_, _| Ok(())), Err(ReadError::Unreadable(_))));
    }
}
