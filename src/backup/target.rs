//! A place where copies go: a folder, S3 and what speaks it, Google Cloud Storage, Azure.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{
    Error, MultipartUpload, ObjectStore, ObjectStoreExt, ObjectStoreScheme, PutMode, PutOptions, PutPayload,
    parse_url_opts,
};
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;
use url::Url;

use super::object_keys::Name;

/// How long one request may take; a part of a snapshot is the largest.
const PATIENCE: Duration = Duration::from_mins(2);

/// How long a small question may take.
const SHORT_PATIENCE: Duration = Duration::from_secs(20);

/// Parts of a snapshot, bytes. S3 takes 10,000 of them, so a snapshot may have 160 GB.
const PART: usize = 16 << 20;

/// Why a target did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The address is of no use.
    #[error(
        "백업 주소를 알아볼 수 없어요: {0}\nfile:///폴더, s3://버킷/경로, gs://버킷/경로, az://컨테이너/경로 모양으로 적어 주세요."
    )]
    Address(String),
    /// Not there at the moment.
    #[error("백업할 곳에 닿지 않아요: {0}")]
    Away(String),
    /// It does not let us in.
    #[error("백업할 곳에 쓸 권한이 없어요. 자격 증명을 확인해 주세요: {0}")]
    Refused(String),
    /// It is full.
    #[error("백업할 곳에 자리가 없어요: {0}")]
    Full(String),
    /// There is no such object.
    #[error("백업에 그 파일이 없어요: {0}")]
    Missing(String),
    /// Another object of that name is there.
    #[error("같은 이름의 다른 파일이 있어요: {0}")]
    Taken(String),
}

/// A place for copies; cheap to clone.
#[derive(Clone)]
pub struct Target {
    store: Arc<dyn ObjectStore>,
    root: Key,
    /// a folder, which may be unplugged
    folder: Option<PathBuf>,
    /// whether the store honours conditional puts
    conditional_put: Arc<AtomicBool>,
    /// the address, for people
    pub shown: String,
}

impl Target {
    /// The target of an address. `option` gives what object stores want to know: credentials,
    /// region, endpoint, under the names that their own tools use (`AWS_ACCESS_KEY_ID` …).
    ///
    /// # Errors
    /// [`TargetError::Address`].
    pub fn parse(address: &str, options: impl IntoIterator<Item = (String, String)>) -> Result<Self, TargetError> {
        let wrong = |error: &dyn std::fmt::Display| TargetError::Address(format!("{address} ({error})"));
        let url = Url::parse(address).map_err(|error| wrong(&error))?;
        // What is shown on pages and written to logs holds no secret.
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
            return Err(TargetError::Address(
                "주소에 비밀번호나 열쇠를 적지 마세요. 저장소의 환경 변수로 알려 주세요.".to_owned(),
            ));
        }
        let shown = url.as_str().trim_end_matches('/').to_owned();
        if url.scheme() == "file" {
            let folder = url.to_file_path().map_err(|()| wrong(&"file:///"))?;
            let store = Arc::new(LocalFileSystem::new().with_fsync(true));
            let root = Key::from_absolute_path(&folder).map_err(|error| wrong(&error))?;
            return Ok(Self {
                store,
                root,
                folder: Some(folder),
                conditional_put: Arc::new(AtomicBool::new(true)),
                shown,
            });
        }
        let (scheme, _) = ObjectStoreScheme::parse(&url).map_err(|error| wrong(&error))?;
        if matches!(scheme, ObjectStoreScheme::Memory | ObjectStoreScheme::Http) {
            return Err(wrong(&url.scheme()));
        }
        // The one TLS of the program; a second call finds it installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // Each store reads what is meant for it.
        let always = [("timeout", "120 seconds"), ("aws_conditional_put", "etag")];
        let always = always.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let options = options.into_iter().chain(always);
        let (store, root) = parse_url_opts(&url, options).map_err(|error| wrong(&error))?;
        Ok(Self {
            store: Arc::from(store),
            root,
            folder: None,
            conditional_put: Arc::new(AtomicBool::new(true)),
            shown,
        })
    }

    /// That store.
    #[cfg(test)]
    pub(super) fn of(store: Arc<dyn ObjectStore>) -> Self {
        let (root, conditional_put) = (Key::from("shop"), Arc::new(AtomicBool::new(true)));
        Self { store, root, folder: None, conditional_put, shown: "memory:///shop".to_owned() }
    }

    /// A short name for the folder of what waits for it.
    pub(super) fn id(&self) -> String {
        super::key::hex(&Sha256::digest(&self.shown)[..6])
    }

    /// Makes the folder of a target that is used for the first time. Later a folder that is not there
    /// is a drive that is not plugged in, and nothing must be written where it was.
    pub(super) fn prepare(&self) -> io::Result<()> {
        self.folder.as_ref().map_or(Ok(()), std::fs::create_dir_all)
    }

    fn is_there(&self) -> Result<(), TargetError> {
        match &self.folder {
            Some(folder) if !folder.is_dir() => Err(TargetError::Away(folder.display().to_string())),
            _ => Ok(()),
        }
    }

    fn key(&self, path: &str) -> Key {
        path.split('/').fold(self.root.clone(), Key::join)
    }

    /// Puts an object where none of that name may be.
    pub(super) async fn create(&self, path: &str, object: Vec<u8>) -> Result<(), TargetError> {
        self.is_there()?;
        if !self.conditional_put.load(Ordering::Relaxed) {
            return match within(SHORT_PATIENCE, self.store.head(&self.key(path))).await {
                Ok(_) => Err(TargetError::Taken(path.to_owned())),
                Err(TargetError::Missing(_)) => self.replace(path, object).await,
                Err(error) => Err(error),
            };
        }
        self.put_if_absent(path, object).await
    }

    /// Puts an object on the condition that none of that name exists.
    pub(super) async fn put_if_absent(&self, path: &str, object: Vec<u8>) -> Result<(), TargetError> {
        let options = PutOptions::from(PutMode::Create);
        let key = self.key(path);
        within(PATIENCE, self.store.put_opts(&key, PutPayload::from(object), options)).await.map(drop)
    }

    /// Puts an object, whatever was there.
    pub(super) async fn replace(&self, path: &str, object: Vec<u8>) -> Result<(), TargetError> {
        self.is_there()?;
        within(PATIENCE, self.store.put(&self.key(path), PutPayload::from(object))).await.map(drop)
    }

    /// Puts a file, which may be large.
    pub(super) async fn upload(&self, path: &str, file: &Path) -> Result<(), TargetError> {
        self.is_there()?;
        let unreadable = |error: io::Error| TargetError::Away(error.to_string());
        let mut from = tokio::fs::File::open(file).await.map_err(unreadable)?;
        if from.metadata().await.map_err(unreadable)?.len() <= PART as u64 {
            let mut object = Vec::new();
            from.read_to_end(&mut object).await.map_err(unreadable)?;
            return self.replace(path, object).await;
        }
        let key = self.key(path);
        let mut parts = within(SHORT_PATIENCE, self.store.put_multipart(&key)).await?;
        let done = send_parts(parts.as_mut(), &mut from).await;
        if done.is_err() {
            // What was sent of it is cleared away; a store that is away does that by itself later.
            let _ = within(SHORT_PATIENCE, parts.abort()).await;
        }
        done
    }

    /// A whole object.
    pub(super) async fn get(&self, path: &str) -> Result<Vec<u8>, TargetError> {
        self.is_there()?;
        let found = within(PATIENCE, self.store.get(&self.key(path))).await?;
        Ok(within(PATIENCE, found.bytes()).await?.to_vec())
    }

    /// An object into a file, piece by piece.
    pub(super) async fn download(&self, path: &str, to: &mut std::fs::File) -> Result<(), TargetError> {
        self.is_there()?;
        let found = within(PATIENCE, self.store.get(&self.key(path))).await?;
        let mut pieces = found.into_stream();
        while let Some(piece) = within(PATIENCE, pieces.try_next()).await? {
            io::Write::write_all(to, &piece).map_err(|error| TargetError::Full(error.to_string()))?;
        }
        Ok(())
    }

    /// Every object below `folder`, with its size. Files of others are left out.
    pub(super) async fn list(&self, folder: &str) -> Result<Vec<(Name, u64)>, TargetError> {
        self.is_there()?;
        let below = folder.split('/').filter(|part| !part.is_empty()).fold(self.root.clone(), Key::join);
        let found: Vec<_> = within(PATIENCE, self.store.list(Some(&below)).try_collect()).await?;
        let mut names: Vec<_> = found
            .into_iter()
            .filter_map(|meta| {
                let path: Vec<_> = meta.location.prefix_match(&self.root)?.collect();
                let path: Vec<&str> = path.iter().map(AsRef::as_ref).collect();
                Some((Name::parse(&path.join("/"))?, meta.size))
            })
            .collect();
        names.sort();
        Ok(names)
    }

    /// Deletes an object; one that is not there is deleted.
    pub(super) async fn delete(&self, path: &str) -> Result<(), TargetError> {
        self.is_there()?;
        match within(SHORT_PATIENCE, self.store.delete(&self.key(path))).await {
            Err(TargetError::Missing(_)) => Ok(()),
            other => other,
        }
    }

    /// Declares whether the store honours conditional puts. Without them [`Self::create`] looks before it
    /// writes, which leaves a race window between two programs.
    pub(super) fn set_conditional_put(&self, is_supported: bool) {
        self.conditional_put.store(is_supported, Ordering::Relaxed);
    }

    /// Whether the target is a folder of a file system.
    pub(super) fn is_folder(&self) -> bool {
        self.folder.is_some()
    }
}

async fn send_parts(parts: &mut dyn MultipartUpload, from: &mut tokio::fs::File) -> Result<(), TargetError> {
    loop {
        let mut part = Vec::with_capacity(PART);
        let read = from.take(PART as u64).read_to_end(&mut part).await;
        if read.map_err(|error| TargetError::Away(error.to_string()))? == 0 {
            return within(PATIENCE, parts.complete()).await.map(drop);
        }
        within(PATIENCE, parts.put_part(PutPayload::from(part))).await?;
    }
}

async fn within<T>(patience: Duration, work: impl Future<Output = object_store::Result<T>>) -> Result<T, TargetError> {
    match tokio::time::timeout(patience, work).await {
        Ok(answer) => answer.map_err(TargetError::from),
        Err(_) => Err(TargetError::Away(format!("{}초 동안 답이 없어요", patience.as_secs()))),
    }
}

impl From<Error> for TargetError {
    fn from(error: Error) -> Self {
        let words = error.to_string();
        match error {
            Error::NotFound { path, .. } => Self::Missing(path),
            Error::AlreadyExists { path, .. } | Error::Precondition { path, .. } => Self::Taken(path),
            Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => Self::Refused(words),
            other => match system(&other).map(io::Error::kind) {
                Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => Self::Full(words),
                Some(
                    io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::Unsupported,
                ) => Self::Refused(words),
                _ => Self::Away(words),
            },
        }
    }
}

/// What the system said, somewhere below.
fn system<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e io::Error> {
    std::iter::successors(Some(error), |error| error.source()).find_map(|error| error.downcast_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_place_of_a_known_kind_and_holds_no_secret() {
        let parse = |address: &str| Target::parse(address, []).map(|target| target.shown);
        assert_eq!(parse("file:///usb/shop/").expect("a folder"), "file:///usb/shop");
        for wrong in ["usb", "file://elsewhere/usb", "memory:///", "http://host/place", "ftp://host/place"] {
            assert!(matches!(parse(wrong), Err(TargetError::Address(_))), "{wrong}");
        }
        for secret in ["s3://key:secret@bucket/shop", "https://a.blob.core.windows.net/shop?sig=secret"] {
            let refused = parse(secret).expect_err("a secret").to_string();
            assert!(!refused.contains("secret"), "{refused}");
        }
    }
}
