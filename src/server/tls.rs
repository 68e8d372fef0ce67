//! HTTPS without a proxy: one's own certificate, or one that is made at the first start.
//!
//! The one that is made lies in the folder `tls` of the data, its key readable by the owner alone. No
//! browser knows who made it, so each warns once; its fingerprint, on the console and on the page
//! 다른 기기에서 접속, is what to compare. It is for the names and addresses this computer had then, is
//! good for [`GOOD_FOR_DAYS`], and is made anew [`RENEW_DAYS`] before; deleting it has a new one made.
//! Files of one's own are read again when they change, so that renewing them needs no restart.

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
use sha2::{Digest, Sha256};
use tokio_rustls::TlsAcceptor;

use super::reach;
use crate::time::Moment;

/// Days that Apple's systems accept at most of a certificate somebody installs (825).
const GOOD_FOR_DAYS: i64 = 800;

/// Days before its end at which a certificate that was made here is made anew.
const RENEW_DAYS: i64 = 30;

/// How often files of one's own are looked at.
const LOOK_EVERY: Duration = Duration::from_mins(1);

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Whose certificate browsers are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// one that is made at the first start, in this folder
    Made(PathBuf),
    /// one's own, as PEM files
    Given {
        /// the chain, the server's certificate first
        cert: PathBuf,
        /// its private key
        key: PathBuf,
    },
}

impl Source {
    fn files(&self) -> (PathBuf, PathBuf) {
        match self {
            Self::Made(folder) => (folder.join("cert.pem"), folder.join("key.pem")),
            Self::Given { cert, key } => (cert.clone(), key.clone()),
        }
    }
}

/// Why there is no HTTPS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or holds no certificate or key.
    #[error("인증서 파일을 쓸 수 없어요: {} ({reason})\nPEM 형식의 인증서와 개인 키인지 확인하세요.", path.display())]
    File {
        /// the file
        path: PathBuf,
        /// what is wrong with it
        reason: String,
    },
    /// Certificate and key do not belong together, or TLS refuses them.
    #[error("인증서와 개인 키가 서로 맞지 않거나 쓸 수 없는 것이에요: {0}")]
    Refused(String),
    /// A certificate could not be made.
    #[error("인증서를 만들지 못했어요: {0}")]
    Unmade(String),
}

/// What a certificate says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// SHA-256 of it, as browsers show it: `AB:CD:…`
    pub fingerprint: String,
    /// until when it is good
    pub until: Moment,
}

/// A certificate in use.
#[derive(Clone, Debug)]
pub struct Tls {
    source: Source,
    current: Arc<Current>,
    settings: Arc<ServerConfig>,
    /// of the certificate that the program began with
    pub facts: Facts,
}

/// The certificate that the next connection is shown.
#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Tls {
    /// Reads the certificate, or makes it where it is to be made.
    ///
    /// # Errors
    /// A [`TlsError`] that says which file and why.
    pub fn open(source: &Source, now: Moment) -> Result<Self, TlsError> {
        if let Source::Made(folder) = source {
            make_where_needed(folder, now)?;
        }
        let (key, facts) = load(source)?;
        let current = Arc::new(Current(RwLock::new(Arc::new(key))));
        let refused = |error: rustls::Error| TlsError::Refused(error.to_string());
        let mut settings = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(refused)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&current) as Arc<dyn ResolvesServerCert>);
        settings.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { source: source.clone(), current, settings: Arc::new(settings), facts })
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.settings))
    }

    /// Reads the files again whenever they have changed; what cannot be read leaves the certificate as it is.
    pub async fn keep_current(self) {
        let mut seen = self.written();
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let written = self.written();
            if written != seen {
                seen = written;
                match self.read_again() {
                    Ok(facts) => tracing::info!(until = %facts.until, "a new certificate is in use"),
                    Err(error) => tracing::error!(%error, "the new certificate is of no use; the old one stays"),
                }
            }
        }
    }

    fn read_again(&self) -> Result<Facts, TlsError> {
        let (key, facts) = load(&self.source)?;
        *self.current.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
        Ok(facts)
    }

    fn written(&self) -> [Option<SystemTime>; 2] {
        let (cert, key) = self.source.files();
        [cert, key].map(|file| std::fs::metadata(file).and_then(|file| file.modified()).ok())
    }
}

/// What the certificate says of itself that is there; None where it has still to be made.
///
/// # Errors
/// As [`Tls::open`].
pub fn examine(source: &Source) -> Result<Option<Facts>, TlsError> {
    match source {
        Source::Made(_) if !source.files().0.exists() => Ok(None),
        source => load(source).map(|(_, facts)| Some(facts)),
    }
}

fn load(source: &Source) -> Result<(CertifiedKey, Facts), TlsError> {
    let (cert, key) = source.files();
    let unusable = |path: &Path, reason: String| TlsError::File { path: path.to_owned(), reason };
    let chain = CertificateDer::pem_file_iter(&cert).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(|error| unusable(&cert, error.to_string()))?;
    let first = chain.first().ok_or_else(|| unusable(&cert, "no certificate".to_owned()))?;
    let facts = Facts::of(first).ok_or_else(|| unusable(&cert, "not an X.509 certificate".to_owned()))?;
    let private = PrivateKeyDer::from_pem_file(&key).map_err(|error| unusable(&key, error.to_string()))?;
    let certified = CertifiedKey::from_der(chain, private, &ring::default_provider())
        .map_err(|error| TlsError::Refused(error.to_string()))?;
    Ok((certified, facts))
}

impl Facts {
    fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
        let bytes: Vec<String> = Sha256::digest(certificate).iter().map(|byte| format!("{byte:02X}")).collect();
        let until = Moment(parsed.validity().not_after.timestamp().saturating_mul(1000));
        Some(Self { fingerprint: bytes.join(":"), until })
    }

    /// Whole days from `now` to its end; negative after it.
    pub fn days_left(&self, now: Moment) -> i64 {
        (self.until.0 - now.0).div_euclid(DAY_MS)
    }
}

fn make_where_needed(folder: &Path, now: Moment) -> Result<(), TlsError> {
    let source = Source::Made(folder.to_owned());
    let is_good = examine(&source)?.is_some_and(|facts| facts.days_left(now) >= RENEW_DAYS);
    if is_good { Ok(()) } else { make(&source, now).map_err(|error| TlsError::Unmade(error.to_string())) }
}

fn make(source: &Source, now: Moment) -> io::Result<()> {
    let failed = |error: rcgen::Error| io::Error::other(error.to_string());
    let name = gethostname::gethostname().to_string_lossy().into_owned();
    let loopback = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
    let addresses = loopback.into_iter().chain(reach::addresses()).map(|address| address.to_string());
    // A name that no certificate can have (it is not ASCII, say) is left out.
    let names = [name.clone(), format!("{name}.local"), "localhost".to_owned()];
    let names = names.into_iter().filter(|name| CertificateParams::new(vec![name.clone()]).is_ok());

    let mut params = CertificateParams::new(names.chain(addresses).collect::<Vec<_>>()).map_err(failed)?;
    params.distinguished_name.push(DnType::CommonName, "mukkeum");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let day = |date: NaiveDate| {
        let of = |number: u32| u8::try_from(number).unwrap_or(1);
        date_time_ymd(date.year(), of(date.month()), of(date.day()))
    };
    // From the day before: the clock of a telephone may be behind.
    params.not_before = day(now.plus_ms(-DAY_MS).date());
    params.not_after = day(now.plus_ms(GOOD_FOR_DAYS * DAY_MS).date());
    let key = KeyPair::generate().map_err(failed)?;
    let certificate = params.self_signed(&key).map_err(failed)?;

    let (cert_file, key_file) = source.files();
    if let Some(folder) = key_file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    // The certificate comes last: where it is, the key is too.
    write(&key_file, &key.serialize_pem())?;
    write(&cert_file, &certificate.pem())
}

/// Puts a file that only this user may read in place, whole or not at all.
fn write(file: &Path, text: &str) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut whole = tempfile::NamedTempFile::new_in(folder)?;
    whole.write_all(text.as_bytes())?;
    whole.as_file().sync_all()?;
    whole.persist(file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment(1_795_316_400_000);

    #[test]
    fn a_certificate_is_made_once_kept_from_others_and_made_anew_before_its_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let source = Source::Made(folder.path().join("tls"));
        assert_eq!(examine(&source).expect("nothing is wrong"), None);
        let made = Tls::open(&source, NOW).expect("makes one").facts;
        assert_eq!(made.fingerprint.len(), 32 * 3 - 1);
        assert!((GOOD_FOR_DAYS - 1..=GOOD_FOR_DAYS).contains(&made.days_left(NOW)));
        let after = |days: i64| Tls::open(&source, NOW.plus_ms(days * DAY_MS)).expect("opens").facts;
        assert_eq!(after(GOOD_FOR_DAYS - RENEW_DAYS - 1), made);
        assert_ne!(after(GOOD_FOR_DAYS - RENEW_DAYS + 1), made);
        #[cfg(unix)]
        for file in ["tls/key.pem", "tls/cert.pem"] {
            let mode = std::fs::metadata(folder.path().join(file)).expect("is there").permissions();
            assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, 0o600);
        }
    }

    #[test]
    fn files_of_ones_own_are_read_again_and_what_is_wrong_with_them_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        let made = [&one, &other].map(|folder| Tls::open(&Source::Made(folder.clone()), NOW).expect("makes one"));
        let own = |cert: &Path, key: &Path| Source::Given { cert: cert.to_owned(), key: key.to_owned() };
        let given = own(&one.join("cert.pem"), &one.join("key.pem"));
        let tls = Tls::open(&given, NOW).expect("opens");
        assert_eq!(tls.facts, made[0].facts);

        let before = tls.written();
        for file in ["cert.pem", "key.pem"] {
            std::fs::copy(other.join(file), one.join(file)).expect("copies");
        }
        assert_ne!(tls.written(), before);
        assert_eq!(tls.read_again().expect("reads"), made[1].facts);
        std::fs::write(one.join("cert.pem"), "nothing").expect("writes");
        assert!(matches!(tls.read_again(), Err(TlsError::File { path, .. }) if path == one.join("cert.pem")));

        let third = folder.path().join("third");
        Tls::open(&Source::Made(third.clone()), NOW).expect("makes one");
        let mixed = own(&third.join("cert.pem"), &other.join("key.pem"));
        assert!(matches!(Tls::open(&mixed, NOW), Err(TlsError::Refused(_))));
    }
}
