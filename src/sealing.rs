//! Sealing of account numbers, mobile numbers and raw payloads in the database.
//!
//! AES-256-GCM of aws-lc-rs. A sealed value is `0x01 ‖ key id (8 bytes) ‖ nonce (12) ‖ ciphertext ‖
//! tag (16)`; the associated data is the row's identity, so that a value moved to another row or
//! column does not open. Beside it stand the last four digits and a keyed hash (HMAC-SHA-256) that
//! tells equal values without opening them.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{digest, hkdf, hmac, rand};

const VERSION: u8 = 1;
const KEY_ID_LEN: usize = 8;
const HEADER_LEN: usize = 1 + KEY_ID_LEN + NONCE_LEN;

/// Why a value could not be sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The operating system or the cipher refused.
    #[error("the cipher of the data key failed")]
    Cipher,
    /// Sealed with a key that is neither `DATA_KEY` nor in `DATA_KEY_PREVIOUS`.
    #[error("sealed with another data key: set DATA_KEY, or add the earlier key to DATA_KEY_PREVIOUS")]
    UnknownKey,
    /// Cut, changed, or moved from another row.
    #[error("a sealed value in the database is damaged or belongs to another row")]
    Damaged,
    /// Opened, but it is not the text that was sealed.
    #[error("a sealed value in the database is not text")]
    NotText,
}

/// The row and column that a sealed value belongs to, as associated data.
#[derive(Debug, Clone, Copy)]
pub enum SealedField<'a> {
    /// A beneficiary's registered account number.
    Account(BeneficiaryKey<'a>),
    /// The account that was paid instead.
    OtherAccount(BeneficiaryKey<'a>),
    /// A beneficiary's mobile number.
    Mobile(BeneficiaryKey<'a>),
    /// The request of a call of FTPS, by the call's reference.
    Request(&'a str),
    /// The response of a call of FTPS, by the call's reference.
    Response(&'a str),
    /// The check value that tells whether a key fits the database.
    KeyCheck,
    /// The key of the chains of what is written once.
    TrailKey,
    /// The secret of an employee's second factor, by their name.
    SecondFactor(&'a str),
    /// A record staged by an import, by its position.
    Staged(u64),
}

/// What tells one beneficiary from all others, in the domain's terms.
#[derive(Debug, Clone, Copy)]
pub struct BeneficiaryKey<'a> {
    /// The PI number.
    pub number: &'a str,
    /// The payment ID in lower case.
    pub payment_key: &'a str,
}

impl SealedField<'_> {
    /// An unambiguous byte string: the parts joined by NUL, which no part can hold.
    fn identity(&self) -> Vec<u8> {
        let of = |column: &str, key: &BeneficiaryKey<'_>| {
            format!("beneficiaries.{column}\0{}\0{}", key.number, key.payment_key)
        };
        match self {
            Self::Account(key) => of("account", key),
            Self::OtherAccount(key) => of("other_account", key),
            Self::Mobile(key) => of("mobile", key),
            Self::Request(call_ref) => format!("ftps_calls.request\0{call_ref}"),
            Self::Response(call_ref) => format!("ftps_calls.response\0{call_ref}"),
            Self::KeyCheck => "data_keys.check".to_owned(),
            Self::TrailKey => "trail_key.key".to_owned(),
            Self::SecondFactor(name) => format!("employees.second_factor\0{name}"),
            Self::Staged(position) => format!("staged\0{position}"),
        }
        .into_bytes()
    }
}

struct DataKey {
    id: [u8; KEY_ID_LEN],
    aead: LessSafeKey,
    mac: hmac::Key,
}

impl DataKey {
    fn new(key: &[u8; 32]) -> Result<Self, SealError> {
        let derive = |label: &'static [u8]| -> Result<[u8; 32], SealError> {
            let mut derived = [0; 32];
            hkdf::Salt::new(hkdf::HKDF_SHA256, b"mukta-ftps data key")
                .extract(key)
                .expand(&[label], hkdf::HKDF_SHA256)
                .and_then(|okm| okm.fill(&mut derived))
                .map_err(|_| SealError::Cipher)?;
            Ok(derived)
        };
        let mut id = [0; KEY_ID_LEN];
        id.copy_from_slice(&digest::digest(&digest::SHA256, &derive(b"id")?).as_ref()[..KEY_ID_LEN]);
        Ok(Self {
            id,
            aead: LessSafeKey::new(
                UnboundKey::new(&AES_256_GCM, &derive(b"seal")?).map_err(|_| SealError::Cipher)?,
            ),
            mac: hmac::Key::new(hmac::HMAC_SHA256, &derive(b"hash")?),
        })
    }
}

/// The data keys at hand: the current one seals, all of them open.
pub struct Sealer {
    current: DataKey,
    previous: Vec<DataKey>,
}

/// Never shows a key.
impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealer({})", self.current_key_id())
    }
}

impl Sealer {
    /// Keys of 32 bytes: `DATA_KEY`, and those of `DATA_KEY_PREVIOUS`.
    pub fn new(current: &[u8; 32], previous: &[[u8; 32]]) -> Result<Self, SealError> {
        Ok(Self {
            current: DataKey::new(current)?,
            previous: previous.iter().map(DataKey::new).collect::<Result<_, _>>()?,
        })
    }

    /// A sealer whose key nobody else has and that dies with it, for files that are staged.
    pub fn ephemeral() -> Result<Self, SealError> {
        let mut key = [0; 32];
        rand::fill(&mut key).map_err(|_| SealError::Cipher)?;
        Self::new(&key, &[])
    }

    /// The current key's id in hex; it tells nothing about the key.
    pub fn current_key_id(&self) -> String {
        hex(&self.current.id)
    }

    /// The ids of all keys at hand, the current one first.
    pub fn key_ids(&self) -> Vec<String> {
        std::iter::once(&self.current).chain(&self.previous).map(|key| hex(&key.id)).collect()
    }

    /// Seals `plain` with the current key for the row and column it belongs to.
    pub fn seal(&self, field: SealedField<'_>, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).map_err(|_| SealError::Cipher)?;
        let mut sealed = Vec::with_capacity(HEADER_LEN + plain.len() + AES_256_GCM.tag_len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&self.current.id);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let tag = self
            .current
            .aead
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(field.identity()),
                &mut sealed[HEADER_LEN..],
            )
            .map_err(|_| SealError::Cipher)?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Opens what [`seal`](Self::seal) made for the same row and column.
    pub fn open(&self, field: SealedField<'_>, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let (header, body) = sealed.split_at_checked(HEADER_LEN).ok_or(SealError::Damaged)?;
        let (id, nonce) = header[1..].split_at(KEY_ID_LEN);
        if header[0] != VERSION {
            return Err(SealError::Damaged);
        }
        let key = std::iter::once(&self.current)
            .chain(&self.previous)
            .find(|key| key.id == id)
            .ok_or(SealError::UnknownKey)?;
        let mut plain = body.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::Damaged)?;
        let length = key
            .aead
            .open_in_place(nonce, Aad::from(field.identity()), &mut plain)
            .map_err(|_| SealError::Damaged)?
            .len();
        plain.truncate(length);
        Ok(plain)
    }

    /// Like [`open`](Self::open), for text.
    pub fn open_text(&self, field: SealedField<'_>, sealed: &[u8]) -> Result<String, SealError> {
        String::from_utf8(self.open(field, sealed)?).map_err(|_| SealError::NotText)
    }

    /// Whether a value was sealed with the current key, so that `reseal` may pass it over.
    pub fn is_current(&self, sealed: &[u8]) -> bool {
        sealed.starts_with(&self.current_prefix())
    }

    /// What every value begins with that the current key sealed.
    pub fn current_prefix(&self) -> Vec<u8> {
        std::iter::once(VERSION).chain(self.current.id).collect()
    }

    /// Keyed hash of a text under the current key, in hex: equal texts, equal hashes.
    pub fn hash(&self, text: &str) -> String {
        hex(hmac::sign(&self.current.mac, text.as_bytes()).as_ref())
    }
}

/// Bytes as lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Hex as bytes; `None` if it is not hex.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).ok()).collect()
}

/// `len` random bytes in hex, for tokens and references.
pub fn random_hex(len: usize) -> Result<String, SealError> {
    let mut bytes = vec![0; len];
    rand::fill(&mut bytes).map_err(|_| SealError::Cipher)?;
    Ok(hex(&bytes))
}

/// A random number, for pauses.
pub fn random_number() -> Result<u64, SealError> {
    let mut bytes = [0; 8];
    rand::fill(&mut bytes).map_err(|_| SealError::Cipher)?;
    Ok(u64::from_ne_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(payment_key: &str) -> SealedField<'_> {
        SealedField::Account(BeneficiaryKey { number: "PI-1", payment_key })
    }

    #[test]
    fn a_sealed_value_opens_only_in_its_own_row_and_column() {
        let sealer = Sealer::new(&[7; 32], &[]).unwrap();
        let sealed = sealer.seal(account("bn-1"), b"30131500001").unwrap();
        assert_eq!(sealer.open(account("bn-1"), &sealed).unwrap(), b"30131500001");
        assert!(matches!(sealer.open(account("bn-2"), &sealed), Err(SealError::Damaged)));
        let mobile = SealedField::Mobile(BeneficiaryKey { number: "PI-1", payment_key: "bn-1" });
        assert!(matches!(sealer.open(mobile, &sealed), Err(SealError::Damaged)));
    }

    #[test]
    fn equal_values_are_sealed_differently_and_hash_equally() {
        let sealer = Sealer::new(&[7; 32], &[]).unwrap();
        let (one, two) = (sealer.seal(account("a"), b"x").unwrap(), sealer.seal(account("a"), b"x").unwrap());
        assert_ne!(one, two);
        assert_eq!(sealer.hash("x"), sealer.hash("x"));
        assert_ne!(sealer.hash("x"), Sealer::new(&[8; 32], &[]).unwrap().hash("x"));
    }

    #[test]
    fn an_earlier_key_still_opens_and_a_foreign_one_does_not() {
        let old = Sealer::new(&[1; 32], &[]).unwrap();
        let sealed = old.seal(account("a"), b"x").unwrap();
        let rotated = Sealer::new(&[2; 32], &[[1; 32]]).unwrap();
        assert_eq!(rotated.open(account("a"), &sealed).unwrap(), b"x");
        assert!(!rotated.is_current(&sealed));
        let foreign = Sealer::new(&[3; 32], &[]).unwrap();
        assert!(matches!(foreign.open(account("a"), &sealed), Err(SealError::UnknownKey)));
    }

    proptest::proptest! {
        #[test]
        fn any_change_is_noticed(byte in 0..60_usize, flip in 1..=255_u8) {
            let sealer = Sealer::new(&[7; 32], &[]).unwrap();
            let mut sealed = sealer.seal(account("bn-1"), b"30131500001").unwrap();
            let at = byte % sealed.len();
            sealed[at] ^= flip;
            proptest::prop_assert!(sealer.open(account("bn-1"), &sealed).is_err());
        }

        #[test]
        fn no_bytes_make_opening_panic(bytes: Vec<u8>) {
            let sealer = Sealer::new(&[7; 32], &[]).unwrap();
            proptest::prop_assert!(sealer.open(account("a"), &bytes).is_err());
        }
    }
}
