//! Encrypts secrets that the program must read back: the passwords of channels' files. Signs what it must recognise.
//!
//! The key is a file in the data folder and not in the database, so a copy of the database alone reveals
//! no secret. XChaCha20-Poly1305; a sealed secret is a 24-byte nonce followed by the ciphertext.

use std::io::Write;
use std::path::Path;

use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;

const NONCE_BYTES: usize = 24;
const KEY_BYTES: usize = 32;

/// Length of a signature in bytes.
pub const SIGNATURE_BYTES: usize = 16;

/// Encrypts and decrypts secrets with the shop's key.
#[derive(Clone)]
pub struct Vault {
    cipher: XChaCha20Poly1305,
    /// derived from the key, so that no key has two uses
    signing_key: [u8; KEY_BYTES],
}

impl Vault {
    /// Reads the key file at `path`, or creates one that only this user may read.
    ///
    /// # Errors
    /// The file cannot be read or created; `InvalidData` when it is not a key of 32 bytes.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        Self::open_or(path, || create_key_file(path))
    }

    /// As [`Self::open`], but creates no file: without one the key is a new one that is lost with the vault. For
    /// commands that change nothing.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_read_only(path: &Path) -> std::io::Result<Self> {
        Self::open_or(path, new_key)
    }

    fn open_or(path: &Path, missing: impl FnOnce() -> std::io::Result<[u8; KEY_BYTES]>) -> std::io::Result<Self> {
        let key = match std::fs::read(path) {
            Ok(key) => Self::with_key(&key),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::with_key(&missing()?),
            Err(error) => return Err(error),
        };
        key.ok_or_else(|| std::io::Error::new(std::io::ErrorKind::InvalidData, "the key file is not a key of 32 bytes"))
    }

    /// A vault with this key; None if it has not 32 bytes.
    pub fn with_key(key: &[u8]) -> Option<Self> {
        let key = Key::try_from(key).ok()?;
        let signing_key = hmac(&key, b"mukkeum signatures");
        Some(Self { cipher: XChaCha20Poly1305::new(&key), signing_key })
    }

    /// Encrypts a secret. None when the operating system provides no randomness.
    pub fn seal(&self, secret: &str) -> Option<Vec<u8>> {
        let mut nonce = [0_u8; NONCE_BYTES];
        getrandom::fill(&mut nonce).ok()?;
        let sealed = self.cipher.encrypt(&XNonce::from(nonce), secret.as_bytes()).ok()?;
        Some([nonce.as_slice(), &sealed].concat())
    }

    /// Decrypts a secret of [`Vault::seal`]; None with another key or for damaged data.
    pub fn unseal(&self, sealed: &[u8]) -> Option<String> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_BYTES)?;
        let secret = self.cipher.decrypt(&XNonce::try_from(nonce).ok()?, sealed).ok()?;
        String::from_utf8(secret).ok()
    }

    /// The signature of a message, which only this key makes. `purpose` separates the kinds of messages.
    pub fn sign(&self, purpose: &str, message: &[u8]) -> [u8; SIGNATURE_BYTES] {
        let whole = hmac(&self.signing_key, &[purpose.as_bytes(), &[0], message].concat());
        std::array::from_fn(|index| whole[index])
    }
}

/// HMAC-SHA256 with a key of the length of the digest, which every such key fits.
fn hmac(key: &[u8], message: &[u8]) -> [u8; KEY_BYTES] {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; KEY_BYTES] };
    mac.update(message);
    mac.finalize().into_bytes().into()
}

fn new_key() -> std::io::Result<[u8; KEY_BYTES]> {
    let mut key = [0_u8; KEY_BYTES];
    getrandom::fill(&mut key).map_err(std::io::Error::other)?;
    Ok(key)
}

fn create_key_file(path: &Path) -> std::io::Result<[u8; KEY_BYTES]> {
    let key = new_key()?;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(&key)?;
    file.sync_all()?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_is_decrypted_with_its_key_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret.key");
        assert!(Vault::open_read_only(&path).is_ok() && !path.exists());
        let vault = Vault::open(&path).expect("makes a key");
        let sealed = vault.seal("1234").expect("seals");
        assert!(!sealed.windows(4).any(|four| four == b"1234"));
        assert_eq!(Vault::open_read_only(&path).expect("finds the key").unseal(&sealed).as_deref(), Some("1234"));
        assert_eq!(Vault::open(&path).expect("finds the key").unseal(&sealed).as_deref(), Some("1234"));
        assert_eq!(Vault::with_key(&[7; 32]).expect("a key").unseal(&sealed), None);
        assert_eq!(vault.unseal(b"short"), None);
    }

    #[test]
    fn signature_depends_on_key_purpose_and_message() {
        let [one, other] = [7, 8].map(|byte| Vault::with_key(&[byte; 32]).expect("a key"));
        let signature = one.sign("a", b"message");
        assert_eq!(signature, one.sign("a", b"message"));
        for different in [other.sign("a", b"message"), one.sign("b", b"message"), one.sign("a", b"massage")] {
            assert_ne!(signature, different);
        }
        assert_ne!(one.sign("a", b"bc"), one.sign("ab", b"c"));
    }
}
