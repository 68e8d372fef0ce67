//! Error messages at the fields of forms with a username or a new password.

use super::model::{PasswordError, UsernameError};

/// One message per field; None where the field is valid.
#[derive(Default)]
pub struct FieldErrors {
    /// at the username
    pub username: Option<String>,
    /// at the current password
    pub current: Option<String>,
    /// at the new password
    pub password: Option<String>,
    /// at the repetition of the new password
    pub again: Option<String>,
}

impl FieldErrors {
    /// Adds an error of the username.
    pub fn add_username(&mut self, error: UsernameError) {
        self.username = Some(error.to_string());
    }

    /// Adds an error of the new password, at the field where it is corrected.
    pub fn add_password(&mut self, error: PasswordError) {
        let field = if error == PasswordError::Mismatch { &mut self.again } else { &mut self.password };
        *field = Some(error.to_string());
    }

    /// Whether any field has an error.
    pub fn any(&self) -> bool {
        [&self.username, &self.current, &self.password, &self.again].into_iter().any(Option::is_some)
    }
}
