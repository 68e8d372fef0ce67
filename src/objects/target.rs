//! A place for objects: a folder, an S3-compatible store, Google Cloud Storage, or Azure Blob Storage.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use futures_util::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path as StorePath;
use object_store::{
    Error, MultipartUpload, ObjectStore, ObjectStoreExt, ObjectStoreScheme, PutMode, PutOptions, PutPayload,
    parse_url_opts,
};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use tokio::io::AsyncReadExt;
use url::Url;

use crate::text::hex;

/// Timeout of a request that transfers data, at most one part of a snapshot.
const TRANSFER_TIMEOUT: Duration = Duration::from_mins(2);

/// Timeout of a request without a body.
const METADATA_TIMEOUT: Duration = Duration::from_secs(20);

/// Size of a part of a multipart upload. S3 allows 10,000 parts, so a snapshot may have 160 GB.
const PART_BYTES: usize = 16 << 20;

/// File in a folder target that proves that it is the drive which was used before.
const MARK_FILE: &str = "mukkeum-backup";

/// The content of the mark of a folder; creates it with a random one. The file appears with its content, so that no other
/// program reads half of it.
fn read_or_create_mark(folder: &Path) -> io::Result<String> {
    let (mark, file) = (hex(&crate::random::bytes::<8>().map_err(io::Error::other)?), folder.join(MARK_FILE));
    let mut created = NamedTempFile::new_in(folder)?;
    io::Write::write_all(&mut created, mark.as_bytes())?;
    match created.persist_noclobber(&file) {
        Ok(_) => Ok(mark),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => std::fs::read_to_string(file),
        Err(error) => Err(error.error),
    }
}

/// Creates the folder with its mark, and writes the mark to `known`.
fn remember_mark(folder: &Path, known: &Path) -> io::Result<String> {
    std::fs::create_dir_all(folder)?;
    let mark = read_or_create_mark(folder)?;
    std::fs::write(known, &mark)?;
    Ok(mark)
}

/// Error of a target.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The address cannot be parsed, names an unknown kind of store, or contains a secret.
    #[error(
        "백업 주소를 알아볼 수 없어요: {0}\nfile:///폴더, s3://버킷/경로, gs://버킷/경로, az://컨테이너/경로 모양으로 입력해 주세요."
    )]
    InvalidAddress(String),
    /// The store cannot be reached, or does not answer in time.
    #[error("백업할 곳에 닿지 않아요: {0}")]
    Unreachable(String),
    /// The folder is missing, or is not the one that was used before: its drive is not mounted.
    #[error("백업하던 드라이브가 연결되지 않았어요: {0}. 드라이브를 연결하면 밀린 것부터 자동으로 복사해요.")]
    NotMounted(String),
    /// The credentials of a store do not allow the request.
    #[error("백업할 곳에 쓸 권한이 없어요. 자격 증명을 확인해 주세요: {0}")]
    PermissionDenied(String),
    /// The system does not let the program write to the folder.
    #[error("폴더에 쓸 권한이 없어요. 다른 폴더를 선택하거나, 폴더의 주인과 읽기 전용인지를 확인해 주세요: {0}")]
    NotWritable(String),
    /// The store, or the local disk of a download, is full.
    #[error("백업할 곳에 공간이 없어요: {0}")]
    NoSpace(String),
    /// The object does not exist.
    #[error("백업에 그 파일이 없어요: {0}")]
    NotFound(String),
    /// An object of that name exists already.
    #[error("같은 이름의 다른 파일이 있어요: {0}")]
    AlreadyExists(String),
}

/// An address as people read it: of a folder, its path.
pub fn readable_address(address: &str) -> String {
    local_folder(address).map_or_else(|| address.to_owned(), |folder| folder.display().to_string())
}

/// The folder of the address of a folder.
fn local_folder(address: &str) -> Option<PathBuf> {
    Url::parse(address).ok().filter(|url| url.scheme() == "file").and_then(|url| url.to_file_path().ok())
}

/// Whether the address is a folder on the same file system as the path, so that one broken disk takes both. Neither need
/// exist yet. False where it cannot be told.
pub fn is_on_disk_of(address: &str, path: &Path) -> bool {
    let disk = |path: &Path| std::path::absolute(path).ok()?.ancestors().find_map(disk_of);
    let of_address = local_folder(address).and_then(|folder| disk(&folder));
    of_address.is_some() && of_address == disk(path)
}

/// What tells the file system of an existing path from others.
#[cfg(unix)]
fn disk_of(path: &Path) -> Option<u64> {
    std::os::unix::fs::MetadataExt::dev(&std::fs::metadata(path).ok()?).into()
}

/// What tells the file system of an existing path from others: its drive.
#[cfg(not(unix))]
fn disk_of(path: &Path) -> Option<std::ffi::OsString> {
    Some(path.canonicalize().ok()?.components().next()?.as_os_str().to_owned())
}

/// A place for objects; cheap to clone.
#[derive(Clone)]
pub struct Target {
    store: Arc<dyn ObjectStore>,
    root: StorePath,
    /// path of a folder target, which may be on a removable drive
    folder: Option<PathBuf>,
    /// content of the mark that a folder target has had since its first use
    mark: Arc<OnceLock<String>>,
    /// whether the store honours conditional puts
    conditional_put: Arc<AtomicBool>,
    /// normalised address, without secrets, for pages and logs
    pub shown: String,
}

impl Target {
    /// The place at an address with these credentials; without any, with those of the environment.
    ///
    /// # Errors
    /// [`TargetError::InvalidAddress`].
    pub fn open(address: &str, options: Vec<(String, String)>) -> Result<Self, TargetError> {
        if !options.is_empty() {
            return Self::parse(address, options);
        }
        let is_store_option = |name: &str| ["AWS_", "GOOGLE_", "AZURE_"].iter().any(|prefix| name.starts_with(prefix));
        Self::parse(address, std::env::vars().filter(|(name, _)| is_store_option(name)))
    }

    /// Parses an address. `options` are credentials, region and endpoint, under the names of the stores' own
    /// tools (`AWS_ACCESS_KEY_ID` …); each store reads its own.
    ///
    /// # Errors
    /// [`TargetError::InvalidAddress`].
    pub fn parse(address: &str, options: impl IntoIterator<Item = (String, String)>) -> Result<Self, TargetError> {
        let invalid = |error: &dyn std::fmt::Display| TargetError::InvalidAddress(format!("{address} ({error})"));
        let url = Url::parse(address).map_err(|error| invalid(&error))?;
        // The address is shown on pages and in logs, so it must not contain a secret.
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
            return Err(TargetError::InvalidAddress(
                "주소에 비밀번호나 열쇠를 넣지 마세요. 저장소의 환경 변수로 알려 주세요.".to_owned(),
            ));
        }
        let shown = url.as_str().trim_end_matches('/').to_owned();
        if url.scheme() == "file" {
            let folder = url.to_file_path().map_err(|()| invalid(&"file:///"))?;
            let store = Arc::new(LocalFileSystem::new().with_fsync(true));
            let root = StorePath::from_absolute_path(&folder).map_err(|error| invalid(&error))?;
            return Ok(Self {
                store,
                root,
                folder: Some(folder),
                mark: Arc::default(),
                conditional_put: Arc::new(AtomicBool::new(true)),
                shown,
            });
        }
        let (scheme, _) = ObjectStoreScheme::parse(&url).map_err(|error| invalid(&error))?;
        if matches!(scheme, ObjectStoreScheme::Memory | ObjectStoreScheme::Http) {
            return Err(invalid(&url.scheme()));
        }
        // The crypto provider of the whole program; a second installation fails harmlessly.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let defaults = [("timeout", "120 seconds"), ("aws_conditional_put", "etag")];
        let defaults = defaults.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let options = options.into_iter().chain(defaults);
        let (store, root) = parse_url_opts(&url, options).map_err(|error| invalid(&error))?;
        Ok(Self {
            store: Arc::from(store),
            root,
            folder: None,
            mark: Arc::default(),
            conditional_put: Arc::new(AtomicBool::new(true)),
            shown,
        })
    }

    #[cfg(test)]
    pub(crate) fn from_store(store: Arc<dyn ObjectStore>) -> Self {
        let (root, conditional_put) = (StorePath::from("shop"), Arc::new(AtomicBool::new(true)));
        Self { store, root, folder: None, mark: Arc::default(), conditional_put, shown: "memory:///shop".to_owned() }
    }

    /// Name of the target's spool folder: a hash of the address.
    pub fn id(&self) -> String {
        hex(&Sha256::digest(&self.shown)[..6])
    }

    /// Creates the folder of a folder target at its first use, and marks it. `spool` remembers the mark: later, a folder
    /// without it is the empty mount point of a drive that is not mounted, and writing would fill the shop's own disk.
    pub fn mark_folder(&self, spool: &Path) -> io::Result<()> {
        // The uploaders of a target start at the same moment. One marks it, and the others know the mark then.
        static MARKING: Mutex<()> = Mutex::new(());
        let _guard = MARKING.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(folder) = self.folder.as_ref().filter(|_| self.mark.get().is_none()) else { return Ok(()) };
        let known = spool.join(MARK_FILE);
        let mark = match std::fs::read_to_string(&known) {
            Ok(mark) if !mark.is_empty() => mark,
            // An empty file is what a power failure leaves.
            Ok(_) => remember_mark(folder, &known)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => remember_mark(folder, &known)?,
            Err(error) => return Err(error),
        };
        let _ = self.mark.set(mark);
        Ok(())
    }

    fn check_mounted(&self) -> Result<(), TargetError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let is_marked =
            |mark: &String| std::fs::read_to_string(folder.join(MARK_FILE)).is_ok_and(|found| found == *mark);
        if folder.is_dir() && self.mark.get().is_none_or(is_marked) {
            return Ok(());
        }
        let folder = folder.display().to_string();
        Err(if self.mark.get().is_some() { TargetError::NotMounted(folder) } else { TargetError::Unreachable(folder) })
    }

    fn store_path(&self, path: &str) -> StorePath {
        path.split('/').fold(self.root.clone(), StorePath::join)
    }

    /// Creates an object.
    ///
    /// # Errors
    /// [`TargetError::AlreadyExists`] if one of that name exists.
    pub async fn create(&self, path: &str, object: Vec<u8>) -> Result<(), TargetError> {
        self.check_mounted()?;
        if !self.conditional_put.load(Ordering::Relaxed) {
            return match within(METADATA_TIMEOUT, self.store.head(&self.store_path(path))).await {
                Ok(_) => Err(TargetError::AlreadyExists(path.to_owned())),
                Err(TargetError::NotFound(_)) => self.replace(path, object).await,
                Err(error) => Err(error),
            };
        }
        self.put_if_absent(path, object).await
    }

    /// Creates an object by a conditional put, whether or not the store is known to honour it.
    pub async fn put_if_absent(&self, path: &str, object: Vec<u8>) -> Result<(), TargetError> {
        let options = PutOptions::from(PutMode::Create);
        let key = self.store_path(path);
        within(TRANSFER_TIMEOUT, self.store.put_opts(&key, PutPayload::from(object), options)).await.map(drop)
    }

    /// Writes an object, replacing any of that name.
    pub async fn replace(&self, path: &str, object: Vec<u8>) -> Result<(), TargetError> {
        self.check_mounted()?;
        within(TRANSFER_TIMEOUT, self.store.put(&self.store_path(path), PutPayload::from(object))).await.map(drop)
    }

    /// Uploads a file of any size, in parts if it is large. An object of that name is replaced.
    pub async fn upload(&self, path: &str, file: &Path) -> Result<(), TargetError> {
        self.check_mounted()?;
        let unreadable = |error: io::Error| TargetError::Unreachable(error.to_string());
        let mut from = tokio::fs::File::open(file).await.map_err(unreadable)?;
        if from.metadata().await.map_err(unreadable)?.len() <= PART_BYTES as u64 {
            let mut object = Vec::new();
            from.read_to_end(&mut object).await.map_err(unreadable)?;
            return self.replace(path, object).await;
        }
        let key = self.store_path(path);
        let mut parts = within(METADATA_TIMEOUT, self.store.put_multipart(&key)).await?;
        let done = send_parts(parts.as_mut(), &mut from).await;
        if done.is_err() {
            // Removes the parts sent so far; an unreachable store expires them later.
            let _ = within(METADATA_TIMEOUT, parts.abort()).await;
        }
        done
    }

    /// Reads an object into memory.
    pub async fn get(&self, path: &str) -> Result<Vec<u8>, TargetError> {
        self.check_mounted()?;
        let found = within(TRANSFER_TIMEOUT, self.store.get(&self.store_path(path))).await?;
        Ok(within(TRANSFER_TIMEOUT, found.bytes()).await?.to_vec())
    }

    /// Streams an object into a file.
    pub async fn download(&self, path: &str, to: &mut (impl io::Write + Send)) -> Result<(), TargetError> {
        self.check_mounted()?;
        let found = within(TRANSFER_TIMEOUT, self.store.get(&self.store_path(path))).await?;
        let mut chunks = found.into_stream();
        while let Some(chunk) = within(TRANSFER_TIMEOUT, chunks.try_next()).await? {
            to.write_all(&chunk).map_err(|error| TargetError::NoSpace(error.to_string()))?;
        }
        Ok(())
    }

    /// Paths of all objects below `folder` with their sizes in bytes, sorted.
    pub async fn list(&self, folder: &str) -> Result<Vec<(String, u64)>, TargetError> {
        self.check_mounted()?;
        let below = folder.split('/').filter(|part| !part.is_empty()).fold(self.root.clone(), StorePath::join);
        let found: Vec<_> = within(TRANSFER_TIMEOUT, self.store.list(Some(&below)).try_collect()).await?;
        let mut paths: Vec<_> = found
            .into_iter()
            .filter_map(|meta| {
                let path: Vec<_> = meta.location.prefix_match(&self.root)?.collect();
                let path: Vec<&str> = path.iter().map(AsRef::as_ref).collect();
                Some((path.join("/"), meta.size))
            })
            .collect();
        paths.sort();
        Ok(paths)
    }

    /// Deletes an object. A missing object is no error.
    pub async fn delete(&self, path: &str) -> Result<(), TargetError> {
        self.check_mounted()?;
        match within(METADATA_TIMEOUT, self.store.delete(&self.store_path(path))).await {
            Err(TargetError::NotFound(_)) => Ok(()),
            other => other,
        }
    }

    /// Declares whether the store honours conditional puts. Without them [`Self::create`] looks before it
    /// writes, which leaves a race window between two programs.
    pub fn set_conditional_put(&self, is_supported: bool) {
        self.conditional_put.store(is_supported, Ordering::Relaxed);
    }

    /// The path of a folder target.
    pub fn folder_path(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Whether the target is a folder of a file system.
    pub fn is_folder(&self) -> bool {
        self.folder.is_some()
    }
}

async fn send_parts(parts: &mut dyn MultipartUpload, from: &mut tokio::fs::File) -> Result<(), TargetError> {
    loop {
        let mut part = Vec::with_capacity(PART_BYTES);
        let read = from.take(PART_BYTES as u64).read_to_end(&mut part).await;
        if read.map_err(|error| TargetError::Unreachable(error.to_string()))? == 0 {
            return within(TRANSFER_TIMEOUT, parts.complete()).await.map(drop);
        }
        within(TRANSFER_TIMEOUT, parts.put_part(PutPayload::from(part))).await?;
    }
}

/// Runs a request with a timeout.
async fn within<T>(limit: Duration, request: impl Future<Output = object_store::Result<T>>) -> Result<T, TargetError> {
    match tokio::time::timeout(limit, request).await {
        Ok(answer) => answer.map_err(TargetError::from),
        Err(_) => Err(TargetError::Unreachable(format!("{}초 동안 답이 없어요", limit.as_secs()))),
    }
}

impl From<Error> for TargetError {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        let of_system = os_error(&error).map(io::Error::kind);
        match error {
            Error::NotFound { path, .. } => Self::NotFound(path),
            Error::AlreadyExists { path, .. } | Error::Precondition { path, .. } => Self::AlreadyExists(path),
            Error::PermissionDenied { .. } | Error::Unauthenticated { .. } if of_system.is_none() => {
                Self::PermissionDenied(message)
            }
            _ => match of_system {
                Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => Self::NoSpace(message),
                Some(
                    io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::Unsupported,
                ) => Self::NotWritable(message),
                _ => Self::Unreachable(message),
            },
        }
    }
}

/// The operating system's error in the chain of sources.
fn os_error<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e io::Error> {
    std::iter::successors(Some(error), |error| error.source()).find_map(|error| error.downcast_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn folder_on_the_disk_of_the_data_is_told_from_others() {
        let computer = tempfile::tempdir().expect("a folder");
        let data = computer.path().join("data");
        let address = |path: &Path| Url::from_directory_path(path).expect("a path").to_string();
        assert!(is_on_disk_of(&address(&computer.path().join("new/mukkeum-backup")), &data), "neither exists yet");
        assert!(!is_on_disk_of("file:///proc/mukkeum-backup/", &data), "another file system");
        assert!(!is_on_disk_of("s3://shop/copies", &data));
    }

    #[tokio::test]
    async fn drive_that_is_not_mounted_is_not_written_to() {
        let (spool, drive) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let folder = drive.path().join("shop");
        let address = Url::from_directory_path(&folder).expect("a path").to_string();
        let open = || Target::parse(&address, []).expect("an address");
        let target = open();
        target.mark_folder(spool.path()).expect("marks");
        target.replace("one", b"1".to_vec()).await.expect("writes");

        std::fs::rename(&folder, drive.path().join("unmounted")).expect("unmounts");
        std::fs::create_dir(&folder).expect("the empty mount point");
        for target in [target, open()] {
            target.mark_folder(spool.path()).expect("knows the mark");
            let refused = target.replace("two", b"2".to_vec()).await;
            assert!(matches!(refused, Err(TargetError::NotMounted(_))), "{refused:?}");
        }
        assert_eq!(std::fs::read_dir(&folder).expect("reads").count(), 0);
        std::fs::remove_dir(&folder).expect("removes");
        std::fs::rename(drive.path().join("unmounted"), &folder).expect("mounts");
        let again = open();
        again.mark_folder(spool.path()).expect("knows the mark");
        again.replace("two", b"2".to_vec()).await.expect("writes again");
    }

    #[test]
    fn uploaders_that_start_together_agree_on_the_mark() {
        for _ in 0..200 {
            let (spool, drive) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
            let address = Url::from_directory_path(drive.path()).expect("a path").to_string();
            let target = Target::parse(&address, []).expect("an address");
            std::thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| target.mark_folder(spool.path()).expect("marks"));
                }
            });
            target.check_mounted().expect("knows its own mark");
        }
    }

    #[test]
    fn address_of_a_folder_is_read_as_its_path() {
        let folder = if cfg!(windows) { "D:\\내 USB\\백업" } else { "/media/내 USB/백업" };
        let address = Url::from_directory_path(folder).expect("a path").to_string();
        assert!(address.contains("%20") && readable_address(&address).starts_with(folder), "{address}");
        assert_eq!(readable_address("s3://bucket/shop"), "s3://bucket/shop");
    }

    #[test]
    fn right_advice_for_each_kind_of_place() {
        let denied = |source| TargetError::from(Error::Generic { store: "LocalFileSystem", source });
        let folder = denied(Box::new(io::Error::from(io::ErrorKind::PermissionDenied))).to_string();
        assert!(folder.contains("다른 폴더를 선택하거나") && !folder.contains("자격 증명"), "{folder}");
        let store = TargetError::from(Error::Unauthenticated { path: "shop".to_owned(), source: "no key".into() });
        assert!(store.to_string().contains("자격 증명"), "{store}");
    }

    #[test]
    fn addresses_name_a_known_store_and_contain_no_secret() {
        let parse = |address: &str| Target::parse(address, []).map(|target| target.shown);
        assert_eq!(parse("file:///usb/shop/").expect("a folder"), "file:///usb/shop");
        for wrong in ["usb", "file://elsewhere/usb", "memory:///", "http://host/place", "ftp://host/place"] {
            assert!(matches!(parse(wrong), Err(TargetError::InvalidAddress(_))), "{wrong}");
        }
        for secret in ["s3://key:secret@bucket/shop", "https://a.blob.core.windows.net/shop?sig=secret"] {
            let refused = parse(secret).expect_err("a secret").to_string();
            assert!(!refused.contains("secret"), "{refused}");
        }
    }
}
