//! Hashing passwords: argon2id, never more than two at once.
//!
//! One hash takes 19 MiB and some tens of milliseconds of a core on purpose. The bound keeps a
//! burst of sign-ins from taking the memory and the cores that the shop works with; those who
//! wait hold no thread.

use std::sync::{Arc, LazyLock};

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Argon2, PasswordHash};
use tokio::sync::Semaphore;

use super::model::NewPassword;

/// How many hashes run at once.
const AT_ONCE: usize = 2;

/// Verified when there is no such member, so that the answer takes as long.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash_now(b"nobody has this password").unwrap_or_default());

/// Why a password could not be hashed.
#[derive(Debug, thiserror::Error)]
#[error("a password could not be hashed: {0}")]
pub struct HashError(String);

/// Hashes and verifies passwords.
#[derive(Clone)]
pub struct Passwords {
    turns: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Passwords {
    /// The hash to store, a PHC string.
    pub async fn hash(&self, password: NewPassword) -> Result<String, HashError> {
        self.on_a_thread(move || hash_now(password.as_bytes())).await
    }

    /// Whether `password` is the one behind `hash`; without a hash no, after the same time.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, HashError> {
        self.on_a_thread(move || {
            let (known, nobody) = (hash.is_some(), NOBODY.as_str());
            let parsed =
                PasswordHash::new(hash.as_deref().unwrap_or(nobody)).map_err(|error| HashError(error.to_string()))?;
            Ok(Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok() && known)
        })
        .await
    }

    async fn on_a_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, HashError> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|error| HashError(error.to_string()))?;
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        })
        .await
        .map_err(|error| HashError(error.to_string()))?
    }
}

/// argon2's defaults are OWASP's: argon2id, 19 MiB, two passes, one lane; a test holds them.
fn hash_now(password: &[u8]) -> Result<String, HashError> {
    let hash = Argon2::default().hash_password(password).map_err(|error| HashError(error.to_string()))?;
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_is_argon2id_at_owasp_s_cost_and_verifies() {
        let passwords = Passwords::default();
        let password = NewPassword::new("correct horse".to_owned()).expect("long enough");
        let hash = passwords.hash(password).await.expect("hashes");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.verify("correct horse".to_owned(), Some(hash.clone())).await.expect("verifies"));
        assert!(!passwords.verify("wrong horse".to_owned(), Some(hash)).await.expect("verifies"));
        assert!(!passwords.verify("nobody has this password".to_owned(), None).await.expect("verifies"));
    }
}
