//! Encryption key of the backup, and its text form for paper.

use std::path::Path;

use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};

use crate::text::hex;

/// Crockford's Base32.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Letters of the key in its text form, followed by a checksum; printed in groups.
const KEY_LETTERS: usize = 52;
const CHECKSUM_LETTERS: usize = 4;
const GROUP_LETTERS: usize = 4;

/// File of the key in the data folder. A restore on another computer needs the key from paper.
pub const KEY_FILE: &str = "backup.key";

/// A 256-bit key of XChaCha20-Poly1305.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; 32]);

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The typed text is no key, or its checksum is wrong.
    #[error("백업 열쇠를 잘못 입력했어요. 종이에 적힌 56글자를 다시 확인해 주세요.")]
    Mistyped,
    /// The key file cannot be read or written.
    #[error("백업 열쇠 파일을 읽거나 쓰지 못했어요: {0}")]
    File(#[from] std::io::Error),
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({})", self.id())
    }
}

impl Key {
    /// Loads the key of a shop; `None` if its backups are not encrypted.
    ///
    /// # Errors
    /// The file cannot be read or contains no key.
    pub fn load(data: &Path) -> Result<Option<Self>, KeyError> {
        match std::fs::read_to_string(data.join(KEY_FILE)) {
            Ok(text) => Self::parse(&text).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The key of the shop. Generates one, and returns true with it, if there is none.
    ///
    /// # Errors
    /// The file cannot be read or written, or contains no key.
    pub fn load_or_generate(data: &Path) -> Result<(Self, bool), KeyError> {
        Ok(match Self::load(data)? {
            Some(key) => (key, false),
            None => (Self::generate(data)?, true),
        })
    }

    /// Generates a random key and saves it.
    ///
    /// # Errors
    /// The shop has a key already, or the file cannot be written.
    pub fn generate(data: &Path) -> Result<Self, KeyError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
        let key = Self(bytes);
        key.save(data)?;
        Ok(key)
    }

    /// Saves the key in the data folder, readable only by the owner.
    ///
    /// # Errors
    /// The shop has a key already, or the file cannot be written.
    pub fn save(&self, data: &Path) -> Result<(), KeyError> {
        self.save_as(&data.join(KEY_FILE))
    }

    /// Saves the key in a file, readable only by the owner.
    ///
    /// # Errors
    /// The file exists already, or cannot be written.
    pub fn save_as(&self, file: &Path) -> Result<(), KeyError> {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(file)?;
        std::io::Write::write_all(&mut file, format!("{}\n", self.to_text()).as_bytes())?;
        Ok(file.sync_all()?)
    }

    /// The key as text for paper: `ABCD-EFGH-…`, fourteen groups.
    pub fn to_text(&self) -> String {
        let checksum = letters(&Sha256::digest(self.0), CHECKSUM_LETTERS);
        let all = letters(&self.0, KEY_LETTERS) + &checksum;
        let groups: Vec<&str> =
            all.as_bytes().chunks(GROUP_LETTERS).filter_map(|group| str::from_utf8(group).ok()).collect();
        groups.join("-")
    }

    /// Parses the text form. Case, separators, and O, I, L in place of 0 and 1 are accepted.
    ///
    /// # Errors
    /// [`KeyError::Mistyped`] for a wrong length, letter or checksum.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let digits: Vec<u8> = text
            .bytes()
            .filter(u8::is_ascii_alphanumeric)
            .map(|byte| match byte.to_ascii_uppercase() {
                b'O' => Ok(0),
                b'I' | b'L' => Ok(1),
                other => ALPHABET
                    .iter()
                    .position(|&letter| letter == other)
                    .and_then(|digit| u8::try_from(digit).ok())
                    .ok_or(KeyError::Mistyped),
            })
            .collect::<Result<_, _>>()?;
        let mut bytes = [0; 32];
        for (index, digit) in digits.iter().take(KEY_LETTERS).enumerate() {
            for bit in (0..5).filter(|bit| digit >> (4 - bit) & 1 == 1) {
                let at = index * 5 + bit;
                *bytes.get_mut(at / 8).ok_or(KeyError::Mistyped)? |= 0x80 >> (at % 8);
            }
        }
        let key = Self(bytes);
        let typed: String = digits.iter().map(|&digit| char::from(ALPHABET[usize::from(digit)])).collect();
        if key.to_text().replace('-', "") == typed { Ok(key) } else { Err(KeyError::Mistyped) }
    }

    /// Short fingerprint that identifies the key and does not reveal it.
    pub fn id(&self) -> String {
        hex(&Sha256::digest([b"mukkeum backup key".as_slice(), &self.0].concat())[..4])
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Encrypts a chunk. The nonce must be unique.
    pub(super) fn seal(&self, nonce: [u8; 24], chunk: &[u8]) -> Option<Vec<u8>> {
        XChaCha20Poly1305::new(&self.0.into()).encrypt(&XNonce::from(nonce), chunk).ok()
    }

    /// Decrypts a chunk; `None` if it was changed.
    pub(super) fn unseal(&self, nonce: [u8; 24], chunk: &[u8]) -> Option<Vec<u8>> {
        XChaCha20Poly1305::new(&self.0.into()).decrypt(&XNonce::from(nonce), chunk).ok()
    }
}

/// The first `count` groups of five bits, as letters.
fn letters(bytes: &[u8], count: usize) -> String {
    let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| byte >> (7 - at % 8) & 1);
    (0..count)
        .map(|index| (0..5).fold(0, |digit, at| digit << 1 | bit(index * 5 + at)))
        .map(|digit: u8| char::from(ALPHABET[usize::from(digit)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips_and_typing_errors_are_detected() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(Key::load(folder.path()).expect("reads").is_none());
        let key = Key::generate(folder.path()).expect("makes");
        assert!(Key::generate(folder.path()).is_err(), "never over another");
        assert!(Key::load(folder.path()).expect("reads").as_ref() == Some(&key));

        let text = key.to_text();
        assert_eq!(text.len(), 56 + 13);
        let typed = text.to_lowercase().replace('-', "  ").replace('0', "o").replace('1', "l");
        assert!(Key::parse(&typed).expect("forgiving") == key);
        for at in (0..text.len()).filter(|at| text.as_bytes()[*at] != b'-') {
            let mut wrong = text.clone().into_bytes();
            wrong[at] = if wrong[at] == b'7' { b'8' } else { b'7' };
            assert!(Key::parse(&String::from_utf8(wrong).expect("text")).is_err(), "letter {at}");
        }
        assert!(Key::parse("").is_err() && Key::parse(&text[1..]).is_err() && Key::parse(&(text + "0")).is_err());
    }
}
