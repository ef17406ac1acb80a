//! Reads the document as a stream: one payment instruction in memory at a time.

use std::fmt;
use std::io::{self, BufReader, Read};

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::error::Category;

use super::fault::Fault;

const LIST: &str = "paymentInstructions";

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

/// Hands every element of `paymentInstructions` to `each` with its index. Keys beside it are passed
/// over; elements may be handed over before a fault further down the document is met.
pub(super) fn read_instructions(
    input: impl Read,
    each: impl FnMut(usize, &Value) -> io::Result<()>,
) -> Result<(), ReadError> {
    let mut state = State { each, at: None, refused: None };
    let mut json = serde_json::Deserializer::from_reader(BufReader::with_capacity(1 << 16, input));
    let read = Document(&mut state).deserialize(&mut json).and_then(|()| json.end());
    match (read, state.refused) {
        (_, Some(refused)) => Err(ReadError::Refused(refused)),
        (Ok(()), None) => Ok(()),
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
    ReadError::Malformed(Fault { path, problem })
}

struct State<F> {
    each: F,
    /// The element that is being read.
    at: Option<usize>,
    refused: Option<io::Error>,
}

/// The object around everything.
struct Document<'a, F>(&'a mut State<F>);

impl<'de, F: FnMut(usize, &Value) -> io::Result<()>> DeserializeSeed<'de> for Document<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de, F: FnMut(usize, &Value) -> io::Result<()>> Visitor<'de> for Document<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with `{LIST}`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut found = false;
        while let Some(key) = map.next_key::<String>()? {
            if key != LIST {
                map.next_value::<IgnoredAny>()?;
            } else if found {
                return Err(A::Error::custom(format_args!("`{LIST}` is there more than once")));
            } else {
                found = true;
                map.next_value_seed(Instructions(self.0))?;
            }
        }
        if found { Ok(()) } else { Err(A::Error::custom(format_args!("`{LIST}` is missing"))) }
    }
}

/// The list of payment instructions.
struct Instructions<'a, F>(&'a mut State<F>);

impl<'de, F: FnMut(usize, &Value) -> io::Result<()>> DeserializeSeed<'de> for Instructions<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(usize, &Value) -> io::Result<()>> Visitor<'de> for Instructions<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of payment instructions in `{LIST}`")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let state = self.0;
        for index in 0.. {
            state.at = Some(index);
            let Some(element) = list.next_element::<Value>()? else { break };
            if let Err(refused) = (state.each)(index, &element) {
                state.refused = Some(refused);
                return Err(A::Error::custom("refused"));
            }
        }
        state.at = None;
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
            elements.push(element.clone());
            Ok(())
        });
        match read {
            Ok(()) => Ok(elements),
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
