//! What a search looks in, and what it looks for: both folded in the same way.

use crate::domain::record::InstructionRecord;

/// Characters that the indexes of both databases need in a row.
const TRIGRAM: usize = 3;

/// The version of [`folded`] and [`search_text`]: to be raised whenever one of them makes another text
/// than before of any, so that [`refold`](crate::store::refolding::refold) makes all of them anew.
pub(in crate::store) const FOLDING: i32 = 1;

/// Without regard to case, and to how much blank stands between words.
fn folded(text: &str) -> String {
    text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
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

/// A text to look for. Never blank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchText(String);

impl SearchText {
    /// What somebody typed; `None` if it is blank.
    pub fn typed(text: &str) -> Option<Self> {
        Some(folded(text)).filter(|text| !text.is_empty()).map(Self)
    }

    /// Whether a name holds it.
    pub(in crate::store) fn is_in(&self, name: &str) -> bool {
        folded(name).contains(&self.0)
    }

    /// The folded text.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Nothing that is searched holds control characters, and PostgreSQL cannot be asked about NUL.
    pub(super) fn matches_nothing(&self) -> bool {
        self.0.chars().any(char::is_control)
    }

    /// FTS5's expression for the texts that hold all its trigrams; `None` if it is too short.
    pub(super) fn fts_expression(&self) -> Option<String> {
        let chars: Vec<char> = self.0.chars().collect();
        let last = chars.len().checked_sub(TRIGRAM)?;
        // Side by side they cover the text; more of them would cost more than they narrow.
        let starts = (0..last).step_by(TRIGRAM).chain([last]);
        let mut quoted: Vec<String> = starts
            .map(|at| chars[at..at + TRIGRAM].iter().collect::<String>())
            .map(|trigram| format!("\"{}\"", trigram.replace('"', "\"\"")))
            .collect();
        quoted.sort_unstable();
        quoted.dedup();
        Some(quoted.join(" AND "))
    }

    /// `LIKE`'s pattern for it, if it holds what pg_trgm makes trigrams of: letters and digits.
    pub(super) fn trgm_pattern(&self) -> Option<String> {
        let longest_word =
            self.0.split(|c: char| !c.is_alphanumeric()).map(|word| word.chars().count()).max();
        longest_word.filter(|&length| length >= TRIGRAM)?;
        let mut pattern = "%".to_owned();
        for c in self.0.chars() {
            if matches!(c, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(c);
        }
        pattern.push('%');
        Some(pattern)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn typed(text: &str) -> SearchText {
        SearchText::typed(text).unwrap()
    }

    #[test]
    fn case_and_blanks_do_not_matter() {
        assert_eq!(typed("  SABITA \t Nayak "), typed("sabita nayak"));
        assert_eq!(typed("ÉLISE"), typed("élise"));
        assert_eq!(SearchText::typed(" \u{a0}\t"), None);
        assert!(typed("a\0b").matches_nothing() && !typed("a\tb").matches_nothing());
    }

    /// Of every character, at a word's end and within one: a new Unicode in a new Rust shows here too.
    #[test]
    fn a_folding_that_changed_has_another_version() {
        use aws_lc_rs::digest::{Context, SHA256};
        let mut all = Context::new(&SHA256);
        for c in '\0'..=char::MAX {
            all.update(folded(&format!("A{c}  B{c}")).as_bytes());
        }
        all.update(search_text("PI-1", &["WB-1".to_owned()], ["Élise  D"].into_iter()).as_bytes());
        let digest = crate::sealing::hex(&all.finish().as_ref()[..8]);
        assert_eq!(
            (FOLDING, digest.as_str()),
            (1, "9c39ad53e78c52b6"),
            "raise FOLDING, then note the digest here"
        );
    }

    #[test]
    fn an_expression_quotes_what_fts5_would_read_as_syntax() {
        assert_eq!(typed("ab").fts_expression(), None);
        assert_eq!(typed("abc").fts_expression().unwrap(), r#""abc""#);
        assert_eq!(typed("abcd").fts_expression().unwrap(), r#""abc" AND "bcd""#);
        assert_eq!(typed("000000").fts_expression().unwrap(), r#""000""#);
        assert_eq!(typed(r#"a"b"#).fts_expression().unwrap(), r#""a""b""#);
        assert_eq!(typed("ଓଡ଼ି").fts_expression().unwrap(), "\"ଓଡ଼\" AND \"ଡ଼ି\"");
    }

    #[test]
    fn a_pattern_takes_wildcards_for_what_they_are() {
        assert_eq!(typed(r"100%_\a").trgm_pattern().unwrap(), r"%100\%\_\\a%");
        assert_eq!(typed("a-b-12").trgm_pattern(), None, "no word of three");
    }

    proptest! {
        #[test]
        fn the_trigrams_asked_for_are_all_in_the_text(text in "\\PC{3,20}") {
            let Some(text) = SearchText::typed(&text) else { return Ok(()) };
            let Some(expression) = text.fts_expression() else { return Ok(()) };
            for quoted in expression.split(" AND ") {
                let trigram = quoted[1..quoted.len() - 1].replace("\"\"", "\"");
                prop_assert!(text.as_str().contains(&trigram), "{quoted} of {text:?}");
            }
        }
    }
}
