//! Passwords: what may be one (OWASP ASVS 5.0 §6.2), and their hashes.

use std::sync::OnceLock;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{Error, PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};

use super::guessable;

/// Fewest and most characters.
const LENGTH: std::ops::RangeInclusive<usize> = 8..=128;

/// Why a text may not be a password.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PasswordFault {
    /// Too short or too long.
    #[error("a password has 8 to 128 characters")]
    Length,
    /// Among those that are guessed first.
    #[error(
        "this password is one of the commonest, or of the words of this place, with a few digits: choose another, \
         such as four words that do not belong together"
    )]
    Common,
    /// It is the user's name, or that with something at its ends.
    #[error("the password must not be the user's name, nor that with a few digits")]
    Name,
    /// The hash could not be made.
    #[error("the password could not be hashed")]
    Hash,
    /// There was not enough memory to look at it.
    #[error("there is not enough memory to look at a password")]
    Memory,
    /// None could be drawn.
    #[error("no password could be drawn at random")]
    Draw,
}

/// Argon2id, 19456 KiB, two passes, one lane: of OWASP's choices, all as strong, the one whose memory lets the whole
/// program do with 48 MiB. What was hashed with more is checked with more.
fn argon2() -> Result<Argon2<'static>, PasswordFault> {
    let params = Params::new(19456, 2, 1, None).map_err(|_| PasswordFault::Hash)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Checks a new password and hashes it, in PHC form. Takes tens of milliseconds and 19 MiB.
pub fn hash_new(name: &str, password: &str) -> Result<String, PasswordFault> {
    if !LENGTH.contains(&password.chars().count()) {
        return Err(PasswordFault::Length);
    }
    if guessable::is_of_name(name, password) {
        return Err(PasswordFault::Name);
    }
    if guessable::is_common(password) {
        return Err(PasswordFault::Common);
    }
    hash(password)
}

fn hash(password: &str) -> Result<String, PasswordFault> {
    let hash = argon2()?.hash_password(password.as_bytes()).map_err(|fault| match fault {
        Error::OutOfMemory => PasswordFault::Memory,
        _ => PasswordFault::Hash,
    })?;
    Ok(hash.to_string())
}

/// Whether a password is the one that was hashed. Without a hash (nobody of that name) it takes
/// just as long and says no. Without enough memory nobody knows: [`PasswordFault::Memory`].
pub fn verify(password: &str, stored: Option<&str>) -> Result<bool, PasswordFault> {
    // Longer ones were never accepted, and would only cost time.
    if password.chars().count() > *LENGTH.end() {
        return Ok(false);
    }
    let stored_or_nobodys = match stored {
        Some(stored) => stored,
        None => nobodys()?,
    };
    let Ok(hash) = PasswordHash::new(stored_or_nobodys) else { return Ok(false) };
    match Argon2::default().verify_password(password.as_bytes(), &hash) {
        Ok(()) => Ok(stored.is_some()),
        Err(Error::OutOfMemory) => Err(PasswordFault::Memory),
        Err(_) => Ok(false),
    }
}

/// A hash that is nobody's.
fn nobodys() -> Result<&'static str, PasswordFault> {
    static NOBODYS: OnceLock<String> = OnceLock::new();
    if let Some(made) = NOBODYS.get() {
        return Ok(made);
    }
    let made = hash("nobody's password")?;
    Ok(NOBODYS.get_or_init(|| made))
}

/// What a password of ours is drawn from: nothing in it is read as something else.
const PLAIN: &[u8; 31] = b"abcdefghjkmnpqrstuvwxyz23456789";
/// Groups of such characters, and characters in one.
const GROUPS: usize = 4;
const GROUP: usize = 4;

/// A password drawn for the first sign-in of `name`, such as `kf7m-tqxw-3npd-h9vc`, and its hash. Takes as long as
/// [`hash_new`].
pub fn drawn_for_once(name: &str) -> Result<(String, String), PasswordFault> {
    loop {
        let password = drawn()?;
        match hash_new(name, &password) {
            Ok(hash) => return Ok((password, hash)),
            // Chance has drawn what is guessed first.
            Err(PasswordFault::Common | PasswordFault::Name) => {}
            Err(fault) => return Err(fault),
        }
    }
}

fn drawn() -> Result<String, PasswordFault> {
    let mut password = String::with_capacity(GROUPS * (GROUP + 1));
    for place in 0..GROUPS * GROUP {
        if place > 0 && place % GROUP == 0 {
            password.push('-');
        }
        password.push(char::from(drawn_character()?));
    }
    Ok(password)
}

/// Each as likely as any other.
fn drawn_character() -> Result<u8, PasswordFault> {
    loop {
        let mut byte = [0];
        aws_lc_rs::rand::fill(&mut byte).map_err(|_| PasswordFault::Draw)?;
        let place = usize::from(byte[0]);
        if place < 256 - 256 % PLAIN.len() {
            return Ok(PLAIN[place % PLAIN.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_everybody_guesses_is_refused() {
        assert_eq!(hash_new("asha", "short"), Err(PasswordFault::Length));
        assert_eq!(hash_new("asha", &"x".repeat(129)), Err(PasswordFault::Length));
        assert_eq!(hash_new("asha", "Password1"), Err(PasswordFault::Common));
        assert_eq!(hash_new("asha.das.jatni", "Asha.Das.Jatni"), Err(PasswordFault::Name));
    }

    #[test]
    fn only_the_right_password_fits_its_hash() {
        let hash = hash_new("asha", "four plain words apart").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_eq!(verify("four plain words apart", Some(&hash)), Ok(true));
        assert_eq!(verify("four plain words", Some(&hash)), Ok(false));
        assert_eq!(verify("nobody's password", None), Ok(false));
        assert_eq!(verify("x", Some("no hash")), Ok(false));
    }

    #[test]
    fn a_drawn_password_can_be_read_aloud_and_is_a_good_one() {
        let mut drawn = std::collections::HashSet::new();
        for _ in 0..8 {
            let (password, hash) = drawn_for_once("asha").unwrap();
            assert_eq!(verify(&password, Some(&hash)), Ok(true));
            let groups: Vec<&str> = password.split('-').collect();
            assert_eq!(groups.iter().map(|group| group.len()).collect::<Vec<_>>(), [4; 4], "{password}");
            assert!(!password.contains(['0', 'o', '1', 'l', 'i']), "{password}");
            assert!(drawn.insert(password), "no two are the same");
        }
    }
}
