//! Money as integer paise.

use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;

/// An amount in paise (1/100 rupee). Never negative when read by [`Paise::parse`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, AsExpression, FromSqlRow)]
#[diesel(sql_type = diesel::sql_types::BigInt)]
pub struct Paise(pub i64);

/// The largest amount taken in: ₹ 10,000 crore. Larger ones are a slip of the pen, and would let
/// sums of many overflow.
const MAX_PAISE: i64 = 10_000_000_000_000;

/// Why a text is not an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AmountFault {
    /// Not digits with an optional decimal point.
    #[error("is not an amount: write rupees with at most two decimals and no commas, such as 1230.50")]
    NotANumber,
    /// Below zero.
    #[error("is negative")]
    Negative,
    /// Finer than a paisa.
    #[error("has more than two decimals")]
    TooFine,
    /// Beyond what a payment can be.
    #[error("is larger than any payment (₹ 10,000 crore)")]
    TooLarge,
}

impl Paise {
    /// Reads rupees as JSON writes numbers: digits, an optional point, an optional exponent
    /// (`1230.5`, `637638`, `6.3E+5`). Commas, signs of currency and blanks are refused.
    pub fn parse(text: &str) -> Result<Self, AmountFault> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => {
                (mantissa, exponent.parse::<i32>().map_err(|_| AmountFault::NotANumber)?)
            }
            None => (unsigned, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((_, "")) | Some(("", _)) => return Err(AmountFault::NotANumber),
            Some(parts) => parts,
            None => (mantissa, ""),
        };
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(AmountFault::NotANumber);
        }
        // The value is digits × 10^shift paise.
        let shift = exponent
            .checked_sub(i32::try_from(fraction.len()).map_err(|_| AmountFault::TooFine)?)
            .and_then(|s| s.checked_add(2))
            .ok_or(AmountFault::TooLarge)?;
        if digits.bytes().all(|b| b == b'0') && (shift >= 0 || exponent != 0) {
            return Ok(Self(0));
        }
        if shift < 0 {
            return Err(AmountFault::TooFine);
        }
        if negative {
            return Err(AmountFault::Negative);
        }
        let paise = digits
            .trim_start_matches('0')
            .parse::<i64>()
            .ok()
            .zip(u32::try_from(shift).ok().and_then(|s| 10_i64.checked_pow(s)))
            .and_then(|(value, scale)| value.checked_mul(scale))
            .filter(|paise| *paise <= MAX_PAISE)
            .ok_or(AmountFault::TooLarge)?;
        Ok(Self(paise))
    }

    /// Two decimals, no grouping: `1230.50`, as the SMS and the export write it.
    pub fn plain(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let paise = self.0.unsigned_abs();
        format!("{sign}{}.{:02}", paise / 100, paise % 100)
    }
}

/// A whole number's digits in Indian grouping: `12,34,567`.
pub fn grouped(digits: &str) -> String {
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        let left = digits.len() - i;
        // A comma before the last three digits, and before every two above them.
        if i > 0 && (left == 3 || (left > 3 && left % 2 == 1)) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Indian digit grouping with two decimals: `6,37,638.00`.
impl std::fmt::Display for Paise {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plain = self.plain();
        let (sign, unsigned) = match plain.strip_prefix('-') {
            Some(rest) => ("-", rest),
            None => ("", plain.as_str()),
        };
        let (rupees, paise) = unsigned.split_once('.').unwrap_or((unsigned, "00"));
        write!(f, "{sign}{}.{paise}", grouped(rupees))
    }
}

impl<DB: diesel::backend::Backend> diesel::serialize::ToSql<diesel::sql_types::BigInt, DB> for Paise
where
    i64: diesel::serialize::ToSql<diesel::sql_types::BigInt, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, DB>) -> diesel::serialize::Result {
        self.0.to_sql(out)
    }
}

impl<DB: diesel::backend::Backend> diesel::deserialize::FromSql<diesel::sql_types::BigInt, DB> for Paise
where
    i64: diesel::deserialize::FromSql<diesel::sql_types::BigInt, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> diesel::deserialize::Result<Self> {
        i64::from_sql(bytes).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_json_writes_them() {
        for (text, paise) in [
            ("0", 0),
            ("0.00", 0),
            ("1230.5", 123_050),
            ("1230.50", 123_050),
            ("637638", 63_763_800),
            ("6.37638E+5", 63_763_800),
            ("12e2", 120_000),
            ("5E-2", 5),
            ("100000000000.00", 10_000_000_000_000),
        ] {
            assert_eq!(Paise::parse(text), Ok(Paise(paise)), "{text}");
        }
    }

    #[test]
    fn what_is_not_an_amount_is_refused() {
        use AmountFault::*;
        for (text, fault) in [
            ("", NotANumber),
            (".5", NotANumber),
            ("5.", NotANumber),
            ("1,230.50", NotANumber),
            ("₹5", NotANumber),
            (" 5", NotANumber),
            ("+5", NotANumber),
            ("1e", NotANumber),
            ("--5", NotANumber),
            ("-5", Negative),
            ("-0.01", Negative),
            ("1.005", TooFine),
            ("1.500", TooFine),
            ("5e-3", TooFine),
            ("100000000000.01", TooLarge),
            ("1e999999999", TooLarge),
            ("99999999999999999999", TooLarge),
        ] {
            assert_eq!(Paise::parse(text), Err(fault), "{text}");
        }
    }

    #[test]
    fn rupees_show_in_indian_grouping() {
        for (paise, shown) in [
            (0, "0.00"),
            (5, "0.05"),
            (99_999, "999.99"),
            (100_000, "1,000.00"),
            (9_999_900, "99,999.00"),
            (10_000_000, "1,00,000.00"),
            (63_763_800, "6,37,638.00"),
            (1_234_567_890, "1,23,45,678.90"),
        ] {
            assert_eq!(Paise(paise).to_string(), shown);
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_plain_is_read_back(paise in 0..=MAX_PAISE) {
            proptest::prop_assert_eq!(Paise::parse(&Paise(paise).plain()), Ok(Paise(paise)));
        }

        #[test]
        fn no_text_makes_reading_panic(text in ".*") {
            let _ = Paise::parse(&text);
        }
    }
}
