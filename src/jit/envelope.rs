//! JIT's encryption (DOMAIN.md §5): AES-256-ECB-PKCS7, RSA-OAEP with SHA-1, standard base64.
//!
//! ECB and SHA-1 are JIT's choice. They protect nothing that TLS around them does not.

use std::borrow::Cow;

use aws_lc_rs::cipher::{
    AES_256, DecryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPublicEncryptingKey, PublicEncryptingKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// Bytes of an AES-256 key.
const KEY_BYTES: usize = 32;

/// Why something could not be sealed, opened or read as a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// The text is not standard base64.
    #[error("the text is not base64")]
    NotBase64,
    /// Wrong key, or not encrypted as agreed.
    #[error("the text does not decrypt with the agreed key")]
    DoesNotDecrypt,
    /// A key of another length than AES-256 has.
    #[error("the key is {0} bytes long, not 32")]
    KeyLength(usize),
    /// Neither DER nor PEM of an RSA key.
    #[error(
        "the file is not an RSA public key of 2048 to 8192 bits: it must be the DER or PEM file (SubjectPublicKeyInfo, “BEGIN PUBLIC KEY”) that JIT hands over"
    )]
    NotAPublicKey,
    /// The cryptographic library refused.
    #[error("the cryptographic library could not do its work")]
    Library,
}

/// An AES-256 key: an appKey, a sek or a rek. Its bytes never show.
#[derive(Clone, PartialEq, Eq)]
pub struct SymmetricKey([u8; KEY_BYTES]);

impl std::fmt::Debug for SymmetricKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SymmetricKey(…)")
    }
}

impl SymmetricKey {
    /// A new random key.
    pub fn random() -> Result<Self, EnvelopeError> {
        let mut bytes = [0; KEY_BYTES];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| EnvelopeError::Library)?;
        Ok(Self(bytes))
    }

    /// The key of these 32 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        bytes.try_into().map(Self).map_err(|_| EnvelopeError::KeyLength(bytes.len()))
    }

    /// The key itself, to be sealed with another.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// `base64(AES-256-ECB-PKCS7(self, plain))`.
    pub fn seal(&self, plain: &[u8]) -> Result<String, EnvelopeError> {
        let key = UnboundCipherKey::new(&AES_256, &self.0).map_err(|_| EnvelopeError::Library)?;
        let key = PaddedBlockEncryptingKey::ecb_pkcs7(key).map_err(|_| EnvelopeError::Library)?;
        let mut bytes = plain.to_vec();
        key.encrypt(&mut bytes).map_err(|_| EnvelopeError::Library)?;
        Ok(BASE64.encode(bytes))
    }

    /// The reverse of [`seal`](Self::seal). White space within the base64 does not matter.
    pub fn open(&self, sealed: &str) -> Result<Vec<u8>, EnvelopeError> {
        let mut bytes = decode_base64(sealed)?;
        let key = UnboundCipherKey::new(&AES_256, &self.0).map_err(|_| EnvelopeError::Library)?;
        let key = PaddedBlockDecryptingKey::ecb_pkcs7(key).map_err(|_| EnvelopeError::Library)?;
        let length = key
            .decrypt(&mut bytes, DecryptionContext::None)
            .map_err(|_| EnvelopeError::DoesNotDecrypt)?
            .len();
        bytes.truncate(length);
        Ok(bytes)
    }
}

/// JIT's RSA public key.
#[derive(Clone)]
pub struct PublicKey(PublicEncryptingKey);

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey({} bits)", self.0.key_size_bits())
    }
}

impl PublicKey {
    /// Reads the file that JIT hands over: a SubjectPublicKeyInfo as DER, or as PEM.
    pub fn parse(file: &[u8]) -> Result<Self, EnvelopeError> {
        let der = match std::str::from_utf8(file) {
            Ok(text) if text.contains("-----BEGIN") => Cow::Owned(pem_body(text)?),
            _ => Cow::Borrowed(file),
        };
        PublicEncryptingKey::from_der(&der).map(Self).map_err(|_| EnvelopeError::NotAPublicKey)
    }

    /// `base64(RSA-OAEP(SHA-1, MGF1-SHA-1)(self, plain))`, another text each time.
    pub fn seal(&self, plain: &[u8]) -> Result<String, EnvelopeError> {
        let key = OaepPublicEncryptingKey::new(self.0.clone()).map_err(|_| EnvelopeError::Library)?;
        let mut sealed = vec![0; key.ciphertext_size()];
        let sealed =
            key.encrypt(&OAEP_SHA1_MGF1SHA1, plain, &mut sealed, None).map_err(|_| EnvelopeError::Library)?;
        Ok(BASE64.encode(sealed))
    }
}

/// The bytes of the first `PUBLIC KEY` block of a PEM text.
fn pem_body(text: &str) -> Result<Vec<u8>, EnvelopeError> {
    let body = text
        .split_once("-----BEGIN PUBLIC KEY-----")
        .and_then(|(_, rest)| rest.split_once("-----END PUBLIC KEY-----"))
        .map(|(body, _)| body)
        .ok_or(EnvelopeError::NotAPublicKey)?;
    decode_base64(body).map_err(|_| EnvelopeError::NotAPublicKey)
}

/// Standard base64; encoders for mail and PEM break its lines, so white space is skipped.
pub fn decode_base64(text: &str) -> Result<Vec<u8>, EnvelopeError> {
    let compact: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    BASE64.decode(compact).map_err(|_| EnvelopeError::NotBase64)
}

/// The body of `authenticate`: a JSON object with the sealed appKey.
pub fn authenticate_body(jit: &PublicKey, app_key: &SymmetricKey) -> Result<String, EnvelopeError> {
    Ok(serde_json::json!({ "appKey": jit.seal(app_key.as_bytes())? }).to_string())
}

/// The session's key, out of the `sek` of the answer to `authenticate`.
pub fn open_sek(app_key: &SymmetricKey, sek: &str) -> Result<SymmetricKey, EnvelopeError> {
    SymmetricKey::from_bytes(&app_key.open(sek)?)
}

/// The body of `get-jit-service-data`: a JSON object with the sealed request and its sealed rek.
pub fn call_body(sek: &SymmetricKey, rek: &SymmetricKey, request: &str) -> Result<String, EnvelopeError> {
    let body = serde_json::json!({
        "params": sek.seal(request.as_bytes())?,
        "rek": sek.seal(rek.as_bytes())?,
    });
    Ok(body.to_string())
}

/// The text inside a reply's body, which is base64, bare or as a JSON string.
pub fn bare_text(body: &str) -> Cow<'_, str> {
    let trimmed = body.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    match serde_json::from_str::<String>(trimmed) {
        Ok(inner) if trimmed.starts_with('"') => Cow::Owned(inner.trim().to_owned()),
        _ => Cow::Borrowed(trimmed),
    }
}

/// The JSON bytes of a reply to a call made with this rek.
pub fn open_reply(rek: &SymmetricKey, body: &str) -> Result<Vec<u8>, EnvelopeError> {
    rek.open(&bare_text(body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::rsa::{OaepPrivateDecryptingKey, PrivateDecryptingKey};
    use proptest::prelude::*;

    fn vectors() -> serde_json::Value {
        serde_json::from_str(include_str!("../../tests/data/jit-vectors.json")).unwrap()
    }

    fn bytes(value: &serde_json::Value) -> Vec<u8> {
        decode_base64(value.as_str().unwrap()).unwrap()
    }

    fn key(value: &serde_json::Value) -> SymmetricKey {
        SymmetricKey::from_bytes(&bytes(value)).unwrap()
    }

    fn private_key() -> OaepPrivateDecryptingKey {
        let pkcs8 = bytes(&vectors()["rsa"]["private_pkcs8"]);
        OaepPrivateDecryptingKey::new(PrivateDecryptingKey::from_pkcs8(&pkcs8).unwrap()).unwrap()
    }

    fn rsa_open(sealed: &[u8]) -> Vec<u8> {
        let private = private_key();
        let mut plain = vec![0; private.min_output_size()];
        private.decrypt(&OAEP_SHA1_MGF1SHA1, sealed, &mut plain, None).unwrap().to_vec()
    }

    #[test]
    fn aes_agrees_with_another_library_both_ways() {
        for vector in vectors()["aes"].as_array().unwrap() {
            let key = key(&vector["key"]);
            let (plain, cipher) = (bytes(&vector["plain"]), vector["cipher"].as_str().unwrap());
            assert_eq!(key.seal(&plain).unwrap(), cipher);
            assert_eq!(key.open(cipher).unwrap(), plain);
        }
    }

    #[test]
    fn a_whole_call_agrees_with_another_library() {
        let call = &vectors()["call"];
        let (sek, rek) = (key(&call["sek"]), key(&call["rek"]));
        assert_eq!(open_sek(&key(&call["app_key"]), call["sealed_sek"].as_str().unwrap()).unwrap(), sek);
        let body: serde_json::Value =
            serde_json::from_str(&call_body(&sek, &rek, call["request"].as_str().unwrap()).unwrap()).unwrap();
        assert_eq!(body, serde_json::json!({ "params": call["sealed_params"], "rek": call["sealed_rek"] }));
        let sealed = call["sealed_reply"].as_str().unwrap();
        let reply = call["reply"].as_str().unwrap().as_bytes();
        let escaped = format!("\"{}\"", sealed.replace('/', "\\/"));
        for body in [sealed.to_owned(), format!(" \"{sealed}\"\n"), escaped] {
            assert_eq!(open_reply(&rek, &body).unwrap(), reply);
        }
    }

    #[test]
    fn oaep_of_another_library_is_what_we_make() {
        for vector in vectors()["rsa"]["oaep"].as_array().unwrap() {
            assert_eq!(rsa_open(&bytes(&vector["cipher"])), bytes(&vector["plain"]));
        }
        let app_key = SymmetricKey::random().unwrap();
        let public = PublicKey::parse(&bytes(&vectors()["rsa"]["public_der"])).unwrap();
        let body: serde_json::Value =
            serde_json::from_str(&authenticate_body(&public, &app_key).unwrap()).unwrap();
        assert_eq!(rsa_open(&bytes(&body["appKey"])), app_key.as_bytes());
    }

    #[test]
    fn the_public_key_is_read_from_der_and_from_pem() {
        let rsa = &vectors()["rsa"];
        let pem = rsa["public_pem"].as_str().unwrap();
        for file in [
            bytes(&rsa["public_der"]),
            pem.as_bytes().to_vec(),
            format!("a comment\r\n{}", pem.replace('\n', "\r\n")).into_bytes(),
        ] {
            let public = PublicKey::parse(&file).unwrap();
            assert_eq!(format!("{public:?}"), "PublicKey(2048 bits)");
            assert_eq!(rsa_open(&decode_base64(&public.seal(b"x").unwrap()).unwrap()), b"x");
        }
    }

    #[test]
    fn what_is_not_a_public_key_is_refused_in_plain_words() {
        for file in
            [&b""[..], b"hello", b"-----BEGIN PUBLIC KEY-----\n!!\n-----END PUBLIC KEY-----", b"-----BEGIN X"]
        {
            let error = PublicKey::parse(file).unwrap_err();
            assert_eq!(error, EnvelopeError::NotAPublicKey);
        }
        assert_eq!(
            PublicKey::parse(&bytes(&vectors()["rsa"]["private_pkcs8"])).unwrap_err(),
            EnvelopeError::NotAPublicKey
        );
    }

    #[test]
    fn a_key_does_not_show_itself() {
        let key = SymmetricKey::from_bytes(&[7; 32]).unwrap();
        assert_eq!(format!("{key:?}"), "SymmetricKey(…)");
        assert_eq!(SymmetricKey::from_bytes(&[7; 16]), Err(EnvelopeError::KeyLength(16)));
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens_again(raw in any::<[u8; 32]>(), plain in prop::collection::vec(any::<u8>(), 0..300)) {
            let key = SymmetricKey::from_bytes(&raw).unwrap();
            prop_assert_eq!(key.open(&key.seal(&plain).unwrap()).unwrap(), plain);
        }

        #[test]
        fn no_bytes_make_opening_panic(raw in any::<[u8; 32]>(), noise in prop::collection::vec(any::<u8>(), 0..100), text in ".*") {
            let key = SymmetricKey::from_bytes(&raw).unwrap();
            let _ = key.open(&BASE64.encode(&noise));
            let _ = open_sek(&key, &text);
            let _ = open_reply(&key, &text);
            let _ = PublicKey::parse(&noise);
            let _ = PublicKey::parse(text.as_bytes());
            let _ = PublicKey::parse(format!("-----BEGIN PUBLIC KEY-----{}-----END PUBLIC KEY-----", BASE64.encode(&noise)).as_bytes());
        }
    }

    #[test]
    fn spoilt_bodies_open_or_say_why_not() {
        let rek = SymmetricKey::from_bytes(&[7; 32]).unwrap();
        crate::fuzzing::spoilt("replies", 0xe4, |plain| {
            // One character of what travels is another one; and what never was sealed.
            let mut body = rek.seal(plain).unwrap().into_bytes();
            let place = plain.iter().map(|byte| usize::from(*byte)).sum::<usize>() % body.len();
            body[place] = body[place].wrapping_add(1) & 0x7f;
            let way = |body: &str| match open_reply(&rek, body) {
                Ok(opened) => {
                    assert!(opened.len() <= body.len());
                    "opened".to_owned()
                }
                Err(fault) => format!("{fault:?}"),
            };
            format!("{} {}", way(&String::from_utf8_lossy(&body)), way(&String::from_utf8_lossy(plain)))
        });
    }
}
