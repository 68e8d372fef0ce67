//! TLS without a proxy: with the owner's certificate, or with one of the shop's own certificate authority
//! ([`super::shop_ca`]).
//!
//! The latter covers the names and addresses of this computer. It is replaced before it expires and when the computer gets
//! another address, without a restart. The owner's files are reloaded when they change, so that a renewed certificate needs
//! no restart either. Folders of earlier versions hold a self-signed certificate; it is replaced at the start.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

use super::certificate::CertificateInfo;
use super::server_names::ServerNames;
use super::shop_ca::{self, CaCertificate};
use crate::config::TlsSource;
use crate::time::{Clock, Moment};

/// How often the certificate is checked: for changed files, and for changed addresses of this computer.
const CHECK_INTERVAL: Duration = Duration::from_mins(1);

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
    /// A certificate could not be generated or stored.
    #[error("인증서를 만들지 못했어요: {0}")]
    NotGenerated(String),
}

/// The certificate and the rustls configuration of the server; cheap to clone.
#[derive(Clone, Debug)]
pub struct Tls {
    source: TlsSource,
    current: Arc<CurrentCertificate>,
    config: Arc<ServerConfig>,
}

/// The certificate for new connections.
#[derive(Debug)]
struct CurrentCertificate(RwLock<LoadedCertificate>);

#[derive(Clone, Debug)]
struct LoadedCertificate {
    key: Arc<CertifiedKey>,
    info: CertificateInfo,
    /// the shop's certificate authority, if it has signed the certificate
    ca: Option<Arc<CaCertificate>>,
}

impl CurrentCertificate {
    fn get(&self) -> LoadedCertificate {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ResolvesServerCert for CurrentCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.get().key)
    }
}

impl Tls {
    /// Loads the certificate; generates one of the shop's certificate authority if that is configured and none is valid.
    ///
    /// # Errors
    /// A [`TlsError`] with file and reason.
    pub fn open(source: &TlsSource, now: Moment) -> Result<Self, TlsError> {
        Self::open_for(source, &ServerNames::of_this_computer(), now)
    }

    pub(super) fn open_for(source: &TlsSource, names: &ServerNames, now: Moment) -> Result<Self, TlsError> {
        if let TlsSource::ShopCa(folder) = source {
            shop_ca::ensure_certificate(folder, names, now)?;
        }
        let current = Arc::new(CurrentCertificate(RwLock::new(load(source)?)));
        let rejected = |error: rustls::Error| TlsError::Rejected(error.to_string());
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(rejected)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&current) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { source: source.clone(), current, config: Arc::new(config) })
    }

    /// The certificate in use.
    pub fn certificate(&self) -> CertificateInfo {
        self.current.get().info
    }

    /// The shop's certificate authority; None with the owner's certificate.
    pub fn ca(&self) -> Option<Arc<CaCertificate>> {
        self.current.get().ca
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config))
    }

    /// Reloads the files when they change, and renews a certificate of the shop's authority when necessary. If the files are
    /// invalid, the current certificate stays in use.
    pub async fn run_reloader(self, clock: Arc<dyn Clock>) {
        let mut loaded = self.modified();
        loop {
            tokio::time::sleep(CHECK_INTERVAL).await;
            if let Err(error) = self.renew(&ServerNames::of_this_computer(), clock.now()) {
                tracing::error!(%error, "인증서를 갱신하지 못해 이전 인증서를 그대로 써요");
            }
            let modified = self.modified();
            if modified != loaded {
                loaded = modified;
                match self.reload() {
                    Ok(certificate) => {
                        tracing::info!(expires_at = %certificate.expires_at, "새 인증서를 쓰기 시작했어요");
                    }
                    Err(error) => {
                        tracing::error!(%error, "새 인증서가 맞지 않아 이전 인증서를 그대로 써요");
                    }
                }
            }
        }
    }

    /// Replaces the files of a certificate of the shop's authority that expires soon or lacks one of `names`.
    pub(super) fn renew(&self, names: &ServerNames, now: Moment) -> Result<(), TlsError> {
        if let TlsSource::ShopCa(folder) = &self.source {
            shop_ca::ensure_certificate(folder, names, now)?;
        }
        Ok(())
    }

    pub(super) fn reload(&self) -> Result<CertificateInfo, TlsError> {
        let loaded = load(&self.source)?;
        let info = loaded.info.clone();
        *self.current.0.write().unwrap_or_else(PoisonError::into_inner) = loaded;
        Ok(info)
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
        TlsSource::ShopCa(_) if !source.files().0.exists() => Ok(None),
        source => load(source).map(|loaded| Some(loaded.info)),
    }
}

fn load(source: &TlsSource) -> Result<LoadedCertificate, TlsError> {
    let (cert, key) = source.files();
    let unusable = |path: &Path, reason: String| TlsError::File { path: path.to_owned(), reason };
    let chain = CertificateDer::pem_file_iter(&cert).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(|error| unusable(&cert, error.to_string()))?;
    let first = chain.first().ok_or_else(|| unusable(&cert, "no certificate".to_owned()))?;
    let info = CertificateInfo::of(first).ok_or_else(|| unusable(&cert, "not an X.509 certificate".to_owned()))?;
    let private = PrivateKeyDer::from_pem_file(&key).map_err(|error| unusable(&key, error.to_string()))?;
    let certified = CertifiedKey::from_der(chain, private, &ring::default_provider())
        .map_err(|error| TlsError::Rejected(error.to_string()))?;
    let ca = match source {
        TlsSource::ShopCa(folder) => CaCertificate::read(folder)?.map(Arc::new),
        TlsSource::Files { .. } => None,
    };
    Ok(LoadedCertificate { key: Arc::new(certified), info, ca })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment(1_795_316_400_000);

    #[test]
    fn changed_files_are_reloaded_and_invalid_files_are_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        let generate =
            |folder: &Path| Tls::open(&TlsSource::ShopCa(folder.to_owned()), NOW).expect("generates one").certificate();
        let generated = [generate(&one), generate(&other)];
        let files = |cert: &Path, key: &Path| TlsSource::Files { cert: cert.to_owned(), key: key.to_owned() };
        let tls = Tls::open(&files(&one.join("cert.pem"), &one.join("key.pem")), NOW).expect("opens");
        assert_eq!(tls.certificate(), generated[0]);

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
