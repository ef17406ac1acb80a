//! The message itself, to the letter of DOMAIN.md §6. Pure.

use std::fmt;

use super::glitch::Refusal;
use super::money::Paise;
use super::text::{breaks_a_number, stands_for_none};

/// What some departments carry where a mobile number should be.
const PLACEHOLDER: &str = "9999999999";

const DIGITS: usize = 10;

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

fn mobile_number(number: Option<&str>) -> Result<String, Refusal> {
    match number.map(str::trim).unwrap_or_default() {
        "" => Err(Refusal::NoNumber),
        PLACEHOLDER => Err(Refusal::Placeholder),
        number if number.len() == DIGITS && number.bytes().all(|b| b.is_ascii_digit()) => {
            Ok(number.to_owned())
        }
        _ => Err(Refusal::NotTenDigits),
    }
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
            "+919437012345",
            "09437012345",
            "94370 2345",
            "943701234x",
            "୯୪୩୭୦୧୨୩୪୫",
        ] {
            assert_eq!(refused(100, "U1", Some(number)), Refusal::NotTenDigits, "{number}");
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
