//! The second factor: six digits that an app on the person's telephone shows (TOTP, RFC 6238), and recovery codes for
//! when the telephone is not there.

use aws_lc_rs::{hmac, rand};
use chrono::{DateTime, Utc};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use totp_rs::{Algorithm, Builder, Totp};

use super::Role;

/// Who is asked for it, as apps show it.
const ISSUER: &str = "MUKTA FTPS";
/// Seconds for which an app shows a code.
const STEP_SECONDS: u64 = 30;
/// Digits of a code.
const DIGITS: usize = 6;
/// Steps by which the clocks of telephone and server may differ.
const SKEW: u64 = 1;
/// Bytes of a secret (RFC 4226, 4).
const SECRET_BYTES: usize = 20;
/// Recovery codes that are made at once.
const RECOVERY_CODES: usize = 10;
/// Digits of a recovery code.
const RECOVERY_DIGITS: usize = 12;

/// Who must have a second factor (CONTRACT.md, `SECOND_FACTOR`); whoever need not may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Demand {
    /// Nobody.
    #[default]
    Offered,
    /// Administrators.
    Admins,
    /// Everybody.
    All,
}

impl Demand {
    /// Whether somebody of that role must have one.
    pub const fn is_on(self, role: Role) -> bool {
        match self {
            Self::Offered => false,
            Self::Admins => matches!(role, Role::Admin),
            Self::All => true,
        }
    }

    /// As the setting spells it.
    pub fn read(text: &str) -> Option<Self> {
        match text {
            "offered" => Some(Self::Offered),
            "admins" => Some(Self::Admins),
            "all" => Some(Self::All),
            _ => None,
        }
    }
}

/// Why a secret or codes could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FactorFault {
    /// The operating system gave no random bytes.
    #[error("no random bytes could be had for a second factor")]
    NoRandomness,
    /// A stored secret is none.
    #[error("the stored secret of a second factor is none")]
    NoSecret,
}

/// What somebody gave as their second factor. It never shows itself.
#[derive(Clone, PartialEq, Eq)]
pub enum Given {
    /// The digits of the app.
    Code(String),
    /// A recovery code.
    Recovery(String),
    /// What can be neither.
    Neither,
}

impl Given {
    /// As it was typed: with blanks or hyphens between, in the digits of English, Odia or Hindi.
    pub fn read(typed: &str) -> Self {
        let digits: Option<String> =
            typed.chars().filter(|c| !c.is_whitespace() && *c != '-').map(latin_digit).collect();
        match digits {
            Some(digits) if digits.len() == DIGITS => Self::Code(digits),
            Some(digits) if digits.len() == RECOVERY_DIGITS => Self::Recovery(digits),
            _ => Self::Neither,
        }
    }
}

/// A digit of English, Odia or Devanagari as one of English.
fn latin_digit(digit: char) -> Option<char> {
    let value = match digit {
        '0'..='9' => u32::from(digit) - u32::from('0'),
        '\u{b66}'..='\u{b6f}' => u32::from(digit) - 0xb66,
        '\u{966}'..='\u{96f}' => u32::from(digit) - 0x966,
        _ => return None,
    };
    char::from_digit(value, 10)
}

/// What a person's app and this program both know. It never shows itself.
#[derive(Clone)]
pub struct Secret(Totp);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

impl Secret {
    /// A new one.
    pub fn new() -> Result<Self, FactorFault> {
        let mut bytes = [0; SECRET_BYTES];
        rand::fill(&mut bytes).map_err(|_| FactorFault::NoRandomness)?;
        Self::of(totp_rs::Secret::from(bytes))
    }

    /// One that was [written](Self::text).
    pub fn read(text: &str) -> Result<Self, FactorFault> {
        Self::of(totp_rs::Secret::try_from_base32(text).map_err(|_| FactorFault::NoSecret)?)
    }

    fn of(secret: totp_rs::Secret) -> Result<Self, FactorFault> {
        // One step at a time is looked at: which one it is must be known.
        let totp = Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(DIGITS as u8)
            .with_step_duration(STEP_SECONDS)
            .with_skew(0)
            .with_secret(secret)
            .build();
        totp.map(Self).map_err(|_| FactorFault::NoSecret)
    }

    /// In Base32 (RFC 4648), as apps take it.
    pub fn text(&self) -> String {
        self.0.secret().to_base32()
    }

    /// What a picture for apps says (Google Authenticator, *Key Uri Format*): whose it is, and the secret.
    pub fn link(&self, name: &str) -> String {
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let (issuer, name) = (encoded(ISSUER), encoded(name));
        format!("otpauth://totp/{issuer}:{name}?secret={}&issuer={issuer}", self.text())
    }

    /// The step whose code that is, if its time is now or next to now and it comes after the `last` one that was
    /// accepted.
    pub fn step_of(&self, code: &str, now: DateTime<Utc>, last: Option<i64>) -> Option<i64> {
        let at = u64::try_from(now.timestamp()).ok()? / STEP_SECONDS;
        let steps = at.saturating_sub(SKEW)..=at + SKEW;
        let matching = steps.filter(|step| self.0.check(code, step * STEP_SECONDS).is_some());
        matching.filter_map(|step| i64::try_from(step).ok()).find(|step| last.is_none_or(|last| *step > last))
    }

    /// The step of a code as it was typed.
    pub fn step_given(&self, typed: &str, now: DateTime<Utc>) -> Option<i64> {
        match Given::read(typed) {
            Given::Code(code) => self.step_of(&code, now, None),
            Given::Recovery(_) | Given::Neither => None,
        }
    }

    /// What an app shows at that time.
    pub fn code_at(&self, now: DateTime<Utc>) -> String {
        self.0.generate(now.timestamp().unsigned_abs()).to_string()
    }

    /// What is stored of a recovery code: HMAC-SHA-256, with the secret as its key, in hex. Without the data key,
    /// which seals the secret, no code can be tried on it.
    pub fn hash(&self, recovery: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.secret().as_bytes());
        let mac = hmac::sign(&key, format!("recovery code:{recovery}").as_bytes());
        mac.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Numbers of a recovery code: one more than the greatest.
const RECOVERY_NUMBERS: u64 = 10_u64.pow(RECOVERY_DIGITS as u32);

/// New recovery codes, each of twelve digits.
pub fn recovery_codes() -> Result<Vec<String>, FactorFault> {
    (0..RECOVERY_CODES).map(|_| recovery_code()).collect()
}

fn recovery_code() -> Result<String, FactorFault> {
    loop {
        let mut bytes = [0; 8];
        rand::fill(&mut bytes).map_err(|_| FactorFault::NoRandomness)?;
        let number = u64::from_ne_bytes(bytes);
        // Of the last, incomplete round of numbers none is taken: each code is as likely as any other.
        if number < u64::MAX - u64::MAX % RECOVERY_NUMBERS {
            return Ok(format!("{:0RECOVERY_DIGITS$}", number % RECOVERY_NUMBERS));
        }
    }
}

/// A text in groups of four, as it is easily read and typed.
pub fn in_groups(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    /// RFC 6238, appendix B: the last six of its eight digits.
    #[test]
    fn codes_are_those_of_the_rfc() {
        let secret = Secret::read("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(secret.code_at(at(seconds)), code);
            assert_eq!(secret.step_of(code, at(seconds), None), Some(seconds / 30));
        }
    }

    #[test]
    fn a_code_counts_a_step_before_and_after_and_once() {
        let (secret, now) = (Secret::new().unwrap(), at(1_711_879_200));
        let step = now.timestamp() / 30;
        let code = |steps: i64| secret.code_at(at(now.timestamp() + 30 * steps));
        for steps in [-1, 0, 1] {
            assert_eq!(secret.step_of(&code(steps), now, None), Some(step + steps));
            assert_eq!(secret.step_of(&code(steps), now, Some(step + steps)), None, "used before");
            assert_eq!(secret.step_of(&code(steps), now, Some(step + 1)), None, "a later one was used");
        }
        for steps in [-2, 2] {
            assert_eq!(secret.step_of(&code(steps), now, None), None);
        }
    }

    #[test]
    fn what_people_type_is_read_as_they_mean_it() {
        let code = |digits: &str| Given::Code(digits.to_owned());
        assert!(Given::read(" 123 456 ") == code("123456"));
        assert!(Given::read("୧୨୩୪୫୬") == code("123456"));
        assert!(Given::read("१२३४५६") == code("123456"));
        assert!(Given::read("1234-5678-9012") == Given::Recovery("123456789012".to_owned()));
        for typed in ["", "12345", "1234567", "12345a", "１２３４５６", "123456\0"] {
            assert!(Given::read(typed) == Given::Neither, "{typed}");
        }
    }

    #[test]
    fn recovery_codes_are_twelve_digits_and_none_is_like_another() {
        let codes = recovery_codes().unwrap();
        assert_eq!(codes.len(), 10);
        assert!(codes.iter().all(|code| code.len() == 12 && code.bytes().all(|c| c.is_ascii_digit())));
        assert_eq!(codes.iter().collect::<std::collections::HashSet<_>>().len(), 10);
        assert_eq!(in_groups("123456789012"), "1234 5678 9012");
        let (one, other) = (Secret::new().unwrap(), Secret::new().unwrap());
        assert_ne!(one.hash(&codes[0]), other.hash(&codes[0]), "a hash is one person's");
    }

    #[test]
    fn a_secret_is_read_back_and_never_shows_itself() {
        let secret = Secret::new().unwrap();
        assert_eq!(secret.text().len(), 32);
        assert_eq!(Secret::read(&secret.text()).unwrap().text(), secret.text());
        assert_eq!(format!("{secret:?}"), "…");
        assert!(secret.link("asha.das@x").starts_with("otpauth://totp/MUKTA%20FTPS:asha%2Edas%40x?secret="));
        for none in ["", "JBSWY3DP", "not base 32"] {
            assert_eq!(Secret::read(none).err(), Some(FactorFault::NoSecret), "{none}");
        }
    }

    #[test]
    fn a_role_owes_what_the_setting_says() {
        for (text, owing) in [("offered", &[][..]), ("admins", &[Role::Admin]), ("all", Role::ALL)] {
            let demand = Demand::read(text).unwrap();
            for role in Role::ALL {
                assert_eq!(demand.is_on(*role), owing.contains(role), "{text}, {role}");
            }
        }
        assert_eq!(Demand::read("none"), None);
    }
}
