//! The shop's own certificate authority (CA), which signs the certificate of the server.
//!
//! A phone that trusts this CA opens the pages without a warning, also after the certificate has been renewed or the
//! computer has got another address. Browsers refuse a service worker, and so pages without a network, to a certificate that
//! they do not trust, even if the user has clicked the warning away.
//!
//! Who has the private key of the CA can pretend to those phones to be another server. Therefore the CA is constrained
//! (RFC 5280, section 4.2.1.10) to private addresses, to `.local` and to the names of this computer; its key is readable by
//! the owner only; and no backup contains the folder.

use std::io::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use chrono::{Datelike, NaiveDate};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, NameConstraints, date_time_ymd,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::X509Certificate;

use super::certificate::CertificateInfo;
use super::server_names::ServerNames;
use super::tls::TlsError;
use crate::time::Moment;

/// Validity of the CA, in days. When it ends, each phone needs the new one.
const CA_VALIDITY_DAYS: i64 = 3_650;

/// Validity of a certificate of the server, in days. Browsers accept at most 398 of public authorities, and Apple's systems
/// 825 of those that a user installs.
pub(super) const VALIDITY_DAYS: i64 = 396;

/// A certificate is replaced this many days before it expires.
pub(super) const RENEW_BEFORE_DAYS: i64 = 30;

pub(super) const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Networks of the addresses that the CA may certify: private, shared (RFC 6598), loopback and link-local ones.
const PERMITTED_NETWORKS: [(&str, u8); 9] = [
    ("10.0.0.0", 8),
    ("172.16.0.0", 12),
    ("192.168.0.0", 16),
    ("100.64.0.0", 10),
    ("127.0.0.0", 8),
    ("169.254.0.0", 16),
    ("fc00::", 7),
    ("fe80::", 10),
    ("::1", 128),
];

/// The certificate of the CA, without its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaCertificate {
    /// the certificate in DER, which phones install
    pub der: Vec<u8>,
    /// its name on the phone: `묶음 가게 인증서 (shop-pc, 2026-11-29)`
    pub name: String,
    /// its fingerprint and expiry date
    pub info: CertificateInfo,
}

impl CaCertificate {
    /// Reads the certificate of the CA in `folder`. None if there is none yet.
    ///
    /// # Errors
    /// The file cannot be read, or has no certificate in it.
    pub fn read(folder: &Path) -> Result<Option<Self>, TlsError> {
        let file = ca_file(folder);
        if !file.exists() {
            return Ok(None);
        }
        let unusable = |reason: String| TlsError::File { path: file.clone(), reason };
        let der = CertificateDer::from_pem_file(&file).map_err(|error| unusable(error.to_string()))?;
        let info = CertificateInfo::of(&der).ok_or_else(|| unusable("not an X.509 certificate".to_owned()))?;
        let name = parse(&der).and_then(|parsed| {
            let name = parsed.subject().iter_common_name().next()?.as_str().ok()?;
            Some(name.to_owned())
        });
        Ok(Some(Self { der: der.to_vec(), name: name.unwrap_or_default(), info }))
    }

    /// The host names, with their subdomains, that the CA may certify.
    fn permitted_host_names(&self) -> Vec<String> {
        let Some(parsed) = parse(&self.der) else { return Vec::new() };
        let constraints = parsed.name_constraints().ok().flatten();
        let subtrees = constraints.and_then(|constraints| constraints.value.permitted_subtrees.as_ref());
        let names = subtrees.into_iter().flatten().filter_map(|subtree| match subtree.base {
            GeneralName::DNSName(name) => Some(name.to_owned()),
            _ => None,
        });
        names.collect()
    }

    /// Whether the CA has signed this certificate.
    fn has_signed(&self, certificate: &X509Certificate<'_>) -> bool {
        let ca = parse(&self.der);
        ca.is_some_and(|ca| {
            certificate.issuer() == ca.subject() && certificate.verify_signature(Some(ca.public_key())).is_ok()
        })
    }
}

/// The private key of the CA, in the folder of the certificates.
pub fn key_file(folder: &Path) -> PathBuf {
    folder.join("ca.key.pem")
}

fn ca_file(folder: &Path) -> PathBuf {
    folder.join("ca.pem")
}

fn parse(der: &[u8]) -> Option<X509Certificate<'_>> {
    x509_parser::parse_x509_certificate(der).ok().map(|(_, parsed)| parsed)
}

/// Whether the CA may certify an address.
pub(super) fn is_permitted(address: IpAddr) -> bool {
    let address = address.to_canonical();
    PERMITTED_NETWORKS.iter().any(|(network, prefix)| match (network.parse(), address) {
        (Ok(IpAddr::V4(network)), IpAddr::V4(address)) => {
            (u32::from(network) ^ u32::from(address)).checked_shr(32 - u32::from(*prefix)) == Some(0)
        }
        (Ok(IpAddr::V6(network)), IpAddr::V6(address)) => {
            (u128::from(network) ^ u128::from(address)).checked_shr(128 - u32::from(*prefix)) == Some(0)
        }
        _ => false,
    })
}

/// Creates the CA if there is none, and the certificate of the server if there is none, it expires soon, the CA has not
/// signed it, or it lacks one of `names`. True if it has created a certificate.
///
/// # Errors
/// A file cannot be read or written.
pub(super) fn ensure_certificate(folder: &Path, names: &ServerNames, now: Moment) -> Result<bool, TlsError> {
    let not_generated = |error: io::Error| TlsError::NotGenerated(error.to_string());
    let existing = CaCertificate::read(folder)?;
    let usable = existing.filter(|ca| ca.info.days_left(now) > 0 && key_file(folder).exists());
    let ca = if let Some(ca) = usable {
        ca
    } else {
        create_ca(folder, names, now).map_err(not_generated)?;
        CaCertificate::read(folder)?.ok_or_else(|| TlsError::NotGenerated("no CA".to_owned()))?
    };
    let names = names.permitted(&ca.permitted_host_names());
    if is_current(&cert_file(folder), &ca, &names, now) {
        return Ok(false);
    }
    create_certificate(folder, &ca, &names, now).map_err(not_generated)?;
    Ok(true)
}

fn cert_file(folder: &Path) -> PathBuf {
    folder.join("cert.pem")
}

/// Whether the certificate in `file` need not be replaced. An unreadable one is replaced.
fn is_current(file: &Path, ca: &CaCertificate, names: &ServerNames, now: Moment) -> bool {
    let Ok(der) = CertificateDer::from_pem_file(file) else { return false };
    let Some(info) = CertificateInfo::of(&der) else { return false };
    // The last certificate of a CA lasts as long as the CA.
    let lasts = info.days_left(now) >= RENEW_BEFORE_DAYS || info.expires_at >= ca.info.expires_at;
    lasts && parse(&der).is_some_and(|parsed| ca.has_signed(&parsed) && ServerNames::of(&parsed).contain(names))
}

fn create_ca(folder: &Path, names: &ServerNames, now: Moment) -> io::Result<()> {
    let host = names.hosts.first().map_or("localhost", String::as_str);
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "묶음");
    params.distinguished_name.push(DnType::CommonName, format!("묶음 가게 인증서 ({host}, {})", now.date()));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let networks = PERMITTED_NETWORKS.iter().filter_map(|(network, prefix)| {
        let address: IpAddr = network.parse().ok()?;
        Some(GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(address, *prefix)))
    });
    let hosts = names.hosts.iter().map(String::as_str).chain(["local"]);
    let hosts = hosts.map(|host| GeneralSubtree::DnsName(host.to_owned()));
    params.name_constraints =
        Some(NameConstraints { permitted_subtrees: hosts.chain(networks).collect(), excluded_subtrees: Vec::new() });
    set_validity(&mut params, now, now.plus_ms(CA_VALIDITY_DAYS * DAY_MS));
    let key = KeyPair::generate().map_err(failed)?;
    let certificate = params.self_signed(&key).map_err(failed)?;
    std::fs::create_dir_all(folder)?;
    // The key first: if the certificate exists, so does its key.
    write_atomically(&key_file(folder), &key.serialize_pem())?;
    write_atomically(&ca_file(folder), &certificate.pem())
}

fn create_certificate(folder: &Path, ca: &CaCertificate, names: &ServerNames, now: Moment) -> io::Result<()> {
    let ca_key = KeyPair::from_pem(&std::fs::read_to_string(key_file(folder))?).map_err(failed)?;
    let issuer = Issuer::from_ca_cert_der(&CertificateDer::from(ca.der.as_slice()), ca_key).map_err(failed)?;
    let key = KeyPair::generate().map_err(failed)?;
    let certificate = certificate_params(ca, names, now)?.signed_by(&key, &issuer).map_err(failed)?;
    write_atomically(&folder.join("key.pem"), &key.serialize_pem())?;
    write_atomically(&cert_file(folder), &certificate.pem())
}

fn certificate_params(ca: &CaCertificate, names: &ServerNames, now: Moment) -> io::Result<CertificateParams> {
    let mut params = CertificateParams::new(names.to_vec()).map_err(failed)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "mukkeum");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    set_validity(&mut params, now, now.plus_ms((VALIDITY_DAYS - 1) * DAY_MS).min(ca.info.expires_at));
    Ok(params)
}

/// Sets the validity from the day before `now`, because a client's clock may be slow, to the day of `end`.
fn set_validity(params: &mut CertificateParams, now: Moment, end: Moment) {
    let day = |date: NaiveDate| {
        let of = |number: u32| u8::try_from(number).unwrap_or(1);
        date_time_ymd(date.year(), of(date.month()), of(date.day()))
    };
    params.not_before = day(now.plus_ms(-DAY_MS).date());
    params.not_after = day(end.date());
}

fn failed(error: rcgen::Error) -> io::Error {
    io::Error::other(error)
}

/// Writes a file with mode 0600 (temporary file and rename).
fn write_atomically(file: &Path, text: &str) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    temporary.write_all(text.as_bytes())?;
    temporary.as_file().sync_all()?;
    temporary.persist(file)?;
    Ok(())
}

#[cfg(test)]
mod tests;
