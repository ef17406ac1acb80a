//! What was typed into a search box: how it was understood, and whose rows it found.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::person_row::PersonRow;
use crate::language::{Phrase, phrase};
use crate::store::people::FoundPeople;
use crate::store::search::SearchText;

/// People that the list of payment instructions shows before its own rows.
pub(super) const PEOPLE_SHOWN: usize = 5;

/// What was looked for.
pub(super) struct Sought {
    typed: String,
    /// How it was understood, in sentences.
    pub(super) understood: Vec<Phrase>,
    /// Whose payments were found by it; `None` if people were not looked for.
    pub(super) people: Option<Vec<PersonRow>>,
    /// Whether more were found than are shown.
    pub(super) has_more_people: bool,
}

impl Sought {
    /// By what was typed, with the people it found, if they were looked for.
    pub(super) fn new(typed: &str, found: Option<FoundPeople>) -> Self {
        let (people, has_more_people) = match found {
            None => (None, false),
            Some(found) => {
                let has_more = found.next.is_some() || found.people.len() > PEOPLE_SHOWN;
                (Some(found.people.into_iter().take(PEOPLE_SHOWN).map(PersonRow::new).collect()), has_more)
            }
        };
        Self { typed: typed.to_owned(), understood: understood(typed), people, has_more_people }
    }

    /// Whether anything was typed.
    pub(super) fn is_any(&self) -> bool {
        !self.typed.is_empty()
    }

    /// The rows of the people found.
    pub(super) fn people(&self) -> &[PersonRow] {
        self.people.as_deref().unwrap_or_default()
    }

    /// Whether people were looked for too, in vain.
    pub(super) fn found_nobody(&self) -> bool {
        self.people.as_ref().is_some_and(Vec::is_empty)
    }

    /// The same among people.
    pub(super) fn among_people(&self) -> String {
        format!("/beneficiaries?q={}", self.encoded())
    }

    /// The same among all payment instructions, whatever else they are.
    pub(super) fn among_instructions(&self) -> String {
        format!("/payment-instructions?tab=all&q={}", self.encoded())
    }

    fn encoded(&self) -> String {
        utf8_percent_encode(&self.typed, NON_ALPHANUMERIC).to_string()
    }
}

/// What the audit trail is told of a search for people: of what kind it was and how many it found. What was typed is
/// not told: it may be the end of an account number, or a number of a person as a whole.
pub(super) fn told_to_the_trail(typed: &str, found: usize, are_more: bool) -> String {
    format!("{}: {found} found{}", kind(typed), if are_more { " or more" } else { "" })
}

/// Of what kind a search is.
pub(super) fn kind(typed: &str) -> &'static str {
    match SearchText::typed(typed) {
        Some(text) if text.is_numbers() => "by numbers",
        Some(text) if !text.shown_numbers().is_empty() => "by words and numbers",
        _ => "by words",
    }
}

fn understood(typed: &str) -> Vec<Phrase> {
    let Some(text) = SearchText::typed(typed) else { return Vec::new() };
    let (numbers, words) = (text.shown_numbers(), text.shown_words());
    let listed = |all: &[&str]| all.join(", ");
    let of_numbers = match numbers.as_slice() {
        [] => None,
        [one] => Some(phrase("The number %{number} was looked for.").with("number", (*one).to_owned())),
        more => {
            Some(phrase("Each of these numbers was looked for: %{numbers}.").with("numbers", listed(more)))
        }
    };
    let of_words = match words.as_slice() {
        [] => None,
        [one] => Some(phrase("Names with %{word} in them were looked for.").with("word", (*one).to_owned())),
        more => Some(
            phrase("Names that have all of these words, in any order, were looked for: %{words}.")
                .with("words", listed(more)),
        ),
    };
    if of_numbers.is_none() && of_words.is_none() {
        return vec![phrase("There is no letter and no digit in what was typed.")];
    }
    of_numbers.into_iter().chain(of_words).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trail_is_told_of_what_kind_a_search_was_and_not_what_was_typed() {
        for (typed, told) in [
            ("1234", "by numbers: 3 found"),
            ("30131500010000", "by numbers: 3 found"),
            ("Sabita", "by words: 3 found"),
            ("Sabita 1234", "by words and numbers: 3 found"),
        ] {
            assert_eq!(told_to_the_trail(typed, 3, false), told);
        }
        assert_eq!(told_to_the_trail("Sabita", 50, true), "by words: 50 found or more");
    }

    #[test]
    fn what_was_looked_for_is_told_as_it_was_understood() {
        let told = |typed: &str| -> Vec<String> { understood(typed).iter().map(Phrase::english).collect() };
        assert_eq!(told("PI-1013 / 2026-27 / 256."), ["The number PI-1013/2026-27/256 was looked for."]);
        assert_eq!(told("7 and 8"), ["Each of these numbers was looked for: 7, 8."]);
        assert_eq!(told("Smt. Sabita"), ["Names with Sabita in them were looked for."]);
        assert_eq!(
            told("Smt. Nayak, Sabita; 7"),
            [
                "The number 7 was looked for.",
                "Names that have all of these words, in any order, were looked for: Nayak, Sabita."
            ]
        );
        assert_eq!(told("%"), ["There is no letter and no digit in what was typed."]);
        assert!(told(" ").is_empty());
    }
}
