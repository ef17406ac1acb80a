//! Small things about texts: cutting them, and keeping numbers of people out of them.

use std::borrow::Cow;

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

/// Whether something in a text is kept from view.
pub fn is_masked(text: &str) -> bool {
    text.contains(MASK)
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

/// Words that people and programs write where there is nothing to tell (DOMAIN.md §2.3), beside zeros.
const WORDS_FOR_NONE: [&str; 6] = ["NA", "N/A", "NIL", "NULL", "NONE", "-"];

/// Whether a text tells nothing: it is blank, a word that stands for none in any case, or zeros only.
pub fn stands_for_none(text: &str) -> bool {
    let text = text.trim();
    text.chars().all(|c| c == '0') || WORDS_FOR_NONE.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Whether two account numbers are the same one: blanks, hyphens and leading zeros tell none apart.
pub fn is_same_account(one: &str, other: &str) -> bool {
    bare_account(one).eq_ignore_ascii_case(&bare_account(other))
}

fn bare_account(account: &str) -> String {
    let bare = account.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '\u{2010}' | '\u{2011}'));
    bare.skip_while(|c| *c == '0').collect()
}

/// Whether a character cannot stand within a number of a bank's: it parts words, or is not seen.
pub fn breaks_a_number(c: char) -> bool {
    c.is_whitespace() || c.is_control() || is_invisible(c)
}

/// A cell of a file for spreadsheets that none of them takes for a formula (OWASP, CSV injection).
pub fn guarded(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{cell}") } else { cell }
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

/// A text without the characters that are not seen.
pub fn seen(text: &str) -> String {
    text.chars().filter(|c| !is_invisible(*c)).collect::<String>().trim().to_owned()
}

/// What somebody is called: without characters that are not seen, but for those that join letters (of Odia and Hindi);
/// empty if nothing of it can be seen.
pub fn name(told: &str) -> String {
    let is_joiner = |c: char| matches!(c, '\u{200c}' | '\u{200d}');
    let name: String = told.chars().filter(|c| !is_invisible(*c) || is_joiner(*c)).collect();
    let is_seen = name.chars().any(|c| !is_joiner(c) && !c.is_whitespace());
    if is_seen { name.trim().to_owned() } else { String::new() }
}

/// All on one line, with one blank between words.
pub fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The lines of a text on one, with a blank for each line break and the tabs around it.
pub fn folded(text: &str) -> Cow<'_, str> {
    let breaks = |c: char| matches!(c, '\n' | '\r' | '\t');
    if !text.contains(breaks) {
        return Cow::Borrowed(text);
    }
    let parts: Vec<_> = text.split(breaks).filter(|part| !part.is_empty()).collect();
    Cow::Owned(parts.join(" "))
}

/// Whether a character turns the direction of what stands around it.
const fn turns(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text as a terminal or a log shows it, on one line: what would steer them, end the line or turn its direction
/// is written out.
pub fn printable(text: &str) -> Cow<'_, str> {
    let steers = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') || turns(c);
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if steers(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    Cow::Owned(shown)
}

/// What a person wrote as a note: all on one line, without what turns the direction of what stands around it;
/// empty if nothing of it can be seen.
pub fn note(typed: &str) -> String {
    let text = one_line(&typed.replace(turns, ""));
    let is_seen = text.chars().any(|c| !is_invisible(c) && c != '\u{2800}' && !c.is_whitespace());
    if is_seen { text } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_that_begins_like_a_formula_is_guarded() {
        for begins in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"] {
            assert_eq!(guarded(begins.to_owned()), format!("'{begins}"));
        }
        assert_eq!(guarded("PI-1 = 2".to_owned()), "PI-1 = 2");
    }

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
        assert_eq!(note(" told\n \u{202e}her "), "told her");
        assert_eq!(note("ନା\u{200c}ହିଁ"), "ନା\u{200c}ହିଁ", "a joiner of letters stays");
        for blank in ["", " \u{a0}", "\u{200b}", "\u{2800} \u{ad}", "\u{202e}"] {
            assert_eq!(note(blank), "", "{blank:?}");
        }
        assert_eq!(one_line(" a\r\n\tb\u{7}c  d "), "a b c d");
    }

    #[test]
    fn nothing_that_is_printed_steers_a_terminal() {
        assert_eq!(
            printable("\u{1b}[2Jgone\u{9b}2J\r\nexit 0\u{7}\t"),
            r"\u{1b}[2Jgone\u{9b}2J\r\nexit 0\u{7}\t"
        );
        assert_eq!(printable("abc\u{202e}321\u{2029}"), r"abc\u{202e}321\u{2029}");
        for same in ["ନା\u{200c}ହିଁ é ₹ “x”", "C:\\x", ""] {
            assert!(matches!(printable(same), Cow::Borrowed(shown) if shown == same));
        }
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

    #[test]
    fn words_for_none_tell_nothing_in_any_case() {
        for none in ["", " ", "NA", "na", "N/A", "n/a", " Nil ", "NULL", "None", "-", "0", "0000"] {
            assert!(stands_for_none(none), "{none:?}");
        }
        for some in ["NAB1", "N A", "nothing", "00010", "--", "Account closed"] {
            assert!(!stands_for_none(some), "{some:?}");
        }
    }

    #[test]
    fn an_account_is_the_same_however_it_is_spaced_and_padded() {
        for other in
            ["30180123456", "0030180123456", "3018 0123 456", " 3018-0123-456\t", "3018\u{a0}0123456"]
        {
            assert!(is_same_account("30180123456", other), "{other:?}");
        }
        assert!(is_same_account("ab12", "AB12"));
        assert!(!is_same_account("30180123456", "301801234560"));
    }

    #[test]
    fn a_name_keeps_its_joiners_and_nothing_else_that_is_not_seen() {
        assert_eq!(name("ନା\u{200c}ୟକ\u{200b} ସବି\u{202e}ତା"), "ନା\u{200c}ୟକ ସବିତା");
        for blank in ["", "\u{200d}", "\u{2800}\u{ad}", " \u{200c} "] {
            assert_eq!(name(blank), "", "{blank:?}");
        }
        assert_eq!(seen("\u{feff}3013\u{200b}15"), "301315");
        for c in
            ['\u{ad}', '\u{200b}', '\u{202e}', '\u{2069}', '\u{feff}', '\u{e0041}', '\u{fe0f}', ' ', '\n']
        {
            assert!(breaks_a_number(c), "{c:?}");
        }
        assert!(!"AZ09 ଓड-/".replace(' ', "").chars().any(breaks_a_number));
    }

    proptest::proptest! {
        #[test]
        fn no_long_number_survives(before in "\\PC{0,20}", number in "[0-9]{9,18}", after in "[^0-9]{0,20}") {
            let told = without_long_numbers(&format!("{before}{number}{after}"), 9);
            proptest::prop_assert!(!told.contains(&number));
        }
    }
}
