//! Tokens that prove a form came from a page of ours.
//!
//! A visitor has one secret, in the session or in a cookie. Every page hides it under fresh random
//! bytes (`mask ‖ mask ⊕ secret`), so that the compressed size of pages tells nothing about it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::{Error, Visitor};

/// The form field that carries the token.
pub const FIELD: &str = "csrf";

const SECRET_BYTES: usize = 16;

/// The operating system gave no randomness.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no randomness: {0}")]
pub struct NoRandomness(String);

fn random<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| NoRandomness(error.to_string()))?;
    Ok(bytes)
}

/// A new visitor's secret.
pub fn secret() -> Result<String, NoRandomness> {
    random::<SECRET_BYTES>().map(|bytes| URL_SAFE_NO_PAD.encode(bytes))
}

/// A code of eight characters to read from a console and type: `K7QF-2M9D`.
pub fn code() -> Result<String, NoRandomness> {
    Ok(long_code()?[5..].to_owned())
}

/// A code of twelve characters, sixty bits: `4T0X-K7QF-2M9D`.
pub fn long_code() -> Result<String, NoRandomness> {
    let bytes = random::<8>()?;
    let text = crate::storage::crockford(i64::from_le_bytes(bytes) & i64::MAX);
    Ok(format!("{}-{}-{}", &text[1..5], &text[5..9], &text[9..13]))
}

pub(super) fn is_secret(text: &str) -> bool {
    decode::<SECRET_BYTES>(text).is_some()
}

fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

/// A token for one page of the visitor with that secret.
pub(super) fn token(secret: &str) -> Result<String, NoRandomness> {
    let secret = decode::<SECRET_BYTES>(secret).unwrap_or_default();
    let mut token = [0; SECRET_BYTES * 2];
    let (mask, hidden) = token.split_at_mut(SECRET_BYTES);
    mask.copy_from_slice(&random::<SECRET_BYTES>()?);
    for ((hidden, mask), secret) in hidden.iter_mut().zip(mask.iter()).zip(secret) {
        *hidden = mask ^ secret;
    }
    Ok(URL_SAFE_NO_PAD.encode(token))
}

/// Checks a token that a form brought. [`super::Form`] has done it already; a handler that reads
/// multipart itself calls it with its first part before it looks at any other.
///
/// # Errors
/// [`Error::FormExpired`].
pub fn verify(visitor: &Visitor, token: &str) -> Result<(), Error> {
    let token = decode::<{ SECRET_BYTES * 2 }>(token).ok_or(Error::FormExpired)?;
    let (mask, hidden) = token.split_at(SECRET_BYTES);
    let brought: Vec<u8> = mask.iter().zip(hidden).map(|(mask, hidden)| mask ^ hidden).collect();
    let secret = decode::<SECRET_BYTES>(&visitor.csrf_secret).ok_or(Error::FormExpired)?;
    // Hashes are compared, so the time it takes tells nothing about the secret.
    if Sha256::digest(brought) == Sha256::digest(secret) { Ok(()) } else { Err(Error::FormExpired) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_each_time_and_fit_their_visitor_only() {
        let mine = Visitor::nobody(secret().expect("random"));
        let theirs = Visitor::nobody(secret().expect("random"));
        let (one, two) = (token(&mine.csrf_secret).expect("random"), token(&mine.csrf_secret).expect("random"));
        assert_ne!(one, two);
        assert!(verify(&mine, &one).is_ok() && verify(&mine, &two).is_ok());
        assert!(verify(&theirs, &one).is_err());
        assert!(verify(&mine, "").is_err());
        assert!(verify(&mine, &mine.csrf_secret).is_err());
    }
}
