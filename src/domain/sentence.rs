//! Sentences of others (JIT's, the treasury's, MUKTASoft's) without the numbers of people: what is shown, or
//! stored unsealed, of them (DOMAIN.md §2).

use super::record::InstructionRecord;
use super::text::{is_invisible, last_digits};

/// The digits of what may be an account or a mobile number, at least and at most.
const TELLING: std::ops::RangeInclusive<usize> = 9..=18;
/// A number of a person that is known is looked for if it has so many digits or letters.
const SHORTEST_KNOWN: usize = 5;
/// So many characters may stand between two digits of one number.
const LONGEST_GAP: usize = 3;
/// The digits of a fraction of a second are fewer.
const TELLING_FRACTION: usize = 8;
/// What JIT writes before the number by which it knows a beneficiary.
const BENEF_ID: &str = "benefid";

/// What is known around a sentence.
#[derive(Debug, Clone, Default)]
pub struct Around {
    /// Accounts and mobile numbers of people, which are masked in any spacing.
    pub numbers: Vec<String>,
    /// References of payments, which are never masked.
    pub references: Vec<String>,
}

impl Around {
    /// Around the sentences of a record: what it tells itself.
    pub fn record(record: &InstructionRecord) -> Self {
        let mut around = Self::default();
        let told = [&record.parent_number, &record.mukta_reference_id, &record.external_id];
        around.references.push(record.number.clone());
        around.references.extend(record.bill_numbers.iter().cloned());
        around.references.extend(told.into_iter().flatten().cloned());
        for advice in &record.advices {
            let told = [&advice.bill_reference, &advice.advice_id, &advice.token_number];
            around.references.extend(told.into_iter().flatten().cloned());
        }
        for one in &record.beneficiaries {
            let payment = &one.payment;
            let told = [&one.beneficiary_id, &payment.utr, &payment.voucher_number, &payment.end_to_end_id];
            around.references.push(one.payment_id.clone());
            around.references.extend(told.into_iter().flatten().cloned());
            around.numbers.extend([&one.account, &one.mobile].into_iter().flatten().cloned());
        }
        around
    }

    /// The sentence with the numbers of people cut to their last four digits.
    pub fn masked(&self, sentence: &str) -> String {
        if !may_tell_numbers(sentence) {
            return sentence.to_owned();
        }
        let written: Vec<char> = sentence.chars().collect();
        let chars: Vec<char> = written.iter().copied().map(western).collect();
        let mut kept = vec![false; chars.len()];
        self.keep_references(&chars, &mut kept);
        keep_forms(&chars, &mut kept, benef_id);
        // A number that is known, and as long as one, has no other form: `acct-93755/41683` is no payment ID.
        let mut spans = Vec::new();
        self.known(&chars, &kept, |digits| digits >= *TELLING.start(), &mut spans);
        keep_forms(&chars, &mut kept, |chars, from| number_form(chars, from).or_else(|| date(chars, from)));
        self.known(&chars, &kept, |digits| digits < *TELLING.start(), &mut spans);
        for &(from, to) in &spans {
            kept[from..to].fill(true);
        }
        spans.extend(runs(&chars, &kept));
        spans.sort_unstable();
        let mut shown = String::with_capacity(sentence.len());
        let mut at = 0;
        for (from, to) in spans {
            shown.extend(&written[at..from]);
            let bare: Vec<char> = chars[from..to].iter().copied().filter(|c| c.is_alphanumeric()).collect();
            shown.push_str(&last_digits(&bare[bare.len().saturating_sub(4)..].iter().collect::<String>()));
            at = to;
        }
        shown.extend(&written[at..]);
        shown
    }

    fn keep_references(&self, chars: &[char], kept: &mut [bool]) {
        for reference in self.references.iter().map(|text| text.trim()).filter(|text| !text.is_empty()) {
            let wanted: Vec<char> = reference.chars().map(folded).collect();
            for from in 0..=chars.len().saturating_sub(wanted.len()) {
                let to = from + wanted.len();
                let is_there = to <= chars.len()
                    && chars[from..to].iter().map(|c| folded(*c)).eq(wanted.iter().copied());
                if is_there && is_apart(chars, from, to) {
                    kept[from..to].fill(true);
                }
            }
        }
    }

    /// Where numbers of people of some lengths stand that are known, in any spacing.
    fn known(
        &self,
        chars: &[char],
        kept: &[bool],
        is_wanted: impl Fn(usize) -> bool,
        spans: &mut Vec<(usize, usize)>,
    ) {
        let told: Vec<(usize, char)> = chars
            .iter()
            .enumerate()
            .filter(|(at, c)| c.is_alphanumeric() && !kept[*at])
            .map(|(at, c)| (at, folded(*c)))
            .collect();
        for number in &self.numbers {
            let bare = number.chars().filter(|c| c.is_alphanumeric()).map(folded);
            let wanted: Vec<char> = bare.skip_while(|c| *c == '0').collect();
            if wanted.len() < SHORTEST_KNOWN || !is_wanted(wanted.len()) {
                continue;
            }
            for found in told.windows(wanted.len()) {
                let (from, to) = (found[0].0, found[wanted.len() - 1].0 + 1);
                let is_there = found.iter().map(|(_, c)| *c).eq(wanted.iter().copied());
                // One as long as they are is nothing else, whatever stands between its parts.
                let is_long = wanted.len() >= *TELLING.start();
                let is_spaced =
                    is_long || chars[from..to].iter().all(|c| c.is_alphanumeric() || parts(*c) || *c == '/');
                let is_digits_end = !chars.get(to).is_some_and(char::is_ascii_digit);
                if is_there && is_spaced && is_digits_end && spans.iter().all(|(f, t)| to <= *f || from >= *t)
                {
                    let zeros = chars[..from].iter().rev().take_while(|c| **c == '0').count();
                    spans.push((from - zeros, to));
                }
            }
        }
    }
}

/// Whether a sentence has enough digits for a number of a person.
pub fn may_tell_numbers(sentence: &str) -> bool {
    sentence.chars().map(western).filter(char::is_ascii_digit).count() >= SHORTEST_KNOWN
}

/// The zeros of the digits that a sentence may be written in here: Odia, Devanagari, Bengali, Telugu, full width.
const ZEROS: [u32; 5] = [0x0B66, 0x0966, 0x09E6, 0x0C66, 0xFF10];

/// A digit as the accounts and mobile numbers known here have it; anything else as it is.
fn western(c: char) -> char {
    let digit = ZEROS.iter().find_map(|zero| u32::from(c).checked_sub(*zero).filter(|digit| *digit < 10));
    digit.and_then(|digit| char::from_digit(digit, 10)).unwrap_or(c)
}

fn folded(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

/// Whether a character parts the digits of a number.
fn parts(c: char) -> bool {
    c.is_whitespace() || is_invisible(c) || matches!(c, '.' | '-' | '_' | '\u{2010}'..='\u{2015}')
}

/// Whether neither a letter nor a digit goes on before or after.
fn is_apart(chars: &[char], from: usize, to: usize) -> bool {
    let goes_on = |at: Option<usize>| at.and_then(|at| chars.get(at)).is_some_and(|c| c.is_alphanumeric());
    !goes_on(from.checked_sub(1)) && !goes_on(Some(to))
}

/// Whatever has a form, where its first character begins a word.
fn keep_forms(chars: &[char], kept: &mut [bool], form: impl Fn(&[char], usize) -> Option<usize>) {
    for from in 0..chars.len() {
        let begins = from == 0 || !chars[from - 1].is_alphanumeric();
        if let Some(to) = begins.then(|| form(chars, from)).flatten() {
            kept[from..to].fill(true);
        }
    }
}

fn while_is(chars: &[char], from: usize, is: impl Fn(char) -> bool) -> usize {
    from + chars[from.min(chars.len())..].iter().take_while(|c| is(**c)).count()
}

/// `PI-1013/2023-24/000256`, `BN-1013/000224`.
fn number_form(chars: &[char], from: usize) -> Option<usize> {
    let letters = while_is(chars, from, |c| c.is_ascii_alphabetic());
    let hyphen = (letters > from && chars.get(letters) == Some(&'-')).then_some(letters + 1)?;
    let mut to = while_is(chars, hyphen, |c| c.is_ascii_digit());
    // `acct-30131500010000/closed` is none.
    if to - hyphen >= *TELLING.start() {
        return None;
    }
    let mut groups = 0;
    while to > hyphen && chars.get(to) == Some(&'/') {
        let next = while_is(chars, to + 1, |c| c.is_ascii_digit() || c == '-');
        if next == to + 1 {
            break;
        }
        (to, groups) = (next, groups + 1);
    }
    (groups > 0).then_some(to)
}

/// `2023-11-05`, `05/11/2023`, either with a time.
fn date(chars: &[char], from: usize) -> Option<usize> {
    let digits = |from: usize| while_is(chars, from, |c| c.is_ascii_digit());
    let value = |from: usize, to: usize| chars[from..to].iter().collect::<String>().parse::<u32>().ok();
    let one = digits(from);
    let separator = chars.get(one).filter(|c| matches!(c, '-' | '/' | '.'))?;
    let two = digits(one + 1);
    if chars.get(two) != Some(separator) {
        return None;
    }
    let mut to = digits(two + 1);
    let (first, middle, last) = (value(from, one)?, value(one + 1, two)?, value(two + 1, to)?);
    let is_year = |year: u32| (1900..2200).contains(&year);
    let is_short = |from: usize, to: usize| (1..=2).contains(&(to - from));
    let is_date = is_short(one + 1, two)
        && (1..=12).contains(&middle)
        && ((one - from == 4 && is_year(first) && is_short(two + 1, to) && (1..=31).contains(&last))
            || (is_short(from, one) && to - two == 5 && is_year(last) && (1..=31).contains(&first)));
    if !is_date {
        return None;
    }
    if chars.get(to).is_some_and(|c| matches!(c, ' ' | 'T')) {
        to = time(chars, to + 1).unwrap_or(to);
    }
    Some(to)
}

/// `10:20`, `10:20:30`, `10:20:30.123`.
fn time(chars: &[char], from: usize) -> Option<usize> {
    let two = |from: usize| (while_is(chars, from, |c| c.is_ascii_digit()) == from + 2).then_some(from + 2);
    let after = |at: usize, mark: char| (chars.get(at) == Some(&mark)).then_some(at + 1);
    let minutes = two(after(two(from)?, ':')?)?;
    let Some(seconds) = after(minutes, ':').and_then(two) else { return Some(minutes) };
    let Some(fraction) = after(seconds, '.') else { return Some(seconds) };
    let end = while_is(chars, fraction, |c| c.is_ascii_digit());
    Some(if (1..TELLING_FRACTION).contains(&(end - fraction)) { end } else { seconds })
}

/// `BenefId 1603202301`.
fn benef_id(chars: &[char], from: usize) -> Option<usize> {
    let word = from + BENEF_ID.len();
    let is_there = word <= chars.len() && chars[from..word].iter().map(|c| folded(*c)).eq(BENEF_ID.chars());
    let number = is_there
        .then(|| while_is(chars, word, |c| c.is_whitespace() || matches!(c, ':' | '=' | '#' | '-' | '.')))?;
    Some(while_is(chars, number, |c| c.is_ascii_alphanumeric()))
}

/// Runs of digits, unbroken or broken by blanks, dots or hyphens, that may be a number of a person. Of a
/// longer chain as many digits as may be one are taken at a time; fewer at its end go with those before them.
fn runs(chars: &[char], kept: &[bool]) -> Vec<(usize, usize)> {
    let is_digit = |at: usize| chars[at].is_ascii_digit() && !kept[at];
    let mut groups: Vec<(usize, usize)> = Vec::new();
    for at in (0..chars.len()).filter(|at| is_digit(*at)) {
        match groups.last_mut() {
            Some((_, to)) if *to == at => *to = at + 1,
            _ => groups.push((at, at + 1)),
        }
    }
    let mut spans: Vec<(usize, usize)> = Vec::new();
    let mut groups = groups.into_iter().peekable();
    while let Some((from, mut to)) = groups.next() {
        let mut digits = to - from;
        let goes_on = |to: usize, digits: usize, (next, end): (usize, usize)| {
            next - to <= LONGEST_GAP
                && chars[to..next].iter().all(|c| parts(*c))
                && digits + (end - next) <= *TELLING.end()
        };
        while let Some((next, end)) = groups.next_if(|group| goes_on(to, digits, *group)) {
            digits += end - next;
            to = end;
        }
        let goes_with_the_last =
            |last: usize| from - last <= LONGEST_GAP && chars[last..from].iter().all(|c| parts(*c));
        match spans.last_mut() {
            _ if TELLING.contains(&digits) => spans.push((from, to)),
            Some((_, end)) if digits < *TELLING.start() && goes_with_the_last(*end) => *end = to,
            _ => {}
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn around() -> Around {
        let texts = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect();
        Around {
            numbers: texts(&["300000001011", "9437001012", "12345", "AB1234567"]),
            references: texts(&[
                "PI-1013/2023-24/000256",
                "N123456789012345",
                "2023586578123",
                "1234567890123",
            ]),
        }
    }

    #[test]
    fn numbers_of_people_are_masked_in_any_spacing() {
        for (told, shown) in [
            ("Account 300000001011 closed", "Account •••• 1011 closed"),
            ("Account 3000 0000 1011 closed", "Account •••• 1011 closed"),
            ("3 0 0 0 0 0 0 0 1 0 1 1", "•••• 1011"),
            ("3000/0000/1011", "•••• 1011"),
            ("A/c:00300000001011/closed;mobile:9437001012", "A/c:•••• 1011/closed;mobile:•••• 1012"),
            ("Mobile +91-94370 01012 wrong", "Mobile +91-•••• 1012 wrong"),
            ("94370\u{200b}01012 or 3000\u{2060}0000\u{202e}1011", "•••• 1012 or •••• 1011"),
            ("9988\u{200b}7766\u{feff}5544", "•••• 5544"),
            ("acc ab-123 4567.", "acc •••• 4567."),
            ("acc 12345", "acc •••• 2345"),
            ("R03: 998877665544", "R03: •••• 5544"),
            ("12.34.56.78.90", "•••• 7890"),
            ("1234 5678 9012 3456", "•••• 3456"),
            ("111111111111 222222222222", "•••• 1111 •••• 2222"),
            ("+91-469 073 101 244 060 82", "+•••• 6082"),
            ("acct-300000001011/2 closed", "acct-•••• 1011/2 closed"),
            ("acct-300000/001011 closed", "acct-•••• 1011 closed"),
            ("1999-0012-0020", "•••• 0020"),
            (
                "94370:01012, (94370)01012, 9437,001,012, 94370−01012",
                "•••• 1012, (•••• 1012, •••• 1012, •••• 1012",
            ),
            ("मोबाइल ९४३७००१०१२ गलत", "मोबाइल •••• 1012 गलत"),
            ("ମୋବାଇଲ ୯୪୩୭୦୦୧୦୧୨ ଭୁଲ", "ମୋବାଇଲ •••• 1012 ଭୁଲ"),
            ("９９８８７７６６５５４４", "•••• 5544"),
            ("ପ୍ରଥମ ୨ ଜଣ, 998877665544", "ପ୍ରଥମ ୨ ଜଣ, •••• 5544"),
            ("2023-11-05 12:998877665544", "2023-11-05 12:•••• 5544"),
        ] {
            assert_eq!(around().masked(told), shown, "{told}");
        }
    }

    #[test]
    fn references_and_what_has_their_form_are_not() {
        for told in [
            "Wrong IFSC provided in Beneficiary Details for BenefId 1603202301",
            "benefid: 1603202301, BENEFID-1603202302",
            "PI-1013/2023-24/000256 of BN-1013/000224 and PI-1/2026-27/000000001",
            "paid 2023-11-05 10:20:30 by n123456789012345",
            "bill 2023586578123 of 05/11/2023",
            "on 2023-11-05T10:20:30.123456 and 05/11/2023 10:20",
            "UTR 1234567890123",
            "Rs 12345678 of 2023",
            "nothing to see",
        ] {
            assert_eq!(around().masked(told), told);
        }
    }

    #[test]
    fn what_was_masked_stays_as_it_is() {
        let once = around().masked("Account 3000-0000-1011, mobile 9437001012");
        assert_eq!(around().masked(&once), once);
    }

    proptest! {
        #[test]
        fn no_number_survives_in_any_spacing(
            digits in "[1-9][0-9]{8,17}", gap in prop::sample::select(vec!["", " ", "-", ".", " - "]),
            every in 1_usize..6, before in "[A-Za-z :/]{0,12}", after in "[A-Za-z :/,;]{0,12}",
        ) {
            let groups: Vec<&str> = digits.as_bytes().chunks(every).map(|group| std::str::from_utf8(group).unwrap()).collect();
            let told = format!("{before}{}{after}", groups.join(gap));
            prop_assume!(!before.to_lowercase().contains("benefid") && date(&told.chars().collect::<Vec<_>>(), before.len()).is_none());
            let shown = Around::default().masked(&told);
            prop_assert!(shown.chars().filter(char::is_ascii_digit).count() <= 4, "{told}: {shown}");
            prop_assert!(shown.contains(&digits[digits.len() - 4..]), "{told}: {shown}");
        }

        #[test]
        fn no_reference_is_masked(reference in "[A-Z]{0,5}[0-9]{6,20}", before in "[a-z]{0,8}", after in "[a-z]{0,8}") {
            let around = Around { references: vec![reference.clone()], ..around() };
            let told = format!("{before} {reference} {after}");
            prop_assert_eq!(around.masked(&told), told);
        }
    }
}
