//! What a search looks in, folded so that nobody has to write it to the letter.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::domain::record::InstructionRecord;
use crate::domain::text::is_invisible;

/// The version of [`folded`] and [`search_text`]: to be raised whenever one of them makes another text
/// than before of any, so that [`refold`](crate::store::refolding::refold) makes all of them anew.
pub(in crate::store) const FOLDING: i32 = 2;

/// A run of letters, or of digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    /// In small letters; a number without the zeros before it.
    pub(super) text: String,
    /// Whether these are digits.
    pub(super) is_number: bool,
    /// Whether it was written with a zero at its beginning.
    pub(super) has_zeros: bool,
}

impl Group {
    fn new(run: &str) -> Self {
        let is_number = run.starts_with(|c: char| c.is_ascii_digit());
        let bare = run.trim_start_matches('0');
        let text = match bare {
            "" => "0",
            bare if is_number => bare,
            _ => run,
        };
        Self { text: text.to_owned(), is_number, has_zeros: run.starts_with('0') }
    }
}

/// In Unicode's composed form (NFC) with European digits, without what is not seen and without apostrophes:
/// d'Souza is also written d’Souza and dSouza.
pub(super) fn plain(text: &str) -> String {
    let seen = |c: &char| c.is_whitespace() || !(is_invisible(*c) || is_apostrophe(*c));
    text.chars().filter(seen).map(european).nfc().collect()
}

const fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '`' | '´' | '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2bc}' | '\u{ff07}')
}

/// The digits of Odia and Hindi as JIT writes them.
fn european(c: char) -> char {
    let zero = match c {
        '०'..='९' => '०',
        '୦'..='୯' => '୦',
        _ => return c,
    };
    char::from_digit(u32::from(c) - u32::from(zero), 10).unwrap_or(c)
}

/// The groups of a text: punctuation, blanks, and where a letter stands beside a digit, part them.
pub(super) fn groups(text: &str) -> Vec<Group> {
    #[derive(Clone, Copy, PartialEq)]
    enum Kind {
        Letter,
        Digit,
        Other,
    }
    let kind = |c: char| match c {
        '0'..='9' => Kind::Digit,
        c if c.is_alphanumeric() || is_combining_mark(c) => Kind::Letter,
        _ => Kind::Other,
    };
    let text = plain(&text.to_lowercase());
    let mut groups = Vec::new();
    let mut rest = text.as_str();
    while let Some(first) = rest.chars().next().map(kind) {
        let (run, after) = rest.split_at(rest.find(|c| kind(c) != first).unwrap_or(rest.len()));
        if first != Kind::Other {
            groups.push(Group::new(run));
        }
        rest = after;
    }
    groups
}

/// The groups of a text, a blank around each: without regard to case, to Unicode's spellings, to punctuation
/// and to leading zeros.
pub(super) fn folded(text: &str) -> String {
    let mut folded = " ".to_owned();
    for group in groups(text) {
        folded.push_str(&group.text);
        folded.push(' ');
    }
    folded
}

/// What can be found of a record.
pub(in crate::store) fn searchable(record: &InstructionRecord) -> String {
    let names = record.beneficiaries.iter().filter_map(|one| one.name.as_deref());
    search_text(&record.number, &record.bill_numbers, names)
}

/// What can be found of an instruction: its number, bill numbers and names, a line each, so that
/// nothing is found across two of them.
pub(in crate::store) fn search_text<'a>(
    number: &'a str,
    bill_numbers: &'a [String],
    names: impl Iterator<Item = &'a str>,
) -> String {
    let bills = bill_numbers.iter().map(String::as_str);
    let lines: Vec<String> = std::iter::once(number).chain(bills).chain(names).map(folded).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn case_blanks_punctuation_zeros_and_spelling_do_not_matter() {
        for (text, expected) in [
            ("  SABITA \t Nayak ", " sabita nayak "),
            ("PI-1013/2026-27/000256", " pi 1013 2026 27 256 "),
            ("pi\u{2011}1013 \\ 2026\u{2014}27 \\ 256.", " pi 1013 2026 27 256 "),
            ("PI1013", " pi 1013 "),
            ("000", " 0 "),
            ("D\u{2019}Souza, É\u{ad}lise", " dsouza élise "),
            ("E\u{301}LISE", " élise "),
            ("ଷ\u{b5c}ଙ୍ଗୀ ୦୨୫", " ଷ\u{b21}\u{b3c}ଙ୍ଗୀ 25 "),
            ("ग\u{95c}नायक", " ग\u{921}\u{93c}नायक "),
            ("%_\\", " "),
        ] {
            assert_eq!(folded(text), expected, "{text:?}");
        }
    }

    /// Of every character, at a word's end and within one: a new Unicode in a new Rust shows here too.
    #[test]
    fn a_folding_that_changed_has_another_version() {
        use aws_lc_rs::digest::{Context, SHA256};
        let mut all = Context::new(&SHA256);
        for c in '\0'..=char::MAX {
            all.update(folded(&format!("A{c}  B{c}00")).as_bytes());
        }
        all.update(search_text("PI-1", &["WB-1".to_owned()], ["Élise  D"].into_iter()).as_bytes());
        let digest = crate::sealing::hex(&all.finish().as_ref()[..8]);
        assert_eq!(
            (FOLDING, digest.as_str()),
            (2, "702c61cf040ab91c"),
            "raise FOLDING, then note the digest here"
        );
    }

    proptest! {
        /// SQLite takes the lines of a text for strings of JSON, PostgreSQL their parts for patterns of LIKE.
        #[test]
        fn what_is_folded_holds_letters_digits_and_blanks_and_folds_to_itself(
            text in "\\PC{0,30}|[\\x00-\\x7f]{0,30}",
        ) {
            let folded = folded(&text);
            prop_assert!(folded.chars().all(|c| c == ' ' || c.is_alphanumeric() || is_combining_mark(c)));
            prop_assert_eq!(super::folded(&folded), folded);
        }

        #[test]
        fn both_spellings_of_unicode_fold_to_one(text in "[ଁ-୷ऀ-ॿA-Za-zÀ-ÿ ]{0,20}") {
            let apart: String = text.nfd().collect();
            prop_assert_eq!(folded(&apart), folded(&text));
        }
    }
}
