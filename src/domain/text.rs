//! Small things about texts: cutting them, and keeping numbers of people out of them.

/// What stands before the last four digits of a number that is kept from view.
const MASK: &str = "••••";

/// The last four characters of an account or mobile number; nothing of one so short that four
/// would be most of it.
pub fn last_four(number: &str) -> Option<String> {
    let count = number.chars().count();
    (count >= 8).then(|| number.chars().skip(count - 4).collect())
}

/// The last four digits of a number that is otherwise kept from view: `•••• 1234`.
pub fn last_digits(last4: &str) -> String {
    format!("{MASK} {last4}")
}

/// An account or mobile number as it may be shown: `•••• 1234`; of a short one nothing, of an empty
/// one emptiness.
pub fn masked(number: &str) -> String {
    match last_four(number) {
        Some(last4) => last_digits(&last4),
        None if number.is_empty() => String::new(),
        None => MASK.to_owned(),
    }
}

/// A text in which every run of at least `telling` digits is [`masked`].
pub fn without_long_numbers(text: &str, telling: usize) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        let (digits, after) = from.split_at(from.find(|c: char| !c.is_ascii_digit()).unwrap_or(from.len()));
        shown.push_str(before);
        shown.push_str(&if digits.len() >= telling { masked(digits) } else { digits.to_owned() });
        rest = after;
    }
    shown + rest
}

/// At most `limit` characters of a text, with `…` where it goes on.
pub fn shortened(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
    }
}

/// A text that has something in it, without blanks around it.
pub fn filled(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// Whether a character is not seen, or turns the direction of what is written around it: Unicode's
/// category Cf, its blank letters and its variation selectors.
pub const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{600}'..='\u{605}'
            | '\u{61c}'
            | '\u{6dd}'
            | '\u{70f}'
            | '\u{890}'..='\u{891}'
            | '\u{8e2}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{110bd}'
            | '\u{110cd}'
            | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// All on one line, with one blank between words.
pub fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_numbers_show_nothing_of_themselves() {
        assert_eq!(last_four("30131500001").as_deref(), Some("0001"));
        assert_eq!(last_four("1234567"), None);
        assert_eq!(["30131500001", "1234567", ""].map(masked), ["•••• 0001", "••••", ""]);
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(shortened("ଓଡ଼ିଶା", 100), "ଓଡ଼ିଶା");
        assert_eq!(shortened("₹₹₹₹", 2), "₹₹…");
        assert_eq!(shortened("one two", 4), "one…");
    }

    #[test]
    fn what_is_on_one_line_has_neither_breaks_nor_controls() {
        assert_eq!(one_line(" a\r\n\tb\u{7}c  d "), "a b c d");
    }

    #[test]
    fn what_is_not_seen_is_noticed() {
        for c in ['\u{200b}', '\u{202e}', '\u{feff}', '\u{ad}', '\u{2066}'] {
            assert!(is_invisible(c), "{c:?}");
        }
        assert!(!"PI-1013/2023-24/000256 ଓଡ଼ିଶା हिन्दी".chars().any(is_invisible));
    }

    #[test]
    fn numbers_are_masked_from_a_length_on() {
        assert_eq!(without_long_numbers("a 12345678 b 1234567", 8), "a •••• 5678 b 1234567");
        assert_eq!(without_long_numbers("12345678", 9), "12345678");
    }

    proptest::proptest! {
        #[test]
        fn no_long_number_survives(before in "\\PC{0,20}", number in "[0-9]{9,18}", after in "[^0-9]{0,20}") {
            let told = without_long_numbers(&format!("{before}{number}{after}"), 9);
            proptest::prop_assert!(!told.contains(&number));
        }
    }
}
