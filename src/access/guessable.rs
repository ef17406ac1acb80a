//! Passwords that are guessed first, whatever is put around them: the commonest, the words of this place, the
//! user's name, one piece over and over, a number.

use std::collections::{BTreeSet, HashSet};
use std::sync::LazyLock;

/// Passwords that are tried first by whoever guesses: those of eight characters or more among the
/// 30,000 commonest, from the lists of zxcvbn (MIT licence), and some of this place.
static COMMON: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("common-passwords.txt").lines().collect());

/// What comes to mind first here: the service, the state, the towns, in small letters without blanks.
static HERE: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("words-of-this-place.txt").lines().collect());

/// Fewer digits than these, and nothing else, are a date or somebody's telephone number.
const DIGITS: usize = 12;
/// Fewer different characters than these are no password.
const DIFFERENT: usize = 4;
/// What is left without the ends says something of the whole where it is so long.
const CORE: usize = 6;
/// A piece of so many characters that is repeated is one too.
const PIECE: usize = 4;

/// Whether a password is the user's name, or hardly more.
pub(super) fn is_of_name(name: &str, password: &str) -> bool {
    let name = name.to_lowercase();
    let letters_of_name = letters(&name);
    let is_name = |core: &String| letters(core) == letters_of_name;
    password.to_lowercase() == name || (!letters_of_name.is_empty() && cores(password).iter().any(is_name))
}

/// Whether a password is among those that are guessed first.
pub(super) fn is_common(password: &str) -> bool {
    let folded = password.to_lowercase();
    let digits = folded.chars().filter(char::is_ascii_digit).count();
    let is_a_number = digits < DIGITS && !folded.chars().any(char::is_alphabetic);
    is_a_number
        || is_monotonous(&folded)
        || COMMON.contains(folded.as_str())
        || cores(&folded).iter().any(|core| {
            COMMON.contains(core.as_str())
                || (core.chars().count() >= CORE && is_monotonous(core))
                || is_of_words_of_here(&letters(core))
        })
}

/// What is left of a password without the digits and signs at its ends, and with letters for what is written in
/// their stead.
fn cores(password: &str) -> BTreeSet<String> {
    let folded = password.to_lowercase();
    let no_letter = |c: char| !c.is_alphabetic();
    let no_sign = |c: char| !c.is_alphabetic() && !"@$!".contains(c);
    let stripped = [
        folded.as_str(),
        folded.trim_matches(no_letter),
        folded.trim_end_matches(no_letter),
        folded.trim_end_matches(no_sign),
        folded.trim_end_matches(|c: char| c.is_ascii_digit()),
    ];
    let read = |text: &str, one: char| -> String {
        text.chars()
            .map(|c| match c {
                '0' => 'o',
                '1' | '!' => one,
                '3' => 'e',
                '4' | '@' => 'a',
                '5' | '$' => 's',
                '7' => 't',
                c => c,
            })
            .collect()
    };
    stripped.iter().flat_map(|text| [(*text).to_owned(), read(text, 'i'), read(text, 'l')]).collect()
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphabetic()).collect()
}

/// Hardly more than one character, or one piece over and over.
fn is_monotonous(text: &str) -> bool {
    let characters: Vec<char> = text.chars().collect();
    let different: HashSet<char> = characters.iter().copied().collect();
    let repeats = |piece: usize| {
        characters.len() >= 2 * piece
            && characters.iter().zip(characters.iter().skip(piece)).all(|(one, next)| one == next)
    };
    !characters.is_empty() && (different.len() < DIFFERENT || (1..=PIECE).any(repeats))
}

/// Whether nothing but words of this place stands there, run together.
fn is_of_words_of_here(letters: &str) -> bool {
    let characters: Vec<char> = letters.chars().collect();
    let mut is_end = vec![false; characters.len() + 1];
    is_end[0] = true;
    for end in 1..=characters.len() {
        is_end[end] = (0..end).any(|begin| {
            is_end[begin] && {
                let word: String = characters[begin..end].iter().collect();
                HERE.contains(word.as_str())
            }
        });
    }
    !characters.is_empty() && is_end[characters.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_around_a_common_word_makes_it_no_password() {
        for common in [
            "mukta2026",
            "Mukta@2026",
            "Odisha@2026",
            "0d1sh@2026",
            "odisha-jatni-123",
            "JIT-FTPS-2026",
            "aaaaaaaa",
            "Aaaa1111",
            "aaaaaaaa9$",
            "abcabcabc",
            "12341234",
            "password2026",
            "P@ssw0rd!!",
            "sunshine#99",
            "9437012345",
            "15-08-1947",
            "!!!!!!!!",
            "2026mukta",
            "Bhubaneswar1",
            "M u k t a S o f t 1",
            "ମମମମମମମମ",
        ] {
            assert!(is_common(common), "{common}");
        }
        for good in [
            "four plain words apart",
            "correct horse battery staple",
            "mukta runs at night",
            "asha-password-1",
            "kT9#vLq2",
            "ଚାରିଟି ଶବ୍ଦ ଅଲଗା",
            "3f9c2a7be01d",
            "281937465012",
            "a12345678901",
            "zq9$8#71",
            "odisha-acceptance-7",
        ] {
            assert!(!is_common(good), "{good}");
        }
    }

    #[test]
    fn the_name_with_something_at_its_ends_is_the_name() {
        for (name, password) in [
            ("asha.das", "asha.das1"),
            ("asha.das", "AshaDas2026"),
            ("asha.das", "@sh@d@5"),
            ("bina", "1234bina"),
            ("asha.das.jatni", "Asha.Das.Jatni"),
            ("12345678", "12345678"),
        ] {
            assert!(is_of_name(name, password), "{name} {password}");
        }
        for (name, password) in
            [("asha", "asha likes rain"), ("12345678", "four plain words"), ("asha", "12345678")]
        {
            assert!(!is_of_name(name, password), "{name} {password}");
        }
    }
}
