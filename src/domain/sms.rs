//! The message itself, to the letter of DOMAIN.md §6. Pure.

use std::fmt;

use super::glitch::{HoldReason, Refusal};
use super::money::Paise;
use super::text::{breaks_a_number, filled, stands_for_none};

/// What some departments carry where a mobile number should be.
const PLACEHOLDER: &str = "9999999999";

const DIGITS: usize = 10;

/// What may stand before a mobile number of India; one of them, the longest first.
const PREFIXES: [&str; 3] = ["+91", "91", "0"];

/// A message that can be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Sms {
    /// The ten digits it goes to.
    pub to: String,
    /// Its text.
    pub text: String,
}

/// Never shows the number.
impl fmt::Debug for Sms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sms").field("to", &"…").field("text", &self.text).finish()
    }
}

/// The message that tells a beneficiary of a payment.
pub fn payment_successful(amount: Paise, utr: &str, mobile: Option<&str>) -> Result<Sms, Refusal> {
    Ok(Sms { to: mobile_number(mobile)?, text: payment_text(amount, utr)? })
}

/// Why the message about a payment must wait for a person, by what FTPS told of it.
pub fn hold_reason(rbi_message: Option<&str>, is_other_account: bool) -> Option<HoldReason> {
    let told = rbi_message.map(str::trim).unwrap_or_default().to_lowercase();
    if is_other_account {
        Some(HoldReason::OtherAccount)
    } else if !told.is_empty() && !told.starts_with("paid") {
        Some(HoldReason::NotSaidPaid)
    } else {
        None
    }
}

/// Whether a message that failed for that reason only wants a usable number.
pub fn wants_a_number(reason: &str) -> bool {
    [Refusal::NoNumber, Refusal::NotTenDigits, Refusal::NotMobile, Refusal::Placeholder]
        .iter()
        .any(|refusal| refusal.to_string() == reason)
}

/// Whether a payment belongs to another person now than the one its message was written for, each by
/// MUKTASoft's id. Whom nobody had named and a file names now may be anybody.
pub fn is_anothers(written_for: Option<&str>, now: Option<&str>) -> bool {
    filled(now).is_some_and(|now| filled(written_for) != Some(now))
}

/// Indian operators deliver only what matches the registered template: not one character may differ.
pub fn payment_text(amount: Paise, utr: &str) -> Result<String, Refusal> {
    if amount.0 <= 0 {
        return Err(Refusal::NoAmount);
    }
    let utr = utr.trim();
    if stands_for_none(utr) || utr.chars().any(breaks_a_number) {
        return Err(Refusal::NoUtr);
    }
    Ok(format!(
        "Payment of Rs. {} for MUKTA, transaction {utr} is made to your registered bank account. \
         Contact your bank if not credited within 72 hours. MUKTA - Govt. of Odisha.",
        amount.plain()
    ))
}

/// The ten digits of a number as people write it.
fn mobile_number(number: Option<&str>) -> Result<String, Refusal> {
    let written: String = number.unwrap_or_default().chars().filter(|&c| !is_between_digits(c)).collect();
    if written.is_empty() {
        return Err(Refusal::NoNumber);
    }
    let is_whole = |number: &&str| number.len() == DIGITS && number.bytes().all(|b| b.is_ascii_digit());
    let shortened = PREFIXES.iter().find_map(|prefix| written.strip_prefix(prefix));
    let number = Some(written.as_str())
        .filter(is_whole)
        .or_else(|| shortened.filter(is_whole))
        .ok_or(Refusal::NotTenDigits)?;
    match number {
        PLACEHOLDER => Err(Refusal::Placeholder),
        number if number.starts_with(['6', '7', '8', '9']) => Ok(number.to_owned()),
        _ => Err(Refusal::NotMobile),
    }
}

/// Blanks, hyphens and dots, which only make a number easier to read.
fn is_between_digits(c: char) -> bool {
    c.is_whitespace() || matches!(c, '-' | '.' | '\u{2010}'..='\u{2015}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The line of the requirement, "To all the beneficiaries".
    const SEED: &str = "Payment of Rs. {amount} for MUKTA, transaction <UTRNO> is made to your registered bank account. Contact your bank if not credited within 72 hours. MUKTA - Govt. of Odisha.";

    #[test]
    fn the_text_is_the_seeds_line_to_the_letter() {
        assert_eq!(
            payment_text(Paise(123_050), "SBIN00000001").unwrap(),
            "Payment of Rs. 1230.50 for MUKTA, transaction SBIN00000001 is made to your registered bank account. Contact your bank if not credited within 72 hours. MUKTA - Govt. of Odisha."
        );
    }

    #[test]
    fn the_amount_has_two_decimals_and_no_grouping() {
        for (paise, shown) in [(1, "0.01"), (100, "1.00"), (63_763_800, "637638.00"), (123_050, "1230.50")] {
            let text = payment_text(Paise(paise), "U1").unwrap();
            assert!(text.starts_with(&format!("Payment of Rs. {shown} for MUKTA, ")), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_right_is_refused_with_its_reason() {
        let refused = |paise, utr, mobile| payment_successful(Paise(paise), utr, mobile).unwrap_err();
        let good = Some("9437012345");
        assert_eq!(refused(0, "U1", good), Refusal::NoAmount);
        assert_eq!(refused(-5, "U1", good), Refusal::NoAmount);
        for utr in ["", " \t", "A B", "A\u{7}B", "NA", "n/a", "000", "A\u{200b}B"] {
            assert_eq!(refused(100, utr, good), Refusal::NoUtr, "{utr:?}");
        }
        assert_eq!(refused(100, "U1", None), Refusal::NoNumber);
        assert_eq!(refused(100, "U1", Some("  ")), Refusal::NoNumber);
        assert_eq!(refused(100, "U1", Some(" 9999999999 ")), Refusal::Placeholder);
        for number in [
            "943701234",
            "94370123456",
            "94370 2345",
            "943701234x",
            "୯୪୩୭୦୧୨୩୪୫",
            // One prefix is taken away, and no other country's.
            "0919437012345",
            "00919437012345",
            "+9109437012345",
            "+9194370123456",
            "+4494370123456",
            "+9437012345",
            "+91",
        ] {
            assert_eq!(refused(100, "U1", Some(number)), Refusal::NotTenDigits, "{number}");
        }
        for number in ["0674253610", "5123456789", "+91 5123456789", "0 0674 253610"] {
            assert_eq!(refused(100, "U1", Some(number)), Refusal::NotMobile, "{number}");
        }
        for number in ["+919999999999", "99999 99999", "09999999999"] {
            assert_eq!(refused(100, "U1", Some(number)), Refusal::Placeholder, "{number}");
        }
    }

    #[test]
    fn a_number_is_read_as_people_write_it() {
        for written in [
            "9412345678",
            "+91 94123 45678",
            "+91-94123-45678",
            "919412345678",
            "09412345678",
            "94123-45678",
            "94123.45678",
            "94123\u{a0}45678",
            "94123\u{2011}45678",
        ] {
            let sms = payment_successful(Paise(100), "U1", Some(written)).unwrap();
            assert_eq!(sms.to, "9412345678", "{written}");
        }
        // Ten digits are the number as it stands, whatever they begin with.
        assert_eq!(payment_successful(Paise(100), "U1", Some("9112345678")).unwrap().to, "9112345678");
    }

    #[test]
    fn a_message_is_held_where_its_words_would_not_be_true() {
        for said in [None, Some(""), Some("  "), Some("Paid by RBI eKuber,please check"), Some(" PAID")] {
            assert_eq!(hold_reason(said, false), None, "{said:?}");
            assert_eq!(hold_reason(said, true), Some(HoldReason::OtherAccount), "{said:?}");
        }
        for said in ["Sent to RBI", "Not paid", "Failed to Pay by RBI(Through e-Kuber) Late Ret"] {
            assert_eq!(hold_reason(Some(said), false), Some(HoldReason::NotSaidPaid), "{said}");
        }
    }

    #[test]
    fn only_a_number_helps_a_message_that_failed_for_want_of_one() {
        for wanting in [Refusal::NoNumber, Refusal::NotTenDigits, Refusal::NotMobile, Refusal::Placeholder] {
            assert!(wants_a_number(&wanting.to_string()), "{wanting}");
        }
        for other in [Refusal::OtherPerson, Refusal::Unreadable, Refusal::NoUtr, Refusal::NoAmount] {
            assert!(!wants_a_number(&other.to_string()), "{other}");
        }
    }

    #[test]
    fn a_message_belongs_to_whom_it_was_written_for() {
        for (before, now) in
            [(Some("IND-1"), Some("IND-2")), (None, Some("IND-1")), (Some(" "), Some("IND-1"))]
        {
            assert!(is_anothers(before, now), "{before:?} {now:?}");
        }
        for (before, now) in [(Some("IND-1"), Some(" IND-1 ")), (Some("IND-1"), None), (None, None)] {
            assert!(!is_anothers(before, now), "{before:?} {now:?}");
        }
    }

    #[test]
    fn a_number_is_trimmed_and_never_shown_in_debug_output() {
        let sms = payment_successful(Paise(100), "U1", Some(" 9437012345\n")).unwrap();
        assert_eq!(sms.to, "9437012345");
        assert!(!format!("{sms:?}").contains("9437012345"));
    }

    proptest! {
        #[test]
        fn every_text_is_the_template_filled_in(paise in 1i64..=10_000_000_000_000, utr in "U[A-Z0-9/-]{0,63}") {
            let filled = SEED.replace("{amount}", &Paise(paise).plain()).replace("<UTRNO>", &utr);
            prop_assert_eq!(payment_text(Paise(paise), &utr).unwrap(), filled);
        }
    }
}
