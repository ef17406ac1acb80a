//! Addresses of payment instructions, whose numbers contain slashes: the number keeps them
//! (`/payment-instructions/PI-1013/2023-24/000256`), and `/refresh`, `/calls` or `/notes` may follow.
//!
//! A last segment that reads so is always the page's, never the number's. Of a
//! number that itself ends so (or holds segments that browsers would fold away) the links here
//! write that slash as `%2F`, which [`parse`] reads as part of the number: so every number has its
//! address. The one exception are the numbers `.` and `..`, which browsers fold in any spelling.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Where the addresses begin.
const PREFIX: &str = "/payment-instructions/";

/// What a segment of a path writes as itself (RFC 3986, unreserved); all else is encoded.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What the address of a page holds that asks for itself again, where there are no scripts.
pub const POLLED_MARK: &str = "polled=1";

/// The address by which a page asks for itself again.
pub fn polled(address: &str) -> String {
    match address.split_once('?') {
        Some((_, query)) if query.split('&').any(|part| part == POLLED_MARK) => address.to_owned(),
        Some(_) => format!("{address}&{POLLED_MARK}"),
        None => format!("{address}?{POLLED_MARK}"),
    }
}

/// A page of one payment instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sub {
    /// View Payment Instruction.
    View,
    /// The Refresh form's target.
    Refresh,
    /// The call log.
    Calls,
    /// The target of the form for notes.
    Notes,
}

impl Sub {
    const fn segment(self) -> Option<&'static str> {
        match self {
            Self::View => None,
            Self::Refresh => Some("refresh"),
            Self::Calls => Some("calls"),
            Self::Notes => Some("notes"),
        }
    }

    /// The page that a raw last segment names.
    fn named(segment: &str) -> Option<Self> {
        [Self::Refresh, Self::Calls, Self::Notes].into_iter().find(|sub| sub.segment() == Some(segment))
    }
}

/// The address of a page of the payment instruction `number`.
pub fn link(number: &str, sub: Sub) -> String {
    let mut address = PREFIX.to_owned();
    let mut segments = number.split('/').peekable();
    let mut before_is_plain = true;
    let mut first = true;
    while let Some(segment) = segments.next() {
        let plain = !matches!(segment, "" | "." | "..");
        let reads_as_page = segments.peek().is_none() && Sub::named(segment).is_some();
        if !first {
            let keeps_slash = plain && before_is_plain && !reads_as_page;
            address.push_str(if keeps_slash { "/" } else { "%2F" });
        }
        address.extend(utf8_percent_encode(segment, ENCODED));
        (before_is_plain, first) = (plain, false);
    }
    if let Some(segment) = sub.segment() {
        address.push('/');
        address.push_str(segment);
    }
    address
}

/// A text as one part of a path or query.
pub fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// Reads a raw (still encoded) path. `None` if it is no page of a payment instruction, or its
/// number is not UTF-8 or holds control characters.
pub fn parse(path: &str) -> Option<(String, Sub)> {
    let tail = path.strip_prefix(PREFIX)?;
    let (number, sub) = match tail.rsplit_once('/') {
        Some((number, last)) if !number.is_empty() => match Sub::named(last) {
            Some(sub) => (number, sub),
            None => (tail, Sub::View),
        },
        _ => (tail, Sub::View),
    };
    let number = percent_decode_str(number).decode_utf8().ok()?.into_owned();
    // An import refuses control characters, and PostgreSQL cannot even be asked about NUL.
    let can_be_one = !number.is_empty() && !number.chars().any(char::is_control);
    can_be_one.then_some((number, sub))
}

/// A path on this site; anything that could lead elsewhere becomes the day.
pub fn local_path(next: Option<&str>) -> String {
    let leads_here = |path: &&str| {
        path.starts_with('/')
            && !path.starts_with("//")
            && !path.chars().any(|c| c == '\\' || c.is_control() || c.is_whitespace())
            && !path.starts_with("/sign-")
            && path.len() <= 2000
    };
    next.filter(leads_here).unwrap_or("/").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_number_keeps_its_slashes() {
        let number = "PI-1013/2023-24/000256";
        assert_eq!(link(number, Sub::View), "/payment-instructions/PI-1013/2023-24/000256");
        assert_eq!(link(number, Sub::Refresh), "/payment-instructions/PI-1013/2023-24/000256/refresh");
        assert_eq!(link(number, Sub::Calls), "/payment-instructions/PI-1013/2023-24/000256/calls");
    }

    #[test]
    fn an_encoded_slash_is_read_as_one() {
        let view = Some(("PI-1/2".to_owned(), Sub::View));
        assert_eq!(parse("/payment-instructions/PI-1%2F2"), view);
        assert_eq!(parse("/payment-instructions/PI-1%2f2"), view);
    }

    #[test]
    fn a_number_that_reads_like_a_page_has_an_address_of_its_own() {
        assert_eq!(link("PI-1/calls", Sub::View), "/payment-instructions/PI-1%2Fcalls");
        assert_eq!(parse("/payment-instructions/PI-1/calls"), Some(("PI-1".to_owned(), Sub::Calls)));
        assert_eq!(parse("/payment-instructions/calls"), Some(("calls".to_owned(), Sub::View)));
    }

    #[test]
    fn what_is_no_number_is_not_found() {
        assert_eq!(parse("/payment-instructions/%FF%FE"), None);
        assert_eq!(parse("/payment-instructions/"), None);
        assert_eq!(parse("/elsewhere/PI-1"), None);
    }

    #[test]
    fn the_way_back_never_leads_elsewhere() {
        for path in ["/payment-instructions/PI-1/2?x=1", "/messages"] {
            assert_eq!(local_path(Some(path)), path);
        }
        for path in [
            "",
            "//evil",
            "/\\evil",
            "https://evil",
            "javascript:x",
            "/a\r\nb",
            "/\tevil",
            "/sign-in",
            "/sign-out",
        ] {
            assert_eq!(local_path(Some(path)), "/", "{path:?}");
        }
    }

    fn number() -> impl Strategy<Value = String> {
        let segment = prop_oneof![
            Just("calls".to_owned()),
            Just("refresh".to_owned()),
            Just("notes".to_owned()),
            Just("..".to_owned()),
            "[A-Z]{2}-[0-9]{4}",
            "[ %?#&+;:.ଓ/\\\\\"'<>]{0,4}",
            "\\PC{0,6}",
        ];
        prop::collection::vec(segment, 1..5)
            .prop_map(|segments| segments.join("/"))
            .prop_filter("a number is not empty", |number| !number.is_empty())
    }

    proptest! {
        #[test]
        fn every_number_is_read_back_from_its_link(number in number()) {
            for sub in [Sub::View, Sub::Refresh, Sub::Calls, Sub::Notes] {
                let address = link(&number, sub);
                prop_assert_eq!(parse(&address), Some((number.clone(), sub)), "{}", &address);
                prop_assert!(address.bytes().all(|b| b.is_ascii_graphic()));
            }
        }

        #[test]
        fn no_path_makes_reading_panic(path in ".*") {
            let _ = parse(&path);
            let _ = parse(&format!("{PREFIX}{path}"));
        }
    }
}
