//! CSRF tokens: prove that a form was rendered by this application for the same browser.
//!
//! A browser has one secret, in its session or in a cookie. Each page masks it with new random bytes
//! (`mask ‖ mask ⊕ secret`), so that the size of compressed pages reveals nothing about it (BREACH).
//!
//! On a page of a member the token also proves whose page it is (`‖ member ‖ minute ‖ signature`), for half a day and beyond the
//! end of the session. That permits nothing but to keep the form until the member logs in again: see [`super::unsent`].

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::unsent::UnsentForms;
use super::{AuthContext, Error};
use crate::id::MemberId;
use crate::random::{self, RandomnessError};
use crate::time::Moment;
use crate::vault::{SIGNATURE_BYTES, Vault};

/// The form field with the token.
pub const FIELD: &str = "csrf";

/// Length of a secret.
const SECRET_BYTES: usize = 16;

/// Length of a masked secret.
const MASKED_BYTES: usize = SECRET_BYTES * 2;

/// Length of a member and a minute.
const OWNER_BYTES: usize = 8 + 4;

/// Purpose of the signature.
const OWNER_PURPOSE: &str = "form owner";

/// How long a token proves whose page it is from, in minutes: half a day.
const OWNER_MINUTES: u32 = 12 * 60;

/// Whether `text` has the form of a secret.
pub(super) fn is_secret(text: &str) -> bool {
    decode::<SECRET_BYTES>(text).is_some()
}

fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

/// The masked secret as a token for one page; on a page of a member with the proof of that.
pub(super) fn token(auth: &AuthContext) -> Result<String, RandomnessError> {
    let masked = mask(&auth.csrf_secret)?;
    let owner = auth.member().map(|member| member.id);
    Ok(match auth.unsent.as_ref().zip(owner) {
        Some((UnsentForms { vault, now }, member_id)) => owned_token(masked, vault, member_id, *now),
        None => URL_SAFE_NO_PAD.encode(masked),
    })
}

fn owned_token(masked: [u8; MASKED_BYTES], vault: &Vault, member_id: MemberId, now: Moment) -> String {
    let signed = [masked.as_slice(), &member_id.raw().to_be_bytes(), &minute(now).to_be_bytes()].concat();
    let signature = vault.sign(OWNER_PURPOSE, &signed);
    URL_SAFE_NO_PAD.encode([signed.as_slice(), &signature].concat())
}

fn minute(at: Moment) -> u32 {
    u32::try_from(at.0 / 60_000).unwrap_or_default()
}

/// The member from whose page a form with this token is; none after half a day.
pub(super) fn owner(vault: &Vault, token: &str, now: Moment) -> Option<MemberId> {
    let token = decode::<{ MASKED_BYTES + OWNER_BYTES + SIGNATURE_BYTES }>(token)?;
    let (signed, signature) = token.split_at(MASKED_BYTES + OWNER_BYTES);
    let (member_id, made_at) = signed[MASKED_BYTES..].split_at(8);
    let age = minute(now).checked_sub(u32::from_be_bytes(made_at.try_into().ok()?))?;
    // Hashes are compared for the same reason as in `verify`.
    let is_signed = Sha256::digest(vault.sign(OWNER_PURPOSE, signed)) == Sha256::digest(signature);
    (is_signed && age <= OWNER_MINUTES).then_some(MemberId::from_raw(i64::from_be_bytes(member_id.try_into().ok()?)))
}

fn mask(secret: &str) -> Result<[u8; MASKED_BYTES], RandomnessError> {
    let secret = decode::<SECRET_BYTES>(secret).unwrap_or_default();
    let mut token = [0; MASKED_BYTES];
    let (mask, masked) = token.split_at_mut(SECRET_BYTES);
    mask.copy_from_slice(&random::bytes::<SECRET_BYTES>()?);
    for ((masked, mask), secret) in masked.iter_mut().zip(mask.iter()).zip(secret) {
        *masked = mask ^ secret;
    }
    Ok(token)
}

/// Verifies the token of a form. [`super::Form`] does so before the handler runs; a handler of multipart bodies calls
/// this for the first part before it reads the others.
///
/// # Errors
/// [`Error::FormExpired`] when the token is missing or of another secret.
pub fn verify(auth: &AuthContext, token: &str) -> Result<(), Error> {
    let token = URL_SAFE_NO_PAD.decode(token).map_err(|_| Error::FormExpired)?;
    let is_of_member = token.len() == MASKED_BYTES + OWNER_BYTES + SIGNATURE_BYTES;
    if token.len() != MASKED_BYTES && !is_of_member {
        return Err(Error::FormExpired);
    }
    let (mask, masked) = token[..MASKED_BYTES].split_at(SECRET_BYTES);
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
        let (one, two) = (token(&mine).expect("random"), token(&mine).expect("random"));
        assert_ne!(one, two);
        assert!(verify(&mine, &one).is_ok() && verify(&mine, &two).is_ok());
        assert!(verify(&theirs, &one).is_err());
        assert!(verify(&mine, "").is_err());
        assert!(verify(&mine, &mine.csrf_secret).is_err());
    }

    #[test]
    fn token_of_a_member_proves_whose_page_it_is_from() {
        let [vault, foreign] = [7, 8].map(|byte| Vault::with_key(&[byte; 32]).expect("a key"));
        let auth = AuthContext::anonymous(secret().expect("random"));
        let now = Moment(1_710_464_400_000);
        let of_member = owned_token(mask(&auth.csrf_secret).expect("random"), &vault, MemberId::from_raw(42), now);
        assert!(verify(&auth, &of_member).is_ok());
        assert_eq!(owner(&vault, &of_member, now), Some(MemberId::from_raw(42)));
        assert_eq!(owner(&vault, &of_member, now.plus_ms(12 * 60 * 60_000)), Some(MemberId::from_raw(42)));
        assert_eq!(owner(&vault, &of_member, now.plus_ms(12 * 60 * 60_000 + 60_000)), None, "too old");
        assert_eq!(owner(&foreign, &of_member, now), None, "another shop");
        assert_eq!(owner(&vault, &token(&auth).expect("random"), now), None, "no member");

        let mut forged = URL_SAFE_NO_PAD.decode(&of_member).expect("base64");
        forged[MASKED_BYTES + 7] ^= 1;
        assert_eq!(owner(&vault, &URL_SAFE_NO_PAD.encode(forged), now), None, "another member's number");
    }
}
