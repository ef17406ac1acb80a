//! What somebody typed or pasted to look for it, and how it is looked for.

use unicode_normalization::char::is_combining_mark;

use super::text::{Group, folded, groups, plain};

/// Characters that the indexes of both databases need in a row.
const TRIGRAM: usize = 3;

/// Digits at the end of a payment ID.
const PAYMENT_DIGITS: usize = 6;

/// References that are looked for at once.
const MOST_REFERENCES: usize = 20;

/// A number of which so many parts were written is meant as a whole.
const WHOLE: usize = 3;

/// What is said before a name and is no part of it.
const TITLES: &[&str] = &[
    "smt",
    "shrimati",
    "srimati",
    "shreemati",
    "shri",
    "shree",
    "sri",
    "sree",
    "sushri",
    "mr",
    "mrs",
    "ms",
    "miss",
    "kumari",
    "kum",
    "km",
    "dr",
    "ଶ୍ରୀ",
    "ଶ୍ରୀମତୀ",
    "ଶ୍ରୀମତି",
    "ଶ୍ରୀଯୁକ୍ତ",
    "ଶ୍ରୀମାନ",
    "ସୁଶ୍ରୀ",
    "କୁମାରୀ",
    "श्री",
    "श्रीमती",
    "श्रीमति",
    "श्रीमान",
    "श्रीमान्",
    "सुश्री",
    "कुमारी",
];

/// What is said before numbers and between them.
const LABELS: &[&str] = &[
    "pi",
    "pis",
    "bill",
    "bills",
    "utr",
    "no",
    "nos",
    "number",
    "numbers",
    "and",
    "or",
    "ଓ",
    "ଏବଂ",
    "ବା",
    "ନମ୍ବର",
    "ବିଲ୍",
    "ପିଆଇ",
    "और",
    "एवं",
    "व",
    "या",
    "संख्या",
    "नंबर",
    "बिल",
    "पीआई",
];

/// A text to look for: one of its numbers, and all its words together in one line. Never blank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchText {
    numbers: Vec<Number>,
    words: Vec<Word>,
}

/// A word of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Word {
    /// As it was typed.
    shown: String,
    /// As it is folded.
    text: String,
}

/// A number of a payment instruction or bill, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Number {
    /// As it was typed, without what does not matter.
    shown: String,
    /// What the folded text holds.
    part: String,
    /// What it holds if the number ends there, if it may be meant so.
    whole: Option<String>,
    /// Whether it is looked for as a whole.
    is_whole: bool,
}

impl Number {
    fn new(shown: String, groups: &[Group], is_cut_before: bool, is_cut_after: bool) -> Self {
        let begins = is_cut_before || groups.first().is_some_and(|first| first.has_zeros);
        let texts: Vec<&str> = groups.iter().map(|group| group.text.as_str()).collect();
        let mut part = format!("{}{}", if begins { " " } else { "" }, texts.join(" "));
        let mut whole = None;
        if is_cut_after {
            part.push(' ');
        } else if let Some(last) = groups.last().filter(|last| last.is_number) {
            let numbers = groups.iter().filter(|group| group.is_number).count();
            whole = (last.has_zeros || numbers >= WHOLE).then(|| format!("{part} "));
            if last.text == "0" && texts.len() > 1 {
                // Zeros that others may follow: the beginning of any number.
                part.pop();
            }
        }
        Self { shown, part, whole, is_whole: false }
    }

    /// What the folded text must hold.
    fn sought(&self) -> &str {
        self.whole.as_ref().filter(|_| self.is_whole).unwrap_or(&self.part)
    }
}

impl SearchText {
    /// What somebody typed; `None` if it is blank.
    pub fn typed(text: &str) -> Option<Self> {
        let text = plain(text);
        if text.trim().is_empty() {
            return None;
        }
        let (mut found, mut words) = (Vec::new(), Vec::new());
        for piece in pieces(&text) {
            let groups = groups(&piece);
            if groups.iter().any(|group| group.is_number) {
                found.extend(numbers(&piece, &groups));
            } else {
                let shown = without_ends(&piece);
                words.extend(groups.into_iter().map(|group| Word { shown: shown.clone(), text: group.text }));
            }
        }
        let is_said = |word: &Word, list: &[&str]| list.contains(&word.text.as_str());
        if !found.is_empty() {
            words.retain(|word| !is_said(word, LABELS) && !is_said(word, TITLES));
        } else if words.iter().any(|word| !is_said(word, TITLES)) {
            words.retain(|word| !is_said(word, TITLES));
        }
        Some(Self { numbers: found, words })
    }

    /// Whether a name holds all its words. Its numbers may be those of the payment instruction.
    pub(in crate::store) fn is_in(&self, name: &str) -> bool {
        let name = folded(name);
        self.words().all(|word| name.contains(word))
    }

    /// Whether a name holds one of its numbers.
    pub(in crate::store) fn has_number_in(&self, name: &str) -> bool {
        let name = folded(name);
        self.numbers.iter().any(|number| name.contains(number.sought()))
    }

    /// Whether it is numbers only: not a person's name.
    pub fn is_numbers(&self) -> bool {
        self.words.is_empty()
    }

    /// What it was understood to look for: the numbers, any of them.
    pub fn shown_numbers(&self) -> Vec<&str> {
        self.numbers.iter().map(|number| number.shown.as_str()).collect()
    }

    /// The number, if it is one and nothing else.
    pub fn only_number(&self) -> Option<&str> {
        match self.numbers.as_slice() {
            [one] if self.words.is_empty() => Some(&one.shown),
            _ => None,
        }
    }

    /// What it was understood to look for: the words, all of them.
    pub fn shown_words(&self) -> Vec<&str> {
        let mut shown: Vec<&str> = self.words.iter().map(|word| word.shown.as_str()).collect();
        shown.dedup();
        shown
    }

    /// Nothing but punctuation is in nothing.
    pub(super) const fn matches_nothing(&self) -> bool {
        self.numbers.is_empty() && self.words.is_empty()
    }

    /// Decides of each number that may be meant as a whole whether it is: if it is there as one.
    pub(super) fn decide<E>(&mut self, mut is_there: impl FnMut(Self) -> Result<bool, E>) -> Result<(), E> {
        for number in self.numbers.iter_mut().filter(|number| number.whole.is_some()) {
            number.is_whole = true;
            number.is_whole = is_there(Self { numbers: vec![number.clone()], words: Vec::new() })?;
        }
        Ok(())
    }

    /// The words, which one line must hold.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(|word| word.text.as_str())
    }

    /// What the folded text must hold: of each of these one.
    pub(super) fn demands(&self) -> Vec<Vec<&str>> {
        let numbers: Vec<&str> = self.numbers.iter().map(Number::sought).collect();
        let numbers = Some(numbers).filter(|numbers| !numbers.is_empty());
        numbers.into_iter().chain(self.words().map(|word| vec![word])).collect()
    }

    /// FTS5's expression for the texts that hold all its trigrams; `None` if it is too short.
    pub(super) fn fts_expression(&self) -> Option<String> {
        let demanded = |any: Vec<&str>| -> Option<String> {
            let each: Option<Vec<String>> = any.into_iter().map(fts_trigrams).collect();
            each.map(|each| each.join(" OR "))
        };
        let all: Vec<String> = self.demands().into_iter().filter_map(demanded).collect();
        match all.as_slice() {
            [] => None,
            [one] => Some(one.clone()),
            more => Some(format!("({})", more.join(") AND ("))),
        }
    }

    /// Whether pg_trgm's index narrows it.
    pub(super) fn is_narrowed_by_trgm(&self) -> bool {
        self.demands().iter().any(|any| any.iter().all(|one| has_trigrams(one)))
    }
}

/// FTS5's expression for a text's trigrams.
fn fts_trigrams(text: &str) -> Option<String> {
    let chars: Vec<char> = text.chars().collect();
    let last = chars.len().checked_sub(TRIGRAM)?;
    // Side by side they cover the text; more of them would cost more than they narrow.
    let starts = (0..last).step_by(TRIGRAM).chain([last]);
    let mut quoted: Vec<String> =
        starts.map(|at| format!("\"{}\"", chars[at..at + TRIGRAM].iter().collect::<String>())).collect();
    quoted.sort_unstable();
    quoted.dedup();
    Some(quoted.join(" AND "))
}

/// Whether pg_trgm makes trigrams of `%text%`: it sets two blanks before each word that is seen to begin,
/// and one after each that is seen to end.
pub(super) fn has_trigrams(text: &str) -> bool {
    let runs: Vec<usize> =
        text.split(|c: char| !c.is_alphanumeric()).map(|run| run.chars().count()).collect();
    let padding = |at: usize| if at > 0 { 2 } else { 0 } + usize::from(at + 1 < runs.len());
    runs.iter().enumerate().any(|(at, &run)| run > 0 && run + padding(at) >= TRIGRAM)
}

/// The references that may be meant, in small letters: payment IDs, UTR numbers and the like, which are
/// compared as a whole. Of one that ends in fewer digits than a payment ID's also that one with its zeros.
pub(in crate::store) fn references(text: &str) -> Vec<String> {
    let as_typed = text.trim().to_lowercase();
    let mut references: Vec<String> =
        Some(as_typed).filter(|text| !text.contains(char::is_control)).into_iter().collect();
    for piece in pieces(&plain(text)).iter().take(MOST_REFERENCES) {
        let one = straight(piece).to_lowercase();
        if let Some((before, digits)) = one.rsplit_once('/')
            && !digits.is_empty()
            && digits.bytes().all(|byte| byte.is_ascii_digit())
        {
            let digits = digits.trim_start_matches('0');
            references.push(format!("{before}/{digits:0>PAYMENT_DIGITS$}"));
        }
        references.push(one);
    }
    references.retain(|one| !one.is_empty());
    references.sort_unstable();
    references.dedup();
    references
}

/// A number without what is around it, its dashes and slashes as MUKTASoft writes them.
fn straight(piece: &str) -> String {
    let straight = |c: char| match c {
        slash if is_slash(slash) => '/',
        dash if dash != '_' && joins(dash) => '-',
        other => other,
    };
    without_ends(piece).chars().map(straight).collect()
}

/// Whether a character parts a number as a slash does.
const fn is_slash(c: char) -> bool {
    matches!(c, '/' | '\\' | '\u{2044}' | '\u{2215}' | '\u{ff0f}' | '\u{ff3c}')
}

/// Whether a character goes on with a number, with blanks around it or without.
fn joins(c: char) -> bool {
    let is_dash =
        matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}');
    is_dash || is_slash(c) || c == '_' || c.is_control()
}

/// What was typed, parted where one thing ends and another begins: at blanks, unless a dash or a slash stands
/// beside them, at commas and the like.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut is_after_blank = false;
    for c in text.chars() {
        if c.is_whitespace() {
            is_after_blank = true;
            continue;
        }
        let parts = matches!(c, ',' | ';' | '|' | '&' | '+');
        if let Some(last) = pieces.last_mut() {
            let goes_on = joins(c) || last.is_empty() || last.ends_with(joins);
            if parts || (is_after_blank && !goes_on) {
                pieces.push(String::new());
            }
        }
        if let Some(last) = pieces.last_mut()
            && !parts
        {
            last.push(c);
        }
        is_after_blank = false;
    }
    pieces
}

/// The numbers of a piece: another begins where the letters of the first come again.
fn numbers(piece: &str, groups: &[Group]) -> Vec<Number> {
    let begins_anew = |at: usize| {
        let (first, here) = (&groups[0], &groups[at]);
        !first.is_number && first.text.chars().count() > 1 && first.text == here.text
    };
    let starts: Vec<usize> = (0..groups.len()).filter(|&at| at == 0 || begins_anew(at)).collect();
    let ends = starts.iter().skip(1).copied().chain([groups.len()]);
    let is_one = starts.len() == 1;
    let trimmed = straight(piece);
    starts
        .iter()
        .zip(ends)
        .map(|(&start, end)| {
            let groups = &groups[start..end];
            if is_one {
                let (before, after) = (piece.starts_with(joins), piece.ends_with(joins));
                return Number::new(trimmed.clone(), groups, before, after);
            }
            let shown: Vec<&str> = groups.iter().map(|group| group.text.as_str()).collect();
            Number::new(shown.join("-").to_uppercase(), groups, false, false)
        })
        .collect()
}

/// Without the quotes, brackets and full stops around it.
fn without_ends(piece: &str) -> String {
    piece.trim_matches(|c: char| !c.is_alphanumeric() && !is_combining_mark(c)).to_owned()
}

#[cfg(test)]
#[path = "typed_tests.rs"]
mod tests;
