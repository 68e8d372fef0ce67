//! Password hashing with argon2id, at most two hashes at once.
//!
//! A hash takes 19 MiB and some tens of milliseconds of a core by design. The limit keeps a burst of logins from using
//! up the memory and the cores of a shop's PC. A permit is acquired before `spawn_blocking`, so waiters hold no thread.

use std::sync::{Arc, LazyLock};

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier};
use argon2::{Argon2, PasswordHash};
use tokio::sync::Semaphore;

use super::model::NewPassword;

/// Hashes computed at the same time.
const MAX_CONCURRENT_HASHES: usize = 2;

/// Longest password that is hashed: 256 characters of four bytes.
const MAX_PASSWORD_BYTES: usize = 1024;

/// Verified when the username is unknown, so that the response takes equally long.
static DUMMY_HASH: LazyLock<String> = LazyLock::new(|| hash(b"nobody has this password").unwrap_or_default());

/// A password could not be hashed or verified.
#[derive(Debug, thiserror::Error)]
#[error("a password could not be hashed: {0}")]
pub struct HashError(String);

/// Hashes and verifies passwords. Clones share the limit.
#[derive(Clone)]
pub struct PasswordHasher {
    permits: Arc<Semaphore>,
}

impl Default for PasswordHasher {
    fn default() -> Self {
        Self { permits: Arc::new(Semaphore::new(MAX_CONCURRENT_HASHES)) }
    }
}

impl PasswordHasher {
    /// The hash to store, as a PHC string.
    ///
    /// # Errors
    /// Hashing failed.
    pub async fn hash(&self, password: NewPassword) -> Result<String, HashError> {
        self.spawn_blocking(move || hash(password.as_bytes())).await
    }

    /// Whether `password` matches `hash`; false after the same time without a hash.
    ///
    /// # Errors
    /// The hash is not a PHC string.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, HashError> {
        // No member has such a password, and hashing it would take the more memory and time the longer it is.
        let (password, hash) =
            if password.len() > MAX_PASSWORD_BYTES { (String::new(), None) } else { (password, hash) };
        self.spawn_blocking(move || {
            let parsed = PasswordHash::new(hash.as_deref().unwrap_or(DUMMY_HASH.as_str()))
                .map_err(|error| HashError(error.to_string()))?;
            let matches = Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok();
            Ok(matches && hash.is_some())
        })
        .await
    }

    async fn spawn_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, HashError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|error| HashError(error.to_string()))?;
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        })
        .await
        .map_err(|error| HashError(error.to_string()))?
    }
}

/// Uses the defaults of `argon2`, which are those of OWASP (argon2id, 19 MiB, two passes, one lane); a test pins them.
fn hash(password: &[u8]) -> Result<String, HashError> {
    let hash = Argon2::default().hash_password(password).map_err(|error| HashError(error.to_string()))?;
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn hashes_are_argon2id_with_owasp_parameters_and_verify() {
        let passwords = PasswordHasher::default();
        let password = NewPassword::new("correct horse".to_owned(), &[]).expect("long enough");
        let hash = passwords.hash(password).await.expect("hashes");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.verify("correct horse".to_owned(), Some(hash.clone())).await.expect("verifies"));
        assert!(!passwords.verify("wrong horse".to_owned(), Some(hash)).await.expect("verifies"));
        let long = "x".repeat(2_000);
        let of_long = passwords.hash(NewPassword::of_program(&long)).await.expect("hashes");
        assert!(!passwords.verify(long, Some(of_long)).await.expect("verifies"), "longer than any password");
        assert!(!passwords.verify("nobody has this password".to_owned(), None).await.expect("verifies"));
    }
}
