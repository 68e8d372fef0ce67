//! TLS without a proxy: with the owner's certificate, or with a generated self-signed one.
//!
//! The self-signed certificate is stored in the folder `tls` of the data folder, with permissions for
//! the owner only. Browsers do not trust it and warn once; users compare its fingerprint, which the
//! console and the page 다른 기기에서 접속 show. It covers the names and addresses that this computer
//! has when it is generated, is valid for [`VALIDITY_DAYS`], and is replaced [`RENEW_BEFORE_DAYS`]
//! before it expires; to replace it earlier, delete the folder. The owner's files are reloaded when they
//! change, so that a renewed certificate needs no restart.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use chrono::{Datelike, NaiveDate};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

use super::certificate::CertificateInfo;
use super::public_urls::lan_addresses;
use crate::config::TlsSource;
use crate::time::Moment;

/// Validity of a self-signed certificate, in days. Apple's systems accept at most 825 for a certificate
/// that the user installs.
const VALIDITY_DAYS: i64 = 800;

/// A self-signed certificate is replaced this many days before it expires.
const RENEW_BEFORE_DAYS: i64 = 30;

/// How often the owner's files are checked for changes.
const RELOAD_INTERVAL: Duration = Duration::from_mins(1);

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or has no certificate or key in it.
    #[error("인증서 파일을 쓸 수 없어요: {} ({reason})\nPEM 형식의 인증서와 개인 키인지 확인하세요.", path.display())]
    File {
        /// the file
        path: PathBuf,
        /// the error of the parser or of the system
        reason: String,
    },
    /// Certificate and key do not match, or rustls rejects them.
    #[error("인증서와 개인 키가 서로 맞지 않거나 쓸 수 없는 것이에요: {0}")]
    Rejected(String),
    /// A self-signed certificate could not be generated or stored.
    #[error("인증서를 만들지 못했어요: {0}")]
    NotGenerated(String),
}

/// The certificate and the rustls configuration of the server; cheap to clone.
#[derive(Clone, Debug)]
pub struct Tls {
    source: TlsSource,
    current: Arc<CurrentCertificate>,
    config: Arc<ServerConfig>,
    /// the certificate at the start of the program
    pub certificate: CertificateInfo,
}

/// The certificate for new connections.
#[derive(Debug)]
struct CurrentCertificate(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for CurrentCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Tls {
    /// Loads the certificate; generates a self-signed one if that is configured and none is valid.
    ///
    /// # Errors
    /// A [`TlsError`] with file and reason.
    pub fn open(source: &TlsSource, now: Moment) -> Result<Self, TlsError> {
        if let TlsSource::SelfSigned(folder) = source {
            ensure_self_signed(folder, now)?;
        }
        let (key, certificate) = load(source)?;
        let current = Arc::new(CurrentCertificate(RwLock::new(Arc::new(key))));
        let rejected = |error: rustls::Error| TlsError::Rejected(error.to_string());
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(rejected)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&current) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { source: source.clone(), current, config: Arc::new(config), certificate })
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config))
    }

    /// Reloads the files when they change. If they are invalid, the current certificate stays in use.
    pub async fn run_reloader(self) {
        let mut loaded = self.modified();
        loop {
            tokio::time::sleep(RELOAD_INTERVAL).await;
            let modified = self.modified();
            if modified != loaded {
                loaded = modified;
                match self.reload() {
                    Ok(certificate) => {
                        tracing::info!(expires_at = %certificate.expires_at, "new TLS certificate loaded");
                    }
                    Err(error) => {
                        tracing::error!(%error, "the new TLS certificate is invalid; the old one stays in use");
                    }
                }
            }
        }
    }

    fn reload(&self) -> Result<CertificateInfo, TlsError> {
        let (key, certificate) = load(&self.source)?;
        *self.current.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
        Ok(certificate)
    }

    /// Modification times of certificate and key.
    fn modified(&self) -> [Option<SystemTime>; 2] {
        let (cert, key) = self.source.files();
        [cert, key].map(|file| std::fs::metadata(file).and_then(|file| file.modified()).ok())
    }
}

/// Reads the certificate without changing anything. None if it has yet to be generated.
///
/// # Errors
/// As [`Tls::open`].
pub fn inspect(source: &TlsSource) -> Result<Option<CertificateInfo>, TlsError> {
    match source {
        TlsSource::SelfSigned(_) if !source.files().0.exists() => Ok(None),
        source => load(source).map(|(_, certificate)| Some(certificate)),
    }
}

fn load(source: &TlsSource) -> Result<(CertifiedKey, CertificateInfo), TlsError> {
    let (cert, key) = source.files();
    let unusable = |path: &Path, reason: String| TlsError::File { path: path.to_owned(), reason };
    let chain = CertificateDer::pem_file_iter(&cert).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(|error| unusable(&cert, error.to_string()))?;
    let first = chain.first().ok_or_else(|| unusable(&cert, "no certificate".to_owned()))?;
    let certificate =
        CertificateInfo::of(first).ok_or_else(|| unusable(&cert, "not an X.509 certificate".to_owned()))?;
    let private = PrivateKeyDer::from_pem_file(&key).map_err(|error| unusable(&key, error.to_string()))?;
    let certified = CertifiedKey::from_der(chain, private, &ring::default_provider())
        .map_err(|error| TlsError::Rejected(error.to_string()))?;
    Ok((certified, certificate))
}

fn ensure_self_signed(folder: &Path, now: Moment) -> Result<(), TlsError> {
    let source = TlsSource::SelfSigned(folder.to_owned());
    if inspect(&source)?.is_some_and(|certificate| certificate.days_left(now) >= RENEW_BEFORE_DAYS) {
        return Ok(());
    }
    generate(&source, now).map_err(|error| TlsError::NotGenerated(error.to_string()))
}

fn generate(source: &TlsSource, now: Moment) -> io::Result<()> {
    let failed = |error: rcgen::Error| io::Error::other(error.to_string());
    let name = gethostname::gethostname().to_string_lossy().into_owned();
    let loopback = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
    let addresses = loopback.into_iter().chain(lan_addresses()).map(|address| address.to_string());
    // Skip names that are invalid in a certificate (non-ASCII, for example).
    let names = [name.clone(), format!("{name}.local"), "localhost".to_owned()];
    let names = names.into_iter().filter(|name| CertificateParams::new(vec![name.clone()]).is_ok());

    let mut params = CertificateParams::new(names.chain(addresses).collect::<Vec<_>>()).map_err(failed)?;
    params.distinguished_name.push(DnType::CommonName, "mukkeum");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let day = |date: NaiveDate| {
        let of = |number: u32| u8::try_from(number).unwrap_or(1);
        date_time_ymd(date.year(), of(date.month()), of(date.day()))
    };
    // Valid since the day before, because a client's clock may be slow.
    params.not_before = day(now.plus_ms(-DAY_MS).date());
    params.not_after = day(now.plus_ms(VALIDITY_DAYS * DAY_MS).date());
    let key = KeyPair::generate().map_err(failed)?;
    let certificate = params.self_signed(&key).map_err(failed)?;

    let (cert_file, key_file) = source.files();
    if let Some(folder) = key_file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    // The key first: if the certificate exists, so does its key.
    write_atomically(&key_file, &key.serialize_pem())?;
    write_atomically(&cert_file, &certificate.pem())
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
mod tests {
    use super::*;

    const NOW: Moment = Moment(1_795_316_400_000);

    #[test]
    fn self_signed_certificate_is_private_and_renewed_before_it_expires() {
        let folder = tempfile::tempdir().expect("a folder");
        let source = TlsSource::SelfSigned(folder.path().join("tls"));
        assert_eq!(inspect(&source).expect("no error"), None);
        let generated = Tls::open(&source, NOW).expect("generates one").certificate;
        assert_eq!(generated.fingerprint.len(), 32 * 3 - 1);
        assert!((VALIDITY_DAYS - 1..=VALIDITY_DAYS).contains(&generated.days_left(NOW)));
        let after = |days: i64| Tls::open(&source, NOW.plus_ms(days * DAY_MS)).expect("opens").certificate;
        assert_eq!(after(VALIDITY_DAYS - RENEW_BEFORE_DAYS - 1), generated);
        assert_ne!(after(VALIDITY_DAYS - RENEW_BEFORE_DAYS + 1), generated);
        #[cfg(unix)]
        for file in ["tls/key.pem", "tls/cert.pem"] {
            let mode = std::fs::metadata(folder.path().join(file)).expect("is there").permissions();
            assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, 0o600);
        }
    }

    #[test]
    fn changed_files_are_reloaded_and_invalid_files_are_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        let generate = |folder: &Path| {
            Tls::open(&TlsSource::SelfSigned(folder.to_owned()), NOW).expect("generates one").certificate
        };
        let generated = [generate(&one), generate(&other)];
        let files = |cert: &Path, key: &Path| TlsSource::Files { cert: cert.to_owned(), key: key.to_owned() };
        let tls = Tls::open(&files(&one.join("cert.pem"), &one.join("key.pem")), NOW).expect("opens");
        assert_eq!(tls.certificate, generated[0]);

        let before = tls.modified();
        for file in ["cert.pem", "key.pem"] {
            std::fs::copy(other.join(file), one.join(file)).expect("copies");
        }
        assert_ne!(tls.modified(), before);
        assert_eq!(tls.reload().expect("reloads"), generated[1]);
        std::fs::write(one.join("cert.pem"), "nothing").expect("writes");
        assert!(matches!(tls.reload(), Err(TlsError::File { path, .. }) if path == one.join("cert.pem")));

        let third = folder.path().join("third");
        generate(&third);
        let mixed = files(&third.join("cert.pem"), &other.join("key.pem"));
        assert!(matches!(Tls::open(&mixed, NOW), Err(TlsError::Rejected(_))));
    }
}
