//! Unguessable texts from the operating system's random number generator: secrets, cookies, codes that a person types.
//! [`seeded`] is the opposite: numbers that anyone can reproduce.

pub mod seeded;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::id::number_code;

/// The operating system's random number generator failed.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no randomness")]
pub struct RandomnessError(#[source] getrandom::Error);

/// Random bytes.
///
/// # Errors
/// The generator failed.
pub fn bytes<const N: usize>() -> Result<[u8; N], RandomnessError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(RandomnessError)?;
    Ok(bytes)
}

/// A secret of 128 bits in 22 characters of base64url.
///
/// # Errors
/// The generator failed.
pub fn secret() -> Result<String, RandomnessError> {
    bytes::<16>().map(|bytes| URL_SAFE_NO_PAD.encode(bytes))
}

/// A code of twelve characters (60 bits), to be read from a screen and typed: a one-time password, the setup code.
/// `4T0X-K7QF-2M9D`
///
/// # Errors
/// The generator failed.
pub fn long_code() -> Result<String, RandomnessError> {
    let text = number_code(i64::from_le_bytes(bytes()?) & i64::MAX);
    Ok(format!("{}-{}-{}", &text[1..5], &text[5..9], &text[9..13]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_groups_of_four_characters() {
        assert_eq!(long_code().expect("random").split('-').map(str::len).collect::<Vec<_>>(), [4, 4, 4]);
        assert_ne!(secret().expect("random"), secret().expect("random"));
    }
}
