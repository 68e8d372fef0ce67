//! Seals secrets that have to be kept readable: the passwords of channels' files.
//!
//! The key lies in a file of the data folder, not in the database: a copy of the database alone
//! opens nothing. XChaCha20-Poly1305; a sealed secret is a 24-byte nonce and the ciphertext.

use std::io::Write;
use std::path::Path;

use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};

const NONCE: usize = 24;

/// Seals and opens secrets with the key of this shop.
#[derive(Clone)]
pub struct Vault(XChaCha20Poly1305);

impl Vault {
    /// Reads the key at `path`, or makes one that only this user may read.
    ///
    /// # Errors
    /// When the file cannot be read or written, or does not hold a key.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        let key = match std::fs::read(path) {
            Ok(key) => key,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => make(path)?,
            Err(error) => return Err(error),
        };
        Self::with_key(&key).ok_or_else(|| {
            std::io::Error::new(std::io::ErrorKind::InvalidData, "the key file holds no key of 32 bytes")
        })
    }

    /// A vault with this key of 32 bytes.
    pub fn with_key(key: &[u8]) -> Option<Self> {
        let key = Key::try_from(key).ok()?;
        Some(Self(XChaCha20Poly1305::new(&key)))
    }

    /// Seals a secret. None only when the operating system gives no randomness.
    pub fn seal(&self, secret: &str) -> Option<Vec<u8>> {
        let mut nonce = [0_u8; NONCE];
        getrandom::fill(&mut nonce).ok()?;
        let sealed = self.0.encrypt(&XNonce::from(nonce), secret.as_bytes()).ok()?;
        Some([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what [`Vault::seal`] sealed with the same key.
    pub fn unseal(&self, sealed: &[u8]) -> Option<String> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE)?;
        let secret = self.0.decrypt(&XNonce::try_from(nonce).ok()?, sealed).ok()?;
        String::from_utf8(secret).ok()
    }
}

fn make(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut key = [0_u8; 32];
    getrandom::fill(&mut key).map_err(|error| std::io::Error::other(error.to_string()))?;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(&key)?;
    file.sync_all()?;
    Ok(key.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_comes_back_with_the_same_key_and_with_no_other() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret.key");
        let vault = Vault::open(&path).expect("makes a key");
        let sealed = vault.seal("1234").expect("seals");
        assert!(!sealed.windows(4).any(|four| four == b"1234"));
        assert_eq!(Vault::open(&path).expect("finds the key").unseal(&sealed).as_deref(), Some("1234"));
        assert_eq!(Vault::with_key(&[7; 32]).expect("a key").unseal(&sealed), None);
        assert_eq!(vault.unseal(b"short"), None);
    }
}
