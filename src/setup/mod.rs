//! First start of an empty shop in the browser: the first administrator, a restored backup, or a demo shop to practise in.

pub mod pages;
pub mod practice;
pub mod restore_job;

use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::random::{self, RandomnessError};

/// The setup code. Printed on the console at every start, also as part of a link; a browser must send it to create the
/// first administrator, which proves access to the console. There is no default password.
#[derive(Clone)]
pub struct SetupCode(Arc<str>);

impl SetupCode {
    /// Generates a code for this run of the program.
    ///
    /// # Errors
    /// The random number generator failed.
    pub fn generate() -> Result<Self, RandomnessError> {
        Ok(Self(random::long_code()?.into()))
    }

    /// Whether `typed` is the code, in any case and with surrounding spaces. Compares hashes, so the time it takes
    /// reveals nothing about the code.
    pub fn matches(&self, typed: &str) -> bool {
        Sha256::digest(typed.trim().to_ascii_uppercase()) == Sha256::digest(&*self.0)
    }
}

impl SetupCode {
    /// The path of the setup page with the code.
    pub fn path(&self) -> String {
        format!("/setup?code={}", self.0)
    }
}

/// The code as printed on the console.
impl fmt::Display for SetupCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
