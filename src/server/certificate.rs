//! Fingerprint and expiry date of a certificate.

use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};

use crate::time::Moment;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Fingerprint and expiry date of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateInfo {
    /// SHA-256 fingerprint in the notation of browsers: `AB:CD:…`
    pub fingerprint: String,
    /// end of its validity
    pub expires_at: Moment,
}

impl CertificateInfo {
    /// Parses an X.509 certificate.
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
        let bytes: Vec<String> = Sha256::digest(certificate).iter().map(|byte| format!("{byte:02X}")).collect();
        let expires_at = Moment(parsed.validity().not_after.timestamp().saturating_mul(1000));
        Some(Self { fingerprint: bytes.join(":"), expires_at })
    }

    /// Whole days from `now` to the expiry date; negative after it.
    pub fn days_left(&self, now: Moment) -> i64 {
        (self.expires_at.0 - now.0).div_euclid(DAY_MS)
    }
}
