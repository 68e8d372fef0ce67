//! The key that a backup may be sealed with, and the sheet it is printed on.

use std::fmt::Write;
use std::path::Path;

use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Letters of the key, then letters that notice a slip of the pen; printed in groups of four.
const LETTERS: usize = 52;
const CHECK: usize = 4;
const GROUP: usize = 4;

/// Where the shop keeps its key, in the data folder. Whoever restores elsewhere brings the sheet.
pub const FILE_NAME: &str = "backup.key";

/// What seals and opens a backup.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; 32]);

/// Why a key is of no use.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Not what the sheet says.
    #[error("백업 열쇠를 잘못 적었어요. 종이에 적힌 56글자를 다시 확인해 주세요.")]
    Mistyped,
    /// The file of the key cannot be read or written.
    #[error("백업 열쇠 파일을 읽거나 쓰지 못했어요: {0}")]
    File(#[from] std::io::Error),
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({})", self.id())
    }
}

impl Key {
    /// The key of a shop; None when it does not seal its backups.
    ///
    /// # Errors
    /// The file cannot be read or holds no key.
    pub fn of_folder(data: &Path) -> Result<Option<Self>, KeyError> {
        match std::fs::read_to_string(data.join(FILE_NAME)) {
            Ok(text) => Self::parse(&text).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// A new key for the shop, which must have none.
    ///
    /// # Errors
    /// There is one, or the file cannot be written.
    pub fn make(data: &Path) -> Result<Self, KeyError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|error| std::io::Error::other(error.to_string()))?;
        let key = Self(bytes);
        key.keep(data)?;
        Ok(key)
    }

    /// Makes it the key of the shop, which must have none.
    ///
    /// # Errors
    /// There is one, or the file cannot be written.
    pub fn keep(&self, data: &Path) -> Result<(), KeyError> {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(data.join(FILE_NAME))?;
        std::io::Write::write_all(&mut file, format!("{}\n", self.sheet()).as_bytes())?;
        Ok(file.sync_all()?)
    }

    /// The key as the sheet shows it: `ABCD-EFGH-…`, fourteen groups.
    pub fn sheet(&self) -> String {
        let check = letters(&Sha256::digest(self.0), CHECK);
        let all = letters(&self.0, LETTERS) + &check;
        let groups: Vec<&str> = all.as_bytes().chunks(GROUP).filter_map(|group| str::from_utf8(group).ok()).collect();
        groups.join("-")
    }

    /// Reads what a sheet says, forgiving small letters, blanks, and O, I, L for 0 and 1.
    ///
    /// # Errors
    /// [`KeyError::Mistyped`].
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
        for (place, digit) in digits.iter().take(LETTERS).enumerate() {
            for bit in (0..5).filter(|bit| digit >> (4 - bit) & 1 == 1) {
                let at = place * 5 + bit;
                *bytes.get_mut(at / 8).ok_or(KeyError::Mistyped)? |= 0x80 >> (at % 8);
            }
        }
        let key = Self(bytes);
        let typed: String = digits.iter().map(|&digit| char::from(ALPHABET[usize::from(digit)])).collect();
        if key.sheet().replace('-', "") == typed { Ok(key) } else { Err(KeyError::Mistyped) }
    }

    /// Tells one key from another without giving it away.
    pub fn id(&self) -> String {
        hex(&Sha256::digest([b"mukkeum backup key".as_slice(), &self.0].concat())[..4])
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Seals one piece; no two pieces share a nonce.
    pub(super) fn seal(&self, nonce: [u8; 24], piece: &[u8]) -> Option<Vec<u8>> {
        XChaCha20Poly1305::new(&self.0.into()).encrypt(&XNonce::from(nonce), piece).ok()
    }

    pub(super) fn unseal(&self, nonce: [u8; 24], piece: &[u8]) -> Option<Vec<u8>> {
        XChaCha20Poly1305::new(&self.0.into()).decrypt(&XNonce::from(nonce), piece).ok()
    }
}

fn letters(bytes: &[u8], count: usize) -> String {
    let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| byte >> (7 - at % 8) & 1);
    (0..count)
        .map(|place| (0..5).fold(0, |digit, at| digit << 1 | bit(place * 5 + at)))
        .map(|digit: u8| char::from(ALPHABET[usize::from(digit)]))
        .collect()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_paper_and_a_slip_of_the_pen_is_noticed() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(Key::of_folder(folder.path()).expect("reads").is_none());
        let key = Key::make(folder.path()).expect("makes");
        assert!(Key::make(folder.path()).is_err(), "never over another");
        assert!(Key::of_folder(folder.path()).expect("reads").as_ref() == Some(&key));

        let sheet = key.sheet();
        assert_eq!(sheet.len(), 56 + 13);
        let typed = sheet.to_lowercase().replace('-', "  ").replace('0', "o").replace('1', "l");
        assert!(Key::parse(&typed).expect("forgiving") == key);
        for at in (0..sheet.len()).filter(|at| sheet.as_bytes()[*at] != b'-') {
            let mut wrong = sheet.clone().into_bytes();
            wrong[at] = if wrong[at] == b'7' { b'8' } else { b'7' };
            assert!(Key::parse(&String::from_utf8(wrong).expect("text")).is_err(), "letter {at}");
        }
        assert!(Key::parse("").is_err() && Key::parse(&sheet[1..]).is_err() && Key::parse(&(sheet + "0")).is_err());
    }
}
