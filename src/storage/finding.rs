//! What a look at the set-up found.

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// as it should be
    Good,
    /// mend it soon
    Warning,
    /// the shop cannot work, or may lose something
    Bad,
}

/// What one look found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// how bad it is
    pub severity: Severity,
    /// what was looked at
    pub subject: String,
    /// what was found
    pub found: String,
    /// what to do; nothing where all is well
    pub advice: String,
}

impl Finding {
    /// As it should be.
    pub fn good(subject: impl Into<String>, found: impl Into<String>) -> Self {
        Self { severity: Severity::Good, subject: subject.into(), found: found.into(), advice: String::new() }
    }

    /// Not as it should be.
    pub fn wrong(
        severity: Severity,
        subject: impl Into<String>,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { severity, subject: subject.into(), found: found.into(), advice: advice.into() }
    }
}
