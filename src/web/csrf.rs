//! CSRF tokens: prove that a form was rendered by this application for the same browser.
//!
//! A browser has one secret, in its session or in a cookie. Each page masks it with new random bytes
//! (`mask ‖ mask ⊕ secret`), so that the size of compressed pages reveals nothing about it (BREACH).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::{AuthContext, Error};
use crate::random::{self, RandomnessError};

/// The form field with the token.
pub const FIELD: &str = "csrf";

/// Length of a secret.
const SECRET_BYTES: usize = 16;

/// Whether `text` has the form of a secret.
pub(super) fn is_secret(text: &str) -> bool {
    decode::<SECRET_BYTES>(text).is_some()
}

fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

/// The secret masked as a token for one page.
pub(super) fn token(secret: &str) -> Result<String, RandomnessError> {
    let secret = decode::<SECRET_BYTES>(secret).unwrap_or_default();
    let mut token = [0; SECRET_BYTES * 2];
    let (mask, masked) = token.split_at_mut(SECRET_BYTES);
    mask.copy_from_slice(&random::bytes::<SECRET_BYTES>()?);
    for ((masked, mask), secret) in masked.iter_mut().zip(mask.iter()).zip(secret) {
        *masked = mask ^ secret;
    }
    Ok(URL_SAFE_NO_PAD.encode(token))
}

/// Verifies the token of a form. [`super::Form`] does so before the handler runs; a handler of multipart bodies calls
/// this for the first part before it reads the others.
///
/// # Errors
/// [`Error::FormExpired`] when the token is missing or of another secret.
pub fn verify(auth: &AuthContext, token: &str) -> Result<(), Error> {
    let token = decode::<{ SECRET_BYTES * 2 }>(token).ok_or(Error::FormExpired)?;
    let (mask, masked) = token.split_at(SECRET_BYTES);
    let unmasked: Vec<u8> = mask.iter().zip(masked).map(|(mask, masked)| mask ^ masked).collect();
    let secret = decode::<SECRET_BYTES>(&auth.csrf_secret).ok_or(Error::FormExpired)?;
    // Hashes are compared, so that the time it takes reveals nothing about the secret.
    if Sha256::digest(unmasked) == Sha256::digest(secret) { Ok(()) } else { Err(Error::FormExpired) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::secret;

    #[test]
    fn tokens_differ_each_time_and_match_their_own_secret_only() {
        let mine = AuthContext::anonymous(secret().expect("random"));
        let theirs = AuthContext::anonymous(secret().expect("random"));
        let (one, two) = (token(&mine.csrf_secret).expect("random"), token(&mine.csrf_secret).expect("random"));
        assert_ne!(one, two);
        assert!(verify(&mine, &one).is_ok() && verify(&mine, &two).is_ok());
        assert!(verify(&theirs, &one).is_err());
        assert!(verify(&mine, "").is_err());
        assert!(verify(&mine, &mine.csrf_secret).is_err());
    }
}
