//! One-time codes of an authenticator app (TOTP, RFC 6238): six digits, SHA-1, steps of 30 seconds, as every app supports.

use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sha1::Sha1;

use crate::random::{self, RandomnessError};
use crate::time::Moment;

/// Length of a step in milliseconds.
const STEP_MS: i64 = 30_000;

/// Steps before and after the present one whose codes are accepted: clocks of phones differ, and typing takes time.
const TOLERATED_STEPS: i64 = 1;

/// Bytes of a secret: as many as of the hash (RFC 4226, section 4, R6).
const SECRET_BYTES: usize = 20;

/// Number of possible codes: six digits.
const CODES: u32 = 1_000_000;

/// The alphabet of base 32 (RFC 4648), in which apps take a secret.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Name of the program in the app's list.
const ISSUER: &str = "묶음";

/// The secret that a member's app and the program share.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpSecret([u8; SECRET_BYTES]);

impl TotpSecret {
    /// A new secret.
    ///
    /// # Errors
    /// The operating system's random number generator failed.
    pub fn generate() -> Result<Self, RandomnessError> {
        random::bytes().map(Self)
    }

    /// The secret of 32 characters of base 32. Spaces and lower case are accepted, as people type it.
    pub fn parse(text: &str) -> Option<Self> {
        let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::with_capacity(SECRET_BYTES));
        for letter in text.bytes().filter(|letter| *letter != b' ').map(|letter| letter.to_ascii_uppercase()) {
            let value = BASE32.iter().position(|known| *known == letter)?;
            bits = (bits << 5) | u32::try_from(value).ok()?;
            count += 5;
            if count >= 8 {
                count -= 8;
                bytes.push((bits >> count).to_le_bytes()[0]);
                bits &= (1 << count) - 1;
            }
        }
        bytes.try_into().ok().map(Self)
    }

    /// The secret in base 32.
    pub fn to_base32(&self) -> String {
        // 160 bits are exactly 32 characters: no padding.
        let bit = |at: usize| (self.0[at / 8] >> (7 - at % 8)) & 1;
        let letter = |first: usize| (first..first + 5).fold(0_usize, |value, at| value << 1 | usize::from(bit(at)));
        (0..SECRET_BYTES * 8).step_by(5).map(|first| char::from(BASE32[letter(first)])).collect()
    }

    /// The URI that an app reads from a QR code.
    pub fn uri(&self, username: &str) -> String {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let issuer = encode(ISSUER);
        format!("otpauth://totp/{issuer}:{}?secret={}&issuer={issuer}", encode(username), self.to_base32())
    }

    /// The step whose code `typed` is, around `now`; None if it is wrong, or of a step up to `last_step`, whose code was
    /// used before.
    pub fn verify(&self, typed: &str, now: Moment, last_step: i64) -> Option<i64> {
        let typed: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
        let present = now.0.div_euclid(STEP_MS);
        let mut steps = (present - TOLERATED_STEPS..=present + TOLERATED_STEPS).filter(|step| *step > last_step);
        steps.find(|step| self.code(*step) == typed)
    }

    /// The code of a step.
    fn code(&self, step: i64) -> String {
        // A key of any length is valid.
        let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(&self.0) else { return String::new() };
        mac.update(&step.to_be_bytes());
        let hash: [u8; 20] = mac.finalize().into_bytes().into();
        let offset = usize::from(hash[19] & 0x0f);
        let number = u32::from_be_bytes([hash[offset], hash[offset + 1], hash[offset + 2], hash[offset + 3]]);
        format!("{:06}", (number & 0x7fff_ffff) % CODES)
    }

    /// The code at a moment, as an app shows it.
    #[cfg(test)]
    pub(crate) fn code_at(&self, now: Moment) -> String {
        self.code(now.0.div_euclid(STEP_MS))
    }
}

impl std::fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TotpSecret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of the test vectors in RFC 6238, appendix B.
    fn secret() -> TotpSecret {
        TotpSecret(*b"12345678901234567890")
    }

    /// The last six of the eight digits in RFC 6238, appendix B, for SHA-1.
    #[test]
    fn codes_are_those_of_rfc_6238() {
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(secret().code_at(Moment(seconds * 1000)), code);
        }
    }

    /// Computed with Python's hmac and base64.
    #[test]
    fn codes_are_those_of_another_implementation() {
        for (secret, seconds, code) in [
            ("UVG4UGBFGC5R23ITFTPNMI33F3MR4P3S", 1_869_282_355, "084752"),
            ("D7FRS4IXISKNMSJ4TVODIYF6GEQB42P6", 1_882_643_477, "196742"),
            ("3KQO52FZTF7VY7BJTH627ZMTEU6NMVFP", 1_740_798_037, "857085"),
            ("7LLRIJ5AV2Z752JDF6FPEII7T3SJDRNR", 1_706_056_688, "502780"),
            ("5S2VMO74DZXZGQT6ZPEP4KKV4XGY4RW4", 1_847_698_437, "031702"),
        ] {
            let secret = TotpSecret::parse(secret).expect("base 32");
            assert_eq!(secret.code_at(Moment(seconds * 1000)), code);
        }
    }

    #[test]
    fn secret_round_trips_through_base32() {
        assert_eq!(secret().to_base32(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(TotpSecret::parse("gezd gnbv gy3t qojq gezd gnbv gy3t qojq"), Some(secret()));
        for invalid in ["", "GEZDGNBVGY3TQOJQ", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ1"] {
            assert_eq!(TotpSecret::parse(invalid), None, "{invalid}");
        }
    }

    #[test]
    fn neighbouring_steps_are_accepted_once() {
        let (secret, now) = (secret(), Moment(1_795_316_400_000));
        let step = now.0 / STEP_MS;
        for (offset, accepted) in [(-2, None), (-1, Some(step - 1)), (0, Some(step)), (1, Some(step + 1)), (2, None)] {
            assert_eq!(secret.verify(&secret.code(step + offset), now, 0), accepted, "{offset}");
        }
        assert_eq!(secret.verify(&secret.code(step), now, step), None, "used before");
        assert_eq!(secret.verify("", now, 0), None);
        let spaced = secret.code(step);
        assert_eq!(secret.verify(&format!(" {} {} ", &spaced[..3], &spaced[3..]), now, 0), Some(step));
    }

    #[test]
    fn uri_names_program_and_member() {
        assert_eq!(
            secret().uri("kim@shop"),
            "otpauth://totp/%EB%AC%B6%EC%9D%8C:kim%40shop?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=%EB%AC%B6%EC%9D%8C"
        );
    }
}
