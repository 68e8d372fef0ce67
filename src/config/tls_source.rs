//! Source of the certificate and private key for HTTPS.

use std::path::PathBuf;

/// Source of the certificate and private key for HTTPS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsSource {
    /// signed by the shop's own certificate authority; both are generated and stored in this folder
    ShopCa(PathBuf),
    /// the owner's own files, PEM
    Files {
        /// the certificate chain, the server's certificate first
        cert: PathBuf,
        /// its private key
        key: PathBuf,
    },
}

impl TlsSource {
    /// The files of the certificate and of its private key.
    pub fn files(&self) -> (PathBuf, PathBuf) {
        match self {
            Self::ShopCa(folder) => (folder.join("cert.pem"), folder.join("key.pem")),
            Self::Files { cert, key } => (cert.clone(), key.clone()),
        }
    }
}
